#include "parts_ahead.hpp"

#include <chrono>
#include <utility>

namespace paralogit::data {

PartsAhead::PartsAhead(const MappedFile& mapped, Index begin,
                       std::function<Index(Index begin)> end_of_part)
    : mapped_(mapped), end_of_part_(std::move(end_of_part)), next_(begin), limit_(begin) {
    try {
        for (std::jthread& thread : threads_) {
            thread = std::jthread([this] { bring_all(); });
        }
    } catch (...) {
        // Where a limit allows no more threads: one that has begun would wait for ever.
        stop();
        throw;
    }
}

PartsAhead::~PartsAhead() {
    stop();
}

Index PartsAhead::stop() {
    {
        const std::lock_guard lock(guard_);
        is_stopping_ = true;
    }
    has_changed_.notify_all();
    for (std::jthread& thread : threads_) {
        if (thread.joinable()) {
            thread.join();
        }
    }
    return next_;
}

void PartsAhead::allow(Index limit) {
    {
        const std::lock_guard lock(guard_);
        limit_ = limit;
    }
    has_changed_.notify_all();
}

PartsAhead::Part PartsAhead::take() {
    std::unique_lock lock(guard_);
    has_changed_.wait(lock, [&] { return !entries_.empty() && entries_.front().is_there; });
    const Entry entry = std::move(entries_.front());
    entries_.pop_front();
    if (entry.error) {
        std::rethrow_exception(entry.error);
    }
    return entry.part;
}

bool PartsAhead::is_empty() {
    const std::lock_guard lock(guard_);
    return entries_.empty();
}

void PartsAhead::bring_all() {
    std::unique_lock lock(guard_);
    while (true) {
        has_changed_.wait(lock, [&] { return is_stopping_ || next_ < limit_; });
        if (is_stopping_) {
            return;
        }
        const Index begin = next_;
        next_ = end_of_part_(begin);
        // Those before it may be taken meanwhile; it stays where it is.
        Entry& entry = entries_.emplace_back();
        entry.part.end = next_;
        lock.unlock();
        const auto start = std::chrono::steady_clock::now();
        std::exception_ptr error;
        try {
            mapped_.populate(begin, entry.part.end - begin);
        } catch (...) {
            error = std::current_exception();
        }
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
        lock.lock();
        entry.part.speed = static_cast<double>(entry.part.end - begin) / seconds.count();
        entry.error = error;
        entry.is_there = true;
        has_changed_.notify_all();
    }
}

}  // namespace paralogit::data
