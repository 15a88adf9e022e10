#include "mapped_rows.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

/// What the system is asked to read while a window is computed on.
constexpr Index bytes_ahead = Index{16} << 20;

}  // namespace

MappedRows::MappedRows(std::shared_ptr<const MappedFile> mapped, Range rows, Index row_bytes,
                       Reading reading)
    : mapped_(std::move(mapped)), rows_(rows), row_bytes_(row_bytes), reading_(reading) {}

MappedRows::~MappedRows() {
    give_back(ahead_);
}

const std::byte* MappedRows::view(Range rows) {
    const Index first = (rows.first - rows_.first) * row_bytes_;
    const Index end = (rows.end - rows_.first) * row_bytes_;
    if (end > ahead_) {
        bring_in(first, end);
    }
    return mapped_->data() + first;
}

void MappedRows::read(Range rows, std::byte* out) {
    std::memcpy(out, view(rows), narrow<std::size_t>(rows.size() * row_bytes_));
}

/// Moves the window on: its first byte is wanted next.
void MappedRows::bring_in(Index first, Index end) {
    // A huge page that is still in use would have to be brought in again.
    constexpr std::uintptr_t huge_page_bytes = std::uintptr_t{2} << 20U;
    const auto address = reinterpret_cast<std::uintptr_t>(mapped_->data() + first);
    give_back(first - static_cast<Index>(address % huge_page_bytes));
    const Index begin = std::max(first, ahead_);
    // What is skipped shall not be brought in.
    const Index wanted = reading_ == Reading::all
                             ? std::min(std::max(end, begin + window_bytes), mapped_->size())
                             : end;
    if (reading_ == Reading::all) {
        const Index until = std::min(wanted + bytes_ahead, mapped_->size());
        const Index from = std::max(asked_for_, begin);
        mapped_->ask_for(from, until - from);
        asked_for_ = until;
    }
    mapped_->populate(begin, wanted - begin);
    ahead_ = wanted;
}

void MappedRows::give_back(Index end) {
    if (end > behind_) {
        mapped_->release(behind_, end - behind_);
        behind_ = end;
    }
}

}  // namespace paralogit::data
