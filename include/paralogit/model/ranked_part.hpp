#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>

#include "paralogit/model/fixed_sum.hpp"
#include "paralogit/model/score_key.hpp"

namespace paralogit::model {

/// Row weights of both classes: of all rows, of rows above a threshold, of a group of rows, ...
struct ClassWeightSums {
    double positives = 0;
    double negatives = 0;

    double both() const { return positives + negatives; }
};

/// All rows that have one score, on all ranks. Of two scores, the higher one comes first.
struct ScoreGroup {
    std::uint64_t key = 0;
    ClassWeightSums before;  ///< of the rows with higher scores
    ClassWeightSums own;
    ClassWeightSums after;  ///< before + own, each rounded from the exact sum
    /// Of the next score; empty behind the last.
    std::optional<std::uint64_t> next_key;

    double score() const { return score_of_key(key); }
};

/// How weights of one class add up: rows count once, in integers.
class RowCounts {
  public:
    using Row = std::uint64_t;
    using Total = Index;

    Total weight_of(Row) const { return 1; }
    double value(Total total) const { return static_cast<double>(total); }
};

/// As integers of a fixed point, in units of 2^unit_exponent.
class RowWeights {
  public:
    using Row = WeightedKey;
    using Total = Int128;

    RowWeights() = default;
    /// All weights of the class add up to less than 2^sum_exponent.
    RowWeights(int sum_exponent, int unit_exponent)
        : sum_(sum_exponent), unit_exponent_(unit_exponent) {}

    Total weight_of(const Row& row) const { return sum_.fixed(row.weight); }
    double value(Total total) const { return std::ldexp(sum_.value(total), -unit_exponent_); }

  private:
    FixedSum sum_;
    int unit_exponent_ = 0;
};

/// A contiguous part of all rows in the order of their scores, sorted by key, rising; and what
/// there is to know of the other parts. Several parts may share the rows of one score: they belong
/// to the highest part that has some.
template <class Weights>
struct RankedPart {
    using Row = typename Weights::Row;
    using Total = typename Weights::Total;
    struct Totals {
        Total positives = 0;
        Total negatives = 0;
    };

    std::span<const Row> positives;
    std::span<const Row> negatives;
    Weights weights_of_positives;
    Weights weights_of_negatives;
    Totals above;             ///< of the higher parts
    bool shares_top = false;  ///< its highest score belongs to a higher part
    Totals bottom_below;      ///< of its lowest score, in lower parts
    /// The highest score in lower parts that is not its lowest one.
    std::optional<std::uint64_t> next_key;

    ClassWeightSums values(const Totals& totals) const {
        return {weights_of_positives.value(totals.positives),
                weights_of_negatives.value(totals.negatives)};
    }
};

/// Calls visit(ScoreGroup) for each score that belongs to the part, falling.
template <class Weights, class Visit>
void for_each_group(const RankedPart<Weights>& part, Visit&& visit) {
    using Totals = typename RankedPart<Weights>::Totals;
    std::size_t positives = part.positives.size();
    std::size_t negatives = part.negatives.size();
    const auto highest_key = [&] {
        return std::max(positives > 0 ? key_of(part.positives[positives - 1]) : 0,
                        negatives > 0 ? key_of(part.negatives[negatives - 1]) : 0);
    };
    Totals after = part.above;
    ScoreGroup group;
    group.after = part.values(after);
    bool is_shared = part.shares_top;
    while (positives > 0 || negatives > 0) {
        group.key = highest_key();
        Totals own;
        for (; positives > 0 && key_of(part.positives[positives - 1]) == group.key; --positives) {
            own.positives += part.weights_of_positives.weight_of(part.positives[positives - 1]);
        }
        for (; negatives > 0 && key_of(part.negatives[negatives - 1]) == group.key; --negatives) {
            own.negatives += part.weights_of_negatives.weight_of(part.negatives[negatives - 1]);
        }
        const bool is_lowest = positives == 0 && negatives == 0;
        if (is_lowest) {
            own.positives += part.bottom_below.positives;
            own.negatives += part.bottom_below.negatives;
            group.next_key = part.next_key;
        } else {
            group.next_key = highest_key();
        }
        after.positives += own.positives;
        after.negatives += own.negatives;
        group.before = group.after;
        group.own = part.values(own);
        group.after = part.values(after);
        if (!is_shared) {
            visit(static_cast<const ScoreGroup&>(group));
        }
        is_shared = false;
    }
}

}  // namespace paralogit::model
