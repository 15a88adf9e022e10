#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "paralogit/base/buffer.hpp"
#include "paralogit/base/threads.hpp"
#include "paralogit/base/types.hpp"

namespace paralogit::model {

/// The bounds of sums that entries of sparse rows are added to one by one: two bytes a feature, or
/// none where one bound does for all.
class ScatterScale {
  public:
    static constexpr Index most_partials = Index{1} << 30U;

    ScatterScale() = default;
    /// Every entry that is added is below 2^exponent of its feature in magnitude; no feature gets
    /// more than `partials` of them, over all ranks, most_partials at most. Exponents lie in
    /// [-900, 1000]. A feature whose exponent is so near to the largest that it loses nothing to
    /// speak of (2^-54 of its bound, with all partials) shares that one.
    ScatterScale(std::span<const std::int16_t> exponents, Index partials);
    /// The high limb alone, with the largest bound for all: each entry is rounded to a multiple of
    /// 2^(exponent - W). For sums that need the same bits in any order, but not all of them.
    ScatterScale of_high_limbs() const;
    /// That of the first features alone.
    ScatterScale of_first(Index features) const;

    Index features() const { return features_; }
    /// Integers for each feature.
    Index limbs() const { return limbs_; }
    /// W of model/exact_sum.hpp.
    int width() const { return width_; }
    std::int32_t exponent(Index feature) const;

    /// The leading 16 bits of the doubles 2^(W - exponent); null when all share one.
    const std::uint16_t* leading() const { return leading_.empty() ? nullptr : leading_.data(); }
    double common_scale() const;

    /// Features below this count as if they were that large; larger ones have no room.
    static constexpr std::int32_t lowest_exponent = -900;
    static constexpr std::int32_t highest_exponent = 1000;

  private:
    Index features_ = 0;
    Index limbs_ = 2;
    int width_ = 0;
    std::int32_t common_exponent_ = 0;
    std::vector<std::uint16_t> leading_;
};

/// Two-limb exact sums (exact_sum.hpp) of the entries of sparse rows. An entry r x becomes two
/// integers when it is met, so a block costs what it has entries, and the bits do not depend on
/// which entries share a block. High and low limb of a feature lie side by side, one cache line a
/// touch, and together they are the message to the other ranks, with some words of the caller's
/// behind them. A decoded sum is off by at most K 2^(E-2W-1) + u |sum|, K partials, u = 2^-53.
/// With a scale of high limbs there is one integer a feature, in half the memory and half the
/// message, and a sum is off by at most K 2^(E-W-1) + u |sum|.
class ScatteredSums {
  public:
    /// `scale` must outlive this, or what is done to the sums before set_scale().
    explicit ScatteredSums(const ScatterScale& scale, Index words_behind = 0);
    /// In the memory of somebody else, who keeps it: the limbs, and words behind them.
    ScatteredSums(const ScatterScale& scale, std::span<std::int64_t> memory);

    const ScatterScale& scale() const { return *scale_; }
    /// Another one, of as many limbs and no more features than at first; the sums are to be cleared
    /// next.
    void set_scale(const ScatterScale& scale) {
        scale_ = &scale;
        limb_count_ = static_cast<std::size_t>(scale.limbs() * scale.features());
    }
    std::span<std::int64_t> limbs() { return all_.first(limb_count_); }
    std::span<const std::int64_t> limbs() const { return all_.first(limb_count_); }
    /// All of it.
    std::span<std::int64_t> memory() { return all_; }
    std::span<std::int64_t> words() { return all_.subspan(limb_count_); }
    /// The limbs and the first of the words, to be summed over ranks in place.
    std::span<std::int64_t> message(Index words) {
        return all_.first(limb_count_ + static_cast<std::size_t>(words));
    }

    /// Of a range of features: makes the sums 0; adds those of another with the same scale; the
    /// sums, rounded once, times a factor, with a share of what was there unless that is 0, to the
    /// features' places in `values` [d].
    void clear(Range features);
    void add(const ScatteredSums& other, Range features);
    void values(Range features, double factor, double share, std::span<double> values) const;
    double value(Index feature) const;

  private:
    /// The limbs of a range of features.
    std::span<std::int64_t> limbs_of(Range features) const;

    const ScatterScale* scale_;
    std::size_t limb_count_;
    Buffer own_;  ///< in huge pages where it is large: it is gone about at random
    std::span<std::int64_t> all_;
};

}  // namespace paralogit::model
