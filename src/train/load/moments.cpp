#include "paralogit/train/moments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>

#include "column_warnings.hpp"
#include "paralogit/base/digest.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/sample.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "scan.hpp"
#include "sparse_moments.hpp"
#include "used_features.hpp"

namespace paralogit::train {

namespace {

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

bool is_constant(const model::ColumnScan& scan, std::size_t feature) {
    return scan.deviation_exponents[feature] == model::ColumnScan::no_deviation;
}

/// The variance in the frame's units, and whether its digits cancelled: the origin lies many
/// standard deviations away from the mean.
struct Variance {
    double value;
    bool has_cancelled;
};

Variance variance_of(const model::ColumnScan& scan, const Means& means, Index feature) {
    constexpr double worst_share = 0x1p-20;
    const auto at = static_cast<std::size_t>(feature);
    if (is_constant(scan, at)) {
        return {.value = 0, .has_cancelled = false};
    }
    const double shift = std::ldexp(means.deviation[feature], -scan.frame().units[at]);
    const double squares = means.squared_deviation[feature];
    const double variance = std::max(squares - shift * shift, 0.0);
    return {.value = variance, .has_cancelled = squares > 0 && variance < worst_share * squares};
}

/// The unit that suits the deviations of a column, once they are known. Their exponent is of
/// sqrt(s) |x - c|, so half of that of the weights comes off.
std::int32_t unit_of(const model::ColumnScan& scan, std::size_t feature) {
    return scan.deviation_exponents[feature] - scan.frame().weight_exponent / 2;
}

/// Whether the frame was too poor a guess: a sum has left it, or lies so far below what was
/// expected that it may have lost digits.
bool has_poor_frame(const model::ColumnScan& scan) {
    constexpr std::int32_t far_below = 20;
    bool is_poor = scan.has_left_frame;
    for (std::size_t j = 0; j < scan.deviation_exponents.size(); ++j) {
        is_poor = is_poor ||
                  (!is_constant(scan, j) && unit_of(scan, j) < scan.frame().units[j] - far_below);
    }
    return is_poor;
}

model::ScanFrame frame_of_all_rows(const model::ColumnScan& scan) {
    model::ScanFrame frame = scan.frame();
    for (std::size_t j = 0; j < frame.units.size(); ++j) {
        if (!is_constant(scan, j)) {
            frame.units[j] = std::clamp(unit_of(scan, j), -1000, 1000);
        }
    }
    return frame;
}

model::ColumnScan scan_in(const comm::Communicator& comm, const DataSet& data,
                          const model::ScanFrame& frame) {
    model::ColumnScan scan = scan_again(comm, data, frame);
    if (scan.has_left_frame) {
        throw comm::AgreedError(Error(ExitCode::internal,
                                      "internal error: the sums of a column exceed the bounds "
                                      "that were found for them"));
    }
    return scan;
}

/// A better frame than that of the scan, where its guess was too poor: first in its units, then in
/// its origins. Empty when it is good enough.
std::optional<model::ScanFrame> better_frame(const model::ColumnScan& scan) {
    if (has_poor_frame(scan)) {
        return frame_of_all_rows(scan);
    }
    const Means means = means_of(scan);
    model::ScanFrame centred = scan.frame();
    bool has_cancelled = false;
    for (Index j = 0; j < centred.origin.size(); ++j) {
        if (variance_of(scan, means, j).has_cancelled) {
            has_cancelled = true;
            centred.origin[j] += means.deviation[j];
        }
    }
    return has_cancelled ? std::optional(centred) : std::nullopt;
}

/// The scan that came with the data, or a better one.
model::ColumnScan usable_scan(const comm::Communicator& comm, const DataSet& data) {
    // Units, origins, and the units about them. Columns at the limit of double arithmetic would go
    // on for ever.
    constexpr int most_scans = 4;
    model::ColumnScan scan = data.scan;
    for (int again = 0; again < most_scans; ++again) {
        const std::optional<model::ScanFrame> frame = better_frame(scan);
        if (!frame) {
            break;
        }
        scan = scan_in(comm, data, *frame);
    }
    return scan;
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

std::vector<StretchedColumn> stretched_in(const model::ScanFrame& sample,
                                          const Vector& standard_deviation) {
    constexpr double far = 0x1p20;
    std::vector<StretchedColumn> columns;
    for (Index j = 0; j < standard_deviation.size(); ++j) {
        const double usual = sample.usual_deviation[j];
        if (usual > 0 && standard_deviation[j] > far * usual) {
            columns.push_back({.feature = j, .usual = sample.origin[j], .usual_deviation = usual});
        }
    }
    return columns;
}

/// A few rows from all over the files. Where they lie close together in a column, so do most rows.
model::ScanFrame sample_all_over(const comm::Communicator& comm, const data::Manifest& manifest) {
    constexpr Index most = 64;
    const Index count = std::min(most, manifest.rows);
    std::vector<Index> rows;
    for (Index k = 0; k < count; ++k) {
        rows.push_back(k * (manifest.rows / count));
    }
    std::vector<double> sample(static_cast<std::size_t>(count * manifest.features));
    comm::on_root(comm, [&] {
        sample = data::read_rows(manifest, rows);
        // Rows of weight 0 may hold anything.
        std::ranges::replace_if(
            sample, [](double value) { return !std::isfinite(value); }, 0.0);
    });
    comm.broadcast(std::span<double>(sample));
    return model::ScanFrame::of_sample(sample, manifest.features, 0, 1);
}

/// The first rows, which are known, tell which columns are worth a look at others: they may be
/// alike for another reason, such as their order.
std::vector<StretchedColumn> stretched_columns(const comm::Communicator& comm, const DataSet& data,
                                               const Vector& standard_deviation) {
    if (stretched_in(data.scan.frame(), standard_deviation).empty()) {
        return {};
    }
    return stretched_in(sample_all_over(comm, data.manifest), standard_deviation);
}

}  // namespace

void require_some_weight(const comm::Communicator& comm, const DataSet& data, double weight_sum) {
    comm::together(comm, [&] {
        if (!(weight_sum > 0)) {
            const data::FilePart& file = data.manifest.files.front();
            throw Error(ExitCode::input_data,
                        file.path + ":" + file.weights_path +
                            ": every row weight is 0; at least one must be positive");
        }
    });
}

namespace {

Moments dense_moments(const comm::Communicator& comm, const DataSet& data) {
    const model::ColumnScan scan = usable_scan(comm, data);
    const Means means = means_of(scan);
    require_some_weight(comm, data, means.weight_sum);

    Moments moments;
    moments.weight_sum = means.weight_sum;
    moments.positive_share = means.positive_share;
    moments.mean = scan.frame().origin + means.deviation;
    moments.standard_deviation.resize(data.manifest.features);
    for (Index j = 0; j < data.manifest.features; ++j) {
        moments.standard_deviation[j] = std::ldexp(std::sqrt(variance_of(scan, means, j).value),
                                                   scan.frame().units[static_cast<std::size_t>(j)]);
    }
    moments.stretched = stretched_columns(comm, data, moments.standard_deviation);
    moments.fingerprint = fingerprint(data, scan);
    return moments;
}

/// Refuses columns that double arithmetic has no common scale for. Moments are the same on all
/// ranks, and so is what is thrown.
void check_scales(const DataSet& data, const Moments& moments) {
    const data::FilePart& file = data.manifest.files.front();
    const auto refuse = [&](Index feature, const std::string& what) {
        throw comm::AgreedError(
            Error(ExitCode::input_data, fmt::format("{}:{}: {} {}", file.path, file.features_path,
                                                    name_of(data, feature), what)));
    };
    for (Index j = 0; j < moments.standard_deviation.size(); ++j) {
        const int exponent = data.bounds.value_exponents[static_cast<std::size_t>(j)];
        if (moments.standard_deviation[j] > 0 && exponent <= model::ColumnScan::lowest_exponent) {
            refuse(j,
                   "has values so small (all below 1e-270) that their sums leave double "
                   "arithmetic; multiply it by a constant");
        }
    }
    // Margins of so many sizes in one sum leave the small ones without digits.
    constexpr double farthest = 0x1p60;
    for (const StretchedColumn& column : moments.stretched) {
        const double deviation = moments.standard_deviation[column.feature];
        if (deviation > farthest * column.usual_deviation) {
            refuse(column.feature,
                   text_of(column, deviation) +
                       " that leave no digits to the others; are these fill values for missing "
                       "ones? Replace them or leave the rows out");
        }
    }
}

/// Row weights may leave next to nothing of the one class in weighted sums, and it is there all the
/// same.
void look_at_classes(const comm::Communicator& comm, const data::Shard& shard, Moments& moments) {
    const model::LabelView labels = shard.labels.view();
    Index rows = 0;
    std::array<Index, 2> rows_of_class{};  // a soft label is of both
    double label_sum = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(shard.rows.size()); ++i) {
        if (shard.row_weights.empty() || shard.row_weights[i] > 0) {
            const double label = labels[i];
            ++rows;
            rows_of_class[0] += label < 1 ? 1 : 0;
            rows_of_class[1] += label > 0 ? 1 : 0;
            label_sum += label;
        }
    }
    comm.sum(std::span<Index>(rows_of_class));
    rows = comm.sum(rows);
    comm.sum(std::span<double>(&label_sum, 1));
    moments.is_of_one_class = rows_of_class[0] == 0 || rows_of_class[1] == 0;
    moments.positive_share_of_rows = label_sum / static_cast<double>(rows);
}

Index effective_rows(const comm::Communicator& comm, const DataSet& data) {
    // A block's weights add up to at most 2^weight_exponent, and their squares to its square.
    constexpr std::int32_t above_one = 1;
    const double unit = std::ldexp(1.0, -data.bounds.weight_exponent);
    model::ExactSums sums = comm::together(comm, [&] {
        model::ExactSums own({above_one, above_one}, std::max<Index>(data.plan.blocks(), 1),
                             data.execution.isa);
        const std::vector<double>& weights = data.shard.row_weights;
        for (Index k = data.shard.blocks.first; k < data.shard.blocks.end; ++k) {
            const Range rows = data.plan.rows_of_block(k);
            double sum = 0;
            double squares = 0;
            for (Index row = rows.first; row < rows.end; ++row) {
                const auto at = static_cast<std::size_t>(row - data.shard.rows.first);
                const double weight = (weights.empty() ? 1.0 : weights[at]) * unit;
                sum += weight;
                squares += weight * weight;
            }
            if (!own.add(0, sum) || !own.add(1, squares)) {
                throw Error(ExitCode::internal, "a block's row weights exceed their bound");
            }
        }
        return own;
    });
    comm.sum(sums.limbs());
    const double rows = sums.value(0) * sums.value(0) / sums.value(1);
    return std::isfinite(rows) ? std::clamp(static_cast<Index>(rows), Index{1}, data.manifest.rows)
                               : data.manifest.rows;
}

}  // namespace

Moments compute_moments(const comm::Communicator& comm, const DataSet& data) {
    Moments moments = data.sparse ? sparse_moments(comm, data) : dense_moments(comm, data);
    moments.effective_rows = effective_rows(comm, data);
    check_scales(data, moments);
    look_at_classes(comm, data.shard, moments);
    return moments;
}

optim::ChangeOfVariables standardisation(const Moments& moments, const model::Penalty& penalty,
                                         bool has_intercept) {
    const Index features = moments.mean.size();
    auto change = optim::ChangeOfVariables::identity(features, has_intercept);
    // Squares of what lies outside this range leave double arithmetic.
    constexpr double largest_square = 1e150;
    Vector middle = moments.mean;
    Vector spread = moments.standard_deviation;
    for (const StretchedColumn& column : moments.stretched) {
        middle[column.feature] = column.usual;
        spread[column.feature] = column.usual_deviation;
    }
    for (Index j = 0; j < features; ++j) {
        double size = spread[j];
        if (has_intercept) {
            change.centre[j] = middle[j];
        } else if (std::abs(middle[j]) > size) {
            // Without an intercept nothing takes up a centre, so the mean square measures a column.
            const double ratio = size / std::abs(middle[j]);
            size = std::abs(middle[j]) * std::sqrt(1.0 + ratio * ratio);
        } else if (size > 0) {
            const double ratio = std::abs(middle[j]) / size;
            size *= std::sqrt(1.0 + ratio * ratio);
        }
        // A column that says nothing keeps its coefficient, whatever the penalty.
        const double l2 = penalty.l2_of(j);
        const bool has_penalty = l2 > 0 && size > 0 && size < largest_square;
        change.scale[j] = has_penalty ? std::sqrt(size * size + 4 * l2) : size;
    }
    return change;
}

}  // namespace paralogit::train
