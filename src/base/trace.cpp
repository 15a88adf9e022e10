#include "paralogit/base/trace.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "paralogit/base/checked.hpp"

namespace paralogit {

TraceLane::TraceLane(std::string name, Index most_events)
    : name_(std::move(name)), most_events_(most_events) {}

void TraceLane::add(const TraceEvent& event) {
    if (std::ssize(events_) == most_events_) {
        drop_shorter_half();
    }
    events_.push_back(event);
}

void TraceLane::drop_shorter_half() {
    const Index half = std::ssize(events_) / 2;
    const auto duration = [](const TraceEvent& event) { return event.end - event.begin; };
    std::ranges::nth_element(events_, events_.begin() + half, std::greater<>(), duration);
    dropped_ += std::ssize(events_) - half;
    events_.resize(static_cast<std::size_t>(half));
}

Trace::Trace(int threads, Index most_events_of_lane) : threads_(threads) {
    lanes_.emplace_back("main", most_events_of_lane);
    for (const char* kind : {"thread ", "reader "}) {
        for (int number = 0; number < threads; ++number) {
            lanes_.emplace_back(kind + std::to_string(number), most_events_of_lane);
        }
    }
}

TraceLane* Trace::thread(int number) {
    return &lanes_.at(narrow<std::size_t>(1 + number));
}

TraceLane* Trace::reader(int number) {
    return &lanes_.at(narrow<std::size_t>(1 + threads_ + number));
}

}  // namespace paralogit
