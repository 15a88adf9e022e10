#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <stdexcept>
#include <vector>

#include "paralogit/model/block.hpp"
#include "paralogit/model/isa.hpp"

namespace paralogit::model::testing {

/// The value of a binary16 pattern by the definition in IEEE 754.
inline double half_by_definition(std::uint16_t bits) {
    const int exponent = (bits / 1024) % 32;
    const int mantissa = bits % 1024;
    const double sign = bits >= 32768 ? -1 : 1;
    if (exponent == 31) {
        return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::quiet_NaN();
    }
    return exponent == 0 ? sign * std::ldexp(mantissa, -24)
                         : sign * std::ldexp(1024 + mantissa, exponent - 25);
}

/// The pattern that has the value.
inline std::uint16_t half_pattern(double value) {
    static const std::map<double, std::uint16_t> patterns = [] {
        std::map<double, std::uint16_t> by_value;
        for (std::uint32_t bits = 0; bits < 65536; ++bits) {
            const double of_bits = half_by_definition(static_cast<std::uint16_t>(bits));
            if (!std::isnan(of_bits)) {
                by_value.emplace(of_bits, static_cast<std::uint16_t>(bits));
            }
        }
        return by_value;
    }();
    const auto found = patterns.find(value);
    if (found == patterns.end()) {
        throw std::runtime_error("the value is no binary16");
    }
    return found->second;
}

template <typename Element>
void append_element(std::vector<std::byte>& bytes, Element element) {
    bytes.resize(bytes.size() + sizeof(element));
    std::memcpy(bytes.data() + bytes.size() - sizeof(element), &element, sizeof(element));
}

/// The values in the stored type, each of which must be representable in it.
inline std::vector<std::byte> stored_as(ElementType type, const std::vector<double>& values) {
    using enum ElementType;
    std::vector<std::byte> bytes;
    for (const double value : values) {
        switch (type) {
            case float16:
                append_element(bytes, half_pattern(value));
                break;
            case float32:
                append_element(bytes, static_cast<float>(value));
                break;
            case float64:
                append_element(bytes, value);
                break;
            case int8:
                append_element(bytes, static_cast<std::int8_t>(value));
                break;
            case int16:
                append_element(bytes, static_cast<std::int16_t>(value));
                break;
            case int32:
                append_element(bytes, static_cast<std::int32_t>(value));
                break;
            case int64:
                append_element(bytes, static_cast<std::int64_t>(value));
                break;
            case uint8:
                append_element(bytes, static_cast<std::uint8_t>(value));
                break;
            case uint16:
                append_element(bytes, static_cast<std::uint16_t>(value));
                break;
            case uint32:
                append_element(bytes, static_cast<std::uint32_t>(value));
                break;
            case uint64:
                append_element(bytes, static_cast<std::uint64_t>(value));
                break;
        }
    }
    return bytes;
}

inline const std::vector<ElementType>& all_element_types() {
    using enum ElementType;
    static const std::vector<ElementType> types{float16, float32, float64, int8,   int16, int32,
                                                int64,   uint8,   uint16,  uint32, uint64};
    return types;
}

/// The instruction sets that this machine has.
inline const std::vector<Isa>& supported_isas() {
    static const std::vector<Isa> isas = [] {
        std::vector<Isa> supported;
        for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
            if (is_supported(isa)) {
                supported.push_back(isa);
            }
        }
        return supported;
    }();
    return isas;
}

/// Rows that own their memory; `values` row-major.
struct OwnedBlock {
    Index features = 0;
    std::vector<double> values;
    std::vector<double> labels;
    std::vector<double> row_weights;
    Index first_global_row = 0;

    Index rows() const { return static_cast<Index>(labels.size()); }
    double at(Index row, Index feature) const {
        return values[static_cast<std::size_t>(row * features + feature)];
    }
    double weight(Index row) const {
        return row_weights.empty() ? 1.0 : row_weights[static_cast<std::size_t>(row)];
    }
    double label(Index row) const { return labels[static_cast<std::size_t>(row)]; }

    Block view() const {
        return view_of(ElementType::float64, reinterpret_cast<const std::byte*>(values.data()));
    }
    Block view_of(ElementType type, const std::byte* stored) const {
        return {type,        stored,          rows(), features, std::span<const double>(labels),
                row_weights, first_global_row};
    }
};

/// Values that every element type can hold in place of the block's.
inline void take_small_integers(OwnedBlock& block) {
    for (std::size_t k = 0; k < block.values.size(); ++k) {
        block.values[k] = static_cast<double>((k * 37 + k / 101) % 101);
    }
}

/// Normally distributed values, labels 0 and 1, weights in (0, 3] or none.
inline OwnedBlock random_block(Index rows, Index features, bool is_weighted, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> uniform(0.1, 3.0);
    OwnedBlock block;
    block.features = features;
    for (Index i = 0; i < rows * features; ++i) {
        block.values.push_back(normal(random));
    }
    for (Index i = 0; i < rows; ++i) {
        block.labels.push_back((random() & 1U) != 0 ? 1.0 : 0.0);
        if (is_weighted) {
            block.row_weights.push_back(uniform(random));
        }
    }
    return block;
}

inline std::vector<double> random_values(Index count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    std::vector<double> values;
    for (Index i = 0; i < count; ++i) {
        values.push_back(normal(random));
    }
    return values;
}

}  // namespace paralogit::model::testing
