#include "paralogit/model/block_kernel.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "paralogit/model/math.hpp"
#include "support/sanitized.hpp"
#include "unit/model/guarded_bytes.hpp"
#include "unit/model/kernel_cases.hpp"

namespace paralogit::model {
namespace {

using testing::all_element_types;
using testing::append_element;
using testing::bits;
using testing::evaluated;
using testing::expect_same_bits;
using testing::expect_same_sums;
using testing::Guarded;
using testing::GuardedBytes;
using testing::multiply_block_hessian;
using testing::OwnedBlock;
using testing::random_block;
using testing::random_values;
using testing::small_coefficients;
using testing::stored_as;
using testing::supported_isas;
using testing::take_small_integers;
using testing::take_soft_labels;
using testing::take_weights;
using testing::Weights;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr Index feature_counts[] = {1, 2, 7, 8, 9, 15, 16, 17, 30, 64, 100, 784, 1001};
constexpr Index row_counts[] = {1, 7, 8, 9, 53, 64, 200, 1024, 5000};

// The declared order, word by word.
double joined(const double (&lane)[8]) {
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

double literal_margin(const OwnedBlock& block, Index row, const std::vector<double>& w, double b) {
    double lane[8] = {};
    for (Index j = 0; j < block.features; ++j) {
        lane[j % 8] = std::fma(block.at(row, j), w[static_cast<std::size_t>(j)], lane[j % 8]);
    }
    return joined(lane) + b;
}

Vector literal_products(const OwnedBlock& block, const std::vector<double>& factors) {
    Vector sums = Vector::Zero(block.features);
    for (Index i = 0; i < block.rows(); ++i) {
        const double factor = factors[static_cast<std::size_t>(i)];
        for (Index j = 0; j < block.features; ++j) {
            sums[j] = std::fma(factor, block.at(i, j), sums[j]);
        }
    }
    return sums;
}

BlockSums literal_sums(const OwnedBlock& block, const std::vector<double>& w, double b) {
    BlockSums sums;
    std::vector<double> weighted_slopes;
    double slopes[8] = {};
    double linear[8] = {};
    double product[8] = {};  // (1 + u)(1 + u')... - 1
    double logs[8] = {};
    double weighted_logs[8] = {};
    double common = 0;
    for (Index i = 0; i < block.rows(); ++i) {
        common = std::max(common, block.weight(i));
    }
    const auto take_logarithms = [&] {
        for (int l = 0; l < 8; ++l) {
            logs[l] += common * (product[l] > 1 ? log_of_positive(1 + product[l])
                                                : log1p_of_unit(product[l]));
            product[l] = 0;
        }
    };
    for (Index i = 0; i < block.rows(); ++i) {
        if (i > 0 && i % 2048 == 0) {
            take_logarithms();
        }
        const auto l = i % 8;
        const double s = block.weight(i);
        const double y = block.label(i);
        const double z = literal_margin(block, i, w, b);
        const double distance = std::fabs(z);
        const double against = std::signbit(z) ? y : 1 - y;
        const double u = exp_of_nonpositive(-distance);
        const double slope = against - u / (1 + u);
        const double weighted_slope = s * (std::signbit(z) ? -slope : slope);
        weighted_slopes.push_back(weighted_slope);
        slopes[l] += weighted_slope;
        linear[l] = std::fma(s * against, distance, linear[l]);
        if (s == common && s != 0) {
            product[l] = std::fma(product[l], u, product[l] + u);
        } else if (s != 0) {
            weighted_logs[l] = std::fma(s, log1p_of_unit(u), weighted_logs[l]);
        }
        const bool is_right = (y == 1 && z > 0) || (y == 0 && z < 0);
        sums.rows_wrong += is_right || s == 0 ? 0 : 1;
    }
    take_logarithms();
    sums.slopes_times_features = literal_products(block, weighted_slopes);
    sums.slopes = joined(slopes);
    sums.loss = joined(linear) + (joined(logs) + joined(weighted_logs));
    return sums;
}

BlockSums literal_hessian_product(const OwnedBlock& block, const std::vector<double>& w, double b,
                                  const std::vector<double>& v, double v0) {
    BlockSums sums;
    std::vector<double> factors;
    double slopes[8] = {};
    for (Index i = 0; i < block.rows(); ++i) {
        const double u = exp_of_nonpositive(-std::fabs(literal_margin(block, i, w, b)));
        const double curvature = block.weight(i) * (u / ((1 + u) * (1 + u)));
        factors.push_back(curvature * literal_margin(block, i, v, v0));
        slopes[i % 8] += factors.back();
    }
    sums.slopes_times_features = literal_products(block, factors);
    sums.slopes = joined(slopes);
    return sums;
}

/// Labels as bytes, where all are 0 or 1.
std::vector<std::uint8_t> hard_labels(const OwnedBlock& block) {
    std::vector<std::uint8_t> labels;
    for (const double label : block.labels) {
        labels.push_back(label == 1 ? 1 : 0);
    }
    return labels;
}

/// All kernels on the stored values, which end where memory ends, against the oracles.
class LiteralCase {
  public:
    LiteralCase(const OwnedBlock& block, std::uint64_t seed)
        : block_(block),
          w_(small_coefficients(block.features, seed)),
          v_(small_coefficients(block.features, seed + 1)),
          sums_(literal_sums(block, w_, 0.3)),
          product_(literal_hessian_product(block, w_, 0.3, v_, -0.1)) {
        for (Index i = 0; i < block.rows(); ++i) {
            margins_.push_back(literal_margin(block, i, w_, 0.3));
        }
    }

    void expect(ElementType type, const std::vector<std::byte>& stored, LabelView labels,
                Isa isa) const {
        SCOPED_TRACE(::testing::Message()
                     << block_.rows() << " x " << block_.features << " " << name_of(type) << " "
                     << name_of(isa) << (block_.row_weights.empty() ? "" : " weighted")
                     << (labels.hard() != nullptr ? " hard" : " soft"));
        const Guarded<double> w(w_);
        const Guarded<double> v(v_);
        const Guarded<double> weights(block_.row_weights);
        for (const std::size_t slack : {0, 1}) {
            const GuardedBytes values(stored, slack);
            Block block = block_.view_of(type, values.data());
            block.labels = labels;
            if (!block_.row_weights.empty()) {
                block.row_weights = weights.span();
            }
            // Whatever lies in the working memory.
            BlockSums sums;
            sums.scratch.assign(20000, nan_value);
            evaluate_block(block, w.span(), 0.3, sums, isa);
            expect_same_sums(sums, sums_);
            std::vector<double> margins(margins_.size());
            block_margins(block, w.span(), 0.3, margins, isa);
            EXPECT_EQ(margins, margins_);
            BlockSums product;
            product.scratch.assign(20000, nan_value);
            multiply_block_hessian(block, w.span(), 0.3, v.span(), -0.1, product, isa);
            expect_same_bits(product.slopes_times_features, product_.slopes_times_features);
            EXPECT_EQ(bits(product.slopes), bits(product_.slopes));
        }
    }

    /// As bytes too where the labels allow it.
    void expect_for_all_labels(ElementType type, const std::vector<std::byte>& stored,
                               bool are_hard, Isa isa) const {
        const Guarded<double> soft(block_.labels);
        expect(type, stored, soft.span(), isa);
        if (are_hard) {
            const Guarded<std::uint8_t> hard(hard_labels(block_));
            expect(type, stored, hard.span(), isa);
        }
    }

  private:
    const OwnedBlock& block_;
    std::vector<double> w_;
    std::vector<double> v_;
    BlockSums sums_;
    BlockSums product_;
    std::vector<double> margins_;
};

/// A number of features; the processes that share the tests share these too.
class BlockKernelOfFeatures : public ::testing::TestWithParam<Index> {};
INSTANTIATE_TEST_SUITE_P(All, BlockKernelOfFeatures, ::testing::ValuesIn(feature_counts),
                         ::testing::PrintToStringParamName());

TEST_P(BlockKernelOfFeatures, FollowsTheDeclaredOrderBitForBit) {
    const Index features = GetParam();
    auto turn = static_cast<std::size_t>(features);
    for (const Index rows : row_counts) {
        OwnedBlock block = random_block(rows, features, false, 1);
        take_small_integers(block);
        for (const bool are_hard : {true, false}) {
            if (!are_hard) {
                take_soft_labels(block);
            }
            for (const Weights weights : {Weights::none, Weights::mixed, Weights::ones}) {
                // Large blocks in one type each, in turn.
                const bool is_small = rows * features <= 8000;
                const std::size_t types = !is_small            ? 1
                                          : test::is_sanitized ? 3
                                                               : all_element_types().size();
                if (!is_small && weights == Weights::ones) {
                    continue;
                }
                take_weights(block, weights);
                const LiteralCase expected(block, 2);
                for (std::size_t k = 0; k < types; ++k) {
                    const ElementType type =
                        all_element_types()[turn++ % all_element_types().size()];
                    const std::vector<std::byte> stored = stored_as(type, block.values);
                    for (const Isa isa : supported_isas()) {
                        expected.expect_for_all_labels(type, stored, are_hard, isa);
                        if (HasFailure()) {
                            return;
                        }
                    }
                }
            }
        }
    }
}

// Rows of some sizes are gone through in turns of four, in parts of groups, or a group at a time.
TEST(BlockKernel, FollowsTheDeclaredOrderForWideRowsOfFloatsAndDoubles) {
    for (const Index features : {24, 63, 64, 81, 129, 161, 301, 304, 1025, 1153}) {
        for (const Index rows : {8, 17, 51}) {
            OwnedBlock block = random_block(rows, features, false, 7);
            take_small_integers(block);
            take_weights(block, rows == 51 ? Weights::mixed : Weights::none);
            const LiteralCase expected(block, 8);
            for (const ElementType type : {ElementType::float32, ElementType::float64}) {
                const std::vector<std::byte> stored = stored_as(type, block.values);
                for (const Isa isa : supported_isas()) {
                    expected.expect_for_all_labels(type, stored, true, isa);
                }
            }
        }
    }
}

// The kernels read whole groups of eight values where a row ends within one. Where a chunk of rows
// ends, the rows behind it may be too few to read on.
TEST(BlockKernel, ReadsNothingBeyondTheLastValue) {
    for (const Index features : {1, 2, 3, 4, 5, 6, 7, 9, 11}) {
        for (const Index more : {0, 1, 2, 3, 7, 8, 9}) {
            for (const Index chunk : {24, 64, 128, 184, 256, 512}) {
                OwnedBlock block = random_block(chunk + more, features, false, 3);
                take_small_integers(block);
                const LiteralCase expected(block, 4);
                for (const ElementType type : {ElementType::uint8, ElementType::float16,
                                               ElementType::float32, ElementType::float64}) {
                    const std::vector<std::byte> stored = stored_as(type, block.values);
                    for (const Isa isa : supported_isas()) {
                        expected.expect_for_all_labels(type, stored, true, isa);
                        if (HasFailure()) {
                            return;
                        }
                    }
                }
            }
        }
    }
}

// The logarithms of the products are taken at fixed rows, wherever the chunks of rows end that the
// size of a row makes.
TEST(BlockKernel, TakesLogarithmsAtTheSameRowsForEveryStoredType) {
    for (const Index features : {84, 85, 86, 93, 110, 120}) {
        OwnedBlock block = random_block(4500, features, false, 5);
        take_small_integers(block);
        const std::vector<double> w = small_coefficients(features, 6);
        // All rows on their own side and those of one lane alone with a weight, so that the loss is
        // made of logarithms alone and no sum hides where they are taken.
        for (Index i = 0; i < block.rows(); ++i) {
            block.row_weights.push_back(i % 8 == 0 ? 1 : 0);
        }
        for (Index i = 0; i < block.rows(); ++i) {
            block.labels[static_cast<std::size_t>(i)] =
                literal_margin(block, i, w, 0.3) < 0 ? 0 : 1;
        }
        const BlockSums expected = literal_sums(block, w, 0.3);
        for (const ElementType type :
             {ElementType::uint8, ElementType::int16, ElementType::float32, ElementType::float64}) {
            const std::vector<std::byte> stored = stored_as(type, block.values);
            for (const Isa isa : supported_isas()) {
                SCOPED_TRACE(name_of(type));
                expect_same_sums(evaluated(block.view_of(type, stored.data()), w, 0.3, isa),
                                 expected);
            }
        }
    }
}

/// Elements of a type with the values that static_cast, or the definition of binary16, gives them.
struct Elements {
    ElementType type;
    std::vector<std::byte> stored;
    std::vector<double> values;
};

template <typename Element>
Elements extremes_of(ElementType type, std::vector<Element> elements) {
    Elements result{.type = type, .stored = {}, .values = {}};
    using Limits = std::numeric_limits<Element>;
    elements.insert(elements.end(), {Limits::lowest(), Limits::max(), Element{0}, Element{1},
                                     static_cast<Element>(Limits::max() - Limits::max() / 3)});
    // Each of them in each lane.
    for (std::size_t k = 0; k < 11 * 13; ++k) {
        const Element element = elements[k % elements.size()];
        append_element(result.stored, element);
        result.values.push_back(static_cast<double>(element));
    }
    return result;
}

TEST(BlockKernel, ReadsEveryTypeToItsLimits) {
    constexpr auto half_unit = std::int64_t{1} << 53;
    std::vector<Elements> cases = {
        extremes_of<std::int8_t>(ElementType::int8, {-1, 100}),
        extremes_of<std::int16_t>(ElementType::int16, {-1, 300}),
        extremes_of<std::int32_t>(ElementType::int32, {-1, 70000}),
        extremes_of<std::int64_t>(ElementType::int64,
                                  {-1, half_unit + 1, half_unit + 3, -half_unit - 1}),
        extremes_of<std::uint8_t>(ElementType::uint8, {128, 200}),
        extremes_of<std::uint16_t>(ElementType::uint16, {0x8000, 0x8001}),
        extremes_of<std::uint32_t>(ElementType::uint32, {0x80000000U, 0x80000001U}),
        extremes_of<std::uint64_t>(ElementType::uint64,
                                   {0x8000000000000000U, 0x8000000000000401U, 0x8000000000000400U}),
        extremes_of<float>(ElementType::float32, {-0.1F, 1e-45F, -1e-40F, 3.4e38F}),
        extremes_of<double>(ElementType::float64, {-0.1, 5e-324, -1e-310, 1e300})};
    Elements halves{.type = ElementType::float16, .stored = {}, .values = {}};
    for (std::uint32_t k = 0; k < 11 * 13; ++k) {
        // Denormal and normal, of both signs, the largest too; no infinity or NaN.
        const auto pattern = static_cast<std::uint16_t>((k % 2) * 0x8000U + (k * 433) % 0x7c00U);
        append_element(halves.stored, k == 5 ? std::uint16_t{0x7bff} : pattern);
        halves.values.push_back(testing::half_by_definition(k == 5 ? 0x7bff : pattern));
    }
    cases.push_back(halves);
    for (const Elements& elements : cases) {
        SCOPED_TRACE(name_of(elements.type));
        OwnedBlock block = random_block(11, 13, true, 7);
        block.values = elements.values;
        double largest = 0;
        for (const double value : block.values) {
            largest = std::max(largest, std::fabs(value));
        }
        std::vector<double> w = random_values(13, 8);
        for (double& coefficient : w) {
            coefficient /= largest;
        }
        const BlockSums expected = literal_sums(block, w, 0.1);
        for (const Isa isa : supported_isas()) {
            SCOPED_TRACE(name_of(isa));
            expect_same_sums(
                evaluated(block.view_of(elements.type, elements.stored.data()), w, 0.1, isa),
                expected);
        }
    }
}

TEST(BlockKernel, ReadsSignedFractionsInTheFloatingTypes) {
    OwnedBlock block = random_block(9, 17, false, 7);
    for (std::size_t k = 0; k < block.values.size(); ++k) {
        block.values[k] = 50 - static_cast<double>((k * 37) % 401) / 4;
    }
    const std::vector<double> w = small_coefficients(17, 8);
    const BlockSums expected = literal_sums(block, w, 0.25);
    for (const ElementType type :
         {ElementType::float16, ElementType::float32, ElementType::float64}) {
        const std::vector<std::byte> stored = stored_as(type, block.values);
        for (const Isa isa : supported_isas()) {
            expect_same_sums(evaluated(block.view_of(type, stored.data()), w, 0.25, isa), expected);
        }
    }
}

TEST(BlockKernel, StaysFiniteForEveryFiniteMargin) {
    for (const Isa isa : supported_isas()) {
        for (const double z : {5e-324, 37.0, 700.0, 745.2, 1e10, 1e300}) {
            for (const double sign : {1.0, -1.0}) {
                OwnedBlock block = random_block(1000, 1, false, 25);
                block.values.assign(1000, sign * z);
                const BlockSums sums = evaluated(block.view(), {1}, 0, isa);
                expect_same_sums(sums, literal_sums(block, {1}, 0));
                EXPECT_TRUE(std::isfinite(sums.slopes));
                EXPECT_TRUE(std::isfinite(sums.loss));
            }
        }
    }
}

TEST(BlockKernel, OverwritesSumsOfAnotherShape) {
    const OwnedBlock large = random_block(60, 20, false, 25);
    const OwnedBlock small = random_block(7, 3, true, 26);
    const std::vector<double> w = random_values(3, 27);
    BlockSums sums;
    evaluate_block(large.view(), random_values(20, 28), 1.0, sums);
    evaluate_block(small.view(), w, 0.1, sums);
    expect_same_sums(sums, literal_sums(small, w, 0.1));
}

}  // namespace
}  // namespace paralogit::model
