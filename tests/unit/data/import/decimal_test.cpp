#include "../../../../src/data/import/decimal.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace paralogit::data {
namespace {

/// Reads a whole text; the bits of the number, or nothing.
std::optional<std::uint64_t> bits_of(const std::string& text) {
    const std::string ended = text + "\n";
    double value = 0;
    const char* const end = read_decimal(ended.c_str(), value);
    if (end != ended.c_str() + text.size()) {
        return std::nullopt;
    }
    return std::bit_cast<std::uint64_t>(value);
}

std::uint64_t strtod_bits(const std::string& text) {
    return std::bit_cast<std::uint64_t>(std::strtod(text.c_str(), nullptr));
}

TEST(ReadDecimal, GivesTheBitsThatAreKnownOfHardNumbers) {
    // From the literature on correct rounding; the bits were checked against Python's float.
    const std::vector<std::pair<std::string, std::uint64_t>> known{
        {"0", 0},
        {"-0.0", 0x8000000000000000},
        {"1e22", 0x4480F0CF064DD592},
        {"1e23", 0x44B52D02C7E14AF6},
        {"9007199254740993", 0x4340000000000000},
        {"9007199254740995", 0x4340000000000002},
        {"2.2250738585072011e-308", 0x000FFFFFFFFFFFFF},
        {"2.2250738585072014e-308", 0x0010000000000000},
        {"4.9406564584124654e-324", 1},
        {"2.4703282292062327e-324", 0},
        {"2.4703282292062328e-324", 1},
        {"1.7976931348623157e308", 0x7FEFFFFFFFFFFFFF},
        {"1.7976931348623159e308", 0x7FF0000000000000},
        {"1e-400", 0},
        {"-1e999999999999", 0xFFF0000000000000},
        {"1.00000000000000011102230246251565", 0x3FF0000000000000},
        {"1.00000000000000011102230246251566", 0x3FF0000000000001},
    };
    for (const auto& [text, bits] : known) {
        EXPECT_EQ(bits_of(text), bits) << text;
    }
}

TEST(ReadDecimal, GivesTheBitsOfStrtodForNumbersOfAllLengthsAndSizes) {
    std::mt19937_64 random(7);
    for (int i = 0; i < 200'000; ++i) {
        std::string text = random() % 2 == 0 ? "-" : "";
        const auto digits = [&](std::uint64_t most) {
            for (std::uint64_t n = random() % (most + 1); n > 0; --n) {
                text += static_cast<char>('0' + random() % 10);
            }
        };
        const std::uint64_t longest = i % 10 == 0 ? 40 : 9;
        text += static_cast<char>('0' + random() % 10);
        digits(longest);
        if (random() % 4 != 0) {
            text += '.';
            digits(longest);
        }
        if (random() % 3 == 0) {
            text += fmt::format("e{}", static_cast<int>(random() % 700) - 350);
        }

        EXPECT_EQ(bits_of(text), strtod_bits(text)) << text;
    }
}

TEST(ReadDecimal, GivesTheBitsOfStrtodHalfWayBetweenDoubles) {
    std::mt19937_64 random(8);
    for (int i = 0; i < 20'000; ++i) {
        // 54 bits: one more than a double has.
        const std::uint64_t half_way = (random() >> 10 | std::uint64_t{1} << 53) | 1;
        for (const std::string& text :
             {fmt::format("{}", half_way), fmt::format("{}.0000000000000000000001", half_way),
              fmt::format("{}e-5", half_way), fmt::format("{}e17", half_way)}) {
            EXPECT_EQ(bits_of(text), strtod_bits(text)) << text;
        }
    }
}

TEST(ReadDecimal, TakesWhatPythonTakesForDecimalNumbers) {
    for (const char* text : {"1", "+1", "-1", "1.", ".5", "-.5", "1e5", "1E+5", "1.e-5", "007"}) {
        EXPECT_EQ(bits_of(text), strtod_bits(text)) << text;
    }
    for (const char* text : {"", "+", "-", ".", "e5", "1e", "1e+", "1_0", "0x10", "inf", "nan",
                             "--1", "+-1", "1..2", "1.2.3", "1e5.5", " 1", "infinity", "1f"}) {
        EXPECT_EQ(bits_of(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace paralogit::data
