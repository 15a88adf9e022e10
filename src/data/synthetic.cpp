#include "paralogit/data/synthetic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "paralogit/base/checked.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/model/column_scan.hpp"
#include "paralogit/model/math.hpp"
#include "random.hpp"

namespace paralogit::data {

namespace {

/// What random bits are for, so that no two uses share a counter.
enum class Purpose : std::uint32_t { feature, factor, noise, coefficient };

/// Two numbers in (0, 1), a function of the arguments alone.
std::array<double, 2> uniforms(std::uint64_t seed, Index row, Index pair, Purpose purpose) {
    const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32U); };
    const auto wide_row = static_cast<std::uint64_t>(row);
    // Rows stay below 2^62 and pairs below 2^31, see check(): the purpose fits above the row.
    const std::array<std::uint32_t, 4> bits =
        philox({low(wide_row), high(wide_row) | (static_cast<std::uint32_t>(purpose) << 30U),
                narrow<std::uint32_t>(pair), 0},
               {low(seed), high(seed)});
    const auto join = [&](std::size_t i) {
        return open_unit((std::uint64_t{bits[i + 1]} << 32U) | bits[i]);
    };
    return {join(0), join(2)};
}

/// Standard normals [values.size()].
void fill_normals(std::uint64_t seed, Index row, Purpose purpose, std::span<double> values) {
    for (std::size_t j = 0; j < values.size(); j += 2) {
        const auto pair = uniforms(seed, row, narrow<Index>(j / 2), purpose);
        values[j] = normal_quantile(pair[0]);
        if (j + 1 < values.size()) {
            values[j + 1] = normal_quantile(pair[1]);
        }
    }
}

/// How standardised values lie in the stored type: value * scale_j + shift, and for integers
/// rounded and cut to [lowest, highest].
struct Storage {
    std::vector<double> scales;
    double shift = 0;
    bool is_integer = false;
    double lowest = 0;
    double highest = 0;
};

bool is_float(ElementType type) {
    return type == ElementType::float16 || type == ElementType::float32 ||
           type == ElementType::float64;
}

bool is_unsigned(ElementType type) {
    return type == ElementType::uint8 || type == ElementType::uint16 ||
           type == ElementType::uint32 || type == ElementType::uint64;
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

template <class T>
void store_as(double value, std::byte* out) {
    const T stored = static_cast<T>(value);
    std::memcpy(out, &stored, sizeof(T));
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

/// The true coefficients of the standardised features, scaled so that the signal has a standard
/// deviation of 1.
std::vector<double> true_coefficients(const SyntheticOptions& options) {
    std::vector<double> coefficients(narrow<std::size_t>(options.features));
    fill_normals(options.seed, 0, Purpose::coefficient, coefficients);
    double sum = 0;
    double sum_of_squares = 0;
    for (const double coefficient : coefficients) {
        sum += coefficient;
        sum_of_squares += coefficient * coefficient;
    }
    const double variance =
        (1 - options.correlation) * sum_of_squares + options.correlation * sum * sum;
    for (double& coefficient : coefficients) {
        coefficient /= std::sqrt(variance);
    }
    return coefficients;
}

/// Logistic noise with a standard deviation of 1.
double standard_logistic(double uniform) {
    constexpr double root_3_over_pi = 0.55132889542179204;
    return root_3_over_pi * (model::log_of_positive(uniform) - model::log_of_positive(1 - uniform));
}

void require(bool is_met, const std::string& option, const std::string& value,
             const std::string& range) {
    if (!is_met) {
        throw Error(ExitCode::usage, fmt::format("{} {}: must be {}", option, value, range));
    }
}

}  // namespace

void check(const SyntheticOptions& options) {
    constexpr Index most_rows = Index{1} << 62U;
    constexpr Index most_features = Index{1} << 31U;
    const auto text = [](auto value) { return fmt::format("{}", value); };
    // Written so that NaN fails.
    require(options.rows >= 1 && options.rows < most_rows, "--rows", text(options.rows),
            "at least 1 and below 2^62");
    require(options.features >= 1 && options.features < most_features, "--features",
            text(options.features), "at least 1 and below 2^31");
    require(options.correlation >= 0 && options.correlation < 1, "--correlation",
            text(options.correlation), "in [0, 1)");
    require(options.noise >= 0 && std::isfinite(options.noise), "--noise", text(options.noise),
            "finite and at least 0");
    if (!is_float(options.type)) {
        require(options.scale_decades == 0, "--scale-decades", text(options.scale_decades),
                fmt::format("0 for the integer type {}", name_of(options.type)));
    } else if (options.type == ElementType::float16) {
        require(options.scale_decades >= 0 && options.scale_decades <= 3, "--scale-decades",
                text(options.scale_decades), "in [0, 3] for float16");
    } else {
        require(options.scale_decades >= 0 && options.scale_decades <= 30, "--scale-decades",
                text(options.scale_decades), "in [0, 30]");
    }
    const Index values =
        checked_multiply(options.rows, options.features, "--rows and --features", ExitCode::usage);
    checked_multiply(values, narrow<Index>(size_of(options.type)), "the bytes of the features",
                     ExitCode::usage);
}

void make_rows(const SyntheticOptions& options, Index first_row, Index count,
               std::span<std::byte> values, std::span<std::uint8_t> labels) {
    const auto features = narrow<std::size_t>(options.features);
    const std::size_t element_bytes = size_of(options.type);
    const std::size_t row_bytes = features * element_bytes;
    if (values.size() != narrow<std::size_t>(count) * row_bytes ||
        labels.size() != narrow<std::size_t>(count)) {
        throw Error(ExitCode::internal, "internal error: make_rows got buffers of the wrong size");
    }
    const Storage storage = storage_of(options);
    const std::vector<double> coefficients = true_coefficients(options);
    const double shared = std::sqrt(options.correlation);
    const double own = std::sqrt(1 - options.correlation);
    std::vector<double> row_values(features);
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const Index row = first_row + narrow<Index>(i);
        std::byte* const stored = values.data() + i * row_bytes;

        const double factor = normal_quantile(uniforms(options.seed, row, 0, Purpose::factor)[0]);
        fill_normals(options.seed, row, Purpose::feature, row_values);
        for (std::size_t j = 0; j < features; ++j) {
            double value =
                (shared * factor + own * row_values[j]) * storage.scales[j] + storage.shift;
            if (storage.is_integer) {
                value = std::clamp(std::nearbyint(value), storage.lowest, storage.highest);
            }
            store(options.type, value, stored + j * element_bytes);
        }

        // The label follows from the values as stored, so that classes without noise are separable
        // in the file and not only before rounding.
        model::widen_row(options.type, stored, row_values);
        double signal = 0;
        for (std::size_t j = 0; j < features; ++j) {
            signal += coefficients[j] * ((row_values[j] - storage.shift) / storage.scales[j]);
        }
        if (options.noise > 0) {
            const double uniform = uniforms(options.seed, row, 0, Purpose::noise)[0];
            signal += options.noise * standard_logistic(uniform);
        }
        labels[i] = signal > 0 ? 1 : 0;
    }
}

}  // namespace paralogit::data
