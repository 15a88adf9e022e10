#include "paralogit/comm/session.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "check.hpp"
#include "launch.hpp"
#include "mpi_api.hpp"
#include "paralogit/base/error.hpp"

namespace paralogit::comm {

namespace {

const char* environment(const char* variable) {
    return std::getenv(variable);
}

/// Of a job of several processes that are no ranks of one job.
[[noreturn]] void refuse(const Task& task) {
    throw WrongLauncher(wrong_launcher_text(task, library_version()), task.number == 0);
}

}  // namespace

std::string library_version() {
    std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
    int length = 0;
    check(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");
    const std::string_view whole(text.data(), static_cast<std::size_t>(length));
    // Up to who built it when.
    return std::string(whole.substr(0, whole.find_first_of(",\n")));
}

Session::Session(int& argc, char**& argv) {
    int is_started = 0;
    if (MPI_Initialized(&is_started) != MPI_SUCCESS || is_started != 0) {
        throw Error(ExitCode::internal,
                    "internal error: MPI has been started before; make one Session per process");
    }
    // Before MPI starts, which adds to the environment.
    const std::optional<Task> task = task_of_launcher(environment);
    const bool is_one_of_several = task && task->count > 1;
    if (is_one_of_several && is_without_process_manager(*task, environment) &&
        library_version().starts_with("Open MPI")) {
        refuse(*task);
    }
    for (const auto& [name, value] : settings_for_start(environment)) {
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
    int size = 0;
    check(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
    if (is_one_of_several && size == 1) {
        keep_plugins_loaded();
        check(MPI_Finalize(), "MPI_Finalize");
        refuse(*task);
    }
}

Session::~Session() {
    if (std::uncaught_exceptions() > 0) {
        // MPI_Finalize would wait for ranks that wait for this one.
        abort_all(ExitCode::internal,
                  "internal error: an exception ends this rank while others may be waiting for it");
    }
    keep_plugins_loaded();
    const auto begin = std::chrono::steady_clock::now();
    check(MPI_Finalize(), "MPI_Finalize");
    // So long PMIx, by which Open MPI speaks with mpirun, waits for an answer to its farewell, and
    // then goes on without. A process that is gone before a busy mpirun reads the farewell counts
    // as one that crashed, and its job as one that failed.
    constexpr std::chrono::seconds answer_time(2);
    if (std::chrono::steady_clock::now() - begin >= answer_time) {
        std::this_thread::sleep_for(answer_time);
    }
}

}  // namespace paralogit::comm
