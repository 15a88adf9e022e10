#include "paralogit/comm/signals.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <memory>

#include "paralogit/base/error.hpp"
#include "paralogit/comm/communicator.hpp"

namespace paralogit::comm {
namespace {

std::atomic<int> earlier_handler_calls = 0;

extern "C" void count_call(int) {
    ++earlier_handler_calls;
}

void raise_here(int signal) {
    ASSERT_EQ(std::raise(signal), 0);
}

/// Whatever started the tests may have it ignored.
class StopSignal : public testing::TestWithParam<int> {
  protected:
    void SetUp() override {
        struct sigaction standard {};
        standard.sa_handler = SIG_DFL;
        sigemptyset(&standard.sa_mask);
        sigaction(GetParam(), &standard, &earlier_);
    }
    void TearDown() override { sigaction(GetParam(), &earlier_, nullptr); }

  private:
    struct sigaction earlier_ {};
};

INSTANTIATE_TEST_SUITE_P(Signals, StopSignal,
                         testing::Values(SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP));

TEST_P(StopSignal, IsNotedInsteadOfEndingTheProcess) {
    const StopSignals signals;
    const bool was_noted = StopSignals::is_noted();

    raise_here(GetParam());
    raise_here(GetParam());

    EXPECT_FALSE(was_noted);
    EXPECT_TRUE(StopSignals::is_noted());
}

TEST_P(StopSignal, GoesToTheEarlierHandlerAfterwards) {
    earlier_handler_calls = 0;
    struct sigaction counting {};
    struct sigaction original {};
    counting.sa_handler = count_call;
    sigemptyset(&counting.sa_mask);
    sigaction(GetParam(), &counting, &original);

    {
        const StopSignals signals;
        raise_here(GetParam());
    }
    const int calls_while_listening = earlier_handler_calls;
    raise_here(GetParam());

    EXPECT_EQ(calls_while_listening, 0);
    EXPECT_EQ(earlier_handler_calls, 1);
    sigaction(GetParam(), &original, nullptr);
}

TEST(StopSignals, LeaveAHangUpIgnoredThatWasIgnored) {
    struct sigaction ignoring {};
    struct sigaction original {};
    ignoring.sa_handler = SIG_IGN;
    sigemptyset(&ignoring.sa_mask);
    sigaction(SIGHUP, &ignoring, &original);

    const StopSignals signals;
    raise_here(SIGHUP);

    EXPECT_FALSE(StopSignals::is_noted());
    sigaction(SIGHUP, &original, nullptr);
}

TEST(StopSignals, ForgetTheSignalOfAnEarlierTime) {
    {
        const StopSignals signals;
        raise_here(SIGUSR1);
    }

    const StopSignals signals;

    EXPECT_FALSE(StopSignals::is_noted());
}

TEST(StopSignals, AreRefusedTwiceAtATime) {
    auto signals = std::make_unique<StopSignals>();

    EXPECT_THROW(StopSignals(), Error);
    signals.reset();
    EXPECT_NO_THROW(StopSignals());
}

TEST(StopSignals, OfOneRankAreNotedThereAndCanBeAgreedUpon) {
    const Communicator comm = Communicator::world();
    const StopSignals signals;
    const int signalled = comm.size() - 1;
    if (comm.rank() == signalled) {
        raise_here(SIGUSR1);
    }

    const Index noted_ranks = comm.sum(Index{StopSignals::is_noted() ? 1 : 0});

    EXPECT_EQ(noted_ranks, 1);
    EXPECT_EQ(StopSignals::is_noted(), comm.rank() == signalled);
}

}  // namespace
}  // namespace paralogit::comm
