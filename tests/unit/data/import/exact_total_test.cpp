#include "paralogit/data/import/exact_total.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace paralogit::data {
namespace {

// Holds any sum of doubles exactly.
using Wide = boost::multiprecision::number<
    boost::multiprecision::cpp_bin_float<2400, boost::multiprecision::digit_base_2>>;

double total(const std::vector<double>& values) {
    ExactTotal sum;
    for (const double value : values) {
        sum.add(value);
    }
    return sum.rounded();
}

std::vector<double> random_doubles(std::mt19937_64& random, int count) {
    std::vector<double> values;
    while (static_cast<int>(values.size()) < count) {
        const auto value = std::bit_cast<double>(random());
        if (std::isfinite(value) && std::fabs(value) < 1e300) {
            values.push_back(value);
        }
    }
    return values;
}

TEST(ExactTotal, IsTheNearestDoubleOfTheExactSum) {
    std::mt19937_64 random(3);
    for (int i = 0; i < 300; ++i) {
        std::vector<double> values = random_doubles(random, 1 + i % 40);
        if (i % 3 == 0) {
            // What cancels leaves the small ones.
            for (int k = 0; k < 5; ++k) {
                values.push_back(-values[static_cast<std::size_t>(k) % values.size()]);
            }
        }
        Wide exact = 0;
        for (const double value : values) {
            exact += Wide(value);
        }

        EXPECT_EQ(total(values), exact.convert_to<double>());
    }
}

TEST(ExactTotal, RoundsHalfWayToEven) {
    EXPECT_EQ(total({0x1p53, 1}), 0x1p53);
    EXPECT_EQ(total({0x1p53, 1, 0x1p-1074}), 0x1p53 + 2);
    EXPECT_EQ(total({0x1p53 + 2, 1}), 0x1p53 + 4);
    EXPECT_EQ(total({-0x1p53, -1, -0x1p-1074}), -0x1p53 - 2);
}

TEST(ExactTotal, ReachesTheEndsOfTheRange) {
    const double largest = std::numeric_limits<double>::max();
    EXPECT_EQ(total({}), 0);
    EXPECT_EQ(total({0x1p-1074}), 0x1p-1074);
    EXPECT_EQ(total({-0x1p-1074, -0x1p-1074}), -0x1p-1073);
    EXPECT_EQ(total({largest}), largest);
    EXPECT_EQ(total({largest, largest, -largest}), largest);
    EXPECT_EQ(total({largest, largest}), std::numeric_limits<double>::infinity());
}

TEST(ExactTotal, OfPartsIsTheTotalOfAll) {
    std::mt19937_64 random(4);
    const std::vector<double> values = random_doubles(random, 1000);
    std::vector<std::int64_t> digits(ExactTotal::digits);
    for (std::size_t part = 0; part < 7; ++part) {
        ExactTotal own;
        for (std::size_t i = part; i < values.size(); i += 7) {
            own.add(values[i]);
        }
        std::ranges::transform(digits, own.as_digits(), digits.begin(), std::plus<>());
    }

    ExactTotal all = ExactTotal::from_digits(std::span(digits).first<ExactTotal::digits>());

    EXPECT_EQ(all.rounded(), total(values));
}

}  // namespace
}  // namespace paralogit::data
