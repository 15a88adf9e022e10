// How long it takes to read all rows of a matrix in the orders of an epoch, against in the order in
// which they lie: what the memory makes of it, without any arithmetic. Not a test: figures depend
// on the machine and on what else runs there.
//
//   cmake --build --preset release --target bench_order
//   build/release/tests/bench_order [MEGABYTES [TURNS]]
//
// For rows of 64 float64, 64 float32 and 28 float32, MEGABYTES of them (128 unless told otherwise)
// in huge pages, on one core: the lines of each row, or of each 32 rows side by side, are read
// once, and each line is asked for when so many others are still to be read before it. Of each
// order the least time of TURNS (5) counts, at the distance that does best.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "paralogit/base/buffer.hpp"
#include "paralogit/model/row_order.hpp"

namespace {

using namespace paralogit;

constexpr Index line_bytes = 64;
constexpr std::size_t most_ahead = 256;

/// The lines of all rows in an order, and some more to ask for.
std::vector<std::uint32_t> lines_in(const model::RowOrder& order, Index rows, Index row_bytes) {
    std::vector<model::RowOrder::Run> runs;
    order.runs_at(0, rows, runs);
    std::vector<std::uint32_t> lines;
    for (const model::RowOrder::Run& run : runs) {
        const Index end = (run.first + run.rows) * row_bytes;
        for (Index line = run.first * row_bytes / line_bytes; line * line_bytes < end; ++line) {
            lines.push_back(static_cast<std::uint32_t>(line));
        }
    }
    lines.resize(lines.size() + most_ahead, lines.front());
    return lines;
}

std::uint64_t read_line(const std::byte* line) {
    std::array<std::uint64_t, line_bytes / sizeof(std::uint64_t)> words;
    std::memcpy(words.data(), line, line_bytes);
    std::uint64_t all = 0;
    for (const std::uint64_t word : words) {
        all ^= word;
    }
    return all;
}

/// Asks for no line when `ahead` is 0.
double seconds_to_read(const std::byte* memory, const std::vector<std::uint32_t>& lines,
                       std::size_t ahead) {
    const auto begin = std::chrono::steady_clock::now();
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < lines.size() - most_ahead; ++i) {
        if (ahead > 0) {
            __builtin_prefetch(memory + line_bytes * lines[i + ahead], 0, 3);
        }
        all ^= read_line(memory + line_bytes * lines[i]);
    }
    volatile std::uint64_t sink = all;
    static_cast<void>(sink);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double least_seconds(const std::byte* memory, const std::vector<std::uint32_t>& lines, long turns) {
    double least = std::numeric_limits<double>::infinity();
    for (long turn = 0; turn < turns; ++turn) {
        for (const std::size_t ahead : {0, 16, 32, 64, 128, 256}) {
            least = std::min(least, seconds_to_read(memory, lines, ahead));
        }
    }
    return least;
}

}  // namespace

int main(int argc, char** argv) {
    const Index bytes = (argc > 1 ? std::strtoll(argv[1], nullptr, 10) : 128) << 20U;
    const long turns = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 5;
    if (bytes < (Index{1} << 20U) || bytes > (Index{64} << 30U) || turns < 1) {
        fmt::print("usage: bench_order [MEGABYTES [TURNS]]\n");
        return 2;
    }
    Buffer values(bytes);
    std::memset(values.data(), 1, static_cast<std::size_t>(bytes));
    fmt::print("row bytes   in order GB/s   single rows   groups of 32\n");
    for (const Index row_bytes : {Index{512}, Index{256}, Index{112}}) {
        const Index rows = bytes / row_bytes;
        const auto seconds_of = [&](const model::RowOrder& order) {
            return least_seconds(values.data(), lines_in(order, rows, row_bytes), turns);
        };
        const double in_order = seconds_of(model::RowOrder(rows, 1, 0, rows));
        const double single = seconds_of(model::RowOrder(rows, 1, 0, 1));
        const double groups = seconds_of(model::RowOrder(rows, 1, 0, 32));
        fmt::print("{:9}   {:13.1f}   {:11.2f}   {:12.2f}\n", row_bytes,
                   static_cast<double>(rows * row_bytes) / in_order / 1e9, single / in_order,
                   groups / in_order);
    }
}
