#include "paralogit/model/key_sort.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace paralogit::model {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(ScoreKeys, RiseWithTheScores) {
    const std::vector<double> rising{-infinity, -1e308, -2.0,   -1.5, -1e-300, -5e-324, 0.0,
                                     5e-324,    1e-300, 0.9999, 1.0,  37.0,    1e308,   infinity};
    for (std::size_t k = 0; k + 1 < rising.size(); ++k) {
        EXPECT_LT(score_key(rising[k]), score_key(rising[k + 1])) << rising[k];
    }
    EXPECT_EQ(score_key(-0.0), score_key(0.0));
    for (const double score : rising) {
        EXPECT_EQ(score_of_key(score_key(score)), score);
        EXPECT_NE(score_key(score), 0U);
    }
}

/// Keys of `bits` random bits each, so that few bits make many ties.
std::vector<std::uint64_t> random_keys(std::size_t count, int bits) {
    std::mt19937_64 random(count + static_cast<std::size_t>(bits));
    std::vector<std::uint64_t> keys(count);
    std::ranges::generate(keys, [&] { return random() >> (64 - bits) << (bits % 7); });
    return keys;
}

/// Weights tell the order in which equal keys came.
std::vector<WeightedKey> numbered(const std::vector<std::uint64_t>& keys) {
    std::vector<WeightedKey> rows;
    rows.reserve(keys.size());
    for (const std::uint64_t key : keys) {
        rows.push_back({key, static_cast<double>(rows.size())});
    }
    return rows;
}

bool are_same(const std::vector<WeightedKey>& a, std::span<const WeightedKey> b) {
    return std::ranges::equal(a, b, [](const WeightedKey& x, const WeightedKey& y) {
        return x.key == y.key && x.weight == y.weight;
    });
}

constexpr auto by_key = [](const WeightedKey& a, const WeightedKey& b) { return a.key < b.key; };

TEST(KeySort, SortsAsTheLibraryDoesOnAnyNumberOfThreads) {
    for (const std::size_t count : {0U, 1U, 2U, 1000U, 100'001U}) {
        for (const int bits : {1, 13, 64}) {
            for (const int threads : {1, 2, 3}) {
                std::vector<std::uint64_t> keys = random_keys(count, bits);
                std::vector<std::uint64_t> expected = keys;
                std::ranges::sort(expected);
                std::vector<std::uint64_t> scratch(count + 5);

                sort_keys(std::span(keys), scratch, threads);

                EXPECT_EQ(keys, expected) << count << " keys of " << bits << " bits";
            }
        }
    }
}

TEST(KeySort, KeepsRowsOfOneKeyInTheirOrder) {
    for (const int threads : {1, 2, 3}) {
        std::vector<WeightedKey> rows = numbered(random_keys(60'000, 11));
        std::vector<WeightedKey> expected = rows;
        std::ranges::stable_sort(expected, by_key);
        std::vector<WeightedKey> scratch(rows.size());

        sort_keys(std::span(rows), scratch, threads);

        EXPECT_TRUE(are_same(expected, rows));
    }
}

TEST(KeySort, MergesAnyNumberOfRuns) {
    for (const std::vector<Index>& starts : {std::vector<Index>{0, 70'000},
                                             {0, 30'000, 70'000},
                                             {0, 0, 1, 40'000, 70'000},
                                             {0, 10, 10, 35'000, 35'001, 70'000},
                                             {0, 0, 70'000, 70'000, 70'000}}) {
        for (const int threads : {1, 3}) {
            std::vector<WeightedKey> rows = numbered(random_keys(70'000, 9));
            for (std::size_t k = 0; k + 1 < starts.size(); ++k) {
                std::stable_sort(rows.begin() + starts[k], rows.begin() + starts[k + 1], by_key);
            }
            std::vector<WeightedKey> expected = rows;
            std::ranges::stable_sort(expected, by_key);
            std::vector<WeightedKey> scratch(rows.size());

            const auto merged = merge_runs(std::span(rows), scratch, starts, threads);

            EXPECT_TRUE(are_same(expected, merged)) << starts.size() - 1 << " runs";
        }
    }
}

TEST(KeySort, MergesNothing) {
    std::vector<std::uint64_t> none;
    EXPECT_TRUE(merge_runs(std::span(none), none, {0, 0, 0, 0}, 2).empty());
}

}  // namespace
}  // namespace paralogit::model
