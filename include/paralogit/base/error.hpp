#pragma once

#include <stdexcept>
#include <string>

#include "paralogit/base/types.hpp"

namespace paralogit {

/// What the process returns, the same on all ranks. The numbers are part of the interface.
enum class ExitCode : int {
    done = 0,
    usage = 2,
    input_data = 3,
    model_file = 4,
    diverged = 5,
    cannot_write = 6,
    stalled = 7,
    internal = 70,
    stopped_by_signal = 75,
};

/// A failure that is explained to the user. The text says what, where (file, dataset, row), what
/// was expected and found, and what to do; the caller adds nothing.
class Error : public std::runtime_error {
  public:
    /// `global_row` is the row at fault when there is one, else no_row: among errors of several
    /// ranks the one with the lowest row is reported, so the message does not depend on the number
    /// of ranks.
    Error(ExitCode code, const std::string& text, Index global_row = no_row)
        : std::runtime_error(text), code_(code), global_row_(global_row) {}

    static constexpr Index no_row = -1;

    ExitCode code() const { return code_; }
    Index global_row() const { return global_row_; }

  private:
    ExitCode code_;
    Index global_row_;
};

}  // namespace paralogit
