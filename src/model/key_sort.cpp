#include "paralogit/model/key_sort.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "paralogit/base/threads.hpp"

namespace paralogit::model {

namespace {

constexpr int digit_bits = 8;
constexpr std::size_t digits = std::size_t{1} << digit_bits;
using DigitCounts = std::array<Index, digits>;

/// Below so many rows a thread costs more than it gains.
constexpr Index rows_worth_a_thread = 1 << 14;

int useful_threads(Index rows, int threads) {
    return static_cast<int>(std::clamp<Index>(rows / rows_worth_a_thread, 1, threads));
}

template <class Row>
std::size_t digit_of(const Row& row, int shift) {
    return (key_of(row) >> shift) & (digits - 1);
}

/// Sorts by one digit, from one place to the other. False, with nothing done, when all rows have
/// the same.
template <class Row>
bool sort_by_digit(std::span<const Row> from, std::span<Row> to, int shift, int threads) {
    const Range all{.first = 0, .end = std::ssize(from)};
    std::vector<DigitCounts> places(static_cast<std::size_t>(threads));
    run_threads(threads, [&](int thread) {
        const Range part = part_of(all, thread, threads);
        DigitCounts counts{};
        for (Index i = part.first; i < part.end; ++i) {
            ++counts[digit_of(from[static_cast<std::size_t>(i)], shift)];
        }
        places[static_cast<std::size_t>(thread)] = counts;
    });
    // Counts become the places of the first row of each digit and thread.
    Index place = 0;
    for (std::size_t digit = 0; digit < digits; ++digit) {
        const Index before = place;
        for (DigitCounts& counts : places) {
            place += std::exchange(counts[digit], place);
        }
        if (place - before == all.size()) {
            return false;
        }
    }
    run_threads(threads, [&](int thread) {
        const Range part = part_of(all, thread, threads);
        DigitCounts next = places[static_cast<std::size_t>(thread)];
        for (Index i = part.first; i < part.end; ++i) {
            const Row& row = from[static_cast<std::size_t>(i)];
            to[static_cast<std::size_t>(next[digit_of(row, shift)]++)] = row;
        }
    });
    return true;
}

template <class Row>
void sort_rows(std::span<Row> rows, std::span<Row> scratch, int most_threads) {
    const int threads = useful_threads(std::ssize(rows), most_threads);
    std::span<Row> from = rows;
    std::span<Row> to = scratch.first(rows.size());
    for (int shift = 0; shift < 64; shift += digit_bits) {
        if (sort_by_digit<Row>(from, to, shift, threads)) {
            std::swap(from, to);
        }
    }
    if (from.data() != rows.data()) {
        std::ranges::copy(from, rows.begin());
    }
}

constexpr auto by_key = [](const auto& a, const auto& b) { return key_of(a) < key_of(b); };

/// How many of the first `count` rows of the merged sequence come from `a`.
template <class Row>
Index rows_from_first(std::span<const Row> a, std::span<const Row> b, Index count) {
    Index lowest = std::max<Index>(0, count - std::ssize(b));
    Index highest = std::min(count, std::ssize(a));
    while (lowest < highest) {
        const Index middle = lowest + (highest - lowest) / 2;
        // Equal keys: those of `a` come first.
        if (by_key(b[static_cast<std::size_t>(count - middle - 1)],
                   a[static_cast<std::size_t>(middle)])) {
            highest = middle;
        } else {
            lowest = middle + 1;
        }
    }
    return lowest;
}

template <class Row>
void merge_two(std::span<const Row> a, std::span<const Row> b, std::span<Row> to,
               int most_threads) {
    const int threads = useful_threads(std::ssize(to), most_threads);
    run_threads(threads, [&](int thread) {
        const Range part = part_of({.first = 0, .end = std::ssize(to)}, thread, threads);
        const auto at = [&](Index place) {
            const Index of_a = rows_from_first(a, b, place);
            return std::pair(a.begin() + of_a, b.begin() + (place - of_a));
        };
        const auto [first_a, first_b] = at(part.first);
        const auto [end_a, end_b] = at(part.end);
        std::merge(first_a, end_a, first_b, end_b, to.begin() + part.first, by_key);
    });
}

template <class Row>
std::span<Row> merge_sorted_runs(std::span<Row> rows, std::span<Row> scratch,
                                 std::vector<Index> starts, int threads) {
    const auto run = [&](std::span<Row> of, std::size_t k) {
        return of.subspan(static_cast<std::size_t>(starts[k]),
                          static_cast<std::size_t>(starts[k + 1] - starts[k]));
    };
    std::span<Row> from = rows;
    std::span<Row> to = scratch.first(rows.size());
    while (starts.size() > 2) {
        std::vector<Index> merged;
        for (std::size_t k = 0; k + 1 < starts.size(); k += 2) {
            merged.push_back(starts[k]);
            const std::span<Row> a = run(from, k);
            const std::span<Row> b = k + 2 < starts.size() ? run(from, k + 1) : std::span<Row>();
            merge_two<Row>(a, b,
                           to.subspan(static_cast<std::size_t>(starts[k]), a.size() + b.size()),
                           threads);
        }
        merged.push_back(starts.back());
        starts = std::move(merged);
        std::swap(from, to);
    }
    return from;
}

}  // namespace

void sort_keys(std::span<std::uint64_t> rows, std::span<std::uint64_t> scratch, int threads) {
    sort_rows(rows, scratch, threads);
}

void sort_keys(std::span<WeightedKey> rows, std::span<WeightedKey> scratch, int threads) {
    sort_rows(rows, scratch, threads);
}

std::span<std::uint64_t> merge_runs(std::span<std::uint64_t> rows, std::span<std::uint64_t> scratch,
                                    std::vector<Index> starts, int threads) {
    return merge_sorted_runs(rows, scratch, std::move(starts), threads);
}

std::span<WeightedKey> merge_runs(std::span<WeightedKey> rows, std::span<WeightedKey> scratch,
                                  std::vector<Index> starts, int threads) {
    return merge_sorted_runs(rows, scratch, std::move(starts), threads);
}

}  // namespace paralogit::model
