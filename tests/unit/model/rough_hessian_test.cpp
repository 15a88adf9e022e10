#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "paralogit/model/block_hessian.hpp"
#include "paralogit/model/thinned_rows.hpp"
#include "unit/model/guarded_bytes.hpp"
#include "unit/model/hessian_examples.hpp"
#include "unit/model/owned_block.hpp"
#include "unit/model/owned_sparse_block.hpp"

// Hessians whose products are added up in floats.

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
HessianPanel rough_panel(std::int32_t weight_exponent) {
    HessianPanel panel;
    panel.rough_weight_exponent = weight_exponent;
    return panel;
}

template <typename AnyBlock>
HessianPanel panel_of(const AnyBlock& block, Index thinning, const HessianFrame& frame, Isa isa,
                      std::int32_t weight_exponent = 8) {
    HessianPanel panel = rough_panel(weight_exponent);
    append_hessian_rows(block, thinning, example_coefficients(block.features), intercept, frame,
                        panel, isa);
    return panel;
}

HessianPanel exact_panel_of(const Block& block, Index thinning, const HessianFrame& frame) {
    HessianPanel panel;
    append_hessian_rows(block, thinning, example_coefficients(block.features), intercept, frame,
                        panel, Isa::portable);
    return panel;
}

TEST(RoughHessian, HasRowsOfFloatsTimesTheRootsOfTheCurvatures) {
    for (const Index features : {1, 7, 8, 15, 30}) {
        for (const bool has_intercept : {true, false}) {
            HessianFrame frame = example_frame(features, has_intercept);
            frame.factor[0] = -0.007;
            const auto stride = static_cast<std::size_t>(frame.rough_stride());
            const auto size = static_cast<std::size_t>(frame.padded_dimension());
            ASSERT_EQ(stride, size + 8);
            const OwnedBlock block = example_block(67, features, true, 5);
            const HessianPanel exact = exact_panel_of(block.view(), 2, frame);
            for (const Isa isa : supported_isas()) {
                const HessianPanel rough = panel_of(block.view(), 2, frame, isa, 6);
                EXPECT_EQ(rough.curvatures, exact.curvatures);
                ASSERT_EQ(rough.rough_rows.size(), rough.curvatures.size() * stride);
                for (std::size_t i = 0; i < rough.curvatures.size(); ++i) {
                    const double root = std::sqrt(rough.curvatures[i] / 64);
                    for (std::size_t j = 0; j < stride; ++j) {
                        const float expected =
                            j < size ? static_cast<float>(exact.rows[i * size + j] * root) : 0.0F;
                        ASSERT_EQ(rough.rough_rows[i * stride + j], expected)
                            << name_of(isa) << " " << features << ": " << i << " " << j;
                    }
                }
            }
        }
    }
}

TEST(RoughHessian, GivesTheSameBitsForEveryStoredTypeAndReadsNothingBeyond) {
    for (const Index features : {1, 7, 8, 30}) {
        const OwnedBlock block = example_block(67, features, true, 5);
        const HessianFrame frame = example_frame(features, true);
        for (const Index thinning : {1, 2, 32}) {
            const HessianPanel expected = panel_of(block.view(), thinning, frame, Isa::portable);
            for (const ElementType type : all_element_types()) {
                const GuardedBytes stored(stored_as(type, block.values));
                for (const Isa isa : supported_isas()) {
                    const HessianPanel found =
                        panel_of(block.view_of(type, stored.data()), thinning, frame, isa);
                    EXPECT_EQ(found.rough_rows, expected.rough_rows)
                        << name_of(type) << " " << name_of(isa);
                }
            }
        }
    }
}

