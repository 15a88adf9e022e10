#include "check.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "mpi_api.hpp"

namespace paralogit::comm {

void check(int status, std::string_view call) {
    if (status == MPI_SUCCESS) {
        return;
    }
    std::array<char, MPI_MAX_ERROR_STRING> text{};
    int length = 0;
    std::string cause = "MPI gives no reason";
    if (MPI_Error_string(status, text.data(), &length) == MPI_SUCCESS) {
        cause.assign(text.data(), static_cast<std::size_t>(length));
    }
    abort_all(ExitCode::internal, fmt::format("{} failed: {}", call, cause));
}

void abort_all(ExitCode code, std::string_view text) {
    int rank = -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    // One write, so that the lines of several ranks do not mix.
    const std::string line = fmt::format("paralogit: rank {}: {}\n", rank, text);
    static_cast<void>(std::fflush(stdout));
    static_cast<void>(std::fputs(line.c_str(), stderr));
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
    std::_Exit(static_cast<int>(code));
}

}  // namespace paralogit::comm
