#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "paralogit/comm/communicator.hpp"

namespace paralogit::comm {

/// Makes one outcome of the ranks' own outcomes: returns when no rank has an error, else throws the
/// same Error on all of them. Among several the one with the lowest global row wins, then the one of
/// the lowest rank; the text names the rank, unless a row tells where. @collective, two small
/// messages.
void agree(const Communicator& comm, const std::optional<Error>& own);

/// The Error that stands for a caught exception (std::bad_alloc and others included).
Error error_from(const std::exception_ptr& caught);

/// Runs `action` on every rank; all go on, or all throw the same Error. `action` must not
/// communicate. Returns what it returns. @collective
template <class Action>
auto together(const Communicator& comm, Action&& action) {
    using Result = std::invoke_result_t<Action>;
    std::optional<Error> own;
    if constexpr (std::is_void_v<Result>) {
        try {
            std::forward<Action>(action)();
        } catch (...) {
            own = error_from(std::current_exception());
        }
        agree(comm, own);
    } else {
        std::optional<Result> result;
        try {
            result.emplace(std::forward<Action>(action)());
        } catch (...) {
            own = error_from(std::current_exception());
        }
        agree(comm, own);
        return std::move(*result);
    }
}

/// The same for work that rank 0 alone does: `action` runs there, the others wait for the outcome.
template <class Action>
void on_root(const Communicator& comm, Action&& action) {
    together(comm, [&] {
        if (comm.is_root()) {
            std::forward<Action>(action)();
        }
    });
}

}  // namespace paralogit::comm
