#include "paralogit/comm/watchdog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "comm/mpi_api.hpp"

namespace {

/// For so long this rank is in a barrier before it joins the others there: as if the messages of
/// the barrier did not arrive.
double seconds_in_barrier = 0;

}  // namespace

extern "C" int MPI_Barrier(MPI_Comm comm) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds_in_barrier));
    return PMPI_Barrier(comm);
}

namespace paralogit::comm {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// What a watchdog has told on this rank.
class Told {
  public:
    StallListener listener() {
        return {.on_late = [this](const std::string& text) { add(late_, text); },
                .on_stall = [this](const std::string& text) { add(stalled_, text); }};
    }
    std::vector<std::string> late() const {
        const std::lock_guard lock(mutex_);
        return late_;
    }
    std::vector<std::string> stalled() const {
        const std::lock_guard lock(mutex_);
        return stalled_;
    }

  private:
    void add(std::vector<std::string>& texts, const std::string& text) {
        const std::lock_guard lock(mutex_);
        texts.push_back(text);
    }
    mutable std::mutex mutex_;
    std::vector<std::string> late_;
    std::vector<std::string> stalled_;
};

void sleep_for(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

void compute_for(double seconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end) {
    }
}

constexpr StallLimits short_limits{.warn_seconds = 0.1, .stall_seconds = 1};
constexpr StallLimits patient_limits{.warn_seconds = 0.1, .stall_seconds = 1000};

TEST(Watchdog, SaysNothingWhileNobodyIsLate) {
    const Communicator comm = Communicator::world();
    Told told;

    {
        const Watchdog watchdog(comm, patient_limits, told.listener());
        for (int i = 0; i < 1000; ++i) {
            comm.barrier();
        }
    }

    EXPECT_THAT(told.late(), IsEmpty());
    EXPECT_THAT(told.stalled(), IsEmpty());
}

TEST(Watchdog, NamesEachLateRankOnTheLowestRankThatWaits) {
    const Communicator comm = Communicator::world();
    Told told;

    {
        const Watchdog watchdog(comm, patient_limits, told.listener());
        for (const int late : {comm.size() - 1, 0}) {
            if (comm.rank() == late) {
                sleep_for(2.5);
            }
            comm.barrier();
        }
    }

    const auto names = [](int rank) {
        return AllOf(HasSubstr("rank " + std::to_string(rank) + " on " + host_name()),
                     Not(HasSubstr(";")));
    };
    if (comm.size() > 1 && comm.rank() == 0) {
        EXPECT_THAT(told.late(), ElementsAre(names(comm.size() - 1)));
    } else if (comm.size() > 1 && comm.rank() == 1) {
        EXPECT_THAT(told.late(), ElementsAre(names(0)));
    } else {
        EXPECT_THAT(told.late(), IsEmpty());
    }
    EXPECT_THAT(told.stalled(), IsEmpty());
}

TEST(Watchdog, CallsTheJobStalledWhenALateRankGivesNoSignOfLife) {
    const Communicator comm = Communicator::world();
    Told told;

    {
        const Watchdog watchdog(comm, short_limits, told.listener());
        if (comm.rank() == comm.size() - 1) {
            sleep_for(2.5);
        }
        comm.barrier();
    }

    EXPECT_THAT(told.stalled(), SizeIs(comm.size() > 1 && comm.is_root() ? 1 : 0));
}

TEST(Watchdog, TakesOtherLimitsAndAnotherListener) {
    const Communicator comm = Communicator::world();
    for (const bool is_short_at_last : {true, false}) {
        Told at_first;
        Told at_last;

        {
            Watchdog watchdog(comm, is_short_at_last ? StallLimits::never() : short_limits,
                              at_first.listener());
            comm.barrier();
            watchdog.change(is_short_at_last ? short_limits : StallLimits::never(),
                            at_last.listener());
            if (comm.rank() == comm.size() - 1) {
                sleep_for(2.5);
            }
            comm.barrier();
        }

        EXPECT_THAT(at_first.stalled(), IsEmpty());
        EXPECT_THAT(at_last.stalled(),
                    SizeIs(is_short_at_last && comm.size() > 1 && comm.is_root() ? 1 : 0));
    }
}

TEST(Watchdog, WaitsForALateRankThatComputes) {
    const Communicator comm = Communicator::world();
    Told told;

    {
        const Watchdog watchdog(comm, short_limits, told.listener());
        if (comm.rank() == comm.size() - 1) {
            compute_for(2.5);
        }
        comm.barrier();
    }

    EXPECT_THAT(told.late(), SizeIs(comm.size() > 1 && comm.is_root() ? 1 : 0));
    EXPECT_THAT(told.stalled(), IsEmpty());
}

TEST(Watchdog, GivesARankThatHasComeLateTheTimeToJoinTheOthers) {
    const Communicator comm = Communicator::world();
    Told told;

    {
        const Watchdog watchdog(comm, {.warn_seconds = 0.1, .stall_seconds = 2}, told.listener());
        const bool is_late = comm.rank() == comm.size() - 1;
        if (is_late) {
            compute_for(2.5);
        }
        seconds_in_barrier = is_late ? 0.7 : 0;
        comm.barrier();
        seconds_in_barrier = 0;
    }

    EXPECT_THAT(told.stalled(), IsEmpty());
}

TEST(Watchdog, CallsTheJobStalledWhenAllAreThereAndGetNoFurther) {
    const Communicator comm = Communicator::world();
    Told told;

    {
        const Watchdog watchdog(comm, short_limits, told.listener());
        seconds_in_barrier = comm.rank() == comm.size() - 1 ? 4 : 0;
        comm.barrier();
        seconds_in_barrier = 0;
    }

    if (comm.size() > 1 && comm.is_root()) {
        EXPECT_THAT(told.stalled(), ElementsAre(HasSubstr("all ranks are there")));
    } else {
        EXPECT_THAT(told.stalled(), IsEmpty());
    }
}

}  // namespace
}  // namespace paralogit::comm
