#include "paralogit/model/column_scan.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernel_rows.hpp"
#include "row_hash.hpp"
#include "widen.hpp"

namespace paralogit::model {

namespace {

/// A column may lie so many powers of two beyond what its sample shows.
constexpr std::int32_t sample_headroom = 16;

// Exponent above every sum of the block that is made of the same terms times factors in [-1, 1],
// whatever its roundings: they change a sum of at most 2^40 terms by far less than the bit added
// here. Beyond highest_exponent for a sum that overflowed.
std::int32_t exponent_above_sum(double sum) {
    constexpr std::int32_t overflowed = std::numeric_limits<double>::max_exponent + 1;
    return std::isfinite(sum) ? exponent_above(sum, ColumnScan::lowest_exponent - 1) + 1
                              : overflowed;
}

std::optional<ColumnScan::BadValue> first_bad_value(const Block& block) {
    return with_element_type(block.type, [&](auto type) -> std::optional<ColumnScan::BadValue> {
        const Elements<type()> values(block.values);
        for (Index i = 0; i < block.rows; ++i) {
            for (Index j = 0; j < block.features; ++j) {
                const double value = values[i * block.features + j];
                if (!std::isfinite(value)) {
                    return ColumnScan::BadValue{block.first_global_row + i, j, value};
                }
            }
        }
        return std::nullopt;
    });
}

/// In [1, 2), the same for the same number.
double pseudo_random(std::uint64_t number) {
    return std::bit_cast<double>((std::uint64_t{1023} << 52U) |
                                 (mixed(number * golden_ratio) >> 12U));
}

/// Of at least one number; puts them into another order.
double median_of(std::vector<double>& numbers) {
    const auto middle = numbers.begin() + std::ssize(numbers) / 2;
    std::ranges::nth_element(numbers, middle);
    return *middle;
}

std::vector<std::int32_t> exponents_of_sums(const ScanFrame& frame) {
    // Of deviations up to 2^(u + headroom), whose weights add up to less than 2^weight_exponent.
    const std::size_t features = frame.units.size();
    std::vector<std::int32_t> exponents(2 * features + 2, frame.weight_exponent);
    for (std::size_t j = 0; j < features; ++j) {
        exponents[j] = frame.weight_exponent + frame.units[j] + sample_headroom;
        exponents[features + j] = frame.weight_exponent + 2 * sample_headroom;
    }
    for (std::int32_t& exponent : exponents) {
        exponent = std::clamp<std::int32_t>(exponent, -1000, 1023);
    }
    return exponents;
}

}  // namespace

ScanFrame ScanFrame::of_sample(std::span<const double> rows, Index features,
                               std::int32_t weight_exponent, Index blocks) {
    const auto width = static_cast<std::size_t>(features);
    const std::size_t count = width == 0 ? 0 : rows.size() / width;
    ScanFrame frame{.origin = Vector::Zero(features),
                    .units = std::vector<std::int32_t>(width, 0),
                    .usual_deviation = Vector::Zero(features),
                    .weight_exponent = weight_exponent,
                    .blocks = blocks,
                    .sample_rows = static_cast<Index>(count)};
    std::vector<double> column(count);
    for (std::size_t j = 0; j < width && count > 0; ++j) {
        for (std::size_t i = 0; i < count; ++i) {
            column[i] = rows[i * width + j];
        }
        const double origin = median_of(column);
        for (double& value : column) {
            value = std::fabs(value - origin);
        }
        const double farthest = std::ranges::max(column);
        // Where the sample is constant its size is all there is to go by.
        const double size = farthest > 0 ? farthest : std::fabs(origin);
        frame.origin[static_cast<Index>(j)] = origin;
        frame.usual_deviation[static_cast<Index>(j)] = median_of(column);
        frame.units[j] = std::clamp<std::int32_t>(
            std::isfinite(size) && size > 0 ? exponent_above(size) : 0, -900, 900);
    }
    return frame;
}

ColumnScan::ColumnScan(const ScanFrame& frame, Isa isa)
    : block_sum_exponents(frame.units.size(), lowest_exponent),
      value_exponents(frame.units.size(), lowest_exponent),
      deviation_exponents(frame.units.size(), no_deviation),
      sums(exponents_of_sums(frame), std::max<Index>(frame.blocks, 1), isa),
      frame_(frame),
      isa_(isa),
      unit_factors_(frame.units.size()),
      projection_(frame.units.size()),
      column_sums_(5 * frame.units.size()) {
    for (std::size_t j = 0; j < frame.units.size(); ++j) {
        unit_factors_[j] = std::ldexp(1.0, -frame.units[j]);
        projection_[j] = unit_factors_[j] * pseudo_random(j);
    }
}

std::optional<ColumnScan::BadValue> ColumnScan::add(const Block& block) {
    const auto features = static_cast<std::size_t>(block.features);
    const auto rows = static_cast<std::size_t>(block.rows);
    row_sums_.resize(std::max(row_sums_.size(), rows));
    ScanSums of_block{.absolute = column_sums_.data(),
                      .largest = column_sums_.data() + features,
                      .farthest = column_sums_.data() + 2 * features,
                      .deviations = column_sums_.data() + 3 * features,
                      .squared_deviations = column_sums_.data() + 4 * features,
                      .projections = row_sums_.data()};
    kernels_for(isa_).scan(kernel_rows(block),
                           {.origin = frame_.origin.data(),
                            .unit = unit_factors_.data(),
                            .projection = projection_.data()},
                           scratch_for(block.features, scratch_), of_block);

    // A bad value makes its sum bad whatever its row weight, 0 included; so the values themselves
    // are looked through only where a sum is bad, which may be an overflow.
    const std::span absolute(of_block.absolute, features);
    if (!std::ranges::all_of(absolute, [](double sum) { return std::isfinite(sum); })) {
        if (const auto bad = first_bad_value(block)) {
            return bad;
        }
    }
    for (std::size_t j = 0; j < features; ++j) {
        block_sum_exponents[j] = std::max(block_sum_exponents[j], exponent_above_sum(absolute[j]));
        value_exponents[j] =
            std::max(value_exponents[j], exponent_above(of_block.largest[j], lowest_exponent));
        deviation_exponents[j] =
            std::max(deviation_exponents[j], exponent_above(of_block.farthest[j], no_deviation));
    }
    add_sums(block);
    return std::nullopt;
}

void ColumnScan::add_sums(const Block& block) {
    const auto features = static_cast<std::size_t>(block.features);
    const auto rows = static_cast<std::size_t>(block.rows);
    const auto weight = [&](std::size_t i) {
        return block.row_weights.empty() ? 1.0 : block.row_weights[i];
    };
    const auto label = [&](std::size_t i) { return block.labels.empty() ? 0.0 : block.labels[i]; };
    const double weights =
        block.row_weights.empty() ? static_cast<double>(rows) : spread_sum(rows, weight);
    const double labels = spread_sum(rows, [&](std::size_t i) { return weight(i) * label(i); });
    const std::span<const double> column_sums(column_sums_);
    const bool are_features_within =
        sums.add(0, column_sums.subspan(3 * features, features)) &&
        sums.add(block.features, column_sums.subspan(4 * features, features));
    const bool are_rows_within =
        sums.add(2 * block.features, weights) && sums.add(2 * block.features + 1, labels);
    has_left_frame |= !are_features_within || !are_rows_within;

    for (std::size_t i = 0; i < rows; ++i) {
        const std::uint64_t place = static_cast<std::uint64_t>(block.first_global_row) + i;
        hash += row_hash(place, bits_of(row_sums_[i]), weight(i), label(i));
    }
}

void ColumnScan::merge(const ColumnScan& other) {
    const auto larger = [](std::int32_t a, std::int32_t b) { return std::max(a, b); };
    std::ranges::transform(block_sum_exponents, other.block_sum_exponents,
                           block_sum_exponents.begin(), larger);
    std::ranges::transform(value_exponents, other.value_exponents, value_exponents.begin(), larger);
    std::ranges::transform(deviation_exponents, other.deviation_exponents,
                           deviation_exponents.begin(), larger);
    sums.add(other.sums);
    has_left_frame |= other.has_left_frame;
    hash += other.hash;
}

std::int32_t weight_sum_exponent(std::span<const double> row_weights, Index rows) {
    const double sum =
        row_weights.empty()
            ? static_cast<double>(rows)
            : spread_sum(row_weights.size(), [&](std::size_t i) { return row_weights[i]; });
    return exponent_above_sum(sum);
}

void widen_row(ElementType type, const std::byte* values, std::span<double> row) {
    with_element_type(type, [&](auto t) {
        const Elements<t()> elements(values);
        for (std::size_t j = 0; j < row.size(); ++j) {
            row[j] = elements[static_cast<Index>(j)];
        }
    });
}

void widen_row(const SparseBlock& block, Index number, std::span<double> row) {
    std::ranges::fill(row, 0.0);
    with_element_type(block.type, [&](auto t) {
        const Elements<t()> values(block.values);
        const Elements<ElementType::uint32> indices(block.indices);
        const auto at = static_cast<std::size_t>(number);
        for (Index k = block.offsets[at]; k < block.offsets[at + 1]; ++k) {
            row[static_cast<std::size_t>(indices[k])] = values[k];
        }
    });
}

}  // namespace paralogit::model
