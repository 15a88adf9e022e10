#include "mapped_rows.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

/// A single window may have been held up by something else.
constexpr int slow_windows_to_believe = 3;

}  // namespace

MappedRows::MappedRows(std::shared_ptr<const MappedFile> mapped, const FeatureFile& file,
                       Range rows, Range own, Index row_bytes, Index window_bytes, Reading reading,
                       MappingRule rule)
    : mapped_(std::move(mapped)),
      offset_(file.offset + rows.first * row_bytes),
      rows_(rows),
      row_bytes_(row_bytes),
      window_bytes_(window_bytes),
      reading_(reading),
      own_end_((own.end - rows.first) * row_bytes),
      rule_(rule) {
    if (reading == Reading::all) {
        mapped_->read_in_order();
    }
}

MappedRows::~MappedRows() {
    if (coming_.valid()) {
        coming_.wait();
        ahead_ = coming_end_;
    }
    give_back(ahead_);
}

const std::byte* MappedRows::view(Range rows) {
    const Index first = (rows.first - rows_.first) * row_bytes_;
    const Index end = (rows.end - rows_.first) * row_bytes_;
    if (end > ahead_) {
        if (end <= copy_until_) {
            return nullptr;
        }
        bring_in(first, end);
    }
    return mapped_->data() + first;
}

void MappedRows::read(Range rows, std::byte* out) {
    mapped_->file().read(offset_ + (rows.first - rows_.first) * row_bytes_,
                         {out, narrow<std::size_t>(rows.size() * row_bytes_)});
}

/// Moves the window on: its first byte is wanted next.
void MappedRows::bring_in(Index first, Index end) {
    // A huge page that is still in use would have to be brought in again.
    const auto address = reinterpret_cast<std::uintptr_t>(mapped_->data() + first);
    give_back(first - static_cast<Index>(address % std::uintptr_t{huge_page_bytes}));
    if (coming_.valid()) {
        const double speed = coming_.get();
        ahead_ = coming_end_;
        heed(speed);
    }
    if (end > ahead_) {
        const Index begin = std::max(first, ahead_);
        ahead_ = end_of_window(begin, end);
        heed(speed_of_populating(begin, ahead_));
    }
    if (is_from_disk_) {
        bring_ahead();
    }
}

void MappedRows::bring_ahead() {
    coming_end_ = end_of_window(ahead_, ahead_);
    if (coming_end_ > ahead_) {
        coming_ = std::async(std::launch::async, [this, begin = ahead_, end = coming_end_] {
            return speed_of_populating(begin, end);
        });
    }
}

Index MappedRows::end_of_window(Index begin, Index least) const {
    // What is skipped shall not be brought in.
    return reading_ == Reading::all ? std::min(std::max(least, begin + window_bytes_), own_end_)
                                    : least;
}

double MappedRows::speed_of_populating(Index begin, Index end) const {
    const auto start = std::chrono::steady_clock::now();
    mapped_->populate(begin, end - begin);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    return static_cast<double>(end - begin) / seconds.count();
}

/// Decides how to go on by the speed of the window that ends at `ahead_`.
void MappedRows::heed(double speed) {
    if (reading_ == Reading::some) {
        return;
    }
    is_from_disk_ = speed < rule_.most_speed_of_disks;
    const bool is_slow = speed < rule_.least_speed_of_mapping && !is_from_disk_;
    slow_windows_ = is_slow ? std::min(slow_windows_ + 1, slow_windows_to_believe) : 0;
    if (slow_windows_ == slow_windows_to_believe) {
        copy_until_ = ahead_ + rule_.copied_bytes;
    }
}

void MappedRows::give_back(Index end) {
    // What lies before the first window, and what was skipped, may be in use by other threads.
    const Index known_end = std::min(end, ahead_);
    if (known_end > behind_) {
        mapped_->release(behind_, known_end - behind_);
    }
    behind_ = std::max(behind_, end);
}

}  // namespace paralogit::data
