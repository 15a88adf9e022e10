#pragma once

#include <string_view>

#include "paralogit/base/error.hpp"

namespace paralogit::comm {

/// Returns when `status` is MPI_SUCCESS. Otherwise a broken MPI cannot be asked to agree on
/// anything: prints which call failed on which rank, with MPI's own text, and ends all ranks.
void check(int status, std::string_view call);

/// Writes "paralogit: rank r: <text>" to stderr and ends all ranks with `code`.
[[noreturn]] void abort_all(ExitCode code, std::string_view text);

}  // namespace paralogit::comm
