#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "paralogit/model/column_scan.hpp"
#include "unit/model/owned_block.hpp"

namespace paralogit::model {
namespace {

using testing::append_element;
using testing::half_by_definition;

template <typename Element>
void expect_widened(ElementType type, const std::vector<Element>& elements,
                    const std::vector<double>& expected) {
    // One byte off, so that no element is aligned.
    std::vector<std::byte> stored(1);
    for (const Element element : elements) {
        append_element(stored, element);
    }
    std::vector<double> row(elements.size());
    widen_row(type, stored.data() + 1, row);
    EXPECT_EQ(row, expected) << name_of(type);
}

template <typename Integer>
void expect_limits_widened(ElementType type) {
    using Limits = std::numeric_limits<Integer>;
    expect_widened<Integer>(type, {Limits::min(), Limits::max(), 0, 1, static_cast<Integer>(-1)},
                            {static_cast<double>(Limits::min()), static_cast<double>(Limits::max()),
                             0, 1, Limits::is_signed ? -1.0 : static_cast<double>(Limits::max())});
}

TEST(WidenRow, ReadsEveryTypeAtItsLimitsAndAtAnyAddress) {
    expect_limits_widened<std::int8_t>(ElementType::int8);
    expect_limits_widened<std::int16_t>(ElementType::int16);
    expect_limits_widened<std::int32_t>(ElementType::int32);
    expect_limits_widened<std::int64_t>(ElementType::int64);
    expect_limits_widened<std::uint8_t>(ElementType::uint8);
    expect_limits_widened<std::uint16_t>(ElementType::uint16);
    expect_limits_widened<std::uint32_t>(ElementType::uint32);
    expect_limits_widened<std::uint64_t>(ElementType::uint64);
    expect_widened<float>(ElementType::float32, {1.5F, -0.1F, 1e-45F, 3.4e38F},
                          {1.5, -0.1F, 0x1p-149, 3.4e38F});
    expect_widened<double>(ElementType::float64, {0.1, -5e-324, 1e308}, {0.1, -5e-324, 1e308});
}

TEST(WidenRow, RoundsIntegersBeyondTheMantissaToNearest) {
    constexpr std::int64_t border = std::int64_t{1} << 53;
    expect_widened<std::int64_t>(ElementType::int64,
                                 {border - 1, border + 1, border + 3, -border - 1},
                                 {0x1p53 - 1, 0x1p53, 0x1p53 + 4, -0x1p53});
}

TEST(WidenRow, ReadsAllBinary16PatternsByTheirDefinition) {
    std::vector<std::uint16_t> patterns;
    for (std::uint32_t bits = 0; bits < 65536; ++bits) {
        patterns.push_back(static_cast<std::uint16_t>(bits));
    }
    std::vector<double> row(patterns.size());
    widen_row(ElementType::float16, reinterpret_cast<const std::byte*>(patterns.data()), row);
    for (std::size_t k = 0; k < row.size(); ++k) {
        const double expected = half_by_definition(patterns[k]);
        if (std::isnan(expected)) {
            ASSERT_TRUE(std::isnan(row[k])) << patterns[k];
        } else {
            ASSERT_EQ(row[k], expected) << patterns[k];
            ASSERT_EQ(std::signbit(row[k]), patterns[k] >= 32768) << patterns[k];
        }
    }
}

TEST(WidenRow, FillsWhatASparseRowDoesNotHoldWithZeros) {
    const std::vector<float> values{9, -1.5F, 0.25F};
    const std::vector<std::uint32_t> indices{2, 0, 3};
    const std::vector<Index> offsets{0, 1, 3, 3};
    const SparseBlock block{.type = ElementType::float32,
                            .values = reinterpret_cast<const std::byte*>(values.data()),
                            .indices = reinterpret_cast<const std::byte*>(indices.data()),
                            .offsets = offsets,
                            .rows = 3,
                            .features = 4,
                            .labels = {},
                            .row_weights = {},
                            .first_global_row = 0};
    std::vector<double> row(4, 7.0);

    widen_row(block, 1, row);
    EXPECT_EQ(row, (std::vector<double>{-1.5, 0, 0, 0.25}));
    widen_row(block, 2, row);
    EXPECT_EQ(row, std::vector<double>(4, 0.0));
}

}  // namespace
}  // namespace paralogit::model
