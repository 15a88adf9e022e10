#include "paralogit/optim/line_search.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>

#include "test_problems.hpp"

namespace paralogit::optim {
namespace {

using test_problems::Function;
using test_problems::of_one_variable;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// What a search from `origin` in the direction +1 found, and what it cost.
struct Search {
    std::optional<LineSearchResult> result;
    Index evaluations = 0;
    std::vector<double> lengths;
};

Search search_from(double origin, Function& objective, double first_length,
                   const LineSearchOptions& options = {}) {
    const Vector point = Vector::Constant(1, origin);
    const Evaluation at_point = objective.evaluate(point);
    objective.points.clear();
    Search search;
    search.result = strong_wolfe_search(objective, point, at_point, Vector::Ones(1), first_length,
                                        options, search.evaluations);
    for (const Vector& tried : objective.points) {
        search.lengths.push_back(tried[0] - origin);
    }
    return search;
}

/// The strong Wolfe conditions, written out from their definition.
void expect_strong_wolfe(const Search& search, double origin, Function& objective,
                         const LineSearchOptions& options = {}) {
    ASSERT_TRUE(search.result.has_value());
    const Evaluation start = objective.evaluate(Vector::Constant(1, origin));
    const double length = search.result->step_length;
    const Evaluation end = objective.evaluate(Vector::Constant(1, origin + length));
    EXPECT_EQ(search.result->point[0], origin + length);
    EXPECT_EQ(search.result->at_point.value, end.value);
    EXPECT_EQ(search.result->at_point.gradient, end.gradient);
    EXPECT_LE(end.value, start.value + options.sufficient_decrease * length * start.gradient[0]);
    EXPECT_LE(std::abs(end.gradient[0]), options.curvature * std::abs(start.gradient[0]));
}

void expect_no_length_twice(const Search& search) {
    const std::set<double> different(search.lengths.begin(), search.lengths.end());
    EXPECT_EQ(different.size(), search.lengths.size());
    EXPECT_EQ(static_cast<Index>(search.lengths.size()), search.evaluations);
}

/// (x - minimum)^2 / 2
Function parabola(double minimum) {
    return of_one_variable([minimum](double x) { return (x - minimum) * (x - minimum) / 2; },
                           [minimum](double x) { return x - minimum; });
}

struct Curve {
    const char* name;
    double origin;
    double (*value)(double);
    double (*slope)(double);

