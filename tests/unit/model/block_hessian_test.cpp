#include "paralogit/model/block_hessian.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "paralogit/model/column_scan.hpp"
#include "paralogit/model/thinned_rows.hpp"
#include "unit/model/guarded_bytes.hpp"
#include "unit/model/hessian_examples.hpp"
#include "unit/model/owned_block.hpp"
#include "unit/model/owned_sparse_block.hpp"

namespace paralogit::model {
namespace {

using testing::add_panel;
using testing::all_element_types;
using testing::example_block;
using testing::example_coefficients;
using testing::example_frame;
using testing::GuardedBytes;
using testing::intercept;
using testing::OwnedBlock;
using testing::OwnedSparseBlock;
using testing::sparse_of;
using testing::stored_as;
using testing::supported_isas;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

struct Panel : HessianPanel {
    double weights = 0;
};

Panel panel_of(const Block& block, Index thinning, const HessianFrame& frame, Isa isa) {
    Panel panel;
    panel.weights = append_hessian_rows(block, thinning, example_coefficients(block.features),
                                        intercept, frame, panel, isa);
    return panel;
}

/// Of rows with a curvature of 1.
bool add_rows(HessianSums& sums, const std::vector<double>& rows, Index size) {
    return add_panel(sums, {.rows = rows,
                            .curvatures = std::vector<double>(
                                rows.size() / static_cast<std::size_t>(size), 1.0)});
}

HessianSums sums_of(const std::vector<Panel>& panels, Index size, std::int32_t weight_exponent,
                    Isa isa) {
    HessianSums sums(size, weight_exponent, std::ssize(panels), isa);
    for (const Panel& panel : panels) {
        EXPECT_TRUE(add_panel(sums, panel));
    }
    return sums;
}

std::vector<std::int64_t> limbs_of(HessianSums& sums) {
    return {sums.limbs().begin(), sums.limbs().end()};
}

/// The Hessian of the thinned rows in long double  [size x size]
std::vector<long double> exact_hessian(const std::vector<OwnedBlock>& blocks, Index thinning,
                                       const HessianFrame& frame) {
    const Index features = blocks.front().features;
    const auto size = static_cast<std::size_t>(frame.padded_dimension());
    const std::vector<double> w = example_coefficients(features);
    std::vector<long double> hessian(size * size);
    for (const OwnedBlock& block : blocks) {
        const ThinnedRows left(block.first_global_row, block.rows(), thinning);
        for (Index taken = 0; taken < left.size(); ++taken) {
            const Index i = left[taken];
            std::vector<long double> x(size);
            long double z = intercept;
            for (Index j = 0; j < features; ++j) {
                z += 1.0L * block.at(i, j) * w[static_cast<std::size_t>(j)];
                x[static_cast<std::size_t>(j)] =
                    (1.0L * block.at(i, j) - frame.centre[j]) * frame.factor[j];
            }
            if (frame.has_intercept) {
                x[static_cast<std::size_t>(features)] = 1;
            }
            const long double p = 1 / (1 + std::exp(-z));
            for (std::size_t j = 0; j < size; ++j) {
                for (std::size_t k = 0; k < size; ++k) {
                    hessian[j * size + k] += block.weight(i) * p * (1 - p) * x[j] * x[k];
                }
            }
        }
    }
    return hessian;
}

TEST(BlockHessian, AgreesWithLongDouble) {
    for (const Index features : {1, 7, 8, 64, 100}) {
        for (const bool has_intercept : {false, true}) {
            for (const Index thinning : {1, 2, 32}) {
                SCOPED_TRACE(::testing::Message()
                             << features << (has_intercept ? " + 1" : "") << " 1/" << thinning);
                HessianFrame frame = example_frame(features, has_intercept);
                if (features > 2) {
                    frame.factor[2] = 0;
                    frame.factor[4] = -0.001;
                }
                const std::vector<OwnedBlock> blocks{example_block(77, features, true, 1),
                                                     example_block(64, features, true, 2),
                                                     example_block(100, features, false, 3)};
                const std::vector<long double> expected = exact_hessian(blocks, thinning, frame);
                const Index size = frame.padded_dimension();
                std::vector<std::int64_t> limbs;
                for (const Isa isa : supported_isas()) {
                    std::vector<Panel> panels;
                    for (const OwnedBlock& block : blocks) {
                        panels.push_back(panel_of(block.view(), thinning, frame, isa));
                    }
                    HessianSums sums = sums_of(panels, size, 8, isa);
                    for (Index j = 0; j < size; ++j) {
                        for (Index k = j; k < size; ++k) {
                            const auto at = [&](Index row, Index column) {
                                return expected[static_cast<std::size_t>(row * size + column)];
                            };
                            const long double scale = std::sqrt(at(j, j) * at(k, k));
                            ASSERT_LE(std::fabs(sums.value(j, k) - at(j, k)), 1e-14L * scale)
                                << name_of(isa) << " " << j << " " << k;
                        }
                    }
                    if (isa == Isa::portable) {
                        limbs = limbs_of(sums);
                    }
                    EXPECT_EQ(limbs_of(sums), limbs) << name_of(isa);
                }
            }
        }
    }
}

TEST(BlockHessian, HasARowOfThePanelForEveryThinnedRowOfTheBlock) {
    for (const Isa isa : supported_isas()) {
        for (const bool is_weighted : {false, true}) {
            for (const Index rows : {1, 2, 7, 8, 31, 32, 33, 65}) {
                for (const Index thinning : {1, 2, 32}) {
                    const OwnedBlock block = example_block(rows, 9, is_weighted, 4);
                    const HessianFrame frame = example_frame(9, true);
                    const Panel panel = panel_of(block.view(), thinning, frame, isa);
                    double weights = 0;
                    std::size_t taken = 0;
                    const ThinnedRows left(block.first_global_row, rows, thinning);
                    for (; std::cmp_less(taken, left.size()); ++taken) {
                        const Index i = left[static_cast<Index>(taken)];
                        weights += block.weight(i);
                        const double* row = panel.rows.data() + taken * 16;
                        // The intercept's entry is the root, and gives the others.
                        EXPECT_EQ(row[9] == 0, block.weight(i) == 0);
                        for (Index j = 0; j < 9; ++j) {
                            EXPECT_EQ(row[j], (block.at(i, j) - 50) * (1 / 50.0) * row[9]);
                        }
                        for (int j = 10; j < 16; ++j) {
                            EXPECT_EQ(row[j], 0.0);
                        }
                    }
                    EXPECT_EQ(panel.weights, weights);
                    EXPECT_EQ(panel.rows.size(), taken * 16);
                }
            }
        }
    }
}

TEST(BlockHessian, GivesTheSameBitsForEveryStoredTypeAndReadsNothingBeyond) {
    for (const Index features : {1, 7, 8, 30}) {
        const OwnedBlock block = example_block(67, features, true, 5);
        const HessianFrame frame = example_frame(features, true);
        for (const Index thinning : {1, 2, 32}) {
            const Panel expected = panel_of(block.view(), thinning, frame, Isa::portable);
            for (const ElementType type : all_element_types()) {
                const GuardedBytes stored(stored_as(type, block.values));
                for (const Isa isa : supported_isas()) {
                    const Panel found =
                        panel_of(block.view_of(type, stored.data()), thinning, frame, isa);
                    EXPECT_EQ(found.rows, expected.rows) << name_of(type) << " " << name_of(isa);
                    EXPECT_EQ(found.curvatures, expected.curvatures);
                    EXPECT_EQ(found.weights, expected.weights);
                }
            }
        }
    }
}

TEST(BlockHessian, AppendsToThePanelThatIsThere) {
    const OwnedBlock first = example_block(20, 5, true, 6);
    const OwnedBlock second = example_block(13, 5, false, 7);
    const HessianFrame frame = example_frame(5, false);
    Panel both = panel_of(first.view(), 2, frame, best_isa());
    const Panel alone = panel_of(second.view(), 2, frame, best_isa());
    const HessianPanel before = both;
    EXPECT_EQ(append_hessian_rows(second.view(), 2, example_coefficients(5), intercept, frame, both,
                                  best_isa()),
              7.0);
    HessianPanel expected = before;
    expected.rows.insert(expected.rows.end(), alone.rows.begin(), alone.rows.end());
    expected.curvatures.insert(expected.curvatures.end(), alone.curvatures.begin(),
                               alone.curvatures.end());
    EXPECT_EQ(both.rows, expected.rows);
    EXPECT_EQ(both.curvatures, expected.curvatures);
}

TEST(BlockHessian, FillsAClearedPanelAsAFreshOne) {
    const OwnedBlock before = example_block(30, 9, true, 9);
    OwnedBlock block = example_block(10, 3, true, 8);
    block.row_weights[4] = 0;
    for (const bool has_intercept : {true, false}) {
        const HessianFrame frame = example_frame(3, has_intercept);
        Panel panel = panel_of(before.view(), 1, example_frame(9, true), best_isa());
        panel.clear();
        append_hessian_rows(block.view(), 2, example_coefficients(3), intercept, frame, panel,
                            best_isa());
        const Panel fresh = panel_of(block.view(), 2, frame, best_isa());
        EXPECT_EQ(panel.rows, fresh.rows);
        EXPECT_EQ(panel.curvatures, fresh.curvatures);
    }
}

TEST(BlockHessian, LeavesOutRowsOfWeightZeroWhateverTheyHold) {
    OwnedBlock block = example_block(10, 3, true, 8);
    HessianFrame frame = example_frame(3, true);
    frame.factor[1] = 1e5;  // so large that the far value would overflow
    for (const Isa isa : supported_isas()) {
        const Panel expected = panel_of(block.view(), 1, frame, isa);
        OwnedBlock far = block;
        far.values[5 * 3 + 1] = 1e305;  // row 5 has weight 0
        EXPECT_EQ(panel_of(far.view(), 1, frame, isa).rows, expected.rows);
    }
}

TEST(HessianSums, HaveTheSameBitsForAnyGroupingOfBlocksAndOrderOfStrips) {
    for (const Isa isa : supported_isas()) {
        for (const Index features : {1, 7, 8, 30, 64}) {
            const HessianFrame frame = example_frame(features, true);
            const Index size = frame.padded_dimension();
            std::vector<Panel> panels;
            for (std::uint64_t seed = 0; seed < 7; ++seed) {
                panels.push_back(
                    panel_of(example_block(40, features, true, seed).view(), 2, frame, isa));
            }
            HessianSums all = sums_of(panels, size, 7, isa);

            HessianSums left(size, 7, 7, isa);
            HessianSums right(size, 7, 7, isa);
            std::vector<double> working(static_cast<std::size_t>(8 * size), nan_value);
            for (std::size_t k = panels.size(); k-- > 0;) {
                HessianSums& part = k % 3 == 0 ? left : right;
                for (Index strip = part.strips(); strip-- > 0;) {
                    ASSERT_TRUE(part.add(strip, panels[k], working));
                }
            }
            std::ranges::transform(left.limbs(), right.limbs(), left.limbs().begin(),
                                   std::plus<>());
            EXPECT_EQ(limbs_of(left), limbs_of(all)) << name_of(isa) << " " << features;
        }
    }
}

TEST(HessianSums, HaveThreePlacesForStripsOfThreeWidths) {
    HessianSums sums(24, 0, 1, best_isa());
    EXPECT_EQ(sums.strips(), 3);
    EXPECT_EQ(sums.limbs().size(), 2U * 8 * (24 + 16 + 8));
}

TEST(HessianSums, AreExactProductsOfNumbersWithFewDigits) {
    // Two rows: x_k = (k + 1) / 64 and x_k = -(7 k mod 11) / 16.
    for (const Isa isa : supported_isas()) {
        for (const Index size : {8, 16, 24, 32, 40, 56}) {
            std::vector<double> panel;
            for (Index k = 0; k < size; ++k) {
                panel.push_back(static_cast<double>(k + 1) / 64);
            }
            for (Index k = 0; k < size; ++k) {
                panel.push_back(-static_cast<double>((k * 7) % 11) / 16);
            }
            HessianSums sums(size, 4, 3, isa);
            EXPECT_TRUE(add_rows(sums, panel, size));
            EXPECT_TRUE(add_rows(sums, panel, size));
            for (Index j = 0; j < size; ++j) {
                for (Index k = j; k < size; ++k) {
                    const auto x = [&](Index row, Index column) {
                        return panel[static_cast<std::size_t>(row * size + column)];
                    };
                    ASSERT_EQ(sums.value(j, k), 2 * (x(0, j) * x(0, k) + x(1, j) * x(1, k)))
                        << name_of(isa) << " " << size << ": " << j << " " << k;
                }
            }
        }
    }
}

TEST(HessianSums, HaveRoomForRowsAtTheirBoundsAndRefuseWhatIsBeyond) {
    for (const Isa isa : supported_isas()) {
        // Weights below 2^3; p (1 - p) is at most 1/4: the entries stay below 2 with the slack 4.
        for (const double sign : {1.0, -1.0}) {
            std::vector<double> panel(8, 1.0);
            panel[3] = sign;
            for (const double root : {std::sqrt(2.0), std::sqrt(3.999)}) {
                std::vector<double> rows = panel;
                for (double& entry : rows) {
                    entry *= root;
                }
                HessianSums sums(8, 3, 1, isa);
                EXPECT_TRUE(add_rows(sums, rows, 8));
            }
            for (double& entry : panel) {
                entry *= 2;
            }
            HessianSums sums(8, 3, 1, isa);
            EXPECT_FALSE(add_rows(sums, panel, 8));
        }
    }
}

TEST(HessianSums, RefuseWhatIsNotFiniteAtAnyPlace) {
    for (const Isa isa : supported_isas()) {
        for (const double bad : {nan_value, infinity, -infinity}) {
            for (std::size_t place = 0; place < 24; ++place) {
                std::vector<double> panel(24 * 3, 0.25);
                panel[24 + place] = bad;
                HessianSums sums(24, 3, 1, isa);
                EXPECT_FALSE(add_rows(sums, panel, 24));
            }
        }
    }
}

TEST(HessianSums, DetectAMarginThatIsNotFinite) {
    for (const Isa isa : supported_isas()) {
        for (const double weight : {1.0, 0.0}) {
            OwnedBlock block = example_block(20, 4, true, 9);
            block.row_weights[6] = weight;
            const HessianFrame frame = example_frame(4, true);
            HessianPanel panel;
            std::vector<double> w = example_coefficients(4);
            w[2] = 1e308;
            append_hessian_rows(block.view(), 2, w, intercept, frame, panel, isa);
            HessianSums sums(8, 10, 1, isa);
            EXPECT_FALSE(add_panel(sums, panel));
        }
    }
}

TEST(HessianSums, AddNothingOfAPanelWithoutRows) {
    for (const Isa isa : supported_isas()) {
        HessianSums sums(16, 0, 5, isa);
        EXPECT_TRUE(add_panel(sums, {}));
        EXPECT_EQ(limbs_of(sums), std::vector<std::int64_t>(sums.limbs().size(), 0));
    }
}

// A weight exponent as ColumnScan has it is enough for rows of curvature 1/4 in the frame's
// corners.
TEST(HessianSums, HaveRoomForTheCurvatureOfEveryRowAtItsLargest) {
    for (const Isa isa : supported_isas()) {
        for (const double weight : {1.0, 0.999, 1e10}) {
            OwnedBlock block;
            block.features = 7;
            block.values.assign(64 * 7, 100.0);
            block.labels.assign(64, 1.0);
            block.row_weights.assign(64, weight);
            HessianPanel panel;
            const double weights = append_hessian_rows(block.view(), 1, std::vector<double>(7, 0.0),
                                                       0, example_frame(7, true), panel, isa);
            EXPECT_NEAR(weights, 64 * weight, 1e-13 * weights);
            HessianSums sums(8, weight_sum_exponent(block.row_weights, 64), 1, isa);
            EXPECT_TRUE(add_panel(sums, panel));
            EXPECT_NEAR(sums.value(0, 7), 16 * weight, 1e-14 * weights);
        }
    }
}

TEST(HessianRows, OfSomeFeaturesAreTheColumnsOfAll) {
    constexpr Index features = 21;
    OwnedBlock dense = example_block(37, features, /*is_weighted=*/true, 4);
    for (std::size_t k = 0; k < dense.values.size(); k += 1 + k % 3) {
        dense.values[k] = 0;
    }
    const OwnedSparseBlock sparse = sparse_of(dense);
    const std::vector<double> w = example_coefficients(features);
    for (const bool has_intercept : {true, false}) {
        const HessianFrame all = example_frame(features, has_intercept);
        for (const std::vector<Index>& some :
             {std::vector<Index>{0}, {20}, {0, 1, 7, 8, 19}, {3, 20}}) {
            HessianFrame frame = example_frame(std::ssize(some), has_intercept);
            frame.features = some;
            for (const Index thinning : {1, 4}) {
                HessianPanel whole;
                HessianPanel part;
                HessianPanel sparse_whole;
                HessianPanel sparse_part;
                const Isa isa = best_isa();
                append_hessian_rows(dense.view(), thinning, w, intercept, all, whole, isa);
                append_hessian_rows(dense.view(), thinning, w, intercept, frame, part, isa);
                append_hessian_rows(sparse.view(), thinning, w, intercept, all, sparse_whole, isa);
                const double weights = append_hessian_rows(sparse.view(), thinning, w, intercept,
                                                           frame, sparse_part, isa);

                EXPECT_EQ(part.curvatures, whole.curvatures);
                EXPECT_EQ(part.rows, sparse_part.rows);
                ASSERT_EQ(sparse_part.curvatures.size(), sparse_whole.curvatures.size());
                double expected_weights = 0;
                const ThinnedRows left(dense.first_global_row, dense.rows(), thinning);
                for (std::size_t i = 0; i < whole.curvatures.size(); ++i) {
                    expected_weights += dense.weight(left[static_cast<Index>(i)]);
                    EXPECT_NEAR(sparse_part.curvatures[i], sparse_whole.curvatures[i], 1e-15);
                    const auto row_of_part = i * static_cast<std::size_t>(frame.padded_dimension());
                    const auto row_of_whole = i * static_cast<std::size_t>(all.padded_dimension());
                    for (std::size_t k = 0; k < some.size(); ++k) {
                        EXPECT_EQ(part.rows[row_of_part + k],
                                  whole.rows[row_of_whole + static_cast<std::size_t>(some[k])]);
                    }
                    if (has_intercept) {
                        EXPECT_EQ(part.rows[row_of_part + some.size()],
                                  whole.rows[row_of_whole + features]);
                    }
                }
                EXPECT_EQ(weights, expected_weights);
            }
        }
    }
}

}  // namespace
}  // namespace paralogit::model
