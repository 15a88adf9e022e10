#include "paralogit/model/block_kernel.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "paralogit/model/loss.hpp"
#include "paralogit/model/math.hpp"
#include "unit/model/guarded_bytes.hpp"
#include "unit/model/owned_block.hpp"

namespace paralogit::model {
namespace {

/// The product at parameters, by way of the curvatures there.
void multiply_block_hessian(const Block& block, std::span<const double> w, double b,
                            std::span<const double> v, double v0, BlockSums& sums,
                            Isa isa = best_isa()) {
    std::vector<double> curvatures(static_cast<std::size_t>(block.rows));
    std::vector<double> scratch;
    block_curvatures(block, w, b, curvatures, scratch, isa);
    model::multiply_block_hessian(block, curvatures, v, v0, sums, isa);
}

using testing::all_element_types;
using testing::append_element;
using testing::Guarded;
using testing::GuardedBytes;
using testing::OwnedBlock;
using testing::random_block;
using testing::random_values;
using testing::stored_as;
using testing::supported_isas;
using testing::take_small_integers;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

constexpr Index feature_counts[] = {1, 2, 7, 8, 9, 15, 16, 17, 30, 64, 100, 784, 1001};
constexpr Index few_feature_counts[] = {1, 2, 7, 8, 9, 15, 16, 17, 64, 100};
constexpr Index row_counts[] = {1, 7, 8, 9, 53, 64, 200, 1024, 5000};

BlockSums evaluated(const Block& block, const std::vector<double>& coefficients, double intercept,
                    Isa isa = best_isa()) {
    BlockSums sums;
    evaluate_block(block, coefficients, intercept, sums, isa);
    return sums;
}

std::uint64_t bits(double value) {
    return std::bit_cast<std::uint64_t>(value);
}

void expect_same_bits(const Vector& found, const Vector& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (Index j = 0; j < found.size(); ++j) {
        ASSERT_EQ(bits(found[j]), bits(expected[j]))
            << found[j] << " for " << expected[j] << " at " << j;
    }
}

void expect_same_sums(const BlockSums& found, const BlockSums& expected) {
    expect_same_bits(found.slopes_times_features, expected.slopes_times_features);
    EXPECT_EQ(bits(found.slopes), bits(expected.slopes))
        << found.slopes << " for " << expected.slopes;
    EXPECT_EQ(bits(found.loss), bits(expected.loss)) << found.loss << " for " << expected.loss;
    EXPECT_EQ(found.rows_wrong, expected.rows_wrong);
}

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

enum class Weights { none, mixed, ones };

/// Weights 0, 1 and fractions in any order.
void take_weights(OwnedBlock& block, Weights weights) {
    block.row_weights.clear();
    constexpr double cycle[] = {1, 0, 0.5, 1, 1, 2.75, 0, 1, 1e-3, 1, 3};
    for (std::size_t i = 0; i < block.labels.size() && weights != Weights::none; ++i) {
        block.row_weights.push_back(weights == Weights::ones ? 1 : cycle[i % std::size(cycle)]);
    }
}

void take_soft_labels(OwnedBlock& block) {
    constexpr double cycle[] = {0.25, 1, 0, 0.9, 1e-9, 1, 0.5};
    for (std::size_t i = 0; i < block.labels.size(); ++i) {
        block.labels[i] = cycle[i % std::size(cycle)];
    }
}

/// Coefficients that make margins between -4 and 4 or so of values up to 100.
std::vector<double> small_coefficients(Index features, std::uint64_t seed) {
    std::vector<double> w = random_values(features, seed);
    for (double& coefficient : w) {
        coefficient /= 30 * std::sqrt(static_cast<double>(features));
    }
    return w;
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

TEST(BlockKernel, FollowsTheDeclaredOrderBitForBit) {
    std::size_t turn = 0;
    for (const Index features : feature_counts) {
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
                    if (!is_small && weights == Weights::ones) {
                        continue;
                    }
                    take_weights(block, weights);
                    const LiteralCase expected(block, 2);
                    for (std::size_t k = 0; k < (is_small ? all_element_types().size() : 1); ++k) {
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

TEST(BlockKernel, AgreesWithSumsInLongDouble) {
    for (const Index features : few_feature_counts) {
        const OwnedBlock block = random_block(512, features, true, 9);
        const std::vector<double> w = random_values(features, 10);
        std::vector<long double> gradient(w.size());
        std::vector<long double> magnitude(w.size());
        long double slopes = 0;
        long double loss = 0;
        for (Index i = 0; i < block.rows(); ++i) {
            long double z = 0.1L + (0.1 - 0.1L);
            for (Index j = 0; j < features; ++j) {
                z += 1.0L * block.at(i, j) * w[static_cast<std::size_t>(j)];
            }
            const long double slope = 1 / (1 + std::exp(-z)) - block.label(i);
            slopes += block.weight(i) * slope;
            loss += block.weight(i) * (std::log1p(std::exp(z)) - block.label(i) * z);
            for (Index j = 0; j < features; ++j) {
                const long double term = block.weight(i) * slope * block.at(i, j);
                gradient[static_cast<std::size_t>(j)] += term;
                magnitude[static_cast<std::size_t>(j)] += std::fabs(term);
            }
        }
        const BlockSums found = evaluated(block.view(), w, 0.1);
        for (Index j = 0; j < features; ++j) {
            const auto k = static_cast<std::size_t>(j);
            const auto error = std::fabs(found.slopes_times_features[j] - gradient[k]);
            EXPECT_LE(error, 2e-14L * magnitude[k]);
        }
        EXPECT_NEAR(found.slopes, static_cast<double>(slopes), 1e-12);
        EXPECT_NEAR(found.loss, static_cast<double>(loss), 1e-14 * static_cast<double>(loss));
    }
}

TEST(BlockKernel, HasTheGradientOfItsLoss) {
    const OwnedBlock block = random_block(200, 9, true, 11);
    const std::vector<double> w = random_values(9, 12);
    const double step = 1e-5;
    const BlockSums sums = evaluated(block.view(), w, 0.2);
    for (std::size_t j = 0; j < w.size(); ++j) {
        std::vector<double> above = w;
        std::vector<double> below = w;
        above[j] += step;
        below[j] -= step;
        const double difference =
            evaluated(block.view(), above, 0.2).loss - evaluated(block.view(), below, 0.2).loss;
        EXPECT_NEAR(sums.slopes_times_features[static_cast<Index>(j)], difference / (2 * step),
                    1e-6);
    }
    const double difference =
        evaluated(block.view(), w, 0.2 + step).loss - evaluated(block.view(), w, 0.2 - step).loss;
    EXPECT_NEAR(sums.slopes, difference / (2 * step), 1e-6);
}

TEST(BlockKernel, TurnsALabelSwapIntoASignSwapExactly) {
    const OwnedBlock block = random_block(100, 13, true, 13);
    OwnedBlock swapped = block;
    for (double& label : swapped.labels) {
        label = 1 - label;
    }
    const std::vector<double> w = random_values(13, 14);
    std::vector<double> negative_w = w;
    for (double& coefficient : negative_w) {
        coefficient = -coefficient;
    }

    const BlockSums sums = evaluated(block.view(), w, 0.4);
    const BlockSums mirrored = evaluated(swapped.view(), negative_w, -0.4);

    EXPECT_EQ(mirrored.slopes_times_features, -sums.slopes_times_features);
    EXPECT_EQ(mirrored.slopes, -sums.slopes);
    EXPECT_EQ(mirrored.loss, sums.loss);
    EXPECT_EQ(mirrored.rows_wrong, sums.rows_wrong);
}

TEST(BlockKernel, DoublesTheSumsWhenAllWeightsAreTwo) {
    OwnedBlock block = random_block(100, 13, false, 15);
    const std::vector<double> w = random_values(13, 16);
    const BlockSums once = evaluated(block.view(), w, 0.4);
    block.row_weights.assign(100, 2.0);
    const BlockSums twice = evaluated(block.view(), w, 0.4);
    EXPECT_EQ(twice.slopes_times_features, 2 * once.slopes_times_features);
    EXPECT_EQ(twice.slopes, 2 * once.slopes);
    EXPECT_EQ(twice.loss, 2 * once.loss);
    EXPECT_EQ(twice.rows_wrong, once.rows_wrong);
}

TEST(BlockKernel, TakesNoWeightsAsWeightsOfOne) {
    OwnedBlock block = random_block(100, 13, false, 17);
    const std::vector<double> w = random_values(13, 18);
    const BlockSums without = evaluated(block.view(), w, 0.4);
    block.row_weights.assign(100, 1.0);
    expect_same_sums(evaluated(block.view(), w, 0.4), without);
}

TEST(BlockKernel, IsNotChangedByAnAppendedZeroColumn) {
    for (const Index features : few_feature_counts) {
        const OwnedBlock block = random_block(50, features, true, 19);
        OwnedBlock wider = block;
        wider.features = features + 1;
        wider.values.clear();
        for (Index i = 0; i < block.rows(); ++i) {
            for (Index j = 0; j < features; ++j) {
                wider.values.push_back(block.at(i, j));
            }
            wider.values.push_back(0.0);
        }
        std::vector<double> w = random_values(features, 20);
        const BlockSums narrow_sums = evaluated(block.view(), w, 0.4);
        w.push_back(17.0);
        const BlockSums wide_sums = evaluated(wider.view(), w, 0.4);

        EXPECT_EQ(wide_sums.slopes_times_features.head(features),
                  narrow_sums.slopes_times_features);
        EXPECT_EQ(wide_sums.slopes_times_features[features], 0.0);
        EXPECT_EQ(wide_sums.slopes, narrow_sums.slopes);
        EXPECT_EQ(wide_sums.loss, narrow_sums.loss);
        EXPECT_EQ(wide_sums.rows_wrong, narrow_sums.rows_wrong);
    }
}

TEST(BlockKernel, IsNotChangedByRowsOfWeightZero) {
    const OwnedBlock block = random_block(50, 9, true, 21);
    const std::vector<double> w = random_values(9, 22);
    OwnedBlock longer = block;
    const OwnedBlock more = random_block(5, 9, true, 23);
    longer.values.insert(longer.values.end(), more.values.begin(), more.values.end());
    longer.labels.insert(longer.labels.end(), more.labels.begin(), more.labels.end());
    longer.row_weights.resize(55, 0.0);
    expect_same_sums(evaluated(longer.view(), w, 0.4), evaluated(block.view(), w, 0.4));
}

TEST(BlockKernel, CountsTheRowsThatAreNotStrictlyOnTheirSide) {
    OwnedBlock block;
    block.features = 1;
    block.values = {2, -2, 0, 2, -2, 0, 2, -2, 2};
    block.labels = {1, 1, 1, 0, 0, 0, 0.5, 0.9, 0.1};
    const auto wrong_rows = [&](double sign) {
        std::vector<Index> rows;
        for (std::size_t i = 0; i < block.labels.size(); ++i) {
            OwnedBlock one;
            one.features = 1;
            one.values = {block.values[i]};
            one.labels = {block.labels[i]};
            if (evaluated(one.view(), {sign}, 0).rows_wrong == 1) {
                rows.push_back(static_cast<Index>(i));
            }
        }
        return rows;
    };
    EXPECT_EQ(wrong_rows(1), (std::vector<Index>{1, 2, 3, 5, 6, 7, 8}));
    EXPECT_EQ(wrong_rows(-1), (std::vector<Index>{0, 2, 4, 5, 6, 7, 8}));
    EXPECT_EQ(evaluated(block.view(), {1}, 0).rows_wrong, 7);
    block.row_weights = {1, 0, 1, 1, 1, 0.5, 1, 1, 0};
    EXPECT_EQ(evaluated(block.view(), {1}, 0).rows_wrong, 5);
}

TEST(BlockKernel, MakesSumsThatAreNotFiniteFromAMarginThatIsNotFinite) {
    for (const Isa isa : supported_isas()) {
        for (const double bad : {infinity, -infinity, nan_value}) {
            for (const Weights weights : {Weights::none, Weights::mixed}) {
                for (const Index rows : {1, 8, 21}) {
                    // Row 0 of weight 1, and others of fractions and of 0.
                    for (Index row = 0; row < rows; ++row) {
                        SCOPED_TRACE(::testing::Message() << name_of(isa) << " " << bad << " row "
                                                          << row << " of " << rows);
                        OwnedBlock block = random_block(rows, 2, false, 24);
                        take_weights(block, weights);
                        block.values[static_cast<std::size_t>(2 * row)] = bad > 0 ? 1e308 : -1e308;
                        // Of infinities of both signs a NaN.
                        block.values[static_cast<std::size_t>(2 * row + 1)] =
                            std::isnan(bad) ? 1e308 : 0;
                        const std::vector<double> w{1e10, 1e10};
                        const BlockSums sums = evaluated(block.view(), w, 0, isa);
                        // A row without weight may have any margin.
                        const bool counts = block.weight(row) > 0;
                        EXPECT_EQ(std::isnan(sums.slopes), counts);
                        EXPECT_EQ(!std::isfinite(sums.loss), counts);
                        EXPECT_EQ(std::isnan(sums.slopes_times_features[0]), counts);
                        BlockSums product;
                        multiply_block_hessian(block.view(), w, 0, std::vector<double>{0, 0}, 1,
                                               product, isa);
                        EXPECT_EQ(!std::isfinite(product.slopes), counts);
                    }
                }
            }
        }
        for (const double intercept : {infinity, -infinity, nan_value}) {
            const OwnedBlock block = random_block(3, 2, false, 24);
            EXPECT_TRUE(std::isnan(evaluated(block.view(), {1, 1}, intercept, isa).slopes));
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

TEST(BlockKernel, KeepsTheDigitsOfALossThatVanishes) {
    // All far on their own side: sum log(1 + e^-z) is sum e^-z, below the last place of 1.
    OwnedBlock block = random_block(100, 1, false, 26);
    block.labels.assign(100, 1.0);
    for (std::size_t i = 0; i < 100; ++i) {
        block.values[i] = 300 + static_cast<double>(i);
    }
    long double loss = 0;
    for (const double z : block.values) {
        loss += std::log1p(std::exp(-1.0L * z));
    }
    for (const Isa isa : supported_isas()) {
        const BlockSums sums = evaluated(block.view(), {1}, 0, isa);
        EXPECT_NEAR(sums.loss, static_cast<double>(loss), 1e-15 * static_cast<double>(loss));
        EXPECT_EQ(sums.rows_wrong, 0);
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

TEST(BlockKernel, MakesZeroOfNoRowsAndTheInterceptOfNoFeatures) {
    OwnedBlock block;
    block.features = 3;
    const BlockSums no_rows = evaluated(block.view(), {1, 2, 3}, 1);
    EXPECT_EQ(no_rows.slopes_times_features, Vector::Zero(3));
    EXPECT_EQ(no_rows.loss, 0.0);

    block.features = 0;
    block.labels = {1, 0};
    const BlockSums no_features = evaluated(block.view(), {}, 0);
    EXPECT_EQ(no_features.loss, 2 * binary_cross_entropy(1, 0).loss);
    EXPECT_EQ(no_features.slopes, 0.0);
}

TEST(BlockHessianProduct, IsTheDerivativeOfTheGradient) {
    const OwnedBlock block = random_block(200, 9, true, 31);
    const std::vector<double> w = random_values(9, 32);
    const std::vector<double> v = random_values(9, 33);
    const double step = 1e-5;
    const auto gradient_at = [&](double t) {
        std::vector<double> moved = w;
        for (std::size_t j = 0; j < w.size(); ++j) {
            moved[j] += t * v[j];
        }
        return evaluated(block.view(), moved, 0.2 - 0.7 * t);
    };
    const BlockSums above = gradient_at(step);
    const BlockSums below = gradient_at(-step);
    for (const Isa isa : supported_isas()) {
        BlockSums product;
        multiply_block_hessian(block.view(), w, 0.2, v, -0.7, product, isa);
        for (Index j = 0; j < 9; ++j) {
            EXPECT_NEAR(
                product.slopes_times_features[j],
                (above.slopes_times_features[j] - below.slopes_times_features[j]) / (2 * step),
                1e-6);
        }
        EXPECT_NEAR(product.slopes, (above.slopes - below.slopes) / (2 * step), 1e-6);
    }
}

TEST(BlockHessianProduct, AgreesWithSumsInLongDouble) {
    for (const Index features : few_feature_counts) {
        const OwnedBlock block = random_block(300, features, true, 34);
        const std::vector<double> w = random_values(features, 35);
        const std::vector<double> v = random_values(features, 36);
        std::vector<long double> product(w.size() + 1);
        std::vector<long double> magnitude(w.size() + 1);
        for (Index i = 0; i < block.rows(); ++i) {
            long double z = 0.25L;
            long double q = -0.5L;
            long double size = 0.5L;
            for (Index j = 0; j < features; ++j) {
                const auto k = static_cast<std::size_t>(j);
                z += 1.0L * block.at(i, j) * w[k];
                q += 1.0L * block.at(i, j) * v[k];
                size += std::fabs(1.0L * block.at(i, j) * v[k]);
            }
            const long double p = 1 / (1 + std::exp(-z));
            for (Index j = 0; j <= features; ++j) {
                const auto k = static_cast<std::size_t>(j);
                const long double x = j == features ? 1.0L : block.at(i, j);
                product[k] += block.weight(i) * p * (1 - p) * q * x;
                magnitude[k] += block.weight(i) * p * (1 - p) * size * std::fabs(x);
            }
        }
        for (const Isa isa : supported_isas()) {
            BlockSums sums;
            sums.loss = 17;
            multiply_block_hessian(block.view(), w, 0.25, v, -0.5, sums, isa);
            for (Index j = 0; j <= features; ++j) {
                const auto k = static_cast<std::size_t>(j);
                const double found = j == features ? sums.slopes : sums.slopes_times_features[j];
                EXPECT_LE(std::fabs(found - product[k]), 1e-13L * magnitude[k]);
            }
            EXPECT_EQ(sums.loss, 17) << "the rest of the sums is left alone";
        }
    }
}

TEST(RowsPerBlock, IsAPowerOfTwoThatDependsOnTheNumberOfRowsAlone) {
    EXPECT_EQ(rows_per_block(0), 32);
    EXPECT_EQ(rows_per_block(1), 32);
    EXPECT_EQ(rows_per_block(64 * 256 - 1), 32);
    EXPECT_EQ(rows_per_block(64 * 256), 64);
    EXPECT_EQ(rows_per_block(100 * 256), 64);
    EXPECT_EQ(rows_per_block(1024 * 256 - 1), 512);
    EXPECT_EQ(rows_per_block(1024 * 256), 1024);
    EXPECT_EQ(rows_per_block(Index{1} << 40), 1024);
    EXPECT_EQ(rows_per_block(std::numeric_limits<Index>::max()), 1024);
}

}  // namespace
}  // namespace paralogit::model
