#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "paralogit/train/curvature.hpp"
#include "paralogit/train/moments.hpp"
#include "paralogit/train/objective.hpp"

#include "../../src/train/objective/lone_features.hpp"
#include "../../src/train/objective/rounded_products.hpp"

namespace paralogit::train {
namespace {

constexpr Index rows = 3000;
constexpr Index features = 40;
constexpr double l2 = 0.01;

/// Rows that every rank makes for itself; feature 7 is the constant 3, feature 9 lies far from 0,
/// feature 11 has no entry. Before these there may be features of one row each.
struct Rows {
    explicit Rows(Index lone = 0) {
        std::mt19937_64 random(1);
        std::normal_distribution<double> normal;
        Index next_lone = 0;
        for (Index i = 0; i < rows; ++i) {
            std::set<Index> chosen{7, 9};
            for (auto k = random() % 9; k > 0; --k) {
                chosen.insert(static_cast<Index>(random() % features));
            }
            chosen.erase(11);
            const bool lacks_far_feature = i == 5;
            if (lacks_far_feature) {
                chosen.erase(9);
            }
            for (Index k = 0; i % 100 == 3 && k < 3 && next_lone < lone; ++k) {
                indices.push_back(static_cast<std::uint32_t>(next_lone++));
                values.push_back(1 + static_cast<double>(k) / 4);
            }
            for (const Index j : chosen) {
                indices.push_back(static_cast<std::uint32_t>(lone + j));
                values.push_back(j == 7   ? 3.0
                                 : j == 9 ? 1e4 + std::round(8 * normal(random)) / 8
                                          : std::round(64 * normal(random)) / 64);
            }
            offsets.push_back(static_cast<Index>(indices.size()));
            labels.push_back(static_cast<std::uint8_t>(random() % 3 == 0));
            // So light that the feature still lies far from 0.
            const double weight = static_cast<double>(random() % 5) / 2;
            weights.push_back(lacks_far_feature ? 0x1p-20 : weight);
        }
    }

    std::vector<std::uint32_t> indices;
    std::vector<double> values;
    std::vector<Index> offsets{0};
    std::vector<std::uint8_t> labels;
    std::vector<double> weights;
};

template <typename Element>
data::Values held(std::span<const Element> elements) {
    Buffer buffer(static_cast<Index>(elements.size_bytes()));
    std::memcpy(buffer.data(), elements.data(), elements.size_bytes());
    return data::Values(std::move(buffer));
}

/// This rank's part of the rows, as a load makes it.
DataSet sparse_data(const comm::Communicator& comm, const Rows& all, int threads, Index lone = 0) {
    const Index features_of_all = features + lone;
    data::Manifest manifest;
    manifest.rows = rows;
    manifest.features = features_of_all;
    manifest.is_sparse = true;
    manifest.files.emplace_back();
    manifest.files.back().weights_path = "weights";
    const data::ShardPlan by_rows(rows);
    for (Index k = 0; k <= by_rows.blocks(); ++k) {
        manifest.entries_before_block.push_back(
            all.offsets[static_cast<std::size_t>(std::min(k * by_rows.rows_per_block(), rows))]);
    }
    const data::ShardPlan plan(rows, manifest.entries_before_block);
    data::Shard shard = data::empty_shard(manifest, plan, comm.rank(), comm.size());
    const auto first = static_cast<std::size_t>(shard.rows.first);
    const auto count = static_cast<std::size_t>(shard.rows.size());
    const auto entry = static_cast<std::size_t>(all.offsets[first]);
    const auto entries = static_cast<std::size_t>(all.offsets[first + count]) - entry;
    shard.sparse.values = held(std::span(all.values).subspan(entry, entries));
    shard.sparse.indices = held(std::span(all.indices).subspan(entry, entries));
    for (std::size_t i = 0; i <= count; ++i) {
        shard.sparse.offsets.push_back(all.offsets[first + i] - static_cast<Index>(entry));
    }
    shard.labels = data::Labels(
        std::vector<std::uint8_t>(all.labels.begin() + static_cast<Index>(first),
                                  all.labels.begin() + static_cast<Index>(first + count)));
    shard.row_weights.assign(all.weights.begin() + static_cast<Index>(first),
                             all.weights.begin() + static_cast<Index>(first + count));
    model::ColumnBounds bounds{
        .sum_exponents = std::vector<std::int16_t>(static_cast<std::size_t>(features_of_all), 4),
        .value_exponents = std::vector<std::int16_t>(static_cast<std::size_t>(features_of_all), 3),
        .weight_exponent = 11};
    bounds.sum_exponents[9] = 16;
    bounds.value_exponents[9] = 15;
    model::ExactSums sums({12, 12}, plan.blocks());
    for (std::size_t i = 0; i < count; ++i) {
        static_cast<void>(sums.add(0, all.weights[first + i]) &&
                          sums.add(1, all.weights[first + i] * all.labels[first + i]));
    }
    comm.sum(sums.limbs());
    SparseFacts facts{.sums = sums,
                      .hash = 1,
                      .scale = model::ScatterScale(bounds.sum_exponents, rows),
                      .is_used = std::vector<bool>(static_cast<std::size_t>(features_of_all), true),
                      .kept_features = {}};
    return DataSet{.manifest = manifest,
                   .plan = plan,
                   .shard = std::move(shard),
                   .bounds = bounds,
                   .scan = model::ColumnScan(model::ScanFrame()),
                   .sparse = std::move(facts),
                   .execution = {.threads = threads, .isa = model::best_isa()},
                   .label_description = "",
                   .global_bytes = 0,
                   .memory = {},
                   .label_rule = std::nullopt,
                   .class_weights = {},
                   .held_out = nullptr};
}

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

class LoneFeaturesTest : public ::testing::Test {
  protected:
    static constexpr Index lone_count = 60;
    static constexpr Index dimension = features + lone_count + 1;

