#pragma once

#include <pthread.h>

#include <csignal>
#include <thread>
#include <utility>

namespace paralogit::comm {

/// A thread that is sent no signals: they are for the main thread.
template <class Action>
std::thread thread_without_signals(Action&& action) {
    sigset_t all;
    sigset_t earlier;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &earlier);
    std::thread thread(std::forward<Action>(action));
    pthread_sigmask(SIG_SETMASK, &earlier, nullptr);
    return thread;
}

}  // namespace paralogit::comm
