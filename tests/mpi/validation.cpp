#include "paralogit/train/validation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/h5/writer.hpp"
#include "paralogit/train/evaluate.hpp"
#include "paralogit/train/moments.hpp"
#include "paralogit/train/objective.hpp"
#include "support/files.hpp"

namespace paralogit::train {
namespace {

using testing::HasSubstr;

constexpr Index rows = 1500;
constexpr Index features = 5;

/// In [-1, 1], without the functions of a library, whose bits differ from machine to machine.
double wave(Index i, Index period) {
    return static_cast<double>(2 * (i * i * 31 + i * 17) % (2 * period)) /
               static_cast<double>(period) -
           1;
}

/// Rows of a small data set; every rank makes the same ones.
struct Rows {
    explicit Rows(Index count = rows, double first_value = 0.25) {
        constexpr double scales[] = {0.01, 0.1, 1, 10, 100};
        for (Index i = 0; i < count; ++i) {
            for (Index j = 0; j < features; ++j) {
                x.push_back(first_value + wave(i, 101 + 2 * j) * scales[j]);
            }
            y.push_back(wave(i, 83) > 0.4 ? 1.0 : 0.0);
            s.push_back(static_cast<double>(i % 4) * 0.5);
        }
    }

    double at(std::size_t row, std::size_t feature) const { return x[row * features + feature]; }

    std::vector<double> x;
    std::vector<double> y;
    std::vector<double> s;
};

Vector some_parameters() {
    return (Vector(features + 1) << 3.0, -1.0, 0.5, 0.02, -0.001, 0.25).finished();
}

/// Weighted loss and accuracy of some rows in long double, by another form of the loss.
struct Oracle {
    long double loss = 0;
    long double accuracy = 0;
};
Oracle oracle_of(const Rows& data, std::span<const Index> of_rows, bool has_weights) {
    const Vector parameters = some_parameters();
    Oracle oracle;
    long double weights = 0;
    for (const Index row : of_rows) {
        const auto i = static_cast<std::size_t>(row);
        long double margin = parameters[features];
        for (std::size_t j = 0; j < features; ++j) {
            margin += 1.0L * parameters[static_cast<Index>(j)] * data.at(i, j);
        }
        const long double weight = has_weights ? data.s[i] : 1.0;
        const long double sign = data.y[i] == 1 ? 1 : -1;
        weights += weight;
        oracle.loss += weight * std::log1p(std::exp(-sign * margin));
        oracle.accuracy += sign * margin > 0 ? weight : 0;
    }
    oracle.loss /= weights;
    oracle.accuracy /= weights;
    return oracle;
}

/// Files by rank 0, seen by all.
class ValidationTest : public testing::Test {
  protected:
    std::string file(const std::string& name, const Rows& data) {
        std::string path = comm_.is_root() ? folder_.file(name).string() : "";
        comm_.broadcast(path);
        comm::on_root(comm_, [&] {
            h5::Writer writer(path);
            writer.dataset("X", data.x, std::ssize(data.y), features);
            writer.dataset("y", data.y);
            writer.dataset("s", data.s);
            writer.close();
        });
        return path;
    }

    DataSet load(const std::string& path, const RowUse& use = {}, bool has_weights = false,
                 int threads = 1) {
        return load_data_set(comm_, std::vector{path}, source(has_weights), {.threads = threads},
                             use);
    }

    DataSet load_validation(const std::string& path, const DataSet& training) {
        return load_validation_set(comm_, describe_files(comm_, std::vector{path}, source(true)),
                                   source(true), {}, training);
    }

    static data::SourceOptions source(bool has_weights) {
        data::SourceOptions options;
        if (has_weights) {
            options.weights_name = "s";
        }
        return options;
    }

    optim::Evaluation evaluate(const DataSet& data) {
        const Moments moments = compute_moments(comm_, data);
        DistributedObjective objective(
            comm_, data,
            {.penalty = model::Penalty(0), .weight_sum = moments.weight_sum, .own_requests = {}});
        return objective.evaluate(some_parameters());
    }

    template <class Action>
    std::string text_of_error(const Action& action) {
        try {
            action();
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::input_data);
            return error.what();
        }
        return "";
    }

    comm::Communicator comm_ = comm::Communicator::world();