    Function function() const { return of_one_variable(value, slope); }
};

/// Curves along which a search can go wrong; all fall to the right of their origin.
constexpr std::array curves{
    Curve{"parabola", 0, [](double x) { return (x - 1) * (x - 1); },
          [](double x) { return 2 * (x - 1); }},
    Curve{"far parabola", 0, [](double x) { return (x - 1e4) * (x - 1e4); },
          [](double x) { return 2 * (x - 1e4); }},
    Curve{"near parabola", 0, [](double x) { return (x - 1e-4) * (x - 1e-4); },
          [](double x) { return 2 * (x - 1e-4); }},
    Curve{"quartic", 0, [](double x) { return std::pow(x - 1, 4); },
          [](double x) { return 4 * std::pow(x - 1, 3); }},
    // The first two test functions of More and Thuente (1994).
    Curve{"one minimum and a flat tail", 0, [](double x) { return -x / (x * x + 2); },
          [](double x) { return (x * x - 2) / ((x * x + 2) * (x * x + 2)); }},
    Curve{"a cliff", 0,
          [](double x) { return std::pow(x + 0.004, 5) - 2 * std::pow(x + 0.004, 4); },
          [](double x) { return 5 * std::pow(x + 0.004, 4) - 8 * std::pow(x + 0.004, 3); }},
    Curve{"waves", 0, [](double x) { return (x - 1) * (x - 1) + 0.05 * std::sin(30 * x) - 2 * x; },
          [](double x) { return 2 * (x - 1) + 1.5 * std::cos(30 * x) - 2; }},
    Curve{"bell", -4, [](double x) { return 1 - std::exp(-x * x / 2); },
          [](double x) { return x * std::exp(-x * x / 2); }},
    Curve{"log cosh", -20, [](double x) { return std::log(std::cosh(x)); },
          [](double x) { return std::tanh(x); }},
    Curve{"softplus minus a slope", -50, [](double x) { return std::log1p(std::exp(x)) - x / 100; },
          [](double x) { return 1 / (1 + std::exp(-x)) - 0.01; }},
    Curve{"barrier", 0, [](double x) { return -std::log(1 - x) - 5 * x; },
          [](double x) { return 1 / (1 - x) - 5; }},
    Curve{"infinite beyond a point", 0,
          [](double x) { return x > 2 ? infinity : (x - 1.9) * (x - 1.9); },
          [](double x) { return x > 2 ? infinity : 2 * (x - 1.9); }},
};

TEST(LineSearch, AcceptsAGoodFirstLengthAfterOneEvaluation) {
    Function objective = parabola(1);

    const Search search = search_from(0, objective, 1);

    expect_strong_wolfe(search, 0, objective);
    EXPECT_EQ(search.result->step_length, 1);
    EXPECT_EQ(search.evaluations, 1);
}

TEST(LineSearch, FindsAStrongWolfeLengthFromFirstLengthsOfAnySize) {
    for (const Curve& curve : curves) {
        Function function = curve.function();
        for (const double first_length : {1e-3, 1e-1, 1.0, 1e1, 1e3, 1e6}) {
            for (const double curvature : {0.9, 0.1, 1e-3}) {
                SCOPED_TRACE(std::string(curve.name) + ", first length " +
                             std::to_string(first_length) + ", curvature " +
                             std::to_string(curvature));
                const LineSearchOptions options{.curvature = curvature};

                const Search search = search_from(curve.origin, function, first_length, options);

                expect_strong_wolfe(search, curve.origin, function, options);
                expect_no_length_twice(search);
                EXPECT_LE(search.evaluations, curvature < 0.9 ? 35 : 25);
            }
        }
    }
}

TEST(LineSearch, TakesTrialsThatAreNotFiniteForTooLong) {
    const std::vector<Evaluation> broken{
        {.value = not_a_number, .gradient = Vector{{1.0}}},
        {.value = infinity, .gradient = Vector{{1.0}}},
        {.value = -infinity, .gradient = Vector{{-1.0}}},
        {.value = 0.1, .gradient = Vector{{not_a_number}}},
        {.value = 0.1, .gradient = Vector{{-infinity}}},
    };
    for (const Evaluation& at_broken : broken) {
        Function objective(1, [&at_broken](const Vector& x) {
            return x[0] >= 1 ? at_broken
                             : Evaluation{.value = (x[0] - 0.9) * (x[0] - 0.9),
                                          .gradient = 2 * (x.array() - 0.9)};
        });

        const Search search = search_from(0, objective, 1);

        expect_strong_wolfe(search, 0, objective);
        EXPECT_LT(search.result->step_length, 1);
        EXPECT_LE(search.evaluations, 4);
    }
}

TEST(LineSearch, RefusesADirectionThatDoesNotLeadDownhill) {
    Function rising = parabola(-1);
    Function level = parabola(0);
    Function broken =
        of_one_variable([](double x) { return x; }, [](double) { return not_a_number; });
    for (Function* objective : {&rising, &level, &broken}) {
        const Search search = search_from(0, *objective, 1);

        EXPECT_FALSE(search.result.has_value());
        EXPECT_EQ(search.evaluations, 0);
    }
}

TEST(LineSearch, FindsNothingWhenTheGradientIsWrongAndCountsWhatItCost) {
    Function objective = of_one_variable([](double x) { return (x + 1) * (x + 1); },
                                         [](double x) { return -x - 1; });
    const LineSearchOptions options;

    const Search search = search_from(0, objective, 1, options);

    EXPECT_FALSE(search.result.has_value());
    EXPECT_GE(search.evaluations, 10);
    EXPECT_LE(search.evaluations, options.max_evaluations);
    expect_no_length_twice(search);
}

TEST(LineSearch, FindsNothingWhenTheStepIsTooShortToMove) {
    Function objective = of_one_variable([](double x) { return -x; }, [](double) { return -1.0; });

    const Search search = search_from(1e20, objective, 1);

    EXPECT_FALSE(search.result.has_value());
    EXPECT_EQ(search.evaluations, 0);
}

TEST(LineSearch, GivesTheLowestSufficientDecreaseWhenTheEvaluationsAreUsedUp) {
    // A straight line never satisfies the curvature condition: the length grows tenfold each time.
    Function objective = of_one_variable([](double x) { return -x; }, [](double) { return -1.0; });

    const Search search = search_from(0, objective, 1, {.max_evaluations = 4});

    ASSERT_TRUE(search.result.has_value());
    EXPECT_EQ(search.result->step_length, 1000);
    EXPECT_EQ(search.result->at_point.value, -1000);
    EXPECT_EQ(search.evaluations, 4);
}

TEST(LineSearch, NeverExceedsItsEvaluations) {
    for (const Curve& curve : curves) {
        Function function = curve.function();
        for (const int most : {1, 2, 3}) {
            const Search search =
                search_from(curve.origin, function, 1e6, {.max_evaluations = most});

            EXPECT_LE(search.evaluations, most) << curve.name;
        }
    }
}

TEST(LineSearch, DecidesOnSlopesWhereTheValuesCannotBeToldApart) {
    // At x = -1e-9 the parabola is 5e-19 above its minimum, and the rounding of the value lifts
    // the good point by a few units in the last place.
    Function objective = of_one_variable([](double x) { return x == -1e-9 ? 1.0 : 1 + 4e-15; },
                                         [](double x) { return x; });

    const Search search = search_from(-1e-9, objective, 1e-9);

    ASSERT_TRUE(search.result.has_value());
    EXPECT_EQ(search.evaluations, 1);
}

TEST(LineSearch, StillBracketsOnSlopesWhereTheValuesCannotBeToldApart) {
    for (const double first_length : {1e-13, 1e-6, 1e-8}) {
        Function objective =
            of_one_variable([](double) { return 1.0; }, [](double x) { return x; });

        const Search search = search_from(-1e-9, objective, first_length);

        ASSERT_TRUE(search.result.has_value());
        EXPECT_LE(std::abs(search.result->at_point.gradient[0]), 0.9e-9 * (1 + 1e-12));
        EXPECT_LE(search.evaluations, 6);
    }
}

TEST(LineSearch, RefusesARiseThatIsMoreThanRounding) {
    Function objective = of_one_variable([](double x) { return x == 0 ? 1.0 : 1 + 1e-10; },
                                         [](double x) { return x - 1; });

    const Search search = search_from(0, objective, 1);

    EXPECT_FALSE(search.result.has_value());
}

TEST(LineSearch, CountsTheEvaluationThatThrows) {
    Function objective(1, [](const Vector& x) -> Evaluation {
        if (x[0] > 0) {
            throw std::runtime_error("lost a rank");
        }
        return {.value = 0, .gradient = Vector{{-1.0}}};
    });
    const Vector point = Vector::Zero(1);
    const Evaluation at_point = objective.evaluate(point);
    Index evaluations = 7;

    EXPECT_THROW(
        strong_wolfe_search(objective, point, at_point, Vector::Ones(1), 1, {}, evaluations),
        std::runtime_error);
    EXPECT_EQ(evaluations, 8);
}

}  // namespace
}  // namespace paralogit::optim
