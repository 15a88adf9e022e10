#include "synthetic_values.hpp"

#include <cmath>
#include <cstddef>
#include <cstring>

#include "paralogit/base/checked.hpp"
#include "paralogit/model/math.hpp"
#include "random.hpp"

namespace paralogit::data {

namespace {

bool is_unsigned(ElementType type) {
    return type == ElementType::uint8 || type == ElementType::uint16 ||
           type == ElementType::uint32 || type == ElementType::uint64;
}

template <class T>
void store_as(double value, std::byte* out) {
    const T stored = static_cast<T>(value);
    std::memcpy(out, &stored, sizeof(T));
}

}  // namespace

std::array<double, 2> uniforms(std::uint64_t seed, Index row, Index pair, Purpose purpose) {
    const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32U); };
    const auto wide_row = static_cast<std::uint64_t>(row);
    // Rows stay below 2^62, see check(): two bits of the purpose fit above the row.
    const auto purpose_bits = static_cast<std::uint32_t>(purpose);
    const std::array<std::uint32_t, 4> bits =
        philox({low(wide_row), high(wide_row) | (purpose_bits << 30U), narrow<std::uint32_t>(pair),
                purpose_bits >> 2U},
               {low(seed), high(seed)});
    const auto join = [&](std::size_t i) {
        return open_unit((std::uint64_t{bits[i + 1]} << 32U) | bits[i]);
    };
    return {join(0), join(2)};
}

void fill_normals(std::uint64_t seed, Index row, Purpose purpose, std::span<double> values) {
    for (std::size_t j = 0; j < values.size(); j += 2) {
        const auto pair = uniforms(seed, row, narrow<Index>(j / 2), purpose);
        values[j] = normal_quantile(pair[0]);
        if (j + 1 < values.size()) {
            values[j + 1] = normal_quantile(pair[1]);
        }
    }
}

bool is_float(ElementType type) {
    return type == ElementType::float16 || type == ElementType::float32 ||
           type == ElementType::float64;
}

Storage storage_of(const SyntheticOptions& options) {
    Storage storage;
    const auto features = narrow<std::size_t>(options.features);
    if (is_float(options.type)) {
        constexpr double ln_10 = 2.302585092994045684;
        for (std::size_t j = 0; j < features; ++j) {
            const double part =
                features == 1 ? 0 : static_cast<double>(j) / static_cast<double>(features - 1);
            storage.scales.push_back(
                model::exp_of_nonpositive(-ln_10 * options.scale_decades * part));
        }
        return storage;
    }
    const double range = size_of(options.type) == 1 ? 255 : 1000;
    storage.scales.assign(features, range / 6);
    storage.is_integer = true;
    storage.shift = is_unsigned(options.type) ? std::ceil(range / 2) : 0;
    storage.lowest = storage.shift - std::ceil(range / 2);
    storage.highest = storage.shift + std::floor(range / 2);
    return storage;
}

void store(ElementType type, double value, std::byte* out) {
    switch (type) {
        case ElementType::float16: {
            const std::uint16_t bits = to_float16(value);
            std::memcpy(out, &bits, sizeof(bits));
            break;
        }
        case ElementType::float32:
            return store_as<float>(value, out);
        case ElementType::float64:
            return store_as<double>(value, out);
        case ElementType::int8:
            return store_as<std::int8_t>(value, out);
        case ElementType::int16:
            return store_as<std::int16_t>(value, out);
        case ElementType::int32:
            return store_as<std::int32_t>(value, out);
        case ElementType::int64:
            return store_as<std::int64_t>(value, out);
        case ElementType::uint8:
            return store_as<std::uint8_t>(value, out);
        case ElementType::uint16:
            return store_as<std::uint16_t>(value, out);
        case ElementType::uint32:
            return store_as<std::uint32_t>(value, out);
        case ElementType::uint64:
            return store_as<std::uint64_t>(value, out);
    }
}

double standard_logistic(double uniform) {
    constexpr double root_3_over_pi = 0.55132889542179204;
    return root_3_over_pi * (model::log_of_positive(uniform) - model::log_of_positive(1 - uniform));
}

}  // namespace paralogit::data
