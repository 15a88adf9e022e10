#include "paralogit/train/objective.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "../../src/train/objective/standardised_objective.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/h5/file.hpp"
#include "paralogit/model/thinned_rows.hpp"
#include "paralogit/train/curvature.hpp"
#include "paralogit/train/generate.hpp"
#include "paralogit/train/moments.hpp"

namespace paralogit::train {
namespace {

constexpr Index rows = 5000;  // in five blocks
constexpr Index features = 4;

/// The rows as any reader sees them.
struct Rows {
    explicit Rows(const std::string& path)
        : x(static_cast<std::size_t>(rows * features)),
          y(h5::File::open(path).dataset("y").read_doubles(0, rows)) {
        const h5::File file = h5::File::open(path);
        file.dataset("X").read(std::array<Index, 2>{0, 0}, std::array<Index, 2>{rows, features},
                               ElementType::float64, std::as_writable_bytes(std::span(x)));
    }

    double at(std::size_t i, std::size_t j) const { return x[i * features + j]; }

    std::vector<double> x;
    std::vector<double> y;
};

/// Value and gradient in long double, by another form of the loss and without blocks.
struct Oracle {
    long double value = 0;
    std::array<long double, features + 1> gradient{};
};

Oracle oracle_at(const Rows& data, const Vector& parameters, double l2) {
    Oracle oracle;
    for (std::size_t i = 0; i < rows; ++i) {
        long double margin = parameters[features];
        for (std::size_t j = 0; j < features; ++j) {
            margin += 1.0L * parameters[static_cast<Index>(j)] * data.at(i, j);
        }
        const long double sign = data.y[i] == 1 ? 1 : -1;
        oracle.value += std::log1p(std::exp(-sign * margin)) / rows;
        const long double slope = -sign / (1 + std::exp(sign * margin)) / rows;
        for (std::size_t j = 0; j < features; ++j) {
            oracle.gradient[j] += slope * data.at(i, j);
        }
        oracle.gradient[features] += slope;
    }
    for (std::size_t j = 0; j < features; ++j) {
        const double w = parameters[static_cast<Index>(j)];
        oracle.value += 0.5L * l2 * w * w;
        oracle.gradient[j] += 1.0L * l2 * w;
    }
    return oracle;
}

/// A data set that all ranks have just written; its name tells jobs of other sizes apart.
std::string make_data(const comm::Communicator& comm) {
    const std::string path =
        testing::TempDir() + "objective-" + std::to_string(comm.size()) + ".h5";
    data::SyntheticOptions options;
    options.rows = rows;
    options.features = features;
    options.scale_decades = 1;
    options.type = ElementType::float64;
    generate(comm, options, path, true);
    return path;
}

class DistributedObjectiveTest : public ::testing::Test {
  protected:
    DistributedObjective objective(Reduction reduction,
                                   std::function<StopRequests()> requests = {}) {
        return {comm_, data_,
                DistributedObjective::Options{.penalty = model::Penalty(0.125),
                                              .has_intercept = true,
                                              .weight_sum = rows,
                                              .reduction = reduction,
                                              .own_requests = std::move(requests)}};
    }

