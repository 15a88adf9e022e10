#pragma once

#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "paralogit/comm/communicator.hpp"

namespace paralogit::train {

/// What each rank has, in the order of ranks. Every list may have another length. @collective
template <class Value>
std::vector<std::vector<Value>> gather_lists(const comm::Communicator& comm,
                                             std::span<const Value> own) {
    static_assert(std::is_trivially_copyable_v<Value>);
    const auto bytes = std::as_bytes(own);
    std::vector<std::vector<Value>> lists;
    for (const std::string& each : comm.all_gather(
             std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()))) {
        std::vector<Value>& list = lists.emplace_back(each.size() / sizeof(Value));
        if (!each.empty()) {
            std::memcpy(list.data(), each.data(), each.size());
        }
    }
    return lists;
}

template <class Value>
std::vector<Value> gather(const comm::Communicator& comm, const Value& own) {
    std::vector<Value> values;
    for (const auto& list : gather_lists<Value>(comm, {&own, 1})) {
        values.push_back(list.front());
    }
    return values;
}

}  // namespace paralogit::train
