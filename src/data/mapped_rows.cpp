#include "mapped_rows.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

/// A window is so many parts; all but the one in use may be on their way at a time.
constexpr Index parts_of_window = 4;
/// The system itself reads somewhat ahead of what it is asked for.
constexpr int fast_parts_to_believe = parts_of_window;

}  // namespace

MappedRows::MappedRows(RowMapping mapping, const FeatureFile& file, Range own, Index row_bytes,
                       Index window_bytes, Reading reading, Buffer& copies, MappingRule rule)
    : mapped_(std::move(mapping.file)),
      rows_(mapping.rows),
      survey_(*mapping.survey),
      offset_(file.offset + rows_.first * row_bytes),
      row_bytes_(row_bytes),
      window_bytes_(window_bytes),
      reading_(reading),
      copies_(copies),
      rule_(std::move(rule)),
      before_(static_cast<Index>(reinterpret_cast<std::uintptr_t>(mapped_->data()) %
                                 std::uintptr_t{huge_page_bytes})),
      own_end_((own.end - rows_.first) * row_bytes),
      behind_((own.first - rows_.first) * row_bytes),
      ahead_(behind_) {
    if (reading == Reading::all) {
        mapped_->read_in_order();
    }
}

MappedRows::~MappedRows() {
    for (const Coming& part : coming_) {
        part.speed.wait();
        ahead_ = part.end;
    }
    give_back(ahead_);
}

const std::byte* MappedRows::view(Range rows) {
    const Index first = (rows.first - rows_.first) * row_bytes_;
    const Index end = (rows.end - rows_.first) * row_bytes_;
    if (end > ahead_) {
        // A huge page that is still in use would have to be brought in again.
        const bool is_time =
            reading_ == Reading::some || is_coming() || end - behind_ > window_bytes_;
        if (is_time) {
            give_back(begin_of_page(first));
        }
        if (reading_ == Reading::some) {
            bring_some(first, end);
        } else {
            bring_in(end);
        }
    }
    return first < small_end_ ? copied(first, end) : mapped_->data() + first;
}

void MappedRows::read(Range rows, std::byte* out) {
    copied_ = {};
    mapped_->file().read(offset_ + (rows.first - rows_.first) * row_bytes_,
                         {out, narrow<std::size_t>(rows.size() * row_bytes_)});
}

/// What is skipped shall not be brought in.
void MappedRows::bring_some(Index first, Index end) {
    const Index begin = std::max(first, ahead_);
    mapped_->populate(begin, end - begin);
    ahead_ = end;
}

void MappedRows::bring_in(Index end) {
    while (ahead_ < end) {
        if (is_coming()) {
            take_part();
        } else {
            bring_page();
        }
    }
    send_for_parts();
}

void MappedRows::bring_page() {
    const Index page = page_of(ahead_);
    const Range bytes{.first = ahead_, .end = std::min(end_of_page(page), own_end_)};
    Pages pages = survey_.recall(page);
    if (pages == Pages::unknown) {
        pages = rule_.look_at_pages(*mapped_, bytes);
        survey_.note(page, pages);
    } else if (pages == Pages::huge) {
        pages = rule_.bring_huge_page(*mapped_, bytes);
    }
    ahead_ = bytes.end;
    if (pages == Pages::small) {
        small_end_ = ahead_;
    }
    is_from_disk_ = pages == Pages::on_disk;
    fast_parts_ = 0;
}

/// Waits for the part that comes next.
void MappedRows::take_part() {
    send_for_parts();
    Coming part = std::move(coming_.front());
    coming_.pop_front();
    // They may be larger now than when they were looked at.
    for (Index page = page_of(ahead_); page <= page_of(part.end - 1); ++page) {
        survey_.forget(page);
    }
    ahead_ = part.end;
    const bool is_fast = part.speed.get() >= rule_.most_speed_of_disks;
    fast_parts_ = is_fast ? fast_parts_ + 1 : 0;
    is_from_disk_ = fast_parts_ < fast_parts_to_believe;
}

void MappedRows::send_for_parts() {
    while (is_from_disk_ && std::ssize(coming_) < parts_of_window - 1) {
        const Index begin = coming_.empty() ? ahead_ : coming_.back().end;
        if (begin == own_end_) {
            return;
        }
        const Index least = begin + window_bytes_ / parts_of_window;
        const Index aligned = begin_of_page(least);
        const Index end = std::min(aligned > begin ? aligned : least, own_end_);
        coming_.push_back({.end = end, .speed = std::async(std::launch::async, [this, begin, end] {
                                           return speed_of_populating(begin, end);
                                       })});
    }
}

double MappedRows::speed_of_populating(Index begin, Index end) const {
    const auto start = std::chrono::steady_clock::now();
    mapped_->populate(begin, end - begin);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    return static_cast<double>(end - begin) / seconds.count();
}

/// Some blocks at a time, each as long as this one.
const std::byte* MappedRows::copied(Index first, Index end) {
    if (first < copied_.first || end > copied_.end) {
        const Index length = end - first;
        const Index least = std::min(first + copied_bytes, small_end_) - first;
        const Index blocks = std::max<Index>(least / length, 1);
        copied_ = {.first = first, .end = std::min(first + blocks * length, own_end_)};
        copies_.reserve(copied_.size());
        mapped_->file().read(offset_ + first,
                             {copies_.data(), narrow<std::size_t>(copied_.size())});
    }
    return copies_.data() + (first - copied_.first);
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
