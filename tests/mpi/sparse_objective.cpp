#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "paralogit/train/curvature.hpp"
#include "paralogit/train/moments.hpp"
#include "paralogit/train/objective.hpp"

#include "../../src/train/objective/rounded_products.hpp"
#include "sparse_rows.hpp"

namespace paralogit::train {
namespace {

constexpr double l2 = 0.01;

struct Oracle {
    long double value = 0;
    std::vector<long double> gradient = std::vector<long double>(features + 1);
    std::vector<long double> product = std::vector<long double>(features + 1);
};

/// By dense rows, in long double; the Hessian's product with `direction` without the penalty.
Oracle oracle_at(const Rows& all, const Vector& parameters, const Vector& direction) {
    Oracle oracle;
    long double total = 0;
    for (const double weight : all.weights) {
        total += weight;
    }
    for (std::size_t i = 0; i < rows; ++i) {
        std::vector<long double> x(features + 1);
        x[features] = 1;
        for (Index k = all.offsets[i]; k < all.offsets[i + 1]; ++k) {
            const auto at = static_cast<std::size_t>(k);
            x[all.indices[at]] = all.values[at];
        }
        long double margin = 0;
        long double along = 0;
        for (std::size_t j = 0; j < x.size(); ++j) {
            margin += x[j] * parameters[static_cast<Index>(j)];
            along += x[j] * direction[static_cast<Index>(j)];
        }
        const long double s = all.weights[i] / total;
        const long double p = 1 / (1 + std::exp(-margin));
        oracle.value += s * std::log1p(std::exp(all.labels[i] == 1 ? -margin : margin));
        for (std::size_t j = 0; j < x.size(); ++j) {
            oracle.gradient[j] += s * (p - all.labels[i]) * x[j];
            oracle.product[j] += s * p * (1 - p) * along * x[j];
        }
    }
    for (std::size_t j = 0; j < features; ++j) {
        const long double w = parameters[static_cast<Index>(j)];
        oracle.value += l2 / 2 * w * w;
        oracle.gradient[j] += l2 * w;
    }
    return oracle;
}

class SparseObjectiveTest : public ::testing::Test {
  protected:
    SparseObjectiveTest() {
        std::mt19937_64 random(2);
        std::normal_distribution<double> normal;
        for (Index j = 0; j <= features; ++j) {
            point_[j] = normal(random) / 4;
            direction_[j] = normal(random);
        }
        point_[9] = 1e-5;
        direction_[9] = 1e-4;
    }

    DistributedObjective objective(const DataSet& data, Reduction reduction) {
        return {comm_, data,
                DistributedObjective::Options{.penalty = model::Penalty(l2),
                                              .has_intercept = true,
                                              .weight_sum = data.sparse->sums.value(0),
                                              .reduction = reduction,
                                              .own_requests = {}}};
    }

