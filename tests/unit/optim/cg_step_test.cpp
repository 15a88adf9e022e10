#include "../../../src/optim/cg_step.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "curved_problems.hpp"
#include "solver_runs.hpp"

namespace paralogit::optim {
namespace {

using test_problems::CurvedFunction;
using test_problems::quadratic;
using test_problems::some_hessian;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

double model_value(const Matrix& h, const Vector& gradient, const Vector& step) {
    return gradient.dot(step) + step.dot(h * step) / 2;
}

TEST(ConjugateGradients, LeadToTheMinimumOfTheModel) {
    const Matrix h = some_hessian();
    CurvedFunction objective = quadratic(h, h);
    const Vector gradient{{1.0, -2.0, 0.5}};
    for (const Vector& metric : {Vector(Vector::Ones(3)), Vector{{2.0, 0.125, 30.0}}}) {
        CgStep step = conjugate_gradients(
            objective, Vector::Zero(3), gradient, Metric(metric),
            {.thinning = 1, .radius = infinity, .forcing = 1e-12, .max_products = 10});

        EXPECT_EQ(step.products, 3);
        EXPECT_LE((h * step.step + gradient).norm(), 1e-12);
        EXPECT_NEAR(step.model_value(), model_value(h, gradient, step.step), 1e-13);
        EXPECT_NEAR(step.length, std::sqrt(step.step.dot(metric.asDiagonal() * step.step)), 1e-12);
        EXPECT_FALSE(step.is_at_border);
        const Vector whole = step.step;
        step.shorten_to(0.25 * step.length);
        EXPECT_LE((step.step - 0.25 * whole).norm(), 1e-14);
        EXPECT_NEAR(step.model_value(), model_value(h, gradient, step.step), 1e-13);
        EXPECT_NEAR(step.slope, gradient.dot(step.step), 1e-14);
        EXPECT_TRUE(step.is_at_border);
    }
}

TEST(ConjugateGradients, NeedOneProductWithTheHessianForPreconditioner) {
    const Matrix h = Vector{{1.0, 0x1p13, 0x1p-13}}.asDiagonal();
    CurvedFunction objective = quadratic(h, h);
    const CgStep step = conjugate_gradients(
        objective, Vector::Zero(3), Vector{{1.0, -2.0, 0.5}}, Metric(h.diagonal()),
        {.thinning = 1, .radius = infinity, .forcing = 1e-12, .max_products = 10});

    EXPECT_EQ(step.products, 1);
    EXPECT_NEAR(step.step[2], -0x1p12, 1e-8);
}

TEST(ConjugateGradients, EndAtTheBorderTheForcingTermAndTheNumberOfProducts) {
    const Matrix h = some_hessian();
    CurvedFunction objective = quadratic(h, h);
    const Vector gradient{{1.0, -2.0, 0.5}};
    const Metric metric(Vector{{2.0, 0.1, 30.0}});
    const auto step = [&](double radius, double forcing, Index most) {
        return conjugate_gradients(
            objective, Vector::Zero(3), gradient, metric,
            {.thinning = 1, .radius = radius, .forcing = forcing, .max_products = most});
    };

    EXPECT_EQ(step(1e-3, 1e-12, 10).products, 1);
    EXPECT_EQ(step(infinity, 0.999, 10).products, 1);
    EXPECT_EQ(step(infinity, 1e-12, 2).products, 2);
    const double whole = step(infinity, 1e-12, 10).length;
    double last_value = 0;
    for (const double part : {0.01, 0.2, 0.5, 0.8, 0.95, 0.9999}) {
        const CgStep cut = step(part * whole, 1e-12, 10);
        EXPECT_NEAR(cut.length, part * whole, 1e-12);
        EXPECT_NEAR(cut.model_value(), model_value(h, gradient, cut.step), 1e-13);
        EXPECT_LT(cut.model_value(), last_value);
        EXPECT_TRUE(cut.is_at_border);
        last_value = cut.model_value();
    }
}

TEST(ConjugateGradients, FollowADirectionWithoutCurvatureToTheBorder) {
    const Matrix saddle = Vector{{1.0, -1.0}}.asDiagonal();
    const Vector gradient{{1.0, 0.5}};
    const std::vector<Matrix> claims{saddle, -saddle, Matrix::Zero(2, 2),
                                     Matrix::Constant(2, 2, not_a_number)};
    for (const Matrix& claimed : claims) {
        CurvedFunction objective = quadratic(Matrix::Identity(2, 2), claimed);
        const auto step = [&](double radius) {
            return conjugate_gradients(
                objective, Vector::Zero(2), gradient, Metric(Vector::Ones(2)),
                {.thinning = 1, .radius = radius, .forcing = 1e-12, .max_products = 10});
        };

        EXPECT_NEAR(step(5).step.norm(), 5, 1e-12);
        EXPECT_TRUE(step(5).is_at_border);
        EXPECT_LT(step(5).model_value(), 0);
        EXPECT_TRUE(step(infinity).step.allFinite());
        EXPECT_LT(step(infinity).slope, 0);
    }
}

TEST(ConjugateGradients, EndWhereTheModelPromisesTheMostDecrease) {
    const Vector gradient{{1.0, 0.5}};
    // The last has a curvature that rounding has left, and a natural end beyond all numbers.
    for (const double flat : {0.0, 1e-200}) {
        const Matrix claimed = Vector{{1.0, flat}}.asDiagonal();
        CurvedFunction objective = quadratic(Matrix::Identity(2, 2), claimed);
        const auto step = [&](double radius) {
            return conjugate_gradients(objective, Vector::Zero(2), gradient,
                                       Metric(Vector{{1.0, 0.01}}),
                                       {.thinning = 1,
                                        .radius = radius,
                                        .forcing = 1e-12,
                                        .max_products = 10,
                                        .most_decrease = 3});
        };

        const CgStep longest = step(infinity);
        EXPECT_NEAR(longest.model_value(), -3, 1e-12);
        EXPECT_NEAR(model_value(claimed, gradient, longest.step), -3, 1e-12);
        EXPECT_TRUE(longest.is_at_bottom);
        EXPECT_FALSE(longest.is_at_border);
        EXPECT_NEAR(step(1e3 * longest.length).length, longest.length, 1e-12);
        EXPECT_NEAR(step(longest.length / 2).length, longest.length / 2, 1e-12);
        EXPECT_TRUE(step(longest.length / 2).is_at_border);
        EXPECT_FALSE(step(longest.length / 2).is_at_bottom);
    }
}

TEST(ConjugateGradients, MeasureByAPreconditionerOfAnySize) {
    const Vector step{{1.0, -2.0, 0.5}};
    for (const double size : {1.0, 1e-300, 1e300}) {
        const Metric metric(size * Vector{{3.0, 0.1, 0.0}});

        EXPECT_NEAR(squared_length(metric, step) / size, 3 + 0.4, 1e-6);
        EXPECT_NEAR(squared_size(metric, step.head(2)) * size, 1.0 / 3 + 40, 1e-5);
        EXPECT_GT(metric.parts[2], 0);
    }
}

}  // namespace
}  // namespace paralogit::optim