  private:
    test::TemporaryFolder folder_;
};

constexpr data::HoldOut third{.fraction = 1.0 / 3, .seed = 7};

TEST_F(ValidationTest, ScoresTheRowsThatAreHeldOutByTheirOwnRowWeights) {
    const Rows all;
    const std::string path = file("a.h5", all);
    const auto held_out = data::held_out_rows(third, {.first = 0, .end = rows});

    for (const bool has_weights : {false, true}) {
        const DataSet data =
            load(path, {.hold_out = third, .class_weights = ClassWeights{3, 0.1}}, has_weights);
        ASSERT_NE(data.held_out, nullptr);
        const ValidationScores scores =
            Validation(comm_, *data.held_out, true).score(some_parameters());
        const Oracle oracle = oracle_of(all, held_out, has_weights);

        EXPECT_NEAR(scores.loss, static_cast<double>(oracle.loss), 1e-14);
        EXPECT_NEAR(scores.accuracy, static_cast<double>(oracle.accuracy), 1e-14);
        EXPECT_EQ(data.held_out->manifest.rows, std::ssize(held_out));
        EXPECT_EQ(data.training_rows(), rows - std::ssize(held_out));
    }
}

TEST_F(ValidationTest, TrainsAsIfTheRowsThatAreHeldOutWereNotThere) {
    const Rows all;
    const auto held_out = data::held_out_rows(third, {.first = 0, .end = rows});
    // Whatever stands in them: huge values would show.
    Rows spoiled = all;
    Rows rest = all;
    rest.x.clear();
    rest.y.clear();
    rest.s.clear();
    for (Index row = 0; row < rows; ++row) {
        const auto i = static_cast<std::size_t>(row);
        if (std::ranges::binary_search(held_out, row)) {
            std::fill_n(spoiled.x.begin() + row * features, features, 1e100);
            spoiled.y[i] = 1 - spoiled.y[i];
        } else {
            rest.x.insert(rest.x.end(), all.x.begin() + row * features,
                          all.x.begin() + (row + 1) * features);
            rest.y.push_back(all.y[i]);
            rest.s.push_back(all.s[i]);
        }
    }
    const RowUse use{.hold_out = third, .class_weights = {}, .balances_classes = true};

    const DataSet with = load(file("with.h5", all), use, true);
    const DataSet with_spoiled = load(file("spoiled.h5", spoiled), use, true);
    const DataSet without = load(file("without.h5", rest), {.balances_classes = true}, true);
    const optim::Evaluation one = evaluate(with);
    const optim::Evaluation same = evaluate(with_spoiled);
    const optim::Evaluation other = evaluate(without);

    EXPECT_EQ(one.value, same.value);
    EXPECT_EQ(one.gradient, same.gradient);
    EXPECT_NEAR(one.value, other.value, 1e-15);
    EXPECT_LT((one.gradient - other.gradient).cwiseAbs().maxCoeff(), 1e-14);
    EXPECT_EQ(with.class_weights.positive, without.class_weights.positive);
    EXPECT_EQ(with.class_weights.negative, without.class_weights.negative);
    EXPECT_EQ(compute_moments(comm_, with).weight_sum, compute_moments(comm_, without).weight_sum);
}

TEST_F(ValidationTest, GivesTheSameBitsForAnyNumberOfThreads) {
    const std::string path = file("a.h5", Rows());
    const DataSet one = load(path, {.hold_out = third}, true, 1);
    const DataSet four = load(path, {.hold_out = third}, true, 4);

    const ValidationScores scores = Validation(comm_, *one.held_out, true).score(some_parameters());
    const ValidationScores again = Validation(comm_, *four.held_out, true).score(some_parameters());

    EXPECT_EQ(again.loss, scores.loss);
    EXPECT_EQ(again.accuracy, scores.accuracy);
    EXPECT_EQ(again.roc_auc, scores.roc_auc);
    EXPECT_EQ(again.average_precision, scores.average_precision);
}

TEST_F(ValidationTest, HasTheScoresOfAnEvaluationOfTheSameFile) {
    const std::string path = file("a.h5", Rows());
    const std::string validation_path = file("v.h5", Rows(777, 0.75));
    const DataSet training = load(path, {.balances_classes = true}, true);

    const DataSet data = load_validation(validation_path, training);
    const ValidationScores scores = Validation(comm_, data, true).score(some_parameters());
    Model model;
    model.coefficients = some_parameters().head(features);
    model.intercept = some_parameters()[features];
    const Scores expected = train::evaluate(comm_, model, data, {});

    EXPECT_NEAR(scores.loss, expected.log_loss, 1e-15);
    EXPECT_EQ(scores.accuracy, model::accuracy(expected.ranking.confusion));
    EXPECT_EQ(scores.roc_auc, expected.ranking.roc_auc);
    EXPECT_EQ(scores.average_precision, expected.ranking.average_precision);
    EXPECT_GT(scores.roc_auc, 0.1);
    EXPECT_LT(scores.roc_auc, 0.9);
}

TEST_F(ValidationTest, HasAnInfiniteLossWhereAMarginOverflows) {
    Rows all;
    // Of a row that is not trained on.
    const Index row = data::held_out_rows(third, {.first = 0, .end = rows}).back();
    all.x[static_cast<std::size_t>(row * features)] = 1e308;
    const DataSet data = load(file("a.h5", all), {.hold_out = third});
    Validation validation(comm_, *data.held_out, true);

    const ValidationScores scores = validation.score(1e10 * some_parameters());
    const ValidationScores later = validation.score(some_parameters() * 1e-3);

    EXPECT_EQ(scores.loss, std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::isnan(scores.accuracy));
    EXPECT_TRUE(std::isnan(scores.roc_auc));
    EXPECT_FALSE(std::isnan(later.roc_auc));
    // Nothing of the one is left in the other.
    const ValidationScores alone =
        Validation(comm_, *data.held_out, true).score(some_parameters() * 1e-3);
    EXPECT_EQ(later.loss, alone.loss);
    EXPECT_EQ(later.accuracy, alone.accuracy);
}

TEST_F(ValidationTest, TakesAnyMarginOfARowOfWeightZero) {
    Rows all;
    const auto held_out = data::held_out_rows(third, {.first = 0, .end = rows});
    for (const Index row : held_out) {
        const auto i = static_cast<std::size_t>(row);
        if (all.s[i] == 0) {
            std::fill_n(all.x.begin() + row * features, features, 1e308);
        }
    }
    const DataSet data = load(file("a.h5", all), {.hold_out = third}, true);

    const ValidationScores scores =
        Validation(comm_, *data.held_out, true).score(some_parameters());

    EXPECT_NEAR(scores.loss, static_cast<double>(oracle_of(Rows(), held_out, true).loss), 1e-14);
}

TEST_F(ValidationTest, BalancesTheClassesByTheSumsOfTheirRowWeights) {
    const Rows all;
    const std::string path = file("a.h5", all);
    for (const bool has_weights : {false, true}) {
        long double sums[2] = {0, 0};
        for (std::size_t i = 0; i < rows; ++i) {
            sums[all.y[i] == 1 ? 1 : 0] += has_weights ? all.s[i] : 1.0;
        }
        const long double both = sums[0] + sums[1];

        const DataSet data = load(path, {.balances_classes = true}, has_weights);
        const Moments moments = compute_moments(comm_, data);

        EXPECT_EQ(data.class_weights.negative, static_cast<double>(both / (2 * sums[0])));
        EXPECT_EQ(data.class_weights.positive, static_cast<double>(both / (2 * sums[1])));
        EXPECT_NEAR(moments.positive_share, 0.5, 1e-15);
        EXPECT_NEAR(moments.weight_sum, static_cast<double>(both), 1e-11);
    }
}

TEST_F(ValidationTest, WeighsClassesByTheBitsOfRowsThatHaveTheseWeights) {
    Rows all;
    const std::string path = file("a.h5", all);
    for (std::size_t i = 0; i < rows; ++i) {
        all.s[i] *= all.y[i] == 1 ? 4.0 : 0.25;
    }
    const std::string weighted_path = file("weighted.h5", all);

    const DataSet by_class = load(path, {.class_weights = ClassWeights{0.25, 4}}, true);
    const DataSet by_row = load(weighted_path, {}, true);

    EXPECT_EQ(compute_moments(comm_, by_class).fingerprint,
              compute_moments(comm_, by_row).fingerprint);
    EXPECT_EQ(evaluate(by_class).gradient, evaluate(by_row).gradient);
}

TEST_F(ValidationTest, KeepsAWeightOfOneForAClassWithoutRows) {
    Rows all;
    std::ranges::fill(all.y, 1.0);

    const DataSet data = load(file("a.h5", all), {.balances_classes = true});

    EXPECT_EQ(data.class_weights.negative, 1.0);
    EXPECT_EQ(data.class_weights.positive, 0.5);
}

TEST_F(ValidationTest, NamesABadRowWeightAsTheFileHasItAlsoOfARowThatIsHeldOut) {
    for (const RowUse& use : {RowUse{.hold_out = third}, RowUse{.balances_classes = true},
                              RowUse{.class_weights = ClassWeights{2, 2}}}) {
        Rows all;
        const Index row = data::held_out_rows(third, {.first = 0, .end = rows}).back();
        all.s[static_cast<std::size_t>(row)] = -0.5;

        const std::string text =
            text_of_error([&] { load(file("a.h5", all), use, /*has_weights=*/true); });

        EXPECT_THAT(text, HasSubstr(":/s row " + std::to_string(row)));
        EXPECT_THAT(text, HasSubstr("the row weight is -0.5"));
    }
}

TEST_F(ValidationTest, RefusesSoftLabelsForClassWeights) {
    Rows all;
    all.y[1400] = 0.5;

    EXPECT_THAT(text_of_error([&] { load(file("a.h5", all), {.balances_classes = true}); }),
                HasSubstr(":/y: --class-weights needs labels of two classes"));
}

TEST_F(ValidationTest, RefusesAFractionThatLeavesNoRows) {
    const std::string path = file("a.h5", Rows(3));

    EXPECT_THAT(text_of_error([&] { load(path, {.hold_out = data::HoldOut{.fraction = 1e-9}}); }),
                HasSubstr("--validation-fraction 1e-09 of 3 rows leaves none to validate by"));
    EXPECT_THAT(
        text_of_error([&] { load(path, {.hold_out = data::HoldOut{.fraction = 0.999999999}}); }),
        HasSubstr("of 3 rows leaves none to train on"));
}

TEST_F(ValidationTest, RefusesRowsWithoutWeight) {
    Rows all;
    std::ranges::fill(all.s, 0.0);
    const DataSet training = load(file("a.h5", Rows()));
    const std::string path = file("v.h5", all);

    EXPECT_THAT(text_of_error([&] {
                    const DataSet data = load_validation(path, training);
                    Validation(comm_, data, true);
                }),
                HasSubstr("v.h5:/s: every row weight of the validation rows is 0"));
}

}  // namespace
}  // namespace paralogit::train
