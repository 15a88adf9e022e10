#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <string>

#include "paralogit/base/output_file.hpp"
#include "support/files.hpp"

namespace paralogit {
namespace {

using test::TemporaryFolder;

/// How a process ends that creates an output in the folder, and that gets the signal at the first
/// system call at whose border a file is there: no moment is earlier.
int end_of_creator(const TemporaryFolder& folder, int signal) {
    const pid_t creator = ::fork();
    if (creator == 0) {
        remove_temporaries_on_signals();
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        static_cast<void>(::raise(SIGSTOP));
        const OutputFile file(folder.file("out.h5"));
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(creator, &status, 0);
    while (WIFSTOPPED(status)) {
        const bool is_there = !folder.names().empty();
        if (is_there) {
            ::kill(creator, signal);
        }
        ::ptrace(is_there ? PTRACE_DETACH : PTRACE_SYSCALL, creator, nullptr, nullptr);
        ::waitpid(creator, &status, 0);
    }
    return status;
}

TEST(TemporaryFiles, AreRemovedByASignalThatComesAsSoonAsTheyExist) {
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
        const TemporaryFolder folder;

        const int status = end_of_creator(folder, signal);

        ASSERT_TRUE(WIFSIGNALED(status)) << status;
        EXPECT_EQ(WTERMSIG(status), signal);
        EXPECT_EQ(folder.names(), std::set<std::string>{});
    }
}

}  // namespace
}  // namespace paralogit
