#include "mapped_rows.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

/// Mapped at a lower speed than that, what lies in memory is copied faster: it lies there in small
/// pages, each of which takes its own entry of the page table.
constexpr double least_speed_of_mapping = 40e9;

/// Even slower, it comes from a disk, from which the system reads best into huge pages, to be
/// mapped.
constexpr double most_speed_of_disks = 8e9;

/// Then so much is read before mapping is tried again: other parts may lie in larger pages.
constexpr Index read_bytes = Index{64} << 20;

}  // namespace

MappedRows::MappedRows(std::shared_ptr<const MappedFile> mapped, const FeatureFile& file,
                       Range rows, Index row_bytes, Index window_bytes, Reading reading)
    : mapped_(std::move(mapped)),
      offset_(file.offset + rows.first * row_bytes),
      rows_(rows),
      row_bytes_(row_bytes),
      window_bytes_(window_bytes),
      reading_(reading) {
    if (reading == Reading::all) {
        mapped_->read_in_order();
    }
}

MappedRows::~MappedRows() {
    give_back(ahead_);
}

const std::byte* MappedRows::view(Range rows) {
    const Index first = (rows.first - rows_.first) * row_bytes_;
    const Index end = (rows.end - rows_.first) * row_bytes_;
    if (end > ahead_) {
        if (end <= read_until_) {
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
    const Index begin = std::max(first, ahead_);
    ahead_ = end_of_window(begin, end);
    populate(begin, ahead_);
}

Index MappedRows::end_of_window(Index begin, Index least) const {
    // What is skipped shall not be brought in.
    return reading_ == Reading::all
               ? std::min(std::max(least, begin + window_bytes_), mapped_->size())
               : least;
}

void MappedRows::populate(Index begin, Index end) {
    const auto start = std::chrono::steady_clock::now();
    mapped_->populate(begin, end - begin);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const auto bytes = static_cast<double>(end - begin);
    const bool are_pages_small = bytes < least_speed_of_mapping * seconds.count() &&
                                 bytes > most_speed_of_disks * seconds.count();
    if (are_pages_small && reading_ == Reading::all) {
        read_until_ = end + read_bytes;
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
