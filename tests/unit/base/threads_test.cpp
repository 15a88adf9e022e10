#include "paralogit/base/threads.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "paralogit/base/chunks.hpp"

namespace paralogit {
namespace {

TEST(PartOf, CoversTheWholeInOrderWithPartsThatDifferByOneAtMost) {
    for (const int parts : {1, 2, 3, 7, 20}) {
        Index at = 5;
        for (int part = 0; part < parts; ++part) {
            const Range range = part_of({.first = 5, .end = 18}, part, parts);
            EXPECT_EQ(range.first, at);
            EXPECT_GE(range.size(), 13 / parts);
            EXPECT_LE(range.size(), 13 / parts + 1);
            at = range.end;
        }
        EXPECT_EQ(at, 18);
    }
}

TEST(RunThreads, CallsTheActionOnceForEveryNumber) {
    for (const int threads : {1, 2, 3, 8}) {
        std::vector<std::atomic<int>> calls(static_cast<std::size_t>(threads));
        run_threads(threads, [&](int thread) { ++calls[static_cast<std::size_t>(thread)]; });
        for (const auto& count : calls) {
            EXPECT_EQ(count, 1);
        }
    }
}

TEST(ThreadsGranted, AreAllThatAreWantedWhereThereIsNoLimit) {
    for (const int threads : {1, 2, 9}) {
        EXPECT_EQ(threads_granted(threads), threads);
    }
}

// The sanitizer needs address space of its own for each thread, and ends the process without it.
#ifndef __SANITIZE_ADDRESS__
TEST(ThreadsGranted, AreThoseThatTheSystemLetsTheProcessHave) {
    const auto granted_of_fifty = [] {
        // Room for the stacks of some.
        const rlim_t bytes = rlim_t{100} << 20U;
        std::ifstream statm("/proc/self/statm");
        rlim_t pages = 0;
        statm >> pages;
        const rlim_t most = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + bytes;
        const rlimit limit{.rlim_cur = most, .rlim_max = most};
        ::setrlimit(RLIMIT_AS, &limit);
        std::_Exit(threads_granted(50));
    };
    const auto is_less = [](int status) {
        return WIFEXITED(status) && WEXITSTATUS(status) > 1 && WEXITSTATUS(status) < 50;
    };

    EXPECT_EXIT(granted_of_fifty(), is_less, "");
}
#endif

TEST(RunThreads, ThrowsTheExceptionOfTheLowestNumberAfterAllHaveEnded) {
    std::atomic<int> ended = 0;
    try {
        run_threads(4, [&](int thread) {
            ++ended;
            if (thread >= 2) {
                throw std::runtime_error(std::to_string(thread));
            }
        });
        FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "2");
    }
    EXPECT_EQ(ended, 4);
}

TEST(AvailableCores, AreDistinctAndRising) {
    const std::vector<int> cores = available_cores();
    ASSERT_FALSE(cores.empty());
    EXPECT_GE(cores.front(), 0);
    for (std::size_t i = 1; i < cores.size(); ++i) {
        EXPECT_LT(cores[i - 1], cores[i]);
    }
}

}  // namespace
TEST(Chunks, AddUpToTheSameBitsByAnyNumberOfThreads) {
    constexpr Index size = 5 * chunk_size + 77;
    const auto sum = [&](int threads) {
        std::vector<Range> chunks(6);
        const double total = sum_of_chunks(size, threads, [&](Range chunk) {
            chunks[static_cast<std::size_t>(chunk.first / chunk_size)] = chunk;
            double part = 0;
            for (Index j = chunk.first; j < chunk.end; ++j) {
                part += 1.0 / static_cast<double>(j + 1);
            }
            return part;
        });
        for (std::size_t k = 0; k < chunks.size(); ++k) {
            EXPECT_EQ(chunks[k].first, static_cast<Index>(k) * chunk_size);
        }
        EXPECT_EQ(chunks.back().end, size);
        return total;
    };
    const double once = sum(1);
    EXPECT_NEAR(once, std::log(static_cast<double>(size)) + 0.5772156649, 1e-5);
    for (const int threads : {2, 3, 7}) {
        EXPECT_EQ(sum(threads), once);
    }
    EXPECT_EQ(sum_of_chunks(0, 2, [](Range) { return 1.0; }), 0);
}

}  // namespace paralogit
