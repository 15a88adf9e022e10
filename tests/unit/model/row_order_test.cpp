#include "paralogit/model/row_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace paralogit::model {
namespace {

std::vector<Index> all_rows(const RowOrder& order) {
    std::vector<Index> rows(static_cast<std::size_t>(order.rows()));
    order.rows_at(0, rows);
    return rows;
}

Index row_at(const RowOrder& order, Index place) {
    Index row = 0;
    order.rows_at(place, {&row, 1});
    return row;
}

TEST(RowOrders, MeetEveryRowOnce) {
    for (const Index count : {1, 2, 3, 4, 5, 8, 15, 16, 17, 99, 100, 101, 1000, 65536, 100'003}) {
        std::vector<Index> rows = all_rows(RowOrder(count, 7, 3));
        std::ranges::sort(rows);
        std::vector<Index> expected(static_cast<std::size_t>(count));
        std::iota(expected.begin(), expected.end(), Index{0});
        EXPECT_EQ(rows, expected) << count;
    }
}

TEST(RowOrders, AreComputedPlaceByPlaceAndBackwards) {
    const RowOrder order(12'345, 1, 0);
    const std::vector<Index> rows = all_rows(order);
    for (Index place = 0; place < order.rows(); place += 7) {
        const Index row = rows[static_cast<std::size_t>(place)];
        EXPECT_EQ(row_at(order, place), row);
        EXPECT_EQ(order.place_of(row), place);
    }
}

TEST(RowOrders, HaveRoomForManyRows) {
    const RowOrder order(Index{1} << 40, 5, 2);
    for (const Index place : {Index{0}, Index{123'456'789'012}, (Index{1} << 40) - 1}) {
        const Index row = row_at(order, place);
        EXPECT_GE(row, 0);
        EXPECT_LT(row, order.rows());
        EXPECT_EQ(order.place_of(row), place);
    }
}

TEST(RowOrders, DifferByEpochAndSeed) {
    const std::vector<Index> first = all_rows(RowOrder(1000, 1, 0));
    EXPECT_EQ(first, all_rows(RowOrder(1000, 1, 0)));
    EXPECT_NE(first, all_rows(RowOrder(1000, 1, 1)));
    EXPECT_NE(first, all_rows(RowOrder(1000, 2, 0)));
}

TEST(RowOrders, KeepNeighboursTogetherWhereToldSo) {
    const RowOrder order(1003, 4, 9, 32);
    const std::vector<Index> rows = all_rows(order);
    std::vector<Index> groups;
    for (std::size_t place = 0; place < 992; place += 32) {
        groups.push_back(rows[place] / 32);
        for (std::size_t i = 0; i < 32; ++i) {
            EXPECT_EQ(rows[place + i], groups.back() * 32 + static_cast<Index>(i));
        }
    }
    EXPECT_EQ(groups, all_rows(RowOrder(31, 4, 9)));
    for (std::size_t place = 992; place < 1003; ++place) {
        EXPECT_EQ(rows[place], static_cast<Index>(place));
    }
    // From anywhere to anywhere: parts of groups, whole ones, and what is behind them.
    for (const auto& [first, count] : {std::pair<std::size_t, std::size_t>{22, 50},
                                       {64, 32},
                                       {33, 1},
                                       {31, 2},
                                       {980, 23},
                                       {995, 5}}) {
        std::vector<Index> part(count);
        order.rows_at(static_cast<Index>(first), part);
        EXPECT_TRUE(std::ranges::equal(part, std::span(rows).subspan(first, count))) << first;
    }
}

TEST(RowOrders, TellOfRunsWhatTheyTellOfRows) {
    // More groups than are computed at once, and a part of one behind them.
    const RowOrder order(6411, 4, 9, 32);
    const std::vector<Index> rows = all_rows(order);
    for (const auto& [first, end] : {std::pair<Index, Index>{0, 6411},
                                     {22, 72},
                                     {64, 96},
                                     {33, 34},
                                     {6380, 6405},
                                     {6404, 6411}}) {
        std::vector<RowOrder::Run> runs;
        order.runs_at(first, end, runs);
        std::vector<Index> of_runs;
        for (const RowOrder::Run& run : runs) {
            EXPECT_LE(run.first % 32 + run.rows, 32);
            for (Index i = 0; i < run.rows; ++i) {
                of_runs.push_back(run.first + i);
            }
        }
        EXPECT_EQ(of_runs, std::vector<Index>(rows.begin() + first, rows.begin() + end)) << first;
    }
}

TEST(RowOrders, AsStoredAreTheRowsThemselves) {
    const RowOrder order = RowOrder::as_stored(5);
    EXPECT_EQ(all_rows(order), (std::vector<Index>{0, 1, 2, 3, 4}));
    EXPECT_EQ(order.place_of(3), 3);
}

/// (x - mean) / deviation of a chi-square statistic with so many degrees of freedom, about normal.
double normal_of(double chi_square, double degrees) {
    return (chi_square - degrees) / std::sqrt(2 * degrees);
}

TEST(RowOrders, PutEachRowAnywhere) {
    constexpr Index rows = 60;
    constexpr Index epochs = 60'000;
    std::vector<double> counts(rows * rows);
    for (Index epoch = 0; epoch < epochs; ++epoch) {
        const std::vector<Index> order = all_rows(RowOrder(rows, 11, epoch));
        for (std::size_t place = 0; place < rows; ++place) {
            counts[place * rows + static_cast<std::size_t>(order[place])] += 1;
        }
    }
    constexpr double expected = static_cast<double>(epochs) / rows;
    double chi_square = 0;
    for (const double count : counts) {
        chi_square += (count - expected) * (count - expected) / expected;
    }
    EXPECT_LT(std::abs(normal_of(chi_square, (rows - 1) * (rows - 1))), 5);
}

TEST(RowOrders, PutNeighboursFarApartAsOftenAsAnyTwoRows) {
    // The distance of rows at neighbouring places, among others that are as likely.
    constexpr Index rows = 1009;
    std::vector<double> counts(rows);
    double pairs = 0;
    for (Index epoch = 0; epoch < 1000; ++epoch) {
        const std::vector<Index> order = all_rows(RowOrder(rows, 3, epoch));
        for (std::size_t place = 0; place + 1 < rows; ++place) {
            const Index distance = (order[place + 1] - order[place] + rows) % rows;
            counts[static_cast<std::size_t>(distance)] += 1;
            pairs += 1;
        }
    }
    const double expected = pairs / (rows - 1);
    double chi_square = 0;
    for (std::size_t distance = 1; distance < rows; ++distance) {
        chi_square += (counts[distance] - expected) * (counts[distance] - expected) / expected;
    }
    EXPECT_LT(std::abs(normal_of(chi_square, rows - 2)), 5);
}

TEST(RowOrders, FillBatchesWithRowsFromAllOver) {
    // Rows of a batch in ten parts of the data set: as even as chance has it, and no more.
    constexpr Index rows = 100'000;
    constexpr std::size_t batch = 1000;
    const std::vector<Index> order = all_rows(RowOrder(rows, 1, 0));
    double chi_square = 0;
    for (std::size_t begin = 0; begin < order.size(); begin += batch) {
        std::vector<double> counts(10);
        for (std::size_t i = 0; i < batch; ++i) {
            counts[static_cast<std::size_t>(order[begin + i] / (rows / 10))] += 1;
        }
        for (const double count : counts) {
            chi_square += (count - 100) * (count - 100) / 100;
        }
    }
    // 100 batches of 9 degrees of freedom; 1 % less without replacement.
    EXPECT_LT(std::abs(normal_of(chi_square / 0.99, 900)), 5);
}

}  // namespace
}  // namespace paralogit::model
