#include "owned_block.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <stdexcept>

namespace paralogit::model::testing {

double half_by_definition(std::uint16_t bits) {
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

std::uint16_t half_pattern(double value) {
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

std::vector<std::byte> stored_as(ElementType type, const std::vector<double>& values) {
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

const std::vector<ElementType>& all_element_types() {
    using enum ElementType;
    static const std::vector<ElementType> types{float16, float32, float64, int8,   int16, int32,
                                                int64,   uint8,   uint16,  uint32, uint64};
    return types;
}

const std::vector<Isa>& supported_isas() {
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

void take_small_integers(OwnedBlock& block) {
    for (std::size_t k = 0; k < block.values.size(); ++k) {
        block.values[k] = static_cast<double>((k * 37 + k / 101) % 101);
    }
}

OwnedBlock random_block(Index rows, Index features, bool is_weighted, std::uint64_t seed) {
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

std::vector<double> random_values(Index count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    std::vector<double> values;
    for (Index i = 0; i < count; ++i) {
        values.push_back(normal(random));
    }
    return values;
}

}  // namespace paralogit::model::testing
