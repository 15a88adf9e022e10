#include "paralogit/base/threads.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

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
}  // namespace paralogit
