#include "paralogit/comm/signals.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>

#include "paralogit/base/error.hpp"

namespace paralogit::comm {

namespace {

// A signal handler is given nothing but the number of the signal, so what it notes can only lie at
// file scope. Atomic, since the system may run the handler on any thread; lock-free, since a
// handler must not wait.
std::atomic<bool> is_signal_noted = false;
std::atomic<int> last_signal = 0;
std::atomic<bool> is_listening = false;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

constexpr std::array<int, 5> stop_signals{SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP};

extern "C" void note_signal(int signal) {
    last_signal = signal;
    is_signal_noted = true;
}

}  // namespace

struct StopSignals::EarlierHandlers {
    std::array<struct sigaction, stop_signals.size()> actions{};
};

StopSignals::StopSignals() : earlier_(std::make_unique<EarlierHandlers>()) {
    if (is_listening.exchange(true)) {
        throw Error(ExitCode::internal, "internal error: two StopSignals at a time");
    }
    is_signal_noted = false;
    struct sigaction action {};
    action.sa_handler = note_signal;
    // A read or write that the signal interrupts goes on by itself.
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < stop_signals.size(); ++i) {
        if (sigaction(stop_signals[i], &action, &earlier_->actions[i]) != 0) {
            const std::string cause = std::generic_category().message(errno);
            throw Error(ExitCode::internal, "internal error: sigaction failed: " + cause);
        }
    }
    // Who starts a run with nohup wants it to outlive the terminal.
    constexpr std::size_t hang_up = 4;
    static_assert(stop_signals[hang_up] == SIGHUP);
    if (earlier_->actions[hang_up].sa_handler == SIG_IGN) {
        sigaction(SIGHUP, &earlier_->actions[hang_up], nullptr);
    }
}

StopSignals::~StopSignals() {
    for (std::size_t i = 0; i < stop_signals.size(); ++i) {
        sigaction(stop_signals[i], &earlier_->actions[i], nullptr);
    }
    is_listening = false;
}

bool StopSignals::is_noted() {
    return is_signal_noted;
}

void StopSignals::let_it_act() {
    const int signal = last_signal;
    static_cast<void>(std::signal(signal, SIG_DFL));
    static_cast<void>(std::raise(signal));
}

}  // namespace paralogit::comm