    const comm::Communicator comm_ = comm::Communicator::world();
    const Rows all_;
    Vector point_ = Vector::Zero(features + 1);
    Vector direction_ = Vector::Zero(features + 1);
};

TEST_F(SparseObjectiveTest, IsThatOfTheSameRowsMadeDense) {
    const Oracle oracle = oracle_at(all_, point_, direction_);
    for (const int threads : {1, 3}) {
        const DataSet data = sparse_data(comm_, all_, threads);
        for (const Reduction reduction : {Reduction::exact, Reduction::fast}) {
            DistributedObjective function = objective(data, reduction);
            const optim::Evaluation evaluation = function.evaluate(point_);
            EXPECT_NEAR(evaluation.value, static_cast<double>(oracle.value), 1e-14);
            for (Index j = 0; j <= features; ++j) {
                const auto expected =
                    static_cast<double>(oracle.gradient[static_cast<std::size_t>(j)]);
                EXPECT_NEAR(evaluation.gradient[j], expected, j == 9 ? 1e-10 : 1e-14) << j;
            }
        }
    }
}

TEST_F(SparseObjectiveTest, OfAFocalLossHasTheDerivativesThatFiniteDifferencesGive) {
    const model::Loss loss = model::Loss::focal(2, 0.75);
    const Vector near = 0.01 * point_;
    for (const int threads : {1, 3}) {
        const DataSet data = sparse_data(comm_, all_, threads);
        DistributedObjective function(comm_, data,
                                      {.penalty = model::Penalty(l2),
                                       .loss = loss,
                                       .has_intercept = true,
                                       .weight_sum = data.sparse->sums.value(0),
                                       .reduction = Reduction::exact,
                                       .own_requests = {}});
        const optim::Evaluation here = function.evaluate(near);
        for (Index j = 0; j <= features; ++j) {
            const double step = j == 9 ? 1e-9 : 1e-6;
            Vector ahead = near;
            Vector behind = near;
            ahead[j] += step;
            behind[j] -= step;
            const double slope =
                (function.evaluate(ahead).value - function.evaluate(behind).value) / (2 * step);
            EXPECT_NEAR(here.gradient[j], slope, 1e-7 * std::max(1.0, std::abs(slope))) << j;
        }
        // The dense form is another code.
        Curvature curvature(comm_, data, true, loss);
        const Matrix hessian =
            curvature.hessian(point_, optim::ChangeOfVariables::identity(features, true), 1);
        const Vector product = curvature.product(point_, direction_, 1);
        EXPECT_LE((product - hessian * direction_).cwiseAbs().maxCoeff(),
                  1e-13 * hessian.cwiseAbs().maxCoeff());
    }
}

/// The same rows, with so many more features that threads share the sums over them.
DataSet made_wide(DataSet data) {
    constexpr Index many = (Index{1} << 20) + 100;
    data.shard.features = many;
    data.manifest.features = many;
    data.bounds.sum_exponents.resize(many, model::ScatterScale::lowest_exponent);
    data.bounds.value_exponents.resize(many, model::ScatterScale::lowest_exponent);
    data.sparse->scale = model::ScatterScale(data.bounds.sum_exponents, rows);
    return data;
}

Vector made_wide(const Vector& parameters, Index many) {
    Vector wide = Vector::Zero(many + 1);
    wide.head(features) = parameters.head(features);
    wide[many] = parameters[features];
    return wide;
}

TEST_F(SparseObjectiveTest, HasTheSameBitsWhereThreadsShareTheSums) {
    const DataSet narrow = sparse_data(comm_, all_, 1);
    DistributedObjective of_narrow = objective(narrow, Reduction::exact);
    Curvature narrow_curvature(comm_, narrow, true);
    const optim::Evaluation expected = of_narrow.evaluate(point_);
    const Vector expected_product = narrow_curvature.product(point_, direction_, 2);
    const Moments expected_moments = compute_moments(comm_, narrow);

    const DataSet data = made_wide(sparse_data(comm_, all_, 3));
    const Index many = data.shard.features;
    DistributedObjective function = objective(data, Reduction::exact);
    Curvature curvature(comm_, data, true);
    const Vector wide_point = made_wide(point_, many);
    const optim::Evaluation evaluation = function.evaluate(wide_point);
    EXPECT_EQ(evaluation.value, expected.value);
    EXPECT_EQ(evaluation.gradient.head(features), expected.gradient.head(features));
    EXPECT_EQ(evaluation.gradient[many], expected.gradient[features]);
    EXPECT_EQ(evaluation.gradient.segment(features, many - features).cwiseAbs().maxCoeff(), 0);
    const Vector product = curvature.product(wide_point, made_wide(direction_, many), 2);
    EXPECT_EQ(product.head(features), expected_product.head(features));
    EXPECT_EQ(product[many], expected_product[features]);
    const Moments moments = compute_moments(comm_, data);
    EXPECT_EQ(moments.mean.head(features), expected_moments.mean);
    EXPECT_EQ(moments.standard_deviation.head(features), expected_moments.standard_deviation);
}

TEST_F(SparseObjectiveTest, MultipliesTheHessian) {
    const Oracle oracle = oracle_at(all_, point_, direction_);
    Vector first;
    for (const int threads : {1, 3}) {
        const DataSet data = sparse_data(comm_, all_, threads);
        Curvature curvature(comm_, data, true);
        // The second one has the curvatures already.
        for (int again = 0; again < 2; ++again) {
            const Vector product = curvature.product(point_, direction_, 1);
            for (Index j = 0; j <= features; ++j) {
                const auto expected =
                    static_cast<double>(oracle.product[static_cast<std::size_t>(j)]);
                EXPECT_NEAR(product[j], expected, j == 9 ? 1e-8 : 1e-12) << j;
            }
            first = first.size() == 0 ? product : first;
            EXPECT_EQ(product, first);
        }
        EXPECT_NE(curvature.product(2 * point_, direction_, 1), first);
    }
}

TEST_F(SparseObjectiveTest, MultipliesTheHessianRoundedAsItPromises) {
    const auto rounded = [&](const DataSet& data, const Vector& point, const Vector& direction) {
        Curvature curvature(comm_, data, true);
        curvature.go_to(point);
        Vector product = direction;
        curvature.next_product(product, {.ridge = l2, .is_rounded = true});
        return product;
    };
    const DataSet alone = sparse_data(comm_, all_, 1);
    const Vector product = rounded(alone, point_, direction_);
    for (const int threads : {2, 3, 7}) {
        const DataSet data = sparse_data(comm_, all_, threads);
        EXPECT_EQ(rounded(data, point_, direction_), product);
        // Here too each of two or three threads has high limbs of its own, seven share them.
        const DataSet wide = made_wide(sparse_data(comm_, all_, threads));
        const Index many = wide.shard.features;
        const Vector of_wide = rounded(wide, made_wide(point_, many), made_wide(direction_, many));
        EXPECT_EQ(of_wide.head(features), product.head(features));
        EXPECT_EQ(of_wide[many], product[features]);
    }

    Curvature curvature(comm_, alone, true);
    const auto plain = optim::ChangeOfVariables::identity(features, true);
    const Vector diagonal = curvature.hessian(point_, plain, 1).diagonal();
    Vector exact = curvature.product(point_, direction_, 1);
    exact.head(features) += l2 * direction_.head(features);
    double error = 0;
    double length = 0;
    for (Index j = 0; j <= features; ++j) {
        const double d = diagonal[j] + (j < features ? l2 : 0);
        error += (product[j] - exact[j]) * (product[j] - exact[j]) / d;
        length += direction_[j] * direction_[j] * d;
    }
    const auto penalty = [](Index) { return l2; };
    const double promised =
        rounding_of_products(alone, plain, diagonal, penalty, 0.25, alone.sparse->sums.value(0));
    EXPECT_GT(error, 0);
    EXPECT_LE(std::sqrt(error / length), promised);
    EXPECT_LT(promised, 1e-3);
    Vector flat = diagonal;
    flat[3] = 0;
    EXPECT_EQ(rounding_of_products(
                  alone, plain, flat, [](Index) { return 0.0; }, 0.25, 1),
              std::numeric_limits<double>::infinity());
}

TEST_F(SparseObjectiveTest, IsPlusInfinityWhereMarginsOverflow) {
    const DataSet data = sparse_data(comm_, all_, 2);
    DistributedObjective function = objective(data, Reduction::exact);
    const Vector far = Vector::Constant(features + 1, 1e307);
    EXPECT_EQ(function.evaluate(far).value, std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::isfinite(function.evaluate(point_).value));
}

TEST_F(SparseObjectiveTest, MomentsCountWhatHasNoEntryAsZero) {
    const DataSet data = sparse_data(comm_, all_, 2);
    const Moments moments = compute_moments(comm_, data);
    for (std::size_t j = 0; j < features; ++j) {
        long double total = 0;
        long double mean = 0;
        std::vector<long double> column(rows);
        for (std::size_t i = 0; i < rows; ++i) {
            for (Index k = all_.offsets[i]; k < all_.offsets[i + 1]; ++k) {
                const auto at = static_cast<std::size_t>(k);
                if (all_.indices[at] == j) {
                    column[i] = all_.values[at];
                }
            }
            total += all_.weights[i];
            mean += all_.weights[i] * column[i];
        }
        mean /= total;
        long double variance = 0;
        for (std::size_t i = 0; i < rows; ++i) {
            variance += all_.weights[i] * (column[i] - mean) * (column[i] - mean) / total;
        }
        const auto deviation = static_cast<double>(std::sqrt(variance));
        const auto at = static_cast<Index>(j);
        EXPECT_NEAR(moments.mean[at], static_cast<double>(mean),
                    1e-14 * std::abs(static_cast<double>(mean)) + 1e-15);
        EXPECT_NEAR(moments.standard_deviation[at], deviation, 1e-12 * deviation);
    }
    // Exactly, for these decide what the intercept takes up.
    EXPECT_EQ(moments.mean[7], 3.0);
    EXPECT_EQ(moments.standard_deviation[7], 0.0);
    EXPECT_EQ(moments.standard_deviation[11], 0.0);
}

}  // namespace
}  // namespace paralogit::train
