#include "paralogit/data/import/value_range.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace paralogit::data {

namespace {

/// Adding it moves the fraction out of a double: what comes back unchanged is an integer, or
/// beyond 2^51, which no integer type here holds.
constexpr double fraction_shift = 0x1.8p52;

template <class Integer>
bool holds(double lowest, double highest) {
    return lowest >= static_cast<double>(std::numeric_limits<Integer>::min()) &&
           highest <= static_cast<double>(std::numeric_limits<Integer>::max());
}

template <class Element>
void store_as(std::span<const double> values, std::span<std::byte> out) {
    std::byte* target = out.data();
    for (const double value : values) {
        const auto element = static_cast<Element>(value);
        std::memcpy(target, &element, sizeof element);
        target += sizeof element;
    }
}

}  // namespace

void ValueRange::add(std::span<const double> values) {
    double lowest = lowest_;
    double highest = highest_;
    // Counted, not branched upon: the loop is a part of every byte that is imported.
    unsigned fractions = 0;
    unsigned roundings = 0;
    for (const double value : values) {
        lowest = value < lowest ? value : lowest;
        highest = value > highest ? value : highest;
        const bool is_negative_zero = std::bit_cast<std::uint64_t>(value) == std::uint64_t{1} << 63;
        fractions |= static_cast<unsigned>((value + fraction_shift) - fraction_shift != value) |
                     static_cast<unsigned>(is_negative_zero);
        roundings |= static_cast<unsigned>(static_cast<double>(static_cast<float>(value)) != value);
    }
    lowest_ = lowest;
    highest_ = highest;
    are_integers_ = are_integers_ && fractions == 0;
    are_float32_ = are_float32_ && roundings == 0;
}

void ValueRange::add_present(std::span<const double> values) {
    for (const double value : values) {
        if (!std::isnan(value)) {
            add(value);
        }
    }
}

void ValueRange::merge(const ValueRange& other) {
    lowest_ = std::min(lowest_, other.lowest_);
    highest_ = std::max(highest_, other.highest_);
    are_integers_ = are_integers_ && other.are_integers_;
    are_float32_ = are_float32_ && other.are_float32_;
}

bool ValueRange::fits(ElementType type) const {
    if (lowest_ > highest_) {
        return true;
    }
    switch (type) {
        case ElementType::uint8:
            return are_integers_ && holds<std::uint8_t>(lowest_, highest_);
        case ElementType::int8:
            return are_integers_ && holds<std::int8_t>(lowest_, highest_);
        case ElementType::uint16:
            return are_integers_ && holds<std::uint16_t>(lowest_, highest_);
        case ElementType::int16:
            return are_integers_ && holds<std::int16_t>(lowest_, highest_);
        case ElementType::uint32:
            return are_integers_ && holds<std::uint32_t>(lowest_, highest_);
        case ElementType::int32:
            return are_integers_ && holds<std::int32_t>(lowest_, highest_);
        case ElementType::float32:
            return are_float32_;
        default:
            return type == ElementType::float64;
    }
}

ElementType ValueRange::type() const {
    for (const ElementType type : types) {
        if (fits(type)) {
            return type;
        }
    }
    return ElementType::float64;
}

void ValueRange::put(ByteWriter& writer) const {
    writer.put(lowest_);
    writer.put(highest_);
    writer.put(are_integers_);
    writer.put(are_float32_);
}

ValueRange ValueRange::take(ByteReader& reader) {
    ValueRange range;
    range.lowest_ = reader.number<double>();
    range.highest_ = reader.number<double>();
    range.are_integers_ = reader.flag();
    range.are_float32_ = reader.flag();
    return range;
}

void store(std::span<const double> values, ElementType type, std::span<std::byte> out) {
    switch (type) {
        case ElementType::uint8:
            return store_as<std::uint8_t>(values, out);
        case ElementType::int8:
            return store_as<std::int8_t>(values, out);
        case ElementType::uint16:
            return store_as<std::uint16_t>(values, out);
        case ElementType::int16:
            return store_as<std::int16_t>(values, out);
        case ElementType::uint32:
            return store_as<std::uint32_t>(values, out);
        case ElementType::int32:
            return store_as<std::int32_t>(values, out);
        case ElementType::float32:
            return store_as<float>(values, out);
        case ElementType::float64:
            return store_as<double>(values, out);
        case ElementType::float16:
        case ElementType::int64:
        case ElementType::uint64:
            break;
    }
    throw Error(ExitCode::internal,
                "internal error: imported values are not stored as " + std::string(name_of(type)));
}

}  // namespace paralogit::data
