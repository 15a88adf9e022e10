#include "mapped_rows.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

/// The system itself reads somewhat ahead of what it is asked for.
constexpr int fast_parts_to_believe = 4;

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
    if (coming_ != nullptr) {
        ahead_ = coming_->stop();
    }
    give_back(ahead_);
}

const std::byte* MappedRows::view(Range rows) {
    const Index first = (rows.first - rows_.first) * row_bytes_;
    const Index end = (rows.end - rows_.first) * row_bytes_;
    if (end > ahead_) {
        // A huge page that is still in use would have to be brought in again.
        const bool is_time =
            reading_ == Reading::some || coming_ != nullptr || end - behind_ > window_bytes_;
        if (is_time) {
            give_back(begin_of_page(first));
        }
        if (reading_ == Reading::some) {
            bring_some(first, end);
        } else {
            bring_in(first, end);
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

void MappedRows::bring_in(Index first, Index end) {
    while (ahead_ < end) {
        if (coming_ != nullptr) {
            take_part();
        } else {
            bring_page(first);
        }
    }
}

void MappedRows::bring_page(Index first) {
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
    if (pages == Pages::on_disk && ahead_ < own_end_) {
        // The window may be full, and is now to hold the parts as well.
        give_back(begin_of_page(first));
        fast_parts_ = 0;
        coming_ = std::make_unique<PartsAhead>(*mapped_, ahead_,
                                               [this](Index begin) { return end_of_part(begin); });
        allow_parts();
    }
}

/// Waits for the part that comes next.
void MappedRows::take_part() {
    const PartsAhead::Part part = coming_->take();
    // They may be larger now than when they were looked at.
    for (Index page = page_of(ahead_); page <= page_of(part.end - 1); ++page) {
        survey_.forget(page);
    }
    ahead_ = part.end;
    fast_parts_ = part.speed < rule_.most_speed_of_disks ? 0 : fast_parts_ + 1;
    if (fast_parts_ < fast_parts_to_believe) {
        allow_parts();
    } else if (coming_->is_empty()) {
        coming_.reset();
    }
}

void MappedRows::allow_parts() {
    coming_->allow(std::min(ahead_ + (parts_of_window - 1) * part_bytes(), own_end_));
}

Index MappedRows::end_of_part(Index begin) const {
    const Index end = begin + part_bytes();
    const Index aligned = begin_of_page(end);
    return std::min(aligned > begin ? aligned : end, own_end_);
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
