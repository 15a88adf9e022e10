#include "paralogit/comm/session.hpp"

#include <cstdlib>
#include <exception>

#include "check.hpp"
#include "launch.hpp"
#include "mpi_api.hpp"
#include "paralogit/base/error.hpp"

namespace paralogit::comm {

Session::Session(int& argc, char**& argv) {
    int is_started = 0;
    if (MPI_Initialized(&is_started) != MPI_SUCCESS || is_started != 0) {
        throw Error(ExitCode::internal,
                    "internal error: MPI has been started before; make one Session per process");
    }
    for (const auto& [name, value] :
         settings_for_start([](const char* variable) { return std::getenv(variable); })) {
        // What the user has set stays.
        static_cast<void>(::setenv(name.c_str(), value.c_str(), 0));
    }
    // Threads compute, the main thread communicates, and beside it the watchdog when a rank is
    // late. An MPI that grants less is used all the same: the watchdog then sends no messages.
    int granted = MPI_THREAD_SINGLE;
    if (MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &granted) != MPI_SUCCESS) {
        throw Error(
            ExitCode::internal,
            "MPI cannot be started; check that mpirun and the MPI library that this program "
            "was built with belong together");
    }
    check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
}

Session::~Session() {
    if (std::uncaught_exceptions() > 0) {
        // MPI_Finalize would wait for ranks that wait for this one.
        abort_all(ExitCode::internal,
                  "internal error: an exception ends this rank while others may be waiting for it");
    }
    keep_plugins_loaded();
    check(MPI_Finalize(), "MPI_Finalize");
}

}  // namespace paralogit::comm
