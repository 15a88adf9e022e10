#include "paralogit/model/sparse_scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "owned_sparse_block.hpp"
#include "paralogit/model/scattered_sums.hpp"

namespace paralogit::model {
namespace {

using testing::OwnedSparseBlock;
using testing::random_sparse_block;

struct Scanned {
    ColumnBounds bounds;
    std::vector<bool> is_used;
    std::uint64_t hash;
    double weights;
    double labels;
};

Scanned scanned(const OwnedSparseBlock& block, Index rows_at_once) {
    SparseScan scan(block.features, !block.row_weights.empty(), 10);
    SparseTally tally(10, 100);
    for (Index end = block.rows(); end > 0;) {
        const Index first = std::max<Index>(0, end - rows_at_once);
        scan.add(block.rows_of({.first = first, .end = end}), tally);
        end = first;
    }
    EXPECT_FALSE(tally.bad_value);
    std::vector<bool> is_used = scan.used_features();
    return {scan.take_bounds(), is_used, tally.hash, tally.sums.value(0), tally.sums.value(1)};
}

TEST(SparseScan, FindsTheExponentsOfTheLargestEntries) {
    OwnedSparseBlock block;
    block.features = 7;
    block.row_weights = {2, 0.5, 0};
    block.add_row({{0, 1.0}, {1, -3.0}, {3, 0x1p-1060}}, 1);
    block.add_row({{0, 7.0}, {1, 4.0}, {4, 0.0}}, 0);
    block.add_row({{2, 5.0}, {6, 1e300}}, 1);
    const Scanned result = scanned(block, 3);
    constexpr std::int16_t none = ScatterScale::lowest_exponent;
    EXPECT_EQ(result.bounds.value_exponents,
              (std::vector<std::int16_t>{3, 3, none, none, none, none, none}));
    // 2 * 1 and 0.5 * 7; 2 * 3 and 0.5 * 4.
    EXPECT_EQ(result.bounds.sum_exponents,
              (std::vector<std::int16_t>{2, 3, none, none, none, none, none}));
    EXPECT_EQ(result.is_used, (std::vector<bool>{true, true, true, true, true, false, true}));
    EXPECT_EQ(result.weights, 2.5);
    EXPECT_EQ(result.labels, 2);
    EXPECT_EQ(result.bounds.weight_exponent, 10);
}

TEST(SparseScan, HashesTheSameRowsTheSameWhateverTypeAndBlocks) {
    OwnedSparseBlock block = random_sparse_block(60, 30, 12, true, 21);
    const std::uint64_t hash = scanned(block, 60).hash;
    for (const ElementType type : testing::all_element_types()) {
        block.store(type);
        EXPECT_EQ(scanned(block, 7).hash, hash);
    }
    block.store(ElementType::float64);
    // An entry of 0 is no other row than none.
    OwnedSparseBlock with_zero = block;
    with_zero.features = 31;
    with_zero.indices.push_back(30);
    with_zero.values.push_back(0);
    with_zero.offsets.back() += 1;
    with_zero.store(ElementType::float64);
    EXPECT_EQ(scanned(with_zero, 60).hash, hash);
}

TEST(SparseScan, HashesOtherRowsOtherwise) {
    const OwnedSparseBlock block = random_sparse_block(60, 30, 12, true, 22);
    const std::uint64_t hash = scanned(block, 60).hash;
    OwnedSparseBlock other = block;
    other.values[5] = std::nextafter(other.values[5], 0);
    other.store(ElementType::float64);
    EXPECT_NE(scanned(other, 60).hash, hash);
    other = block;
    other.labels[3] = 1 - other.labels[3];
    EXPECT_NE(scanned(other, 60).hash, hash);
    other = block;
    other.row_weights[3] += 1;
    EXPECT_NE(scanned(other, 60).hash, hash);
    other = block;
    other.first_global_row = 1;
    EXPECT_NE(scanned(other, 60).hash, hash);
    other = block;
    other.indices[0] += other.indices[0] + 1 == other.indices[1] ? 0U : 1U;
    if (other.indices[0] != block.indices[0]) {
        EXPECT_NE(scanned(other, 60).hash, hash);
    }
}

TEST(SparseScan, NamesTheFirstBadValue) {
    OwnedSparseBlock block = random_sparse_block(20, 9, 5, false, 23);
    block.first_global_row = 100;
    for (const double bad :
         {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
        OwnedSparseBlock broken = block;
        const auto row = static_cast<std::size_t>(std::ranges::upper_bound(broken.offsets, 10) -
                                                  broken.offsets.begin() - 1);
        broken.values[10] = bad;
        broken.values[12] = bad;
        broken.store(ElementType::float64);
        SparseScan scan(9, false, 10);
        SparseTally tally(10, 1);
        scan.add(broken.view(), tally);
        ASSERT_TRUE(tally.bad_value);
        EXPECT_EQ(tally.bad_value->global_row, 100 + static_cast<Index>(row));
        EXPECT_EQ(tally.bad_value->feature, Index{broken.indices[10]});
        EXPECT_FALSE(std::isfinite(tally.bad_value->value));
    }
}

}  // namespace
}  // namespace paralogit::model
