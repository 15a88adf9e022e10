#include "../../src/train/objective/lone_features.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "../../src/train/objective/standardised_objective.hpp"
#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/train/curvature.hpp"
#include "paralogit/train/objective.hpp"
#include "sparse_rows.hpp"

namespace paralogit::train {
namespace {

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

/// Variables as a run has them, without the numbers of features alike.
optim::ChangeOfVariables some_change(Index variables) {
    optim::ChangeOfVariables change = optim::ChangeOfVariables::identity(variables, true);
    for (Index j = 0; j < variables; ++j) {
        change.centre[j] = 0.1 * static_cast<double>(1 + j % 5);
        change.scale[j] = 0.5 + 0.25 * static_cast<double>(j % 3);
    }
    change.centre[9] = 1e4;
    change.scale[11] = 0;  // it has no entry
    return change;
}

TEST_F(LoneFeaturesTest, FollowInOtherVariablesAndByPenaltiesOfTheirOwn) {
    constexpr Index last = dimension - 1;
    const optim::ChangeOfVariables change = some_change(last);
    Vector factors(last);
    for (Index j = 0; j < last; ++j) {
        factors[j] = 1 + 0.5 * static_cast<double>(j % 4);
    }
    const Vector start;
    for (const int threads : {1, 3}) {
        const DataSet data = data_of(threads);
        for (const model::Penalty& penalty :
             {penalty_, model::Penalty(1e-4, 0, factors, Vector::Ones(last))}) {
            DistributedObjective of_parameters(
                comm_, data,
                DistributedObjective::Options{.penalty = penalty,
                                              .has_intercept = true,
                                              .weight_sum = data.sparse->sums.value(0),
                                              .reduction = Reduction::exact,
                                              .own_requests = {}});
            StandardisedObjective function(comm_, data, of_parameters, change, start, penalty, {},
                                           rows);
            function.let_lone_features_follow();
            ASSERT_EQ(function.following().first, features);
            ASSERT_EQ(function.following().end, last);
            Vector point = change.to_point(point_);
            const double before = function.evaluate(point).value;
            const optim::Evaluation best = function.evaluate_at_best(point);
            const optim::Evaluation there = function.evaluate(point);
            EXPECT_LT(best.value, before);
            EXPECT_NEAR(best.value, there.value, 1e-14);
            EXPECT_NEAR(best.gradient[last], there.gradient[last], 1e-14);
            for (Index j = 0; j < features; ++j) {
                EXPECT_NEAR(best.gradient[j], there.gradient[j], j == 9 ? 1e-9 : 1e-14) << j;
            }
            for (Index j = features; j < last; ++j) {
                EXPECT_EQ(best.gradient[j], 0);
                // Each is where its parameter is best, while the intercept stays.
                EXPECT_NEAR(
                    there.gradient[j] * change.scale[j] + change.centre[j] * there.gradient[last],
                    0, 1e-15)
                    << j;
            }

            Vector direction(features + 1);
            direction.head(features) = direction_.head(features);
            direction[features] = direction_[last];
            Vector product;
            function.hessian_product(point, direction, 1, product);
            ASSERT_EQ(product.size(), features + 1);
            constexpr double step = 1e-5;
            const auto gradient_at = [&](double length) {
                Vector moved = point;
                moved.head(features) += length * direction.head(features);
                moved[11] = point[11];
                moved[last] += length * direction[features];
                return function.evaluate_at_best(moved).gradient;
            };
            const Vector difference = (gradient_at(step) - gradient_at(-step)) / (2 * step);
            for (Index j = 0; j < features; ++j) {
                // One that is left alone has a curvature of its own.
                const double expected = j == 11 ? direction[j] : difference[j];
                EXPECT_NEAR(product[j], expected, j == 9 ? 1e-4 : 1e-8) << j;
            }
            EXPECT_NEAR(product[features], difference[last], 1e-8);
        }
    }
}

}  // namespace
}  // namespace paralogit::train
