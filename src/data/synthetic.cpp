#include "paralogit/data/synthetic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "paralogit/base/checked.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/data/sparse_synthetic.hpp"
#include "paralogit/model/column_scan.hpp"
#include "random.hpp"
#include "synthetic_values.hpp"

namespace paralogit::data {

namespace {

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
    Index values_per_row = options.features;
    if (options.density) {
        require(*options.density > 0 && *options.density <= 1, "--density", text(*options.density),
                "in (0, 1]");
        require(options.correlation == 0, "--correlation", text(options.correlation),
                "0 with --density");
        values_per_row = EntryCounts(options).most();
    }
    const Index values =
        checked_multiply(options.rows, values_per_row, "--rows and --features", ExitCode::usage);
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
