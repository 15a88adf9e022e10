#include "chunk_lanes.hpp"

#include <algorithm>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

void ChunkLanes::begin(const h5::ChunkReader& chunks, std::span<const Range> rows) {
    chunks_ = &chunks;
    lanes_.resize(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        lanes_[i].rows = rows[i];
        lanes_[i].chunks = {};
        lanes_[i].fetched.clear();
        lanes_[i].decoded = 0;
        if (rows[i].size() > 0) {
            const Index first = rows[i].first / chunks.rows_per_chunk();
            const Index end = (rows[i].end - 1) / chunks.rows_per_chunk() + 1;
            lanes_[i].chunks = {.first = first * chunks.chunks_per_row(),
                                .end = end * chunks.chunks_per_row()};
        }
    }
}

bool ChunkLanes::fetch() {
    bool has_chunks = false;
    for (Lane& lane : lanes_) {
        if (lane.decoded == lane.fetched.size()) {
            fetch(lane);
        }
        has_chunks = has_chunks || !lane.fetched.empty();
    }
    return has_chunks;
}

void ChunkLanes::fetch(Lane& lane) const {
    const Index room = round_bytes / narrow<Index>(lanes_.size());
    Index stored = 0;
    Index decoded = 0;
    lane.fetched.clear();
    lane.decoded = 0;
    while (lane.chunks.size() > 0) {
        const Index number = lane.chunks.first;
        const Index bytes = chunks_->stored_bytes(number);
        stored += bytes;
        decoded += chunks_->chunk_bytes();
        if (!lane.fetched.empty() && std::max(stored, decoded) > room) {
            break;
        }
        lane.fetched.push_back(
            {.number = number, .first_byte = stored - bytes, .bytes = bytes, .skipped_filters = 0});
        ++lane.chunks.first;
    }
    if (lane.fetched.empty()) {
        return;
    }
    lane.stored.reserve(lane.fetched.back().first_byte + lane.fetched.back().bytes);
    for (Fetched& chunk : lane.fetched) {
        chunk.skipped_filters = chunks_->read_stored(
            chunk.number,
            {lane.stored.data() + chunk.first_byte, narrow<std::size_t>(chunk.bytes)});
    }
}

void ChunkLanes::decode(const Fetched& chunk, Lane& lane, Range rows, std::byte* out) const {
    chunks_->decode(chunk.number,
                    {lane.stored.data() + chunk.first_byte, narrow<std::size_t>(chunk.bytes)},
                    chunk.skipped_filters, rows, out, lane.scratch);
}

std::optional<Index> ChunkLanes::decode_next(int lane,
                                             const std::function<std::byte*(Range)>& place) {
    Lane& own = lanes_[static_cast<std::size_t>(lane)];
    if (own.decoded == own.fetched.size()) {
        return std::nullopt;
    }
    const Fetched& chunk = own.fetched[own.decoded++];
    const Index rows_per_chunk = chunks_->rows_per_chunk();
    const Index first = chunk.number * rows_per_chunk;
    // A chunk may be longer than anything that can be counted from here.
    const Range rows{
        .first = std::max(first, own.rows.first),
        .end = own.rows.end - first < rows_per_chunk ? own.rows.end : first + rows_per_chunk};
    decode(chunk, own, rows, place(rows));
    return rows.end;
}

void ChunkLanes::decode(int lane, std::byte* out, const std::function<void(Index)>& are_ready) {
    Lane& own = lanes_[static_cast<std::size_t>(lane)];
    const Index chunks_per_row = chunks_->chunks_per_row();
    for (const Fetched& chunk : own.fetched) {
        decode(chunk, own, own.rows, out);
        ++own.decoded;
        if ((chunk.number + 1) % chunks_per_row == 0) {
            const Index row_of_chunks = chunk.number / chunks_per_row + 1;
            const Index rows = chunks_->rows_per_chunk();
            // A chunk may be longer than anything that can be counted from here.
            are_ready(own.rows.end / rows < row_of_chunks ? own.rows.end : row_of_chunks * rows);
        }
    }
}

}  // namespace paralogit::data
