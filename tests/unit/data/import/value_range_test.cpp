#include "paralogit/data/import/value_range.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

namespace paralogit::data {
namespace {

ElementType type_of(const std::vector<double>& values) {
    ValueRange range;
    range.add(values);
    return range.type();
}

TEST(ValueRange, TakesTheSmallestTypeThatHoldsEveryValue) {
    EXPECT_EQ(type_of({}), ElementType::uint8);
    EXPECT_EQ(type_of({0, 255}), ElementType::uint8);
    EXPECT_EQ(type_of({-128, 127}), ElementType::int8);
    EXPECT_EQ(type_of({-1, 128}), ElementType::int16);
    EXPECT_EQ(type_of({0, 256}), ElementType::uint16);
    EXPECT_EQ(type_of({0, 65536}), ElementType::uint32);
    EXPECT_EQ(type_of({-1, 65536}), ElementType::int32);
    EXPECT_EQ(type_of({0, 4294967295.0}), ElementType::uint32);
    EXPECT_EQ(type_of({0, 4294967296.0}), ElementType::float32);
    EXPECT_EQ(type_of({-1, 4294967295.0}), ElementType::float64);
    EXPECT_EQ(type_of({0.5, 1}), ElementType::float32);
    EXPECT_EQ(type_of({0.1}), ElementType::float64);
    EXPECT_EQ(type_of({1e300}), ElementType::float64);
    EXPECT_EQ(type_of({1e-300}), ElementType::float64);
    EXPECT_EQ(type_of({0x1p-149}), ElementType::float32);
}

TEST(ValueRange, KeepsTheSignOfTheNegativeZero) {
    EXPECT_EQ(type_of({-0.0, 1}), ElementType::float32);
}

TEST(ValueRange, OfPartsIsTheRangeOfAll) {
    ValueRange left;
    left.add(-5);
    ValueRange right;
    right.add(300);
    ByteWriter writer;
    right.put(writer);
    const std::string bytes = writer.take();
    ByteReader reader(bytes);

    left.merge(ValueRange::take(reader));

    EXPECT_EQ(left.type(), ElementType::int16);
    left.merge(ValueRange());
    EXPECT_EQ(left.type(), ElementType::int16);
}

TEST(ValueRange, LeavesOutWhatIsMissing) {
    ValueRange range;
    range.add_present(std::vector<double>{1, std::nan(""), 2});

    EXPECT_EQ(range.type(), ElementType::uint8);
}

template <class Element>
void expect_stored(ElementType type, const std::vector<double>& values) {
    std::vector<std::byte> bytes(values.size() * sizeof(Element));

    store(values, type, bytes);

    for (std::size_t i = 0; i < values.size(); ++i) {
        Element element{};
        std::memcpy(&element, bytes.data() + i * sizeof element, sizeof element);
        EXPECT_EQ(static_cast<double>(element), values[i]) << name_of(type);
    }
}

TEST(Store, WritesEveryType) {
    expect_stored<std::uint8_t>(ElementType::uint8, {0, 255});
    expect_stored<std::int8_t>(ElementType::int8, {-128, 127});
    expect_stored<std::uint16_t>(ElementType::uint16, {0, 65535});
    expect_stored<std::int16_t>(ElementType::int16, {-32768, 32767});
    expect_stored<std::uint32_t>(ElementType::uint32, {0, 4294967295.0});
    expect_stored<std::int32_t>(ElementType::int32, {-2147483648.0, 2147483647});
    expect_stored<float>(ElementType::float32, {0.5, -3});
    expect_stored<double>(ElementType::float64, {0.1, -1e300});
}

}  // namespace
}  // namespace paralogit::data
