#include "paralogit/train/moments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "paralogit/base/digest.hpp"
#include "paralogit/comm/agreement.hpp"
#include "scan.hpp"

namespace paralogit::train {

namespace {

/// The same on all ranks, since the scan is. Throws Error (input_data).
void check_range(const DataSet& data) {
    constexpr std::int32_t highest = model::ColumnScan::highest_exponent;
    constexpr double decimal = 0.30103;
    const data::FilePart& file = data.manifest.files.front();
    const std::int32_t weight_exponent = data.scan.frame().weight_exponent;
    if (weight_exponent > highest / 2) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}:{}: the row weights are so large (about 1e{:.0f}) that sums "
                                "overflow double arithmetic; divide them by a constant",
                                file.path, file.weights_path, weight_exponent * decimal));
    }
    for (std::size_t j = 0; j < data.scan.block_sum_exponents.size(); ++j) {
        const std::int32_t exponent =
            std::max(data.scan.block_sum_exponents[j], data.scan.value_exponents[j]);
        if (exponent > highest) {
            throw Error(
                ExitCode::input_data,
                fmt::format("{}:{}: {} has values so large (about 1e{:.0f}) that their sums "
                            "overflow double arithmetic; rescale it",
                            file.path, file.features_path,
                            data.manifest.name_of_feature(static_cast<Index>(j)),
                            data.scan.value_exponents[j] * decimal));
        }
    }
}

/// The sums of a scan as means: about the origin, in the frame's units.
struct Means {
    double weight_sum;
    double positive_share;
    Vector deviation;          ///< of x - c
    Vector squared_deviation;  ///< of ((x - c) / 2^u)^2
};

Means means_of(const model::ColumnScan& scan) {
    const Index features = scan.frame().origin.size();
    const double weight_sum = scan.sums.value(2 * features);
    Means means{.weight_sum = weight_sum,
                .positive_share = scan.sums.value(2 * features + 1) / weight_sum,
                .deviation = Vector(features),
                .squared_deviation = Vector(features)};
    for (Index j = 0; j < features; ++j) {
        means.deviation[j] = scan.sums.value(j) / weight_sum;
        means.squared_deviation[j] = scan.sums.value(features + j) / weight_sum;
    }
    return means;
}

/// The variance in the frame's units, and whether its digits cancelled: the origin lies many
/// standard deviations away from the mean.
struct Variance {
    double value;
    bool has_cancelled;
};

Variance variance_of(const model::ScanFrame& frame, const Means& means, Index feature) {
    constexpr double worst_share = 0x1p-20;
    const double shift =
        std::ldexp(means.deviation[feature], -frame.units[static_cast<std::size_t>(feature)]);
    const double squares = means.squared_deviation[feature];
    const double variance = std::max(squares - shift * shift, 0.0);
    return {.value = variance, .has_cancelled = squares > 0 && variance < worst_share * squares};
}

/// A frame that no value leaves, for the values are known by now.
model::ScanFrame frame_for_all_values(const model::ColumnScan& scan) {
    model::ScanFrame frame = scan.frame();
    for (std::size_t j = 0; j < frame.units.size(); ++j) {
        const double origin = frame.origin[static_cast<Index>(j)];
        frame.units[j] = std::clamp(
            1 + std::max(scan.value_exponents[j], model::exponent_above(origin)), -900, 900);
    }
    return frame;
}

/// The scan, or a better one where its frame was too poor a guess.
model::ColumnScan usable_scan(const comm::Communicator& comm, const DataSet& data) {
    model::ColumnScan scan = data.scan;
    if (scan.has_left_frame) {
        scan = scan_again(comm, data, frame_for_all_values(scan));
    }
    const Means means = means_of(scan);
    model::ScanFrame centred = scan.frame();
    bool has_cancelled = false;
    for (Index j = 0; j < data.manifest.features; ++j) {
        if (variance_of(scan.frame(), means, j).has_cancelled) {
            has_cancelled = true;
            centred.origin[j] += means.deviation[j];
        }
    }
    return has_cancelled ? scan_again(comm, data, centred) : scan;
}

std::string fingerprint(const DataSet& data, const model::ColumnScan& scan) {
    Sha256 digest;
    digest.add(std::string("paralogit data 2"));
    const std::array<Index, 2> shape{data.manifest.rows, data.manifest.features};
    digest.add(std::span<const Index>(shape));
    const std::array<Index, 1> hash{static_cast<Index>(scan.hash)};
    digest.add(std::span<const Index>(hash));
    digest.add(scan.sums.limbs());
    return digest.hex();
}

}  // namespace

Moments compute_moments(const comm::Communicator& comm, const DataSet& data) {
    comm::together(comm, [&] { check_range(data); });
    comm::together(comm, [&] {
        const bool has_weight =
            data.scan.has_left_frame || data.scan.sums.value(2 * data.manifest.features) > 0;
        if (!has_weight) {
            const data::FilePart& file = data.manifest.files.front();
            throw Error(ExitCode::input_data,
                        file.path + ":" + file.weights_path +
                            ": every row weight is 0; at least one must be positive");
        }
    });
    const model::ColumnScan scan = usable_scan(comm, data);
    const Means means = means_of(scan);

    Moments moments;
    moments.weight_sum = means.weight_sum;
    moments.positive_share = means.positive_share;
    moments.mean = scan.frame().origin + means.deviation;
    moments.standard_deviation.resize(data.manifest.features);
    for (Index j = 0; j < data.manifest.features; ++j) {
        moments.standard_deviation[j] =
            std::ldexp(std::sqrt(variance_of(scan.frame(), means, j).value),
                       scan.frame().units[static_cast<std::size_t>(j)]);
    }
    moments.fingerprint = fingerprint(data, scan);
    return moments;
}

optim::ChangeOfVariables standardisation(const Moments& moments, double l2, bool has_intercept) {
    const Index features = moments.mean.size();
    auto change = optim::ChangeOfVariables::identity(features, has_intercept);
    // Squares of what lies outside this range leave double arithmetic.
    constexpr double largest_square = 1e150;
    for (Index j = 0; j < features; ++j) {
        double size = moments.standard_deviation[j];
        if (has_intercept) {
            change.centre[j] = moments.mean[j];
        } else if (std::abs(moments.mean[j]) > size) {
            // Without an intercept nothing takes up a centre, so the mean square measures a column.
            const double ratio = size / std::abs(moments.mean[j]);
            size = std::abs(moments.mean[j]) * std::sqrt(1.0 + ratio * ratio);
        } else if (size > 0) {
            const double ratio = std::abs(moments.mean[j]) / size;
            size *= std::sqrt(1.0 + ratio * ratio);
        }
        // A column that says nothing keeps its coefficient, whatever the penalty.
        const bool has_penalty = l2 > 0 && size > 0 && size < largest_square;
        change.scale[j] = has_penalty ? std::sqrt(size * size + 4 * l2) : size;
    }
    return change;
}

}  // namespace paralogit::train
