#include "temporary_files.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <string_view>

#include "paralogit/base/output_file.hpp"

namespace paralogit {

namespace {

// A signal handler is given nothing but the number of the signal, so what it removes can only lie
// at file scope. Atomic, since the system may run the handler on any thread, and of a fixed size,
// since a handler must not ask for memory.
struct Slot {
    enum State : int { free, changing, noted };
    std::atomic<int> state = free;
    std::array<char, 4096> path{};
};
std::array<Slot, 8> slots;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void remove_and_end(int signal) {
    bool is_removed = false;
    for (Slot& slot : slots) {
        is_removed = (slot.state == Slot::noted && ::unlink(slot.path.data()) == 0) || is_removed;
    }
    if (is_removed) {
        constexpr std::string_view text =
            "paralogit: error: ended by a signal; the unfinished output was removed\n";
        static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
    }
    // The standard action ends the process, and tells who waits for it of the signal.
    static_cast<void>(std::signal(signal, SIG_DFL));
    static_cast<void>(std::raise(signal));
}

}  // namespace

void note_temporary(const std::filesystem::path& path) {
    if (path.native().size() >= slots.front().path.size()) {
        return;
    }
    for (Slot& slot : slots) {
        int expected = Slot::free;
        if (slot.state.compare_exchange_strong(expected, Slot::changing)) {
            std::memcpy(slot.path.data(), path.c_str(), path.native().size() + 1);
            slot.state = Slot::noted;
            return;
        }
    }
}

void forget_temporary(const std::filesystem::path& path) {
    for (Slot& slot : slots) {
        if (slot.state == Slot::noted && path.native() == slot.path.data()) {
            slot.state = Slot::free;
            return;
        }
    }
}

void remove_temporaries_on_signals() {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
        struct sigaction earlier {};
        struct sigaction action {};
        action.sa_handler = remove_and_end;
        // The handler raises the signal anew.
        action.sa_flags = SA_NODEFER;
        sigemptyset(&action.sa_mask);
        if (sigaction(signal, &action, &earlier) == 0 && earlier.sa_handler == SIG_IGN) {
            sigaction(signal, &earlier, nullptr);
        }
    }
}

}  // namespace paralogit
