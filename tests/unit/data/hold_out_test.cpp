#include "paralogit/data/hold_out.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace paralogit::data {
namespace {

TEST(HoldOut, TakesAboutTheFractionOfTheRowsAndOfEachPartOfThem) {
    constexpr Index rows = 1'000'000;
    constexpr Index parts = 10;
    for (const double fraction : {0.001, 0.1, 0.5, 0.9}) {
        for (Index part = 0; part < parts; ++part) {
            constexpr Index size = rows / parts;
            const auto held_out = held_out_rows({.fraction = fraction},
                                                {.first = part * size, .end = (part + 1) * size});
            const double expected = fraction * size;
            const double sigma = std::sqrt(expected * (1 - fraction));

            EXPECT_NEAR(static_cast<double>(held_out.size()), expected, 5 * sigma)
                << fraction << " of part " << part;
        }
    }
}

TEST(HoldOut, TakesNeighboursIndependently) {
    constexpr Index rows = 400'000;
    const auto held_out = held_out_rows({.fraction = 0.5}, {.first = 0, .end = rows});
    std::vector<int> is_held_out(rows, 0);
    for (const Index row : held_out) {
        is_held_out[static_cast<std::size_t>(row)] = 1;
    }

    for (const Index distance : {1, 2, 3, 4, 8, 64, 1024}) {
        Index both = 0;
        for (Index row = 0; row + distance < rows; ++row) {
            both += is_held_out[static_cast<std::size_t>(row)] *
                    is_held_out[static_cast<std::size_t>(row + distance)];
        }
        const double expected = 0.25 * static_cast<double>(rows - distance);
        EXPECT_NEAR(static_cast<double>(both), expected, 5 * std::sqrt(expected)) << distance;
    }
}

TEST(HoldOut, TakesTheSameRowsOfAnyRange) {
    const HoldOut hold_out{.fraction = 0.3};
    const auto whole = held_out_rows(hold_out, {.first = 0, .end = 1000});
    EXPECT_EQ(held_out_rows(hold_out, {.first = 0, .end = 1000}, 3), whole);
    std::vector<Index> pieces;
    for (const Range range : {Range{0, 1}, Range{1, 1}, Range{1, 317}, Range{317, 1000}}) {
        std::ranges::copy(held_out_rows(hold_out, range), std::back_inserter(pieces));
    }

    EXPECT_EQ(pieces, whole);
    EXPECT_TRUE(std::ranges::is_sorted(whole));
}

/// The rows of one version are those of the next, or checkpoints are lost. These were computed by a
/// few lines of Python.
TEST(HoldOut, TakesTheRowsThatItAlwaysTook) {
    EXPECT_THAT(held_out_rows({.fraction = 0.2}, {.first = 0, .end = 20}),
                testing::ElementsAre(1, 3, 4, 8, 10, 14, 16));
    EXPECT_THAT(
        held_out_rows({.fraction = 0.2}, {.first = Index{1} << 40U, .end = (Index{1} << 40U) + 20}),
        testing::ElementsAre(1099511627782, 1099511627786, 1099511627789, 1099511627791,
                             1099511627793));
}

TEST(HoldOut, TakesMoreOfThemForALargerFractionAndOthersForAnotherSeed) {
    const Range rows{.first = 0, .end = 10'000};
    const auto tenth = held_out_rows({.fraction = 0.1}, rows);
    const auto fifth = held_out_rows({.fraction = 0.2}, rows);
    const auto other = held_out_rows({.fraction = 0.1, .seed = 2}, rows);
    std::vector<Index> both;
    std::ranges::set_intersection(tenth, other, std::back_inserter(both));

    EXPECT_TRUE(std::ranges::includes(fifth, tenth));
    EXPECT_NEAR(static_cast<double>(both.size()), 100, 50);
}

TEST(HoldOut, TakesNextToNoneAndNextToAllAtTheEnds) {
    const Range rows{.first = 0, .end = 10'000};

    EXPECT_TRUE(held_out_rows({.fraction = 1e-300}, rows).empty());
    EXPECT_EQ(held_out_rows({.fraction = std::nextafter(1.0, 0.0)}, rows).size(), 10'000U);
}

}  // namespace
}  // namespace paralogit::data