TEST(RoughHessian, AddsUpFloatsOverRunsOf128Rows) {
    for (const Index features : {1, 7, 8, 9, 15, 17, 31, 40, 64, 100}) {
        for (const Index rows : {1, 127, 128, 129, 300}) {
            const HessianFrame frame = example_frame(features, true);
            const Index size = frame.padded_dimension();
            const Index stride = frame.rough_stride();
            const OwnedBlock block = example_block(rows, features, false, 3);
            const HessianPanel panel = panel_of(block.view(), 1, frame, Isa::portable, 9);
            std::vector<std::int64_t> limbs;
            for (const Isa isa : supported_isas()) {
                HessianSums sums(size, 9, 1, isa);
                ASSERT_TRUE(add_panel(sums, panel));
                for (Index j = 0; j < size; ++j) {
                    for (Index k = j; k < size; ++k) {
                        double expected = 0;
                        float run = 0;
                        for (Index i = 0; i < rows; ++i) {
                            const auto x = [&](Index column) {
                                return panel
                                    .rough_rows[static_cast<std::size_t>(i * stride + column)];
                            };
                            run = std::fma(x(j), x(k), run);
                            if (i % 128 == 127 || i == rows - 1) {
                                expected += static_cast<double>(run);
                                run = 0;
                            }
                        }
                        ASSERT_EQ(sums.value(j, k), expected * 512)
                            << name_of(isa) << " " << features << ": " << j << " " << k;
                    }
                }
                if (isa == Isa::portable) {
                    limbs.assign(sums.limbs().begin(), sums.limbs().end());
                }
                EXPECT_TRUE(std::ranges::equal(sums.limbs(), limbs)) << name_of(isa);
            }
        }
    }
}

TEST(RoughHessian, IsNearTheExactOne) {
    for (const Index features : {7, 64}) {
        for (const bool is_weighted : {true, false}) {
            const HessianFrame frame = example_frame(features, true);
            const Index size = frame.padded_dimension();
            const OwnedBlock block = example_block(1000, features, is_weighted, 7);
            HessianSums exact(size, 12, 1, best_isa());
            ASSERT_TRUE(add_panel(exact, exact_panel_of(block.view(), 2, frame)));
            // The bound of the panel is that of the sums.
            HessianSums rough(size, 12, 1, best_isa());
            ASSERT_TRUE(add_panel(rough, panel_of(block.view(), 2, frame, best_isa(), 12)));
            for (Index j = 0; j < size; ++j) {
                for (Index k = j; k < size; ++k) {
                    const double scale = std::sqrt(exact.value(j, j) * exact.value(k, k));
                    ASSERT_LE(std::abs(rough.value(j, k) - exact.value(j, k)), 1e-6 * scale);
                }
            }
        }
    }
}

TEST(RoughHessian, KeepsItsDigitsHoweverLargeTheWeightsAre) {
    const HessianFrame frame = example_frame(5, true);
    const OwnedBlock plain = example_block(50, 5, true, 6);
    HessianSums expected(8, 9, 1, best_isa());
    ASSERT_TRUE(add_panel(expected, panel_of(plain.view(), 1, frame, best_isa(), 9)));
    for (const int exponent : {-500, -40, 40, 500}) {
        OwnedBlock scaled = plain;
        for (double& weight : scaled.row_weights) {
            weight = std::ldexp(weight, exponent);
        }
        HessianSums sums(8, 9 + exponent, 1, best_isa());
        ASSERT_TRUE(add_panel(sums, panel_of(scaled.view(), 1, frame, best_isa(), 9 + exponent)));
        EXPECT_GT(sums.value(0, 0), 0);
        for (Index j = 0; j < 8; ++j) {
            for (Index k = j; k < 8; ++k) {
                EXPECT_EQ(sums.value(j, k), std::ldexp(expected.value(j, k), exponent));
            }
        }
    }
}

