#pragma once

#include <cstdint>

namespace paralogit::model {
namespace {

constexpr std::int64_t most_chunk_rows = 256;
constexpr std::int64_t bytes_at_once = 8192;
/// For steps of the pass over rows, whose features are read a second time in the next one.
constexpr std::int64_t bytes_of_groups_in_cache = 32768;

/// Rows that a kernel takes at once, a multiple of eight: what it reads twice should lie in the
/// first-level cache the second time. No bit depends on it.
constexpr std::int64_t chunk_rows(std::int64_t row_bytes) {
    const std::int64_t rows = bytes_at_once / (row_bytes > 0 ? row_bytes : 1) / 8 * 8;
    if (rows < 8) {
        return 8;
    }
    return rows < most_chunk_rows ? rows : most_chunk_rows;
}

constexpr std::int64_t line_bytes = 64;
/// Rows of which margins, factors and products are made in turn, or half as many where these exceed
/// so many bytes: large steps are less work, small ones keep the memory busy all the time.
constexpr std::int64_t step_rows = 16;
constexpr std::int64_t bytes_of_step = 2048;
/// How far ahead of such steps the memory is asked.
constexpr std::int64_t bytes_ahead = 10240;
/// The same of wide rows that are read one at a time, or several side by side.
constexpr std::int64_t bytes_ahead_of_row = 8192;
constexpr std::int64_t bytes_ahead_of_rows = 12288;
/// The same of groups of rows picked out of all.
constexpr std::int64_t bytes_of_group_step = 2048;
constexpr std::int64_t bytes_ahead_of_groups = 5120;
/// How far ahead it is asked for the first time. By measurement.
constexpr std::int64_t bytes_later_of_groups = 10240;

/// The first place from `p` on where a cache line begins.
inline double* aligned(double* p) {
    const auto at = reinterpret_cast<std::uintptr_t>(p);
    return p + (line_bytes - at % line_bytes) % line_bytes / sizeof(double);
}

}  // namespace
}  // namespace paralogit::model
