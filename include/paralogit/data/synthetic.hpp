#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "paralogit/base/types.hpp"

namespace paralogit::data {

/// A made-up classification problem. Row i is a function of (options, i) alone: any rank makes any
/// rows and the file is the same.
struct SyntheticOptions {
    Index rows = 0;
    Index features = 0;
    /// Correlation of any two features, in [0, 1): a factor that they share.
    double correlation = 0.0;
    /// The standard deviations of the features go evenly, by logarithm, from 1 down over this many
    /// decades, in [0, 30]; for float16 in [0, 3].
    double scale_decades = 0.0;
    /// Standard deviation of the logistic noise in units of the signal's, >= 0; 0 gives separable
    /// classes.
    double noise = 1.0;
    /// Integer types hold the values scaled to a standard deviation of a sixth of their range (of
    /// at most 1000), rounded and cut to that range; unsigned ones are shifted to the middle of it.
    /// `scale_decades` must be 0 for them.
    ElementType type = ElementType::float32;
    std::uint64_t seed = 1;
    /// The part of the values that sparse rows store, in (0, 1]; dense rows when empty. The
    /// features of sparse rows are not correlated. Unsigned types are not shifted then, and hold
    /// magnitudes.
    std::optional<double> density = std::nullopt;
};

/// Throws Error (usage) that names the option, its value and its range, also when the bytes of the
/// features are more than 63 bits can count.
void check(const SyntheticOptions& options);

/// Dense rows. Fills values [count x features] row-major in `options.type`, and labels [count] (0
/// or 1), of the rows from `first_row` on. Cost: some 50 flops a value.
void make_rows(const SyntheticOptions& options, Index first_row, Index count,
               std::span<std::byte> values, std::span<std::uint8_t> labels);

}  // namespace paralogit::data