    const comm::Communicator comm_ = comm::Communicator::world();
    const std::string path_ = make_data(comm_);
    const DataSet data_ = load_data_set(comm_, std::array{path_}, {});
    const Vector point_{{0.3, -1.2, 0.8, 0.05, -0.7}};
};

TEST_F(DistributedObjectiveTest, AgreesWithLongDouble) {
    for (const Reduction reduction : {Reduction::exact, Reduction::fast}) {
        DistributedObjective function = objective(reduction);
        const Oracle oracle = oracle_at(Rows(path_), point_, 0.125);
        const optim::Evaluation evaluation = function.evaluate(point_);
        EXPECT_NEAR(evaluation.value, static_cast<double>(oracle.value), 1e-15);
        for (std::size_t j = 0; j < 5; ++j) {
            EXPECT_NEAR(evaluation.gradient[static_cast<Index>(j)],
                        static_cast<double>(oracle.gradient[j]), 2e-15);
        }
    }
}

TEST_F(DistributedObjectiveTest, TellsTheMeanOverTheThinnedRowsOfEveryBlockStepThBlock) {
    const Rows all(path_);
    const Index in_block = data_.plan.rows_per_block();
    for (const Index thinning : {Index{1}, Index{4}, in_block}) {
        const Index row_step = std::min(thinning, std::max<Index>(in_block / 32, 1));
        long double value = 0;
        long double slopes = 0;
        long double count = 0;
        for (Index i = 0; i < rows; ++i) {
            const Index first = i / row_step * row_step;
            const Index drawn =
                first + model::ThinnedRows(first, std::min(row_step, rows - first), row_step)[0];
            if (i / in_block % (thinning / row_step) != 0 || i != drawn) {
                continue;
            }
            const auto at = static_cast<std::size_t>(i);
            long double margin = point_[features];
            for (std::size_t j = 0; j < features; ++j) {
                margin += 1.0L * point_[static_cast<Index>(j)] * all.at(at, j);
            }
            value += std::log1p(std::exp(margin)) - all.y[at] * margin;
            slopes += 1 / (1 + std::exp(-margin)) - all.y[at];
            ++count;
        }
        const double penalty = model::Penalty(0.125).value(point_.head(features));
        for (const Reduction reduction : {Reduction::exact, Reduction::fast}) {
            const optim::Evaluation found = objective(reduction).evaluate_thinned(point_, thinning);
            EXPECT_NEAR(found.value, static_cast<double>(value / count) + penalty, 1e-14);
            EXPECT_NEAR(found.gradient[features], static_cast<double>(slopes / count), 1e-14);
        }
    }
}

TEST_F(DistributedObjectiveTest, HasARoughHessianNearTheFullOne) {
    optim::ChangeOfVariables change = optim::ChangeOfVariables::identity(features, true);
    change.centre = Vector{{0.1, -0.2, 0.0, 3.0}};
    change.scale = Vector{{0.5, 2.0, 1.0, 7.0}};
    Curvature curvature(comm_, data_, true);
    for (const Index thinning : {Index{2}, Index{8}}) {
        const Matrix full = curvature.hessian(point_, change, thinning);
        const Matrix rough = curvature.hessian(point_, change, thinning, Precision::rough);
        const Vector scale = full.diagonal().cwiseSqrt().cwiseInverse();
        const Matrix difference = scale.asDiagonal() * (rough - full) * scale.asDiagonal();
        EXPECT_LE(difference.cwiseAbs().maxCoeff(), 1e-6);
        EXPECT_GT(difference.cwiseAbs().maxCoeff(), 0);
        EXPECT_EQ(rough, rough.transpose());
    }
}

TEST_F(DistributedObjectiveTest, HasTheSameHessianBesideAPassAndAlone) {
    optim::ChangeOfVariables change = optim::ChangeOfVariables::identity(features, true);
    change.centre = Vector{{0.1, -0.2, 0.0, 3.0}};
    Curvature curvature(comm_, data_, true);
    DistributedObjective function = objective(Reduction::exact);
    const optim::Evaluation alone = function.evaluate(point_);
    for (const Precision precision : {Precision::full, Precision::rough}) {
        for (const Index thinning : {Index{1}, Index{2}, data_.plan.rows_per_block() / 8}) {
            const Matrix expected = curvature.hessian(point_, change, thinning, precision);
            optim::Evaluation evaluation;
            const Matrix hessian = curvature.hessian_beside(
                point_, change, thinning, precision, [&](const BlockVisitor& visit) {
                    evaluation = function.evaluate_beside(point_, visit);
                });
            EXPECT_EQ(hessian, expected);
            EXPECT_EQ(evaluation.value, alone.value);
            EXPECT_EQ(evaluation.gradient, alone.gradient);
        }
    }
    EXPECT_GT(function.beside_seconds() + (data_.shard.rows.size() == 0 ? 1 : 0), 0);
    // Nobody is shown the next pass.
    EXPECT_EQ(function.evaluate(point_).gradient, alone.gradient);
}

TEST_F(DistributedObjectiveTest, FailsTogetherWhereOneWhoIsShownABlockFails) {
    DistributedObjective function = objective(Reduction::exact);
    const BlockVisitor fails = [](int, const data::ShardWalk& walk) {
        if (walk.number() == 2) {
            throw Error(ExitCode::input_data, "block 2");
        }
    };
    EXPECT_THROW(function.evaluate_beside(point_, fails), Error);
    EXPECT_TRUE(std::isfinite(function.evaluate(point_).value));
}

TEST_F(DistributedObjectiveTest, HasTheHessianThatWasAnnouncedWhereItWas) {
    const optim::ChangeOfVariables change = optim::ChangeOfVariables::identity(features, true);
    const model::Penalty penalty(0.125);
    const Vector no_start;
    DistributedObjective function = objective(Reduction::exact);
    const auto standardised = [&] {
        return StandardisedObjective(comm_, data_, function, change, no_start, penalty, {}, rows);
    };
    const Vector other = 2 * point_;
    StandardisedObjective plain = standardised();
    for (const Index thinning : {Index{2}, Index{8}}) {
        const Matrix here = plain.rough_hessian(point_, thinning);
        const Matrix there = plain.rough_hessian(other, thinning);
        const Matrix of_fewer = plain.rough_hessian(point_, 2 * thinning);
        const optim::Evaluation expected = plain.evaluate(point_);
        for (const int first : {0, 1, 2}) {
            StandardisedObjective early = standardised();
            const optim::Evaluation evaluation = early.evaluate_with_hessian(point_, thinning);
            EXPECT_EQ(evaluation.value, expected.value);
            EXPECT_EQ(evaluation.gradient, expected.gradient);
            if (first == 1) {
                EXPECT_EQ(early.rough_hessian(other, thinning), there);
            } else if (first == 2) {
                EXPECT_EQ(early.rough_hessian(point_, 2 * thinning), of_fewer);
            }
            EXPECT_EQ(early.rough_hessian(point_, thinning), here);
            EXPECT_EQ(early.rough_hessian(point_, thinning), here);
        }
    }
}

TEST_F(DistributedObjectiveTest, HasProductsAndADiagonalThatAreThoseOfTheHessian) {
    const optim::ChangeOfVariables plain = optim::ChangeOfVariables::identity(features, true);
    optim::ChangeOfVariables changed = plain;
    changed.centre = Vector{{0.1, -0.2, 0.0, 3.0}};
    changed.scale = Vector{{0.5, 2.0, 1.0, 7.0}};
    Curvature curvature(comm_, data_, true);
    for (const Index thinning : {Index{1}, Index{8}}) {
        for (const Vector& at : {point_, Vector(2 * point_), point_}) {
            const Matrix hessian = curvature.hessian(at, plain, thinning);
            for (const double size : {1.0, 1e-200, 1e200}) {
                const Vector direction = size * Vector{{0.3, 1.0, -2.0, 0.0, 5.0}};
                const Vector product = curvature.product(at, direction, thinning);
                EXPECT_LE((product - hessian * direction).norm(), 1e-13 * product.norm());
            }
            const Vector diagonal = curvature.diagonal(at, changed, thinning);
            const Vector expected = curvature.hessian(at, changed, thinning).diagonal();
            EXPECT_LE((diagonal - expected).norm(), 1e-13 * expected.norm());
        }
    }
}

TEST_F(DistributedObjectiveTest, ProductsTellAllRanksWhatOneRankAsksForAndWhatIsNotFinite) {
    const bool is_last = comm_.rank() == comm_.size() - 1;
    const optim::ChangeOfVariables plain = optim::ChangeOfVariables::identity(features, true);
    const Vector direction{{1.0, 0.0, 2.0, 0.0, 1.0}};
    Curvature curvature(comm_, data_, true);
    curvature.set_own_requests([&] { return StopRequests{.signal = is_last}; });
    const Vector product = curvature.product(point_, direction, 1);
    EXPECT_TRUE(curvature.agreed_requests().signal);
    EXPECT_FALSE(curvature.agreed_requests().time_limit);
    curvature.set_own_requests([&] { return StopRequests{.time_limit = comm_.is_root()}; });
    curvature.diagonal(point_, plain, 1);
    EXPECT_FALSE(curvature.agreed_requests().signal);
    EXPECT_TRUE(curvature.agreed_requests().time_limit);
    curvature.set_own_requests({});

    const Vector far = Vector::Constant(5, std::numeric_limits<double>::max());
    EXPECT_TRUE(std::isnan(curvature.product(far, direction, 1)[0]));
    EXPECT_FALSE(curvature.agreed_requests().any());
    // And is itself again afterwards.
    EXPECT_EQ(curvature.product(point_, direction, 1), product);
}

TEST_F(DistributedObjectiveTest, AHessianOfAnyKindLetsThroughWhatOneRankAsksForMeanwhile) {
    bool asks = false;
    const bool is_last = comm_.rank() == comm_.size() - 1;
    DistributedObjective function =
        objective(Reduction::exact, [&] { return StopRequests{.signal = is_last && asks}; });
    const auto change = optim::ChangeOfVariables::identity(features, true);
    const Vector no_start;
    StandardisedObjective standardised(comm_, data_, function, change, no_start, model::Penalty(0),
                                       {}, rows);
    const std::array<Index, 2> some{0, 2};
    const std::vector<std::function<void()>> ways{
        [&] { standardised.hessian(point_, 1); }, [&] { standardised.rough_hessian(point_, 2); },
        [&] { standardised.hessian_among(point_, some, 1); },
        [&] { standardised.hessian_diagonal(point_, 1); }};
    for (const auto& way : ways) {
        asks = false;
        EXPECT_NO_THROW(way());
        EXPECT_FALSE(function.agreed_requests().any());
        asks = true;
        EXPECT_THROW(way(), IterationStopped);
        EXPECT_TRUE(function.agreed_requests().signal);
        EXPECT_FALSE(function.agreed_requests().time_limit);
    }
    standardised.let_requests_through(false);
    EXPECT_NO_THROW(ways.front()());
    EXPECT_TRUE(function.agreed_requests().signal);
}

TEST_F(DistributedObjectiveTest, HasTheGradientThatFiniteDifferencesGive) {
    DistributedObjective function = objective(Reduction::exact);
    const optim::Evaluation evaluation = function.evaluate(point_);
    for (Index j = 0; j < 5; ++j) {
        constexpr double step = 1e-5;
        Vector ahead = point_;
        Vector behind = point_;
        ahead[j] += step;
        behind[j] -= step;
        const double slope =
            (function.evaluate(ahead).value - function.evaluate(behind).value) / (2 * step);
        EXPECT_NEAR(evaluation.gradient[j], slope, 1e-8);
    }
}

TEST_F(DistributedObjectiveTest, OfAFocalLossHasTheDerivativesThatFiniteDifferencesGive) {
    // So near to zero no row has a negative curvature, which a Hessian would leave out.
    const Vector near = 0.05 * point_;
    const Rows all(path_);
    for (const double gamma : {0.5, 2.0, 5.0}) {
        const model::Loss loss = model::Loss::focal(gamma, 0.25);
        DistributedObjective function(comm_, data_,
                                      {.penalty = model::Penalty(0.125),
                                       .loss = loss,
                                       .has_intercept = true,
                                       .weight_sum = rows,
                                       .reduction = Reduction::exact,
                                       .own_requests = {}});
        Curvature curvature(comm_, data_, true, loss);
        const optim::ChangeOfVariables plain = optim::ChangeOfVariables::identity(features, true);
        const optim::Evaluation here = function.evaluate(near);
        const Matrix hessian = curvature.hessian(near, plain, 1);
        long double value = model::Penalty(0.125).value(near.head(features));
        for (std::size_t i = 0; i < rows; ++i) {
            long double margin = near[features];
            for (std::size_t j = 0; j < features; ++j) {
                margin += 1.0L * near[static_cast<Index>(j)] * all.at(i, j);
            }
            const bool is_positive = all.y[i] == 1;
            const long double p = 1 / (1 + std::exp(is_positive ? -margin : margin));
            value -=
                (is_positive ? 0.25L : 0.75L) * std::pow(1 - p, 1.0L * gamma) * std::log(p) / rows;
        }
        EXPECT_NEAR(here.value, static_cast<double>(value), 1e-15);
        for (Index j = 0; j < 5; ++j) {
            constexpr double step = 1e-5;
            Vector ahead = near;
            Vector behind = near;
            ahead[j] += step;
            behind[j] -= step;
            const optim::Evaluation after = function.evaluate(ahead);
            const optim::Evaluation before = function.evaluate(behind);
            EXPECT_NEAR(here.gradient[j], (after.value - before.value) / (2 * step), 1e-8);
            Vector of_penalty = Vector::Zero(5);
            of_penalty[j] = j < features ? 0.125 : 0.0;
            const Vector column = (after.gradient - before.gradient) / (2 * step) - of_penalty;
            EXPECT_LE((hessian.col(j) - column).cwiseAbs().maxCoeff(), 1e-7);
        }

        // Far out some have, and all forms of the Hessian leave out the same.
        const Vector far = 4 * point_;
        const Matrix far_hessian = curvature.hessian(far, plain, 4);
        const Vector direction{{0.3, 1.0, -2.0, 0.0, 5.0}};
        const Vector product = curvature.product(far, direction, 4);
        EXPECT_LE((product - far_hessian * direction).norm(), 1e-13 * product.norm());
        EXPECT_LE((curvature.diagonal(far, plain, 4) - far_hessian.diagonal()).norm(),
                  1e-13 * far_hessian.diagonal().norm());
        const optim::Evaluation farthest = function.evaluate(1e6 * point_);
        EXPECT_TRUE(std::isfinite(farthest.value));
        EXPECT_TRUE(farthest.gradient.allFinite());
    }
}

TEST_F(DistributedObjectiveTest, IsPlusInfinityWhereMarginsOverflow) {
    for (const Reduction reduction : {Reduction::exact, Reduction::fast}) {
        DistributedObjective function = objective(reduction);
        const optim::Evaluation evaluation =
            function.evaluate(Vector::Constant(5, std::numeric_limits<double>::max()));
        EXPECT_EQ(evaluation.value, std::numeric_limits<double>::infinity());
        EXPECT_TRUE(std::isnan(evaluation.gradient[0]));
        // And is itself again afterwards.
        EXPECT_TRUE(std::isfinite(function.evaluate(point_).value));
    }
}

TEST_F(DistributedObjectiveTest, StaysFiniteForMarginsOf1e300) {
    DistributedObjective function = objective(Reduction::exact);
    const optim::Evaluation evaluation = function.evaluate(Vector{{0, 0, 0, 1e150, -1e140}});
    EXPECT_TRUE(std::isfinite(evaluation.value));
    EXPECT_TRUE(evaluation.gradient.allFinite());
}

TEST_F(DistributedObjectiveTest, TellsAllRanksWhatOneRankAsksFor) {
    const bool is_last = comm_.rank() == comm_.size() - 1;
    DistributedObjective function =
        objective(Reduction::exact, [is_last] { return StopRequests{.signal = is_last}; });
    EXPECT_FALSE(function.agreed_requests().any());
    function.evaluate(point_);
    EXPECT_TRUE(function.agreed_requests().signal);
    EXPECT_FALSE(function.agreed_requests().time_limit);
}

TEST_F(DistributedObjectiveTest, FailsOnAllRanksWhenOneHasOtherParameters) {
    for (const Reduction reduction : {Reduction::exact, Reduction::fast}) {
        DistributedObjective function = objective(reduction);
        Vector own = point_;
        own[2] = std::nextafter(own[2], comm_.rank() == comm_.size() - 1 ? 1.0 : 0.0);
        if (comm_.size() == 1) {
            EXPECT_NO_THROW(function.evaluate(own));
        } else {
            EXPECT_THROW(function.evaluate(own), comm::AgreedError);
        }
    }
}

TEST_F(DistributedObjectiveTest, CountsTheRowsOnTheWrongSide) {
    DistributedObjective function = objective(Reduction::exact);
    const Rows data(path_);
    const auto zeros = static_cast<Index>(std::count(data.y.begin(), data.y.end(), 0.0));
    // All margins are 1: right for the rows of label 1.
    EXPECT_EQ(function.evaluate(Vector{{0, 0, 0, 0, 1}}).rows_wrong, zeros);
    // A margin of 0 is on no side.
    EXPECT_EQ(function.evaluate(Vector::Zero(5)).rows_wrong, rows);
}

TEST_F(DistributedObjectiveTest, MomentsAreThoseOfTheColumns) {
    const Moments moments = compute_moments(comm_, data_);
    const Rows data(path_);
    EXPECT_EQ(moments.weight_sum, rows);
    EXPECT_EQ(moments.positive_share,
              static_cast<double>(std::count(data.y.begin(), data.y.end(), 1.0)) / rows);
    for (std::size_t j = 0; j < features; ++j) {
        long double mean = 0;
        long double variance = 0;
        for (std::size_t i = 0; i < rows; ++i) {
            mean += static_cast<long double>(data.at(i, j)) / rows;
        }
        for (std::size_t i = 0; i < rows; ++i) {
            variance += (data.at(i, j) - mean) * (data.at(i, j) - mean) / rows;
        }
        const auto deviation = static_cast<double>(std::sqrt(variance));
        const auto at = static_cast<Index>(j);
        EXPECT_NEAR(moments.mean[at], static_cast<double>(mean), 1e-15 * deviation);
        EXPECT_NEAR(moments.standard_deviation[at], deviation, 1e-14 * deviation);
    }
}

TEST_F(DistributedObjectiveTest, StandardisationCentresOnlyWhatAnInterceptTakesUp) {
    Moments moments;
    moments.mean = Vector{{3, -4, 0, 5}};
    moments.standard_deviation = Vector{{4, 3, 0, 0}};
    const auto with = standardisation(moments, model::Penalty(0), true);
    EXPECT_EQ(with.centre, moments.mean);
    EXPECT_EQ(with.scale, moments.standard_deviation);
    const auto without = standardisation(moments, model::Penalty(0), false);
    EXPECT_EQ(without.centre, Vector::Zero(4));
    EXPECT_NEAR((without.scale - Vector{{5, 5, 0, 5}}).norm(), 0, 1e-15);
    const auto penalised = standardisation(moments, model::Penalty(2.25), true);
    EXPECT_NEAR((penalised.scale - Vector{{5, std::sqrt(18.0), 0, 0}}).norm(), 0, 1e-15);
}

}  // namespace
}  // namespace paralogit::train