    LoneFeaturesTest() {
        std::mt19937_64 random(3);
        std::normal_distribution<double> normal;
        for (Index j = 0; j < dimension; ++j) {
            point_[j] = normal(random) / 4;
        }
        point_[9] = 1e-5;
        for (Index j = 0; j < features; ++j) {
            direction_[j] = j == 9 ? 1e-4 : normal(random);
        }
        direction_[dimension - 1] = 0.5;
    }

    /// With the lone features apart.
    DataSet data_of(int threads) const {
        DataSet data = sparse_data(comm_, all_, threads, lone_count);
        data::Renumbering numbers{.new_index = {}, .first_lone = features, .has_lone = true};
        for (Index j = 0; j < lone_count + features; ++j) {
            numbers.new_index.push_back(
                static_cast<std::uint32_t>(j < lone_count ? features + j : j - lone_count));
        }
        data::renumber(data.shard, std::move(numbers), threads);
        data.sparse->lone_features = lone_count;
        return data;
    }
    LoneFeatures lone_of(const DataSet& data) const {
        return make_lone_features(comm_, data, penalty_, data.sparse->sums.value(0)).value();
    }
    DistributedObjective objective(const DataSet& data) const {
        return {comm_, data,
                DistributedObjective::Options{.penalty = penalty_,
                                              .has_intercept = true,
                                              .weight_sum = data.sparse->sums.value(0),
                                              .reduction = Reduction::exact,
                                              .own_requests = {}}};
    }

