#include "../../../src/optim/hessian_factor.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "curved_problems.hpp"

namespace paralogit::optim {
namespace {

/// Tells a rough Hessian that is another one, and counts what it is asked for.
class Roughened : public test_problems::CurvedFunction {
  public:
    Roughened(Matrix full, Matrix rough)
        : CurvedFunction(
              full.cols(), [](const Vector&) { return Evaluation{}; },
              [full](const Vector&) { return full; }),
          rough_(std::move(rough)) {}

    Matrix hessian(const Vector& point, Index thinning) override {
        ++full_ones;
        return CurvedFunction::hessian(point, thinning);
    }
    Matrix rough_hessian(const Vector& /*point*/, Index /*thinning*/) override {
        ++rough_ones;
        return rough_;
    }

    Evaluation evaluate_with_hessian(const Vector& point, Index thinning) override {
        announced.push_back(thinning);
        return evaluate(point);
    }

    std::vector<Index> announced;
    int full_ones = 0;
    int rough_ones = 0;

  private:
    Matrix rough_;
};

/// Of two variables with this correlation, and a third one.
Matrix correlated(double correlation) {
    return Matrix{{4, 6 * correlation, 0}, {6 * correlation, 9, 0}, {0, 0, 1}};
}

Vector solved(Roughened& objective, Index thinning) {
    const auto factor = factor_of_hessian(objective, Vector::Zero(3), thinning);
    return factor ? factor->solve(Vector::Ones(3)) : Vector();
}

TEST(HessianFactor, IsThatOfARoughHessianWhereEveryVariableTellsEnough) {
    for (const double correlation : {0.0, 0.9, -std::sqrt(1 - 2e-4)}) {
        const Matrix rough = 2 * correlated(correlation);
        Roughened objective(correlated(0.5), rough);
        EXPECT_EQ(solved(objective, 2), Cholesky::factor(rough)->solve(Vector::Ones(3)));
        EXPECT_EQ(objective.rough_ones, 1);
        EXPECT_EQ(objective.full_ones, 0);
    }
}

TEST(HessianFactor, IsThatOfAFullHessianOfAllRows) {
    Roughened objective(correlated(0.5), 2 * correlated(0.9));
    EXPECT_EQ(solved(objective, 1), Cholesky::factor(correlated(0.5))->solve(Vector::Ones(3)));
    EXPECT_EQ(objective.rough_ones, 0);
}

TEST(HessianFactor, IsThatOfAFullHessianWhereTheRoughOneIsNearlyFlatOrNone) {
    constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
    const Matrix full = correlated(std::sqrt(1 - 5e-5));
    for (const Matrix& rough : {full, Matrix(-full), Matrix(nan_value * full), correlated(1.1)}) {
        Roughened objective(full, rough);
        EXPECT_EQ(solved(objective, 16), Cholesky::factor(full)->solve(Vector::Ones(3)));
        EXPECT_EQ(objective.rough_ones, 1);
        EXPECT_EQ(objective.full_ones, 1);
    }
}

TEST(HessianFactor, HasARidgeWhereTheFullHessianNeedsOne) {
    Roughened objective(correlated(1), correlated(1));
    EXPECT_TRUE(solved(objective, 4).allFinite());
}

TEST(HessianFactor, AnnouncesARoughHessianAlone) {
    Roughened objective(correlated(0.5), correlated(0.5));
    for (const Index thinning : {1, 2, 16, 1}) {
        evaluate_before_factor(objective, Vector::Zero(3), thinning);
    }
    EXPECT_EQ(objective.announced, (std::vector<Index>{2, 16}));
}

TEST(HessianFactor, IsNoneOfWhatIsNoHessian) {
    Roughened objective(Matrix::Zero(3, 3), Matrix::Zero(3, 3));
    EXPECT_EQ(solved(objective, 4).size(), 0);
}

}  // namespace
}  // namespace paralogit::optim