TEST(RoughHessian, OfSomeFeaturesAndOfSparseRowsHasTheBitsOfDenseOnes) {
    constexpr Index features = 21;
    const OwnedBlock dense = example_block(37, features, true, 4);
    const OwnedSparseBlock sparse = sparse_of(dense);
    const std::vector<Index> some{0, 1, 7, 8, 20};
    HessianFrame all = example_frame(features, true);
    HessianFrame part = example_frame(std::ssize(some), true);
    part.features = some;
    for (const Isa isa : supported_isas()) {
        const HessianPanel expected = panel_of(dense.view(), 4, all, isa);
        EXPECT_EQ(panel_of(sparse.view(), 4, all, isa).rough_rows, expected.rough_rows);
        const HessianPanel of_dense = panel_of(dense.view(), 4, part, isa);
        EXPECT_EQ(of_dense.rough_rows.size(), 10U * 16);
        for (std::size_t i = 0; i < 10; ++i) {
            for (std::size_t k = 0; k < some.size(); ++k) {
                EXPECT_EQ(of_dense.rough_rows[i * 16 + k],
                          expected.rough_rows[i * 32 + static_cast<std::size_t>(some[k])]);
            }
            EXPECT_EQ(of_dense.rough_rows[i * 16 + 5], expected.rough_rows[i * 32 + 21]);
            EXPECT_EQ(of_dense.rough_rows[i * 16 + 6], 0.0F);
        }
    }
}

TEST(RoughHessian, LeavesOutRowsOfWeightZeroWhateverTheyHold) {
    OwnedBlock block = example_block(10, 3, true, 8);
    HessianFrame frame = example_frame(3, true);
    frame.factor[1] = 1e5;  // so large that the far value would overflow
    for (const Isa isa : supported_isas()) {
        const HessianPanel expected = panel_of(block.view(), 1, frame, isa);
        OwnedBlock far = block;
        far.values[5 * 3 + 1] = 1e305;  // row 5 has weight 0
        EXPECT_EQ(panel_of(far.view(), 1, frame, isa).rough_rows, expected.rough_rows);
    }
}

TEST(RoughHessian, FillsAClearedPanelAsAFreshOneAndAppendsToOneThatIsNot) {
    const OwnedBlock before = example_block(30, 9, true, 9);
    const OwnedBlock first = example_block(20, 3, true, 6);
    const OwnedBlock second = example_block(13, 3, true, 7);
    const HessianFrame frame = example_frame(3, true);
    HessianPanel panel = panel_of(before.view(), 1, example_frame(9, true), best_isa());
    panel.clear();
    for (const OwnedBlock* block : {&first, &second}) {
        append_hessian_rows(block->view(), 2, example_coefficients(3), intercept, frame, panel,
                            best_isa());
    }
    std::vector<float> expected = panel_of(first.view(), 2, frame, best_isa()).rough_rows;
    const std::vector<float> more = panel_of(second.view(), 2, frame, best_isa()).rough_rows;
    expected.insert(expected.end(), more.begin(), more.end());
    EXPECT_EQ(panel.rough_rows, expected);
}

TEST(RoughHessian, RefusesWhatIsNotFiniteAtAnyPlace) {
    for (const Isa isa : supported_isas()) {
        for (const double bad : {nan_value, infinity, -infinity}) {
            for (std::size_t place = 0; place < 24; ++place) {
                HessianPanel panel = rough_panel(3);
                panel.curvatures.assign(3, 0.25);
                panel.rough_rows.assign(std::size_t{3} * 32, 0.25F);
                panel.rough_rows[32 + place] = static_cast<float>(bad);
                HessianSums sums(24, 3, 1, isa);
                EXPECT_FALSE(add_panel(sums, panel));
            }
        }
    }
}

TEST(RoughHessian, DetectsAMarginThatIsNotFinite) {
    for (const Isa isa : supported_isas()) {
        const OwnedBlock block = example_block(20, 4, false, 9);
        HessianPanel panel = rough_panel(10);
        std::vector<double> w = example_coefficients(4);
        w[2] = 1e308;
        append_hessian_rows(block.view(), 2, w, intercept, example_frame(4, true), panel, isa);
        HessianSums sums(8, 10, 1, isa);
        EXPECT_FALSE(add_panel(sums, panel));
    }
}

}  // namespace
}  // namespace paralogit::model
