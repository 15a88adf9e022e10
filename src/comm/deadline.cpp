#include "paralogit/comm/deadline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "exit_later.hpp"
#include "launch.hpp"
#include "paralogit/base/error.hpp"
#include "thread_without_signals.hpp"

namespace paralogit::comm {

Deadline::Deadline(std::optional<double> seconds) : seconds_(seconds) {
    const std::optional<Task> task =
        task_of_launcher([](const char* variable) { return std::getenv(variable); });
    if (!seconds_ || !task || task->count == 1) {
        return;
    }
    // One message is enough: when the first of them ends the launcher ends the others.
    constexpr double lead = 2;
    constexpr double most_lead = 10;
    lead_seconds_ = std::min(lead * static_cast<double>(task->number), most_lead);
    thread_ = thread_without_signals([this] { run(); });
}

Deadline::~Deadline() {
    if (!thread_.joinable()) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        stops_ = true;
    }
    has_changed_.notify_one();
    thread_.join();
}

void Deadline::begin(std::string when, std::string advice) {
    const std::lock_guard lock(mutex_);
    when_ = std::move(when);
    advice_ = std::move(advice);
    waited_seconds_ = 0;
    counts_ = true;
}

void Deadline::change(std::optional<double> seconds) {
    const std::lock_guard lock(mutex_);
    seconds_ = seconds;
}

void Deadline::end() {
    const std::lock_guard lock(mutex_);
    counts_ = false;
}

void Deadline::run() {
    using Seconds = std::chrono::duration<double>;
    constexpr double longest_tick = 1;
    const auto tick = [&] {
        return seconds_ ? std::clamp(*seconds_ / 10, 0.01, longest_tick) : longest_tick;
    };
    auto last = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    while (!has_changed_.wait_for(lock, Seconds(tick()), [this] { return stops_; })) {
        const auto now = std::chrono::steady_clock::now();
        waited_seconds_ += std::min(Seconds(now - last).count(), 2 * tick());
        last = now;
        if (counts_ && seconds_ && waited_seconds_ >= *seconds_ + lead_seconds_) {
            act();
        }
    }
}

void Deadline::act() {
    const std::string line = fmt::format(
        "paralogit: error: stalled: {} this rank has waited for others for {:.0f} s; "
        "the job ends (--stall-timeout). {}\n",
        when_, waited_seconds_, advice_);
    exit_later(ExitCode::stalled);
    static_cast<void>(std::fputs(line.c_str(), stderr));
    std::_Exit(static_cast<int>(ExitCode::stalled));
}

}  // namespace paralogit::comm
