#include "paralogit/base/trace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace paralogit {
namespace {

using std::chrono::microseconds;

TraceEvent lasting(int begin, int duration, const char* name = "work") {
    const TraceEvent::Clock::time_point zero{};
    return {.name = name,
            .begin = zero + microseconds(begin),
            .end = zero + microseconds(begin + duration)};
}

TEST(TraceSpans, NoteTheInnerBeforeTheOuterAndWithinIt) {
    TraceLane lane("main", 10);

    {
        const TraceSpan outer(&lane, "outer", 7);
        TraceSpan inner(&lane, "inner");
        inner.end();
    }

    ASSERT_EQ(lane.events().size(), 2U);
    const TraceEvent& inner = lane.events()[0];
    const TraceEvent& outer = lane.events()[1];
    EXPECT_STREQ(inner.name, "inner");
    EXPECT_STREQ(outer.name, "outer");
    EXPECT_EQ(outer.number, 7);
    EXPECT_LT(inner.number, 0);
    EXPECT_LE(outer.begin, inner.begin);
    EXPECT_LE(inner.begin, inner.end);
    EXPECT_LE(inner.end, outer.end);
}

TEST(TraceSpans, AreNothingWithoutALane) {
    TraceSpan span(main_lane(nullptr), "nothing");
    span.end();

    EXPECT_EQ(thread_lane(nullptr, 3), nullptr);
    EXPECT_EQ(reader_lane(nullptr, 3), nullptr);
}

TEST(TraceLane, KeepsTheLongestEventsWhenThereAreTooMany) {
    TraceLane lane("main", 8);
    lane.add(lasting(0, 5000, "the longest"));
    lane.add(lasting(0, 4000, "the second"));

    for (int i = 0; i < 100; ++i) {
        lane.add(lasting(i, 1 + i));
    }

    EXPECT_LE(lane.events().size(), 8U);
    EXPECT_EQ(static_cast<Index>(lane.events().size()) + lane.dropped(), 102);
    EXPECT_GT(lane.dropped(), 0);
    std::vector<std::string> names;
    for (const TraceEvent& event : lane.events()) {
        names.emplace_back(event.name);
    }
    EXPECT_EQ(std::count(names.begin(), names.end(), "the longest"), 1);
    EXPECT_EQ(std::count(names.begin(), names.end(), "the second"), 1);
}

TEST(Trace, HasLanesOfTheirOwnForEachThreadAndReader) {
    Trace trace(2);

    const TraceLane* const lanes[] = {trace.main(), trace.thread(0), trace.thread(1),
                                      trace.reader(0), trace.reader(1)};

    ASSERT_EQ(trace.lanes().size(), 5U);
    const char* const names[] = {"main", "thread 0", "thread 1", "reader 0", "reader 1"};
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(lanes[i], &trace.lanes()[i]);
        EXPECT_EQ(lanes[i]->name(), names[i]);
    }
}

}  // namespace
}  // namespace paralogit
