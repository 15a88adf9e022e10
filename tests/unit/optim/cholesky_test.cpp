#include "../../../src/optim/cholesky.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "../../../src/optim/ordered_sums.hpp"

namespace paralogit::optim {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// G G' / columns of a random G [n x columns]: positive definite when columns >= n.
Matrix random_gram(Index n, Index columns) {
    std::mt19937_64 engine(static_cast<std::uint64_t>(1000 * n + columns));
    std::normal_distribution<double> normal;
    Matrix g(n, columns);
    for (Index k = 0; k < g.size(); ++k) {
        g.data()[k] = normal(engine);
    }
    return g * g.transpose() / static_cast<double>(columns);
}

Vector some_vector(Index n) {
    return Vector::LinSpaced(n, -1.0, 2.0);
}

/// The solution by the textbook's factorisation, entry by entry, in long double.
Vector solution_of(const Matrix& a, const Vector& b) {
    using Long = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
    const Index n = a.rows();
    Long l = Long::Zero(n, n);
    for (Index j = 0; j < n; ++j) {
        for (Index i = j; i < n; ++i) {
            long double sum = a(i, j);
            for (Index k = 0; k < j; ++k) {
                sum -= l(i, k) * l(j, k);
            }
            l(i, j) = i == j ? std::sqrt(sum) : sum / l(j, j);
        }
    }
    Long x = b.cast<long double>();
    for (Index i = 0; i < n; ++i) {
        for (Index k = 0; k < i; ++k) {
            x(i) -= l(i, k) * x(k);
        }
        x(i) /= l(i, i);
    }
    for (Index i = n - 1; i >= 0; --i) {
        for (Index k = i + 1; k < n; ++k) {
            x(i) -= l(k, i) * x(k);
        }
        x(i) /= l(i, i);
    }
    return x.cast<double>();
}

TEST(Cholesky, SolvesForEverySizeAboutATileAndAPanel) {
    for (const Index n : {1, 2, 3, 7, 8, 9, 15, 17, 63, 64, 65, 66, 71, 72, 73, 127, 129, 200}) {
        const Matrix a = random_gram(n, 3 * n + 2);
        const Vector expected = solution_of(a, some_vector(n));

        const auto factor = Cholesky::factor(a);

        ASSERT_TRUE(factor) << n;
        EXPECT_LE((factor->solve(some_vector(n)) - expected).norm(), 1e-12 * expected.norm()) << n;
    }
}

TEST(Cholesky, ReadsTheLowerTriangleOnly) {
    const Matrix whole = random_gram(70, 100);
    Matrix half = whole;
    half.triangularView<Eigen::StrictlyUpper>().setConstant(not_a_number);

    const Vector expected = Cholesky::factor(whole)->solve(some_vector(70));

    EXPECT_EQ(Cholesky::factor(half)->solve(some_vector(70)), expected);
    EXPECT_EQ(Cholesky::factor_with_ridge(half)->solve(some_vector(70)), expected);
}

TEST(Cholesky, RefusesWhatIsNotPositiveDefinite) {
    for (const Index n : {3, 70, 140}) {
        Matrix indefinite = random_gram(n, 2 * n);
        indefinite(n - 1, n - 1) = -1;
        EXPECT_FALSE(Cholesky::factor(indefinite)) << n;
        EXPECT_FALSE(Cholesky::factor(random_gram(n, n - 1))) << n;
        for (const double value : {not_a_number, infinity, -infinity}) {
            Matrix broken = random_gram(n, 2 * n);
            broken(n - 1, 0) = value;
            EXPECT_FALSE(Cholesky::factor(broken)) << n;
            EXPECT_FALSE(Cholesky::factor_with_ridge(broken)) << n;
        }
        EXPECT_FALSE(Cholesky::factor_with_ridge(Matrix::Zero(n, n))) << n;
    }
}

TEST(Cholesky, TellsWhatTheVariablesBeforeItLeaveOfTheOneThatIsToldBest) {
    const Matrix two{{4, 2, 0}, {2, 1.5, 0}, {0, 0, 7}};
    EXPECT_DOUBLE_EQ(Cholesky::factor(two)->least_part_left(), 1 / 3.0);
    EXPECT_EQ(Cholesky::factor(Matrix::Identity(4, 4))->least_part_left(), 1);
    // Of n variables with the correlation r, any k leave 1 - k r^2 / (1 + (k - 1) r) of the next.
    for (const Index n : {5, 64, 100}) {
        constexpr double r = 0.75;
        Matrix even = Matrix::Constant(n, n, r);
        even.diagonal().setOnes();
        const auto k = static_cast<double>(n - 1);
        EXPECT_NEAR(Cholesky::factor(even)->least_part_left(), 1 - k * r * r / (1 + (k - 1) * r),
                    1e-14);
    }
}

TEST(Cholesky, AddsNoRidgeToAPositiveDefiniteMatrixHoweverItIsScaled) {
    Matrix a = random_gram(40, 80);
    const Vector scale = Vector::LinSpaced(40, -100, 100).unaryExpr([](double e) {
        return std::ldexp(1.0, static_cast<int>(e));
    });
    const Matrix scaled = scale.asDiagonal() * a * scale.asDiagonal();

    const Vector x =
        Cholesky::factor_with_ridge(scaled)->solve(scale.cwiseProduct(some_vector(40)));

    // Scaling by powers of two changes exponents only.
    EXPECT_EQ(scale.cwiseProduct(x), Cholesky::factor(a)->solve(some_vector(40)));
}

TEST(Cholesky, LeadsDownhillForAnyFiniteMatrix) {
    const auto is_downhill = [](const Matrix& a, const Vector& gradient) {
        const auto factor = Cholesky::factor_with_ridge(a);
        if (!factor) {
            return false;
        }
        const Vector direction = -factor->solve(gradient);
        return direction.allFinite() && direction.dot(gradient) < 0;
    };
    for (const Index n : {2, 20, 100}) {
        const Vector gradient = some_vector(n);
        EXPECT_TRUE(is_downhill(random_gram(n, 1), gradient)) << n;
        EXPECT_TRUE(is_downhill(random_gram(n, n - 1), gradient)) << n;
        EXPECT_TRUE(is_downhill(-random_gram(n, 2 * n), gradient)) << n;
        Matrix idle = random_gram(n, 2 * n);
        idle.row(0).setZero();
        idle.col(0).setZero();
        EXPECT_TRUE(is_downhill(idle, gradient)) << n;
        EXPECT_TRUE(is_downhill(1e-200 * idle, gradient)) << n;
        Matrix saddle = Matrix::Zero(n, n);
        saddle(n - 1, 0) = saddle(0, n - 1) = 1;
        saddle(0, 0) = 1e-3;
        EXPECT_TRUE(is_downhill(saddle, gradient)) << n;
    }
}

TEST(Cholesky, TriesEveryRidgeOnTheMatrixAsItWas) {
    // The last pivots fail, after all panels have been worked on.
    const Matrix a = random_gram(200, 198);
    Matrix with_ridge = a;
    with_ridge.diagonal() += 1e-12 * a.diagonal();
    const Vector expected = Cholesky::factor(with_ridge)->solve(some_vector(200));

    EXPECT_EQ(Cholesky::factor_with_ridge(a)->solve(some_vector(200)), expected);
}

TEST(Cholesky, FindsTheLeastSolutionNearlyWhenColumnsAreTheSame) {
    const auto factor = Cholesky::factor_with_ridge(Matrix::Constant(2, 2, 3.0));

    const Vector x = factor->solve(Vector::Constant(2, 6.0));

    EXPECT_NEAR(x[0], 1, 1e-3);
    EXPECT_NEAR(x[1], 1, 1e-3);
}

/// The declared order, element by element: one sum for each panel of 64 columns before that of the
/// element, then the columns of its own panel one by one.
Matrix factor_in_declared_order(Matrix a) {
    constexpr Index width = 64;
    for (Index j = 0; j < a.rows(); ++j) {
        const Index own_panel = j - j % width;
        for (Index i = j; i < a.rows(); ++i) {
            for (Index panel = 0; panel < own_panel; panel += width) {
                double sum = 0;
                for (Index k = panel; k < panel + width; ++k) {
                    sum += a(i, k) * a(j, k);
                }
                a(i, j) -= sum;
            }
            for (Index k = own_panel; k < j; ++k) {
                a(i, j) -= a(i, k) * a(j, k);
            }
            a(i, j) = i == j ? std::sqrt(a(i, j)) : a(i, j) / a(j, j);
        }
    }
    return a;
}

TEST(Cholesky, HasTheBitsOfTheDeclaredOrder) {
    for (const Index n : {5, 64, 67, 150, 203}) {
        const Matrix a = random_gram(n, 2 * n);
        const Matrix l = factor_in_declared_order(a);
        Vector expected = some_vector(n);
        for (Index k = 0; k < n; ++k) {
            expected[k] /= l(k, k);
            for (Index i = k + 1; i < n; ++i) {
                expected[i] -= expected[k] * l(i, k);
            }
        }
        for (Index k = n - 1; k >= 0; --k) {
            const Vector column = l.col(k).tail(n - k - 1);
            expected[k] = (expected[k] - dot(column, expected.tail(n - k - 1))) / l(k, k);
        }

        const Vector x = Cholesky::factor(a)->solve(some_vector(n));

        EXPECT_EQ(
            std::memcmp(x.data(), expected.data(), static_cast<std::size_t>(n) * sizeof(double)), 0)
            << n;
    }
}

}  // namespace
}  // namespace paralogit::optim
