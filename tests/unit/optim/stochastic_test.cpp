#include "paralogit/optim/stochastic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "paralogit/base/error.hpp"

namespace paralogit::optim {
namespace {

/// F(p) = mean over k of |p - c_k|^2 / 2 in one variable, a batch for each centre c_k.
class Centres : public Objective, public BatchObjective {
  public:
    explicit Centres(std::vector<double> centres) : centres_(std::move(centres)) {}

    Index dimension() const override { return 1; }
    Evaluation evaluate(const Vector& point) override {
        ++evaluations;
        Evaluation at{.value = 0, .gradient = Vector::Zero(1)};
        for (const double centre : centres_) {
            at.value += (point[0] - centre) * (point[0] - centre) / 2 / count();
            at.gradient[0] += (point[0] - centre) / count();
        }
        return at;
    }
    Index batches() const override { return std::ssize(centres_); }
    void evaluate_batch(const Vector& point, Index epoch, Index batch,
                        BatchEvaluation& evaluation) override {
        if (fails_in_epoch == epoch && batch == 1) {
            throw std::runtime_error("as told");
        }
        const double way = point[0] - centres_[static_cast<std::size_t>(batch)];
        evaluation.gradient = Vector::Constant(1, way);
        evaluation.loss = way * way / 2 / count();
        evaluation.rows = batch < batches_with_rows ? 1 : 0;
        evaluation.gradient *= static_cast<double>(evaluation.rows);
    }
    void add_penalty_gradient(const Vector& point, Vector& gradient) const override {
        gradient += held * point;
    }
    double penalty(const Vector& point) const override { return held / 2 * point.squaredNorm(); }
    void decay(double rate, Vector& point) const override { point *= 1 - rate * held; }
    void join_ranks(std::span<Vector* const> vectors) override {
        ++joined;
        for (std::size_t k = 0; k < vectors.size(); ++k) {
            offered.push_back(*vectors[k]);
            if (!joined_to.empty()) {
                *vectors[k] = joined_to.at(k);
            }
        }
    }

    double held = 0;
    Index fails_in_epoch = -1;
    Index evaluations = 0;
    Index joined = 0;
    Index batches_with_rows = 1000;
    std::vector<Vector> offered;    ///< to be joined, in turn
    std::vector<Vector> joined_to;  ///< what they become, if that is not themselves

