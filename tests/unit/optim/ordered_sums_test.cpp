#include "../../../src/optim/ordered_sums.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace paralogit::optim {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Numbers whose sum depends on the order of summation.
Vector rough_numbers(Index size, double seed) {
    Vector numbers(size);
    for (Index j = 0; j < size; ++j) {
        const double k = static_cast<double>(j);
        numbers[j] = std::sin(seed + k) * std::pow(10.0, std::fmod(7 * k, 12) - 6);
    }
    return numbers;
}

TEST(Dot, AddsEightLanesInTheDeclaredOrder) {
    for (Index size = 0; size < 40; ++size) {
        const Vector a = rough_numbers(size, 1);
        const Vector b = rough_numbers(size, 2);
        std::vector<double> lane(8, 0.0);
        for (Index j = 0; j < size; ++j) {
            const double product = a[j] * b[j];
            lane[static_cast<std::size_t>(j) % 8] += product;
        }
        const double even = (lane[0] + lane[4]) + (lane[2] + lane[6]);
        const double odd = (lane[1] + lane[5]) + (lane[3] + lane[7]);

        EXPECT_EQ(dot(a, b), even + odd) << size;
    }
}

TEST(Dot, GivesTheSameBitsWhereverTheVectorsLieInMemory) {
    const Vector a = rough_numbers(37, 1);
    const Vector b = rough_numbers(37, 2);
    for (Index shift = 0; shift < 8; ++shift) {
        Vector wide_a(60);
        Vector wide_b(60);
        wide_a.segment(shift, 37) = a;
        wide_b.segment(7 - shift, 37) = b;

        EXPECT_EQ(dot(wide_a.segment(shift, 37), wide_b.segment(7 - shift, 37)), dot(a, b));
    }
}

TEST(MaxNorm, IsTheLargestAbsoluteEntry) {
    EXPECT_EQ(max_norm(Vector{{1.0, -3.0, 2.0}}), 3);
    EXPECT_EQ(max_norm(Vector{{1.0, -infinity}}), infinity);
    EXPECT_EQ(max_norm(Vector()), 0);
}

TEST(MaxNorm, IsNotANumberWhereverOneStands) {
    for (Index at = 0; at < 9; ++at) {
        Vector a = Vector::Constant(9, 5.0);
        a[at] = not_a_number;

        EXPECT_TRUE(std::isnan(max_norm(a))) << at;
    }
}

TEST(EuclideanNorm, SurvivesSquaresThatOverflowOrVanish) {
    EXPECT_DOUBLE_EQ(euclidean_norm(Vector{{3e200, -4e200}}), 5e200);
    EXPECT_DOUBLE_EQ(euclidean_norm(Vector{{3e-200, 4e-200}}), 5e-200);
    EXPECT_EQ(euclidean_norm(Vector::Zero(3)), 0);
    EXPECT_TRUE(std::isnan(euclidean_norm(Vector{{1.0, not_a_number}})));
}

TEST(IsFinite, LooksAtTheValueAndAtEveryEntryOfTheGradient) {
    EXPECT_TRUE(is_finite({.value = 1, .gradient = Vector{{1.0, 2.0}}}));
    EXPECT_FALSE(is_finite({.value = not_a_number, .gradient = Vector{{1.0, 2.0}}}));
    EXPECT_FALSE(is_finite({.value = -infinity, .gradient = Vector{{1.0, 2.0}}}));
    EXPECT_FALSE(is_finite({.value = 1, .gradient = Vector{{1.0, not_a_number}}}));
    EXPECT_FALSE(is_finite({.value = 1, .gradient = Vector{{infinity, 2.0}}}));
}

}  // namespace
}  // namespace paralogit::optim
