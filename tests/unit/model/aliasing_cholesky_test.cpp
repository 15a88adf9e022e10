#include "paralogit/model/aliasing_cholesky.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "paralogit/base/error.hpp"

namespace paralogit::model {
namespace {

using testing::ElementsAre;

/// Columns of numbers that follow no pattern.
Matrix some_columns(Index rows, Index columns) {
    Matrix design(rows, columns);
    double x = 0.3;
    for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < columns; ++j) {
            x = 3.9 * x * (1 - x);
            design(i, j) = (x - 0.5) * static_cast<double>(1 + 100 * (j % 2));
        }
    }
    return design;
}

TEST(AliasingCholesky, SolvesAndInvertsAMatrixOfFullRank) {
    const Matrix design = some_columns(40, 7);
    const Matrix matrix = design.transpose() * design;
    const auto factor = AliasingCholesky::factor(matrix);
    EXPECT_EQ(factor.rank(), 7);
    EXPECT_TRUE(factor.aliases().empty());
    EXPECT_LT((factor.inverse() * matrix - Matrix::Identity(7, 7)).cwiseAbs().maxCoeff(), 1e-10);
    const Vector expected = Vector::LinSpaced(7, -1, 2);
    EXPECT_LT((factor.solve(matrix * expected) - expected).cwiseAbs().maxCoeff(), 1e-11);
}

TEST(AliasingCholesky, LeavesOutACombinationOfEarlierColumnsAndSaysOfWhich) {
    Matrix design = some_columns(40, 6);
    design.col(3) = 2 * design.col(0) - 0.5 * design.col(2);
    design.col(5) = design.col(4);
    const Matrix matrix = design.transpose() * design;
    const auto factor = AliasingCholesky::factor(matrix);
    EXPECT_THAT(factor.kept(), ElementsAre(0, 1, 2, 4));
    const auto aliases = factor.aliases();
    ASSERT_EQ(aliases.size(), 2U);
    EXPECT_EQ(aliases[0].variable, 3);
    EXPECT_LT((aliases[0].factors - Vector{{2, 0, -0.5, 0, 0, 0}}).cwiseAbs().maxCoeff(), 1e-11);
    EXPECT_EQ(aliases[1].variable, 5);
    EXPECT_LT((aliases[1].factors - Vector{{0, 0, 0, 0, 1, 0}}).cwiseAbs().maxCoeff(), 1e-11);
}

TEST(AliasingCholesky, InvertsOverTheVariablesThatItKeeps) {
    Matrix design = some_columns(40, 4);
    design.col(1) = design.col(0);
    const Matrix matrix = design.transpose() * design;
    const auto factor = AliasingCholesky::factor(matrix);
    Matrix kept(40, 3);
    kept << design.col(0), design.col(2), design.col(3);
    const Matrix expected = AliasingCholesky::factor(kept.transpose() * kept).inverse();
    const Matrix inverse = factor.inverse();
    EXPECT_EQ(inverse.row(1), Matrix::Zero(1, 4));
    EXPECT_EQ(inverse.col(1), Matrix::Zero(4, 1));
    EXPECT_NEAR(inverse(0, 0), expected(0, 0), 1e-12 * expected(0, 0));
    EXPECT_NEAR(inverse(2, 3), expected(1, 2), 1e-12);
    EXPECT_EQ(factor.solve(Vector::Ones(4))[1], 0.0);
}

TEST(AliasingCholesky, LeavesOutAZeroColumnWhichNothingIsMadeOf) {
    Matrix design = some_columns(20, 3);
    design.col(1).setZero();
    const auto factor = AliasingCholesky::factor(design.transpose() * design);
    EXPECT_THAT(factor.kept(), ElementsAre(0, 2));
    ASSERT_EQ(factor.aliases().size(), 1U);
    EXPECT_EQ(factor.aliases().front().factors, Vector::Zero(3));
}

TEST(AliasingCholesky, DoesNotCareForTheUnitsOfTheVariables) {
    const Matrix design = some_columns(40, 5);
    Vector units{{1e-12, 1, 1e9, 1e-3, 1e30}};
    const Matrix scaled = design * units.asDiagonal();
    EXPECT_EQ(AliasingCholesky::factor(scaled.transpose() * scaled).rank(), 5);
}

TEST(AliasingCholesky, RefusesWhatIsNotFinite) {
    Matrix matrix = Matrix::Identity(3, 3);
    matrix(2, 0) = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW(AliasingCholesky::factor(matrix), Error);
}

}  // namespace
}  // namespace paralogit::model
