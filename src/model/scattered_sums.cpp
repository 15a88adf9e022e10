#include "paralogit/model/scattered_sums.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "paralogit/base/error.hpp"
#include "paralogit/model/exact_sum.hpp"

namespace paralogit::model {

namespace {

__extension__ using Int128 = __int128;

constexpr int bias = 1023;
constexpr int leading_shift = 4;  ///< from an exponent field to the leading 16 bits

double power_of_two(int exponent) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + bias) << 52U);
}

bool is_exact_as_double(std::int64_t limb) {
    constexpr std::int64_t most = std::int64_t{1} << 53U;
    return limb >= -most && limb <= most;
}

/// high 2^width + low, rounded once.
double joined(std::int64_t high, std::int64_t low, int width, double power_of_width) {
    if (is_exact_as_double(high) && is_exact_as_double(low)) {
        // Both terms are exact, so that the sum rounds as the integer would: much faster, and so
        // it is for all but the most frequent features.
        return static_cast<double>(high) * power_of_width + static_cast<double>(low);
    }
    const Int128 total = (Int128{high} * (Int128{1} << width)) + Int128{low};
    return static_cast<double>(total);
}

}  // namespace

ScatterScale::ScatterScale(std::span<const std::int16_t> exponents, Index partials)
    : features_(std::ssize(exponents)) {
    if (partials > most_partials) {
        throw Error(ExitCode::internal,
                    fmt::format("internal error: a scattered sum of {} numbers; there is room for "
                                "{} of them",
                                partials, most_partials));
    }
    width_ = exact_sum_width(std::max<Index>(partials, 1));
    std::int32_t smallest = highest_exponent;
    std::int32_t largest = lowest_exponent;
    for (const std::int16_t exponent : exponents) {
        if (exponent < lowest_exponent || exponent > highest_exponent) {
            throw Error(ExitCode::internal,
                        fmt::format("internal error: a scattered sum got the exponent {}; the "
                                    "range is {} to {}",
                                    exponent, lowest_exponent, highest_exponent));
        }
        largest = std::max<std::int32_t>(largest, exponent);
        if (exponent > lowest_exponent) {
            smallest = std::min<std::int32_t>(smallest, exponent);
        }
    }
    common_exponent_ = largest;
    // K 2^(largest - 2 W - 1) <= 2^(smallest - 54), with K <= 2^bits.
    const auto bits = static_cast<std::int32_t>(
        std::bit_width(static_cast<std::uint64_t>(std::max<Index>(partials, 1) - 1)));
    const std::int32_t room = 2 * width_ + 1 - bits - 54;
    if (largest - smallest > room) {
        leading_.reserve(exponents.size());
        for (const std::int16_t exponent : exponents) {
            leading_.push_back(
                static_cast<std::uint16_t>((width_ - exponent + bias) << leading_shift));
        }
    }
}

std::int32_t ScatterScale::exponent(Index feature) const {
    return leading_.empty()
               ? common_exponent_
               : width_ + bias - (leading_[static_cast<std::size_t>(feature)] >> leading_shift);
}

double ScatterScale::common_scale() const {
    return power_of_two(width_ - common_exponent_);
}

ScatterScale ScatterScale::of_high_limbs() const {
    ScatterScale scale;
    scale.features_ = features_;
    scale.limbs_ = 1;
    scale.width_ = width_;
    scale.common_exponent_ = common_exponent_;
    return scale;
}

ScatterScale ScatterScale::of_first(Index features) const {
    ScatterScale scale = *this;
    scale.features_ = features;
    return scale;
}

ScatteredSums::ScatteredSums(const ScatterScale& scale, Index words_behind)
    : scale_(&scale),
      limb_count_(static_cast<std::size_t>(scale.limbs() * scale.features())),
      own_((scale.limbs() * scale.features() + words_behind) * Index{sizeof(std::int64_t)}),
      all_(reinterpret_cast<std::int64_t*>(own_.data()),
           static_cast<std::size_t>(own_.size()) / sizeof(std::int64_t)) {
    std::ranges::fill(all_, 0);
}

ScatteredSums::ScatteredSums(const ScatterScale& scale, std::span<std::int64_t> memory)
    : scale_(&scale),
      limb_count_(static_cast<std::size_t>(scale.limbs() * scale.features())),
      all_(memory) {}

std::span<std::int64_t> ScatteredSums::limbs_of(Range features) const {
    return all_.subspan(static_cast<std::size_t>(scale_->limbs() * features.first),
                        static_cast<std::size_t>(scale_->limbs() * features.size()));
}

void ScatteredSums::clear(Range features) {
    std::ranges::fill(limbs_of(features), 0);
}

void ScatteredSums::add(const ScatteredSums& other, Range features) {
    const std::span<const std::int64_t> from = other.limbs_of(features);
    const std::span<std::int64_t> to = limbs_of(features);
    for (std::size_t k = 0; k < to.size(); ++k) {
        // Of blocks that left their bounds the sums may wrap around; they are not used.
        to[k] = static_cast<std::int64_t>(static_cast<std::uint64_t>(to[k]) +
                                          static_cast<std::uint64_t>(from[k]));
    }
}

void ScatteredSums::values(Range features, double factor, double share,
                           std::span<double> values) const {
    const std::span<const std::int64_t> limbs_of_all = limbs();
    const int width = scale_->width();
    if (scale_->limbs() == 1) {
        const double scale = power_of_two(scale_->exponent(0) - width) * factor;
        for (Index j = features.first; j < features.end; ++j) {
            double& value = values[static_cast<std::size_t>(j)];
            const double sum =
                static_cast<double>(limbs_of_all[static_cast<std::size_t>(j)]) * scale;
            value = share == 0 ? sum : sum + share * value;
        }
        return;
    }
    const double power_of_width = power_of_two(width);
    const bool is_common = scale_->leading() == nullptr;
    // With the exponents that a scale admits this power is a normal number, and so is the product
    // with it: what joined() gives is rounded once.
    double unit = is_common ? power_of_two(scale_->exponent(0) - 2 * width) : 0;
    for (Index j = features.first; j < features.end; ++j) {
        const std::size_t at = 2 * static_cast<std::size_t>(j);
        if (!is_common) {
            unit = power_of_two(scale_->exponent(j) - 2 * width);
        }
        double& value = values[static_cast<std::size_t>(j)];
        const double sum =
            joined(limbs_of_all[at], limbs_of_all[at + 1], width, power_of_width) * unit;
        value = share == 0 ? sum * factor : sum * factor + share * value;
    }
}

double ScatteredSums::value(Index feature) const {
    const int width = scale_->width();
    if (scale_->limbs() == 1) {
        return static_cast<double>(limbs()[static_cast<std::size_t>(feature)]) *
               power_of_two(scale_->exponent(feature) - width);
    }
    const std::size_t at = 2 * static_cast<std::size_t>(feature);
    return joined(limbs()[at], limbs()[at + 1], width, power_of_two(width)) *
           power_of_two(scale_->exponent(feature) - 2 * width);
}

}  // namespace paralogit::model
