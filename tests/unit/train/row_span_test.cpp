#include "../../../src/train/checks/row_span.hpp"

#include <gtest/gtest.h>

namespace paralogit::train {

namespace {

Vector vector_of(double a, double b, double c) {
    Vector vector(3);
    vector << a, b, c;
    return vector;
}

TEST(RowSpan, LeavesOfAVectorWhatNoRowHasAPartOf) {
    RowSpan span(3);
    span.add(vector_of(1, 1, 0), 0);
    span.add(vector_of(2, 2, 0), 0);
    span.add(vector_of(1, 1, 1), 0);
    EXPECT_EQ(span.rank(), 2);
    const Vector left = span.across(vector_of(3, 1, 5));
    EXPECT_NEAR((left - vector_of(1, -1, 0)).norm(), 0, 1e-14);
}

TEST(RowSpan, TellsATinyDifferenceFromRounding) {
    for (const double rounding : {0.0, 1e-6}) {
        RowSpan span(3);
        span.add(vector_of(1, 1, 0), rounding);
        span.add(vector_of(1, 1 + 1e-8, 0), rounding);
        EXPECT_EQ(span.rank(), rounding == 0 ? 2 : 1);
    }
}

TEST(RowSpan, TakesUpWhatAnotherOneFound) {
    RowSpan one(3);
    one.add(vector_of(1, 2, 3), 0);
    RowSpan other(3);
    other.add(vector_of(2, 4, 6), 0);
    other.add(vector_of(0, 1, 0), 0);
    one.add(other.basis());
    EXPECT_EQ(one.rank(), 2);
    EXPECT_NEAR(one.across(vector_of(1, 7, 3)).norm(), 0, 1e-14);
    EXPECT_NEAR((one.basis().transpose() * one.basis() - Matrix::Identity(2, 2)).norm(), 0, 1e-14);
}

}  // namespace

}  // namespace paralogit::train