    const comm::Communicator comm_ = comm::Communicator::world();
    const Rows all_{lone_count};
    // Small, so that the rows' own features go far.
    const model::Penalty penalty_{1e-4};
    Vector point_ = Vector::Zero(dimension);
    Vector direction_ = Vector::Zero(dimension);  ///< of the others
};

TEST_F(LoneFeaturesTest, AreGivenWayToByTheirRows) {
    for (const int threads : {1, 3}) {
        const DataSet data = data_of(threads);
        const LoneFeatures lone = lone_of(data);
        EXPECT_EQ(lone.first, features);
        const double unit = data.sparse->sums.value(0) * penalty_.l2();
        for (Index i = data.shard.rows.first; i < data.shard.rows.end; ++i) {
            const bool has_some = i % 100 == 3 && i < 2000;
            EXPECT_NEAR(lone.give[static_cast<std::size_t>(i - data.shard.rows.first)] * unit,
                        has_some ? 1 + 1.25 * 1.25 + 1.5 * 1.5 : 0.0, 1e-14);
        }
        // Nothing holds them back without a penalty.
        EXPECT_FALSE(
            make_lone_features(comm_, data, model::Penalty(0), data.sparse->sums.value(0)));
    }
}

TEST_F(LoneFeaturesTest, GoToWhereTheObjectiveIsLeastForTheOthers) {
    std::optional<optim::Evaluation> first;
    for (const int threads : {1, 3}) {
        const DataSet data = data_of(threads);
        const LoneFeatures lone = lone_of(data);
        DistributedObjective function = objective(data);
        Vector point = point_;
        const optim::Evaluation best = function.evaluate_at_best(lone, point);
        EXPECT_EQ(point.head(features), point_.head(features));
        EXPECT_EQ(point[dimension - 1], point_[dimension - 1]);
        EXPECT_GT(point.segment(features, lone_count).cwiseAbs().maxCoeff(), 0.1);
        // As the rows say that nobody set apart.
        const DataSet whole = sparse_data(comm_, all_, 1, lone_count);
        DistributedObjective of_whole = objective(whole);
        Vector in_files = point;
        in_files.head(lone_count) = point.segment(features, lone_count);
        in_files.segment(lone_count, features) = point.head(features);
        const optim::Evaluation there = of_whole.evaluate(in_files);
        EXPECT_NEAR(best.value, there.value, 1e-14);
        EXPECT_EQ(best.rows_wrong, there.rows_wrong);
        EXPECT_NEAR(best.gradient[dimension - 1], there.gradient[dimension - 1], 1e-14);
        for (Index j = 0; j < features; ++j) {
            EXPECT_NEAR(best.gradient[j], there.gradient[lone_count + j], j == 9 ? 1e-10 : 1e-14);
        }
        EXPECT_EQ(best.gradient.segment(features, lone_count).cwiseAbs().maxCoeff(), 0);
        EXPECT_LT(there.gradient.head(lone_count).cwiseAbs().maxCoeff(), 1e-15);
        // From elsewhere they go to the same place, and so they do for any number of threads.
        Vector other = point_;
        other.segment(features, lone_count).setOnes();
        const optim::Evaluation again = function.evaluate_at_best(lone, other);
        EXPECT_EQ(other, point);
        first = first ? first : again;
        EXPECT_EQ(again.value, first->value);
        EXPECT_EQ(again.gradient, first->gradient);
    }
}

TEST_F(LoneFeaturesTest, LeaveTheOthersTheHessianThatFiniteDifferencesGive) {
    constexpr Index size_of_others = features + 1;
    for (const int threads : {1, 3}) {
        const DataSet data = data_of(threads);
        const LoneFeatures lone = lone_of(data);
        DistributedObjective function = objective(data);
        Vector point = point_;
        static_cast<void>(function.evaluate_at_best(lone, point));
        Curvature curvature(comm_, data, true);
        const Vector as_they_stay = curvature.product(point, direction_, 1);
        curvature.let_follow(lone);
        const Vector product = curvature.product(point, direction_, 1);
        constexpr double step = 1e-5;
        Vector ahead = point + step * direction_;
        Vector behind = point - step * direction_;
        const Vector difference = (function.evaluate_at_best(lone, ahead).gradient -
                                   function.evaluate_at_best(lone, behind).gradient) /
                                  (2 * step);
        double most_changed = 0;
        for (Index k = 0; k < size_of_others; ++k) {
            const Index j = k < features ? k : dimension - 1;
            const double penalty = k < features ? penalty_.l2() * direction_[j] : 0;
            EXPECT_NEAR(product[j] + penalty, difference[j], j == 9 ? 1e-4 : 1e-8) << j;
            most_changed = std::max(most_changed, std::abs(product[j] - as_they_stay[j]));
        }
        EXPECT_GT(most_changed, 1e-4);
        // By the same curvatures; of features about, and so exactly without a centre.
        const Vector diagonal =
            curvature.diagonal(point, optim::ChangeOfVariables::identity(dimension - 1, true), 1);
        ASSERT_EQ(diagonal.size(), size_of_others);
        Vector unit = Vector::Zero(dimension);
        unit[3] = 1;
        EXPECT_NEAR(diagonal[3], curvature.product(point, unit, 1)[3], 1e-12);
        unit[3] = 0;
        unit[dimension - 1] = 1;
        EXPECT_NEAR(diagonal[features], curvature.product(point, unit, 1)[dimension - 1], 1e-12);
    }
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
