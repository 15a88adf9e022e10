#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace paralogit::comm {

/// Ends a rank that waits for others too long where no Watchdog can be: while MPI starts and makes
/// its communicators, and while it ends. Nobody can be asked there, so it only measures time, less
/// that for which the whole job is suspended, and the message names no rank; the launcher then ends
/// the others, those that are stopped too. Needs no MPI: a thread, and only in a process that a
/// launcher started as one of several.
class Deadline {
  public:
    /// Empty: never, whatever change() says.
    explicit Deadline(std::optional<double> seconds);
    ~Deadline();
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    /// Counts from now on. `when` is for the message, as "while the job starts"; `advice` on what
    /// to do then is a sentence.
    void begin(std::string when, std::string advice);
    /// From now on this is too long. Empty: nothing is.
    void change(std::optional<double> seconds);
    /// What is waited for has come, or is watched otherwise.
    void end();

  private:
    void run();
    [[noreturn]] void act();

    std::optional<double> seconds_;
    double lead_seconds_ = 0;
    std::string when_;
    std::string advice_;
    double waited_seconds_ = 0;
    bool counts_ = false;
    bool stops_ = false;
    std::mutex mutex_;
    std::condition_variable has_changed_;
    std::thread thread_;
};

}  // namespace paralogit::comm
