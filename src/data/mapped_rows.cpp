#include "mapped_rows.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <utility>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

/// Slower than that, what is brought in does not come from memory.
constexpr double slow_bytes_per_second = 5e9;

/// Read at a time where it is only read to be there: small enough for the cache of a core.
constexpr Index read_bytes = Index{256} << 10;

}  // namespace

MappedRows::MappedRows(std::shared_ptr<const MappedFile> mapped, const FeatureFile& file,
                       Range rows, Index row_bytes, Reading reading)
    : mapped_(std::move(mapped)),
      part_(file.part),
      offset_(file.offset + rows.first * row_bytes),
      rows_(rows),
      row_bytes_(row_bytes),
      reading_(reading) {
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
        bring_in(first, end);
    }
    return mapped_->data() + first;
}

void MappedRows::read(Range rows, std::byte* out) {
    std::memcpy(out, view(rows), narrow<std::size_t>(rows.size() * row_bytes_));
}

/// Moves the window on: its first byte is wanted next.
void MappedRows::bring_in(Index first, Index end) {
    // A huge page that is still in use would have to be brought in again.
    constexpr std::uintptr_t huge_page_bytes = std::uintptr_t{2} << 20U;
    const auto address = reinterpret_cast<std::uintptr_t>(mapped_->data() + first);
    give_back(first - static_cast<Index>(address % huge_page_bytes));
    bool is_slow = false;
    if (coming_.valid()) {
        ahead_ = coming_end_;
        is_slow = coming_.get();
    }
    if (end > ahead_) {
        const Index begin = std::max(first, ahead_);
        ahead_ = end_of_window(begin, end);
        is_slow = populate(begin, ahead_);
    }
    if (is_slow && reading_ == Reading::all && ahead_ < mapped_->size()) {
        coming_end_ = end_of_window(ahead_, ahead_);
        if (!source_) {
            source_.emplace(part_);
        }
        coming_ = std::async(std::launch::async, [this, begin = ahead_, until = coming_end_] {
            return read_and_populate(begin, until);
        });
    }
}

Index MappedRows::end_of_window(Index begin, Index least) const {
    // What is skipped shall not be brought in.
    return reading_ == Reading::all
               ? std::min(std::max(least, begin + window_bytes), mapped_->size())
               : least;
}

/// To read in order is the fastest way from a disk: the system reads far ahead, in large pieces.
bool MappedRows::read_and_populate(Index begin, Index end) {
    const auto start = std::chrono::steady_clock::now();
    passing_.reserve(read_bytes);
    for (Index at = begin; at < end; at += read_bytes) {
        source_->read(offset_ + at,
                      {passing_.data(), narrow<std::size_t>(std::min(read_bytes, end - at))});
    }
    mapped_->populate(begin, end - begin);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    return static_cast<double>(end - begin) < slow_bytes_per_second * seconds.count();
}

bool MappedRows::populate(Index begin, Index end) const {
    const auto start = std::chrono::steady_clock::now();
    mapped_->populate(begin, end - begin);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    return static_cast<double>(end - begin) < slow_bytes_per_second * seconds.count();
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
