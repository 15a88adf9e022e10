// Loaded before MPI (LD_PRELOAD) it stops the rank STOP_RANK at its first call of the function that
// STOP_IN names, as a signal or a dead file system would at some time. MPI has each of them by a
// second name for such uses. With STOP_LAUNCHER it stops the launcher instead, for so many seconds
// from when this process takes leave of it.
#include <dlfcn.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "comm/mpi_api.hpp"

namespace {

void stop_in(std::string_view function) {
    const auto variable = [](const char* name) {
        const char* const value = std::getenv(name);
        return std::string(value == nullptr ? "" : value);
    };
    if (variable("STOP_IN") == function &&
        variable("STOP_RANK") == variable("OMPI_COMM_WORLD_RANK")) {
        static_cast<void>(unsetenv("STOP_IN"));
        static_cast<void>(std::raise(SIGSTOP));
    }
}

/// Another process wakes the launcher up.
void stop_launcher() {
    const char* const seconds = std::getenv("STOP_LAUNCHER");
    if (seconds == nullptr) {
        return;
    }
    const pid_t launcher = getppid();
    if (fork() == 0) {
        static_cast<void>(sleep(static_cast<unsigned>(std::atoi(seconds))));
        static_cast<void>(kill(launcher, SIGCONT));
        std::_Exit(0);
    }
    static_cast<void>(kill(launcher, SIGSTOP));
}

}  // namespace

extern "C" {

/// Of the library that MPI speaks with its launcher by, which has no second name.
int PMIx_Finalize(const void* info, std::size_t count) {
    stop_launcher();
    using Function = int (*)(const void*, std::size_t);
    void* const library = dlopen("libpmix.so.2", RTLD_NOLOAD | RTLD_LAZY);
    return reinterpret_cast<Function>(dlsym(library, "PMIx_Finalize"))(info, count);
}

int MPI_Init_thread(int* argc, char*** argv, int required, int* provided) {
    stop_in("MPI_Init_thread");
    return PMPI_Init_thread(argc, argv, required, provided);
}

int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm* made) {
    stop_in("MPI_Comm_split_type");
    return PMPI_Comm_split_type(comm, type, key, info, made);
}

int MPI_Allreduce(const void* sent, void* received, int count, MPI_Datatype type, MPI_Op operation,
                  MPI_Comm comm) {
    stop_in("MPI_Allreduce");
    return PMPI_Allreduce(sent, received, count, type, operation, comm);
}

int MPI_Bcast(void* values, int count, MPI_Datatype type, int root, MPI_Comm comm) {
    stop_in("MPI_Bcast");
    return PMPI_Bcast(values, count, type, root, comm);
}

int MPI_Comm_free(MPI_Comm* comm) {
    stop_in("MPI_Comm_free");
    return PMPI_Comm_free(comm);
}

int MPI_Finalize() {
    stop_in("MPI_Finalize");
    return PMPI_Finalize();
}

}  // extern "C"