  private:
    double count() const { return static_cast<double>(centres_.size()); }
    std::vector<double> centres_;
};

State after(const StochasticOptions& options, Centres& centres, int epochs, double start = 0) {
    const Stochastic solver(options);
    State state = solver.start(centres, Vector::Constant(1, start));
    for (int epoch = 0; epoch < epochs; ++epoch) {
        EXPECT_EQ(solver.step(centres, state), StepResult::moved);
    }
    return state;
}

StochasticOptions with_rate(double rate) {
    StochasticOptions options;
    options.learning_rate.rate = rate;
    return options;
}

TEST(Sgd, StepsAfterEachBatch) {
    Centres centres({1, 4});
    const State state = after(with_rate(0.5), centres, 1);
    EXPECT_EQ(state.point[0], 0.5 + 0.5 * (4 - 0.5));
    EXPECT_EQ(state.iteration, 1);
    EXPECT_EQ(running_objective(state), (0.5 + 3.5 * 3.5 / 2) / 2);
}

TEST(Sgd, GathersMomentum) {
    Centres centres({1, 1});
    StochasticOptions options = with_rate(0.5);
    options.momentum = 0.5;
    // v = -1, p = 0.5; v = -0.5 - 0.5 = -1, p = 1
    EXPECT_EQ(after(options, centres, 1).point[0], 1.0);
    options.is_nesterov = true;
    // v = -1, p = 0.75; v = -0.5 - 0.25 = -0.75, p += 0.5 (0.25 + 0.375)
    EXPECT_EQ(after(options, centres, 1).point[0], 0.75 + 0.3125);
}

TEST(Sgd, ShortensGradientsThatAreTooLong) {
    Centres centres({10});
    StochasticOptions options = with_rate(0.5);
    options.clip = 2;
    EXPECT_EQ(after(options, centres, 1).point[0], 1.0);
}

TEST(Sgd, TakesThePenaltyIntoTheGradientOrShrinksBesideIt) {
    Centres centres({0});
    centres.held = 0.25;
    EXPECT_EQ(after(with_rate(0.5), centres, 1, 8).point[0], 8 - 0.5 * (8 + 2));
    StochasticOptions options = with_rate(0.5);
    options.decouples_decay = true;
    EXPECT_EQ(after(options, centres, 1, 8).point[0], 8 * (1 - 0.125) - 0.5 * 8);
}

TEST(Sgd, AveragesItsIteratesAndGoesOnFromTheLast) {
    Centres centres({1, 1});
    StochasticOptions options = with_rate(0.5);
    options.averages_from = 1;
    EXPECT_EQ(after(options, centres, 1).point[0], 0.75);
    // 0.75 -> 0.875, 0.9375
    EXPECT_EQ(after(options, centres, 2).point[0], (0.875 + 0.9375) / 2);
    EXPECT_EQ(after(options, centres, 2).memory.at("iterate")(0, 0), 0.9375);
}

TEST(Adam, BeginsWithStepsOfTheRate) {
    Centres centres({1000});
    StochasticOptions options = with_rate(0.25);
    options.rule = UpdateRule::adam;
    EXPECT_NEAR(after(options, centres, 1).point[0], 0.25, 1e-9);
    EXPECT_NEAR(after(options, centres, 2).point[0], 0.5, 1e-4);
}

TEST(Adagrad, DividesByTheRootOfAllSquares) {
    Centres centres({3, 1});
    StochasticOptions options = with_rate(1);
    options.rule = UpdateRule::adagrad;
    options.epsilon = 0;
    // g = -3, s = 9, p = 1; g = 0, s = 9
    EXPECT_EQ(after(options, centres, 1).point[0], 1);
}

TEST(StochasticSolvers, EvaluateTheObjectiveEverySoManyEpochs) {
    Centres centres({1, 4});
    StochasticOptions options = with_rate(0.1);
    options.evaluates_every = 3;
    const State state = after(options, centres, 5);
    EXPECT_EQ(centres.evaluations, 2);
    EXPECT_EQ(evaluated_iteration(state), 3);
    // One pass for the start, one for each epoch and one for the evaluation.
    EXPECT_EQ(state.evaluations, 7);
    EXPECT_EQ(evaluated_iteration(after(options, centres, 6)), 6);
}

TEST(StochasticSolvers, LeaveTheStateAsItWasWhenABatchThrows) {
    Centres centres({1, 4});
    StochasticOptions options = with_rate(0.1);
    options.momentum = 0.9;
    const Stochastic solver(options);
    State state = after(options, centres, 2);
    const State before = state;
    centres.fails_in_epoch = 2;
    EXPECT_THROW(solver.step(centres, state), std::runtime_error);
    EXPECT_EQ(state.iteration, before.iteration);
    EXPECT_EQ(state.point, before.point);
    EXPECT_EQ(state.memory, before.memory);
}

TEST(StochasticSolvers, JoinTheRanksAfterLocalStepsAndAtTheEndOfTheEpoch) {
    Centres centres({1, 2, 3, 4, 5});
    StochasticOptions options = with_rate(0.1);
    options.local_steps = 2;
    after(options, centres, 1);
    EXPECT_EQ(centres.joined, 3);
    centres.joined = 0;
    options.local_steps = 5;
    after(options, centres, 1);
    EXPECT_EQ(centres.joined, 1);
}

TEST(StochasticSolvers, HaveOneStateOnRanksThatTookDifferentNumbersOfSteps) {
    for (const UpdateRule rule : {UpdateRule::sgd, UpdateRule::adam, UpdateRule::adagrad}) {
        StochasticOptions options = with_rate(0.1);
        options.rule = rule;
        options.momentum = 0.5;
        options.local_steps = 3;
        Centres full({3, 1, 2});
        Centres other({3, 1, 2});
        other.batches_with_rows = 1;
        after(options, full, 1);
        after(options, other, 1);
        ASSERT_EQ(full.offered.size(), other.offered.size());
        std::vector<Vector> means;
        for (std::size_t k = 0; k < full.offered.size(); ++k) {
            means.emplace_back((full.offered[k] + other.offered[k]) / 2);
        }
        full.joined_to = other.joined_to = means;
        const State first = after(options, full, 1);
        EXPECT_EQ(first.point, after(options, other, 1).point);
        EXPECT_EQ(first.memory, after(options, other, 1).memory);
        if (rule == UpdateRule::adam) {
            EXPECT_EQ(first.memory.at("powers")(0, 0), (0.9 * 0.9 * 0.9 + 0.9) / 2);
        }
    }
}

TEST(StochasticSolvers, RecogniseDivergence) {
    Centres centres({1, 4, 2, 3, 1, 5, 6, 7});
    const Stochastic solver(with_rate(50));
    State state = solver.start(centres, Vector::Zero(1));
    EXPECT_EQ(solver.step(centres, state), StepResult::diverged);
    EXPECT_EQ(state.iteration, 0);
    EXPECT_EQ(state.point[0], 0);
}

TEST(LearningRates, FollowTheirSchedules) {
    LearningRateOptions options{.rate = 8, .schedule = Schedule::inverse, .decay = 2};
    EXPECT_EQ(learning_rate(options, 5, 10), 8 / (1 + 2 * 0.5));
    options = {.rate = 8, .schedule = Schedule::step, .decay = 0.5, .period = 3};
    EXPECT_EQ(learning_rate(options, 29, 10), 8);
    EXPECT_EQ(learning_rate(options, 30, 10), 4);
    EXPECT_EQ(learning_rate(options, 95, 10), 1);
    options = {.rate = 8, .warmup = 2};
    EXPECT_EQ(learning_rate(options, 0, 4), 1);
    EXPECT_EQ(learning_rate(options, 6, 4), 7);
    EXPECT_EQ(learning_rate(options, 7, 4), 8);
    EXPECT_EQ(learning_rate(options, 1000, 4), 8);
}

TEST(LearningRates, FollowTheCosine) {
    const LearningRateOptions options{.rate = 2, .schedule = Schedule::cosine, .horizon = 7};
    for (Index step = 0; step <= 70; ++step) {
        const long double pi = std::acos(-1.0L);
        const auto expected =
            static_cast<double>(1 + std::cos(pi * static_cast<long double>(step) / 70));
        EXPECT_NEAR(learning_rate(options, step, 10), expected, 6e-16) << step;
    }
    EXPECT_EQ(learning_rate(options, 71, 10), 0);
    EXPECT_EQ(learning_rate(options, 7000, 10), 0);
}

TEST(StochasticOptions, OutsideTheirRangesAreNamed) {
    const auto error_of = [](const auto& change) -> std::string {
        StochasticOptions options;
        change(options);
        try {
            const Stochastic solver(options);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::usage);
            return error.what();
        }
        return "";
    };
    using testing::HasSubstr;
    EXPECT_THAT(error_of([](auto& o) { o.learning_rate.rate = 0; }), HasSubstr("--learning-rate"));
    EXPECT_THAT(error_of([](auto& o) { o.momentum = 1; }), HasSubstr("--momentum"));
    EXPECT_THAT(error_of([](auto& o) { o.beta2 = -0.1; }), HasSubstr("--beta2"));
    EXPECT_THAT(error_of([](auto& o) { o.clip = 0; }), HasSubstr("--clip"));
    EXPECT_THAT(error_of([](auto& o) { o.learning_rate.warmup = -1; }), HasSubstr("--warmup"));
    EXPECT_EQ(error_of([](auto&) {}), "");
}

}  // namespace
}  // namespace paralogit::optim
