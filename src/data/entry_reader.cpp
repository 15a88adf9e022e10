#include "entry_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "integers.hpp"
#include "narrow_indices.hpp"

namespace paralogit::data {

namespace {

constexpr Index held_bytes = sizeof(std::uint32_t);

/// What the library reads in one go, of all threads together.
constexpr Index band_bytes = Index{16} << 20;

}  // namespace

EntryReader::EntryReader(const h5::Dataset& dataset, const FilePart& part,
                         std::vector<Range> ranges)
    : dataset_(dataset),
      part_(part),
      element_bytes_(narrow<Index>(size_of(dataset.info().element_type.value()))) {
    lanes_.resize(ranges.size());
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        lanes_[i].rest = ranges[i];
    }
}

void EntryReader::use(const MappedFile& mapped, Index first) {
    way_ = Way::mapped;
    mapped_ = &mapped;
    first_ = first;
}

void EntryReader::use(std::byte* out, Index first) {
    out_ = out;
    first_ = first;
    if (dataset_.info().file_offset) {
        way_ = Way::contiguous;
        source_.emplace(part_);
        return;
    }
    chunks_ = dataset_.chunks();
    if (chunks_ && chunks_->chunk_bytes() <= ChunkLanes::largest_chunk_bytes) {
        way_ = Way::chunks;
        std::vector<Range> ranges;
        for (const Lane& lane : lanes_) {
            ranges.push_back(lane.rest);
        }
        chunk_lanes_.begin(*chunks_, ranges);
    }
}

void EntryReader::use_narrowing(std::byte* out, Index first, Index limit) {
    limit_ = limit;
    use(out, first);
}

std::byte* EntryReader::place_of(Index entry) const {
    return out_ + (entry - first_) * (is_narrowing() ? held_bytes : element_bytes_);
}

void EntryReader::fetch() {
    if (way_ == Way::chunks) {
        chunk_lanes_.fetch();
    } else if (way_ == Way::library) {
        for (Lane& lane : lanes_) {
            if (lane.fetched.size() <= 0 && lane.rest.size() > 0) {
                fetch_by_library(lane);
            }
        }
    }
}

void EntryReader::fetch_by_library(Lane& lane) {
    const Index room = std::max<Index>(band_bytes / std::ssize(lanes_) / element_bytes_, 1);
    const Index count = std::min(room, lane.rest.size());
    lane.fetched = {.first = lane.rest.first, .end = lane.rest.first + count};
    if (is_narrowing()) {
        lane.stored.reserve(count * element_bytes_);
    }
    std::byte* const to = is_narrowing() ? lane.stored.data() : place_of(lane.fetched.first);
    dataset_.read(std::vector<Index>{lane.fetched.first}, std::vector<Index>{count},
                  dataset_.info().element_type.value(),
                  {to, narrow<std::size_t>(count * element_bytes_)});
}

Index EntryReader::bring(int thread, Index end) {
    Lane& lane = lanes_[static_cast<std::size_t>(thread)];
    end = std::min(end, lane.rest.end);
    if (lane.rest.first >= end) {
        return lane.rest.first;
    }
    const Range entries{.first = lane.rest.first, .end = end};
    const auto bytes = narrow<std::size_t>(entries.size() * element_bytes_);
    switch (way_) {
        case Way::mapped:
            mapped_->populate((entries.first - first_) * element_bytes_,
                              entries.size() * element_bytes_);
            break;
        case Way::contiguous: {
            if (is_narrowing()) {
                lane.stored.reserve(entries.size() * element_bytes_);
            }
            std::byte* const to = is_narrowing() ? lane.stored.data() : place_of(entries.first);
            source_->read(*dataset_.info().file_offset + entries.first * element_bytes_,
                          {to, bytes});
            narrow_entries(lane, entries);
            break;
        }
        case Way::chunks:
            return bring_chunks(thread, end);
        case Way::library:
            if (lane.fetched.size() <= 0) {
                return lane.rest.first;
            }
            narrow_entries(lane, lane.fetched);
            end = lane.fetched.end;
            lane.fetched = {};
            break;
    }
    lane.rest.first = end;
    return end;
}

Index EntryReader::bring_chunks(int thread, Index end) {
    Lane& lane = lanes_[static_cast<std::size_t>(thread)];
    while (lane.rest.first < end) {
        const std::optional<Index> there = chunk_lanes_.decode_next(thread, [&](Range entries) {
            if (!is_narrowing()) {
                return place_of(entries.first);
            }
            lane.stored.reserve(entries.size() * element_bytes_);
            return lane.stored.data();
        });
        if (!there) {
            break;
        }
        narrow_entries(lane, {.first = lane.rest.first, .end = *there});
        lane.rest.first = *there;
    }
    return lane.rest.first;
}

void EntryReader::narrow_entries(Lane& lane, Range entries) const {
    if (!is_narrowing()) {
        return;
    }
    const ElementType type = dataset_.info().element_type.value();
    with_integer_type(type, [&](auto zero) {
        using Integer = decltype(zero);
        const std::optional<Index> misfit =
            narrow_integers<Integer>(lane.stored.data(), entries.size(),
                                     static_cast<std::uint64_t>(limit_), place_of(entries.first));
        if (misfit && !lane.unfit) {
            const auto value = load_as<Integer>(lane.stored.data() + *misfit * element_bytes_);
            lane.unfit = {.entry = entries.first + *misfit, .value = fmt::format("{}", value)};
        }
    });
}

const std::optional<UnfitIndex>& EntryReader::unfit(int thread) const {
    return lanes_[static_cast<std::size_t>(thread)].unfit;
}

void EntryReader::stop(int thread) {
    lanes_[static_cast<std::size_t>(thread)].rest = {};
}

}  // namespace paralogit::data
