#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "paralogit/base/types.hpp"

namespace paralogit {

/// Something that a thread did. The name is a literal.
struct TraceEvent {
    using Clock = std::chrono::steady_clock;

    const char* name;
    Clock::time_point begin;
    Clock::time_point end;
    Index number = -1;  ///< of an iteration, a pass; negative: none
};

/// What one thread did, one thing after the other or one within the other. To be used by one thread
/// at a time.
class TraceLane {
  public:
    /// `most_events` >= 2.
    TraceLane(std::string name, Index most_events);

    /// When there are too many events the shorter half of them goes.
    void add(const TraceEvent& event);

    const std::string& name() const { return name_; }
    std::span<const TraceEvent> events() const { return events_; }
    Index dropped() const { return dropped_; }

  private:
    void drop_shorter_half();

    std::string name_;
    Index most_events_;
    std::vector<TraceEvent> events_;
    Index dropped_ = 0;
};

/// Notes in a lane what is done from its construction to its end. Without a lane it does nothing.
class TraceSpan {
  public:
    TraceSpan(TraceLane* lane, const char* name, Index number = -1) : lane_(lane) {
        if (lane_ != nullptr) {
            event_ = {.name = name, .begin = TraceEvent::Clock::now(), .end = {}, .number = number};
        }
    }
    ~TraceSpan() { end(); }
    TraceSpan(const TraceSpan&) = delete;
    TraceSpan& operator=(const TraceSpan&) = delete;

    /// Before the end of its life.
    void end() {
        if (lane_ != nullptr) {
            event_.end = TraceEvent::Clock::now();
            lane_->add(event_);
            lane_ = nullptr;
        }
    }

  private:
    TraceLane* lane_;
    TraceEvent event_{};
};

/// The lanes of a process: of the thread that all begins with, of those that compute, and of those
/// that read ahead of them.
class Trace {
  public:
    static constexpr Index usual_events_of_lane = Index{1} << 16;

    explicit Trace(int threads, Index most_events_of_lane = usual_events_of_lane);

    TraceLane* main() { return &lanes_.front(); }
    TraceLane* thread(int number);
    TraceLane* reader(int number);
    std::span<const TraceLane> lanes() const { return lanes_; }

  private:
    int threads_;
    std::vector<TraceLane> lanes_;
};

/// A lane of a trace, or none where there is no trace.
inline TraceLane* main_lane(Trace* trace) {
    return trace == nullptr ? nullptr : trace->main();
}
inline TraceLane* thread_lane(Trace* trace, int number) {
    return trace == nullptr ? nullptr : trace->thread(number);
}
inline TraceLane* reader_lane(Trace* trace, int number) {
    return trace == nullptr ? nullptr : trace->reader(number);
}

}  // namespace paralogit
