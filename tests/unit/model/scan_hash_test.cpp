#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "paralogit/model/column_scan.hpp"
#include "unit/model/scan_cases.hpp"

namespace paralogit::model {
namespace {

using testing::frame_for;
using testing::OwnedBlock;
using testing::part_of;
using testing::random_block;

std::uint64_t hash_of(const OwnedBlock& block, const ScanFrame& frame) {
    ColumnScan scan(frame);
    EXPECT_FALSE(scan.add(block.view()).has_value());
    return scan.hash;
}

TEST(ScanHash, DependsOnEachValueLabelAndWeight) {
    for (const Index rows : {2, 32, 1024}) {
        for (const Index features : {1, 9, 20}) {
            OwnedBlock block = random_block(rows, features, true, 3);
            const ScanFrame frame = frame_for(block);
            const std::uint64_t hash = hash_of(block, frame);
            for (Index i = 0; i < rows; i += 1 + rows / 17) {
                const auto row = static_cast<std::size_t>(i);
                for (Index j = 0; j < features; ++j) {
                    OwnedBlock other = block;
                    double& value = other.values[static_cast<std::size_t>(i * features + j)];
                    // By 2e-15 of the magnitude of the row's projection.
                    double size = 0;
                    for (Index k = 0; k < features; ++k) {
                        const auto at = static_cast<std::size_t>(k);
                        size += std::fabs(block.at(i, k)) * std::ldexp(1.0, -frame.units[at]);
                    }
                    value +=
                        2e-15 * size * std::ldexp(1.0, frame.units[static_cast<std::size_t>(j)]);
                    EXPECT_NE(hash_of(other, frame), hash) << i << " " << j << " of " << rows;
                }
                OwnedBlock other = block;
                other.labels[row] = 1 - other.labels[row];
                EXPECT_NE(hash_of(other, frame), hash) << i;
                other = block;
                other.row_weights[row] *= 1 + 2e-15;
                EXPECT_NE(hash_of(other, frame), hash) << i;
                other.row_weights[row] = 0;
                EXPECT_NE(hash_of(other, frame), hash) << i;
            }
        }
    }
}

TEST(ScanHash, DependsOnTheOrderOfRowsAndOfFeaturesAndOnTheirPlace) {
    const OwnedBlock block = random_block(100, 9, false, 4);
    const ScanFrame frame{.origin = Vector::Zero(9),
                          .units = std::vector<std::int32_t>(9, 2),
                          .weight_exponent = 10,
                          .blocks = 8};
    const std::uint64_t hash = hash_of(block, frame);
    for (const Index other_row : {1, 8, 99}) {
        OwnedBlock turned = block;
        std::swap_ranges(turned.values.begin(), turned.values.begin() + 9,
                         turned.values.begin() + 9 * other_row);
        EXPECT_NE(hash_of(turned, frame), hash);
        turned = block;
        turned.labels[0] = 1;
        turned.labels[static_cast<std::size_t>(other_row)] = 0;
        const std::uint64_t one_way = hash_of(turned, frame);
        std::swap(turned.labels[0], turned.labels[static_cast<std::size_t>(other_row)]);
        EXPECT_NE(hash_of(turned, frame), one_way);
    }
    for (const std::size_t other_feature : {1, 7, 8}) {
        OwnedBlock turned = block;
        for (std::size_t i = 0; i < 100; ++i) {
            std::swap(turned.values[i * 9], turned.values[i * 9 + other_feature]);
        }
        EXPECT_NE(hash_of(turned, frame), hash);
    }
    OwnedBlock elsewhere = block;
    elsewhere.first_global_row = 100;
    EXPECT_NE(hash_of(elsewhere, frame), hash);
    // Two blocks in each other's place; in their own they are the whole.
    OwnedBlock first = part_of(block, 0, 50);
    OwnedBlock second = part_of(block, 50, 50);
    const std::uint64_t both = hash_of(first, frame) + hash_of(second, frame);
    EXPECT_EQ(both, hash);
    std::swap(first.first_global_row, second.first_global_row);
    EXPECT_NE(hash_of(first, frame) + hash_of(second, frame), both);
}

TEST(ScanHash, TellsALabelFromAWeight) {
    OwnedBlock block = random_block(10, 3, false, 5);
    const ScanFrame frame{.origin = Vector::Zero(3),
                          .units = std::vector<std::int32_t>(3, 2),
                          .weight_exponent = 10,
                          .blocks = 1};
    block.row_weights.assign(10, 1.0);
    std::set<std::uint64_t> hashes;
    for (const double weight : {0.0, 0.5, 1.0, 2.0, 3.0}) {
        for (const double label : {0.0, 0.25, 0.5, 1.0}) {
            block.row_weights[4] = weight;
            block.labels[4] = label;
            hashes.insert(hash_of(block, frame));
        }
    }
    EXPECT_EQ(hashes.size(), 20U);
}

TEST(ScanHash, SeesTheOtherRowsBesideOneThatIsFarOut) {
    OwnedBlock block = random_block(100, 3, false, 6);
    block.row_weights.assign(100, 1.0);
    const ScanFrame frame = frame_for(block);
    block.row_weights[7] = 0;
    for (const double far : {1e30, 1.5e308}) {
        block.values[7 * 3] = block.values[7 * 3 + 1] = far;
        const std::uint64_t hash = hash_of(block, frame);
        OwnedBlock other = block;
        other.values[50] *= 1 + 1e-14;
        EXPECT_NE(hash_of(other, frame), hash) << far;
    }
}

TEST(ScanHash, TakesNoWeightsAsWeightsOfOneAndZeroesOfBothSigns) {
    OwnedBlock block = random_block(30, 3, false, 5);
    block.values[0] = block.values[1] = block.values[2] = 0;
    const ScanFrame frame = frame_for(block);
    const std::uint64_t hash = hash_of(block, frame);
    block.row_weights.assign(30, 1.0);
    EXPECT_EQ(hash_of(block, frame), hash);
    block.values[0] = block.values[1] = block.values[2] = -0.0;
    EXPECT_EQ(hash_of(block, frame), hash);
}

}  // namespace
}  // namespace paralogit::model
