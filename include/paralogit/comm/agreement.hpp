#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "paralogit/comm/communicator.hpp"

namespace paralogit::comm {

/// An Error that all ranks throw at the same place: they may end, or go on, without waiting for one
/// another in vain. Any other exception may be one rank's own.
class AgreedError : public Error {
  public:
    explicit AgreedError(const Error& error) : Error(error) {}
};

/// Whether the text of an agreed error names the rank that it comes from.
enum class NameRank {
    when_it_matters,  ///< when there are several ranks, no row tells where, and the ranks differ
    never,
};

/// Makes one outcome of the ranks' own outcomes: returns when no rank has an error, else throws the
/// same AgreedError on all of them. Among several the one with the lowest global row wins, then the
/// one of the lowest rank; "rank 3 of 8: " stands before its text as `naming` says. @collective:
/// one Allreduce of one integer; a few small messages more when there is an error.
void agree(const Communicator& comm, const std::optional<Error>& own,
           NameRank naming = NameRank::when_it_matters);

/// Where the ranks differ in a text that should be the same on all.
struct Difference {
    int rank = 0;  ///< the lowest that has another text than rank 0
    std::string host_of_root;
    std::string host;
    std::string text_of_root;
    std::string text;
};

/// Empty when all ranks have the same text; else the same on all ranks. @collective: two Allreduces
/// of one integer; a few small messages more when there is a difference.
std::optional<Difference> find_difference(const Communicator& comm, const std::string& own);

/// The Error that stands for a caught exception: itself when it is one, else one with code internal
/// (std::bad_alloc with advice).
Error error_from(const std::exception_ptr& caught);

/// Runs `action` on every rank; all go on, or all throw the same AgreedError. `action` must not
/// communicate. Returns what it returns, by value. @collective
template <class Action>
auto together(const Communicator& comm, Action&& action,
              NameRank naming = NameRank::when_it_matters) {
    using Result = std::invoke_result_t<Action>;
    std::optional<Error> own;
    if constexpr (std::is_void_v<Result>) {
        try {
            std::forward<Action>(action)();
        } catch (...) {
            own = error_from(std::current_exception());
        }
        agree(comm, own, naming);
    } else {
        std::optional<Result> result;
        try {
            result.emplace(std::forward<Action>(action)());
        } catch (...) {
            own = error_from(std::current_exception());
        }
        agree(comm, own, naming);
        return std::move(*result);
    }
}

/// The same for work that rank 0 alone does: `action` runs there, the others wait for the outcome.
/// What it returns is dropped. @collective
template <class Action>
void on_root(const Communicator& comm, Action&& action) {
    together(
        comm,
        [&] {
            if (comm.is_root()) {
                std::forward<Action>(action)();
            }
        },
        NameRank::never);
}

}  // namespace paralogit::comm
