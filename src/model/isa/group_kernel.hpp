#pragma once

#include "batch_kernel.hpp"
#include "slopes.hpp"

// Part of kernels.hpp: the sums of groups of neighbours picked out of all rows, each group one term
// of sums that are exact in any order (see BatchSums).

namespace paralogit::model {
namespace {

/// Where each eight rows lie that are neighbours.
using EightPlaces = const std::byte* const*;

/// Some rows of one group, side by side.
template <ElementType type>
struct GroupStep {
    Chunk<type> chunk;
    Count first = 0;
    bool ends_group = false;
};

/// The rows of groups in steps of eight or, where as many more follow, sixteen.
template <ElementType type>
class GroupSteps {
  public:
    GroupSteps(const KernelRows& rows, EightPlaces eights, const Count* group_ends)
        : eights_(eights),
          group_end_(group_ends),
          rows_(rows.rows),
          features_(rows.features),
          takes_sixteen_(2 * lanes * rows.features * bytes_of(type) <= bytes_of_group_step) {}

    /// Empty when there are no more.
    GroupStep<type> next() {
        if (at_ == rows_) {
            return {};
        }
        const EightPlaces eight = eights_ + at_ / lanes;
        const bool is_sixteen = takes_sixteen_ && at_ + 2 * lanes <= *group_end_ &&
                                eight[1] - eight[0] == lanes * features_ * bytes_of(type);
        GroupStep<type> step{.chunk = {.values = *eight,
                                       .rows = is_sixteen ? 2 * lanes : lanes,
                                       .features = features_},
                             .first = at_};
        at_ += step.chunk.rows;
        step.ends_group = at_ == *group_end_;
        group_end_ += step.ends_group ? 1 : 0;
        return step;
    }

  private:
    EightPlaces eights_;
    const Count* group_end_;
    Count rows_;
    Count features_;
    bool takes_sixteen_;
    Count at_ = 0;
};

/// Slopes and losses of groups, each group a term.
class GroupSlopes {
  public:
    GroupSlopes(const KernelRows& rows, const KernelBins& slopes, const KernelBins& losses)
        : rows_(rows), slopes_(ExactLanes::of(slopes)), losses_(ExactLanes::of(losses)) {}

    /// Turns margins into weighted slopes.
    void add(Count first, Count rows, bool ends_group, double* margins) {
        turn_into_slopes(rows_, first, rows, margins, sums_);
        if (ends_group) {
            end_group();
            if (ended_ == lanes) {
                add_ended();
            }
        }
    }

    void store(const KernelBins& slopes, const KernelBins& losses) {
        while (ended_ < lanes) {
            end_group();
        }
        add_ended();
        slopes_.store(slopes);
        losses_.store(losses);
    }

  private:
    void end_group() {
        ended_slopes_[ended_] = sums_.slopes;
        ended_losses_[ended_] = Lanes::add(sums_.linear, sums_.weighted_logs);
        ended_products_[ended_] = sums_.product;
        sums_ = SlopeSums{};
        ++ended_;
    }
    /// A group for each lane: so eight take one logarithm, and one addition to exact sums.
    void add_ended() {
        const auto join = [](V p, V q) { return Lanes::fma(p, q, Lanes::add(p, q)); };
        slopes_.add(Lanes::sums_of(ended_slopes_));
        losses_.add(
            Lanes::add(Lanes::sums_of(ended_losses_), log1p(Lanes::folded(ended_products_, join))));
        ended_ = 0;
    }

    const KernelRows& rows_;
    SlopeSums sums_;
    ExactLanes slopes_;
    ExactLanes losses_;
    V ended_slopes_[lanes];
    V ended_losses_[lanes];
    V ended_products_[lanes];  ///< of 1 + u, minus 1, where weights are 1
    Count ended_ = 0;
};

/// Adds terms of features to bins that lie on their shifts, as in add_exact_tile.
class FeatureBins {
  public:
    FeatureBins(const KernelBins& bins, Count padded) : bins_(bins), padded_(padded) {
        for (Count j = 0; j < padded_; j += lanes) {
            move(bins_.first + j, bins_.first_shift + j, Lanes::add);
            move(bins_.second + j, bins_.second_shift + j, Lanes::add);
        }
    }
    void add(Count feature, V term) {
        const V first = Lanes::load(bins_.first + feature);
        const V sum = Lanes::add(first, term);
        const V rest = Lanes::sub(term, Lanes::sub(sum, first));
        Lanes::store(bins_.first + feature, sum);
        Lanes::store(bins_.second + feature,
                     Lanes::add(Lanes::load(bins_.second + feature), Lanes::made_odd(rest)));
    }
    void store() {
        for (Count j = 0; j < padded_; j += lanes) {
            move(bins_.first + j, bins_.first_shift + j, Lanes::sub);
            move(bins_.second + j, bins_.second_shift + j, Lanes::sub);
        }
    }

  private:
    static void move(double* sums, const double* shifts, V (*by)(V, V)) {
        Lanes::store(sums, by(Lanes::load(sums), Lanes::load(shifts)));
    }

    const KernelBins& bins_;
    Count padded_;
};

/// Eights of rows that have so many bytes, as far as there are places.
constexpr Count eights_of(Count bytes, Count row_bytes) {
    return smaller_of(larger_of(bytes / larger_of(lanes * row_bytes, 1), 1), places_ahead / lanes);
}

/// Rows in groups of multiples of eight; behind the places of all eights there are places_ahead
/// more that are asked for. Three steps are at work at a time: margins, slopes, products.
///
/// Where rows are read here and there the processor foresees little, and it asks for few lines at a
/// time: so it has to ask all the time, in small steps, and not far ahead. Twice for each line, for
/// at the first time it may have no room for the request.
template <ElementType type>
PARALOGIT_WHOLE_KERNEL void add_groups(const KernelRows& rows, EightPlaces eights,
                                       const Count* group_ends, const LinearFunction& f,
                                       double* scratch, const KernelBins& features,
                                       const KernelBins& slopes, const KernelBins& losses) {
    // Margins of so many rows and products of as many take turns.
    constexpr int turn_rows = type == ElementType::float64 ? 2 : lanes;
    constexpr int lines_to_ask = bytes_of(type);
    const Count row_bytes = rows.features * bytes_of(type);
    const Count eights_ahead = eights_of(bytes_ahead_of_groups, row_bytes);
    const Count eights_later = eights_of(bytes_later_of_groups, row_bytes);
    const Margins8<type> margins(f, rows.features);
    Products<type> products(aligned(scratch), rows.features);
    FeatureBins bins(features, whole_lanes(rows.features + lanes - 1));
    GroupSlopes of_groups(rows, slopes, losses);
    GroupSteps<type> steps(rows, eights, group_ends);
    double values[3 * step_rows];
    double* values_ahead = values;  // margins, then slopes
    double* values_middle = values + step_rows;
    double* values_last = values + 2 * step_rows;
    GroupStep<type> ahead = steps.next();
    GroupStep<type> middle;
    GroupStep<type> last;
    while (ahead.chunk.rows + middle.chunk.rows + last.chunk.rows > 0) {
        Count added = 0;  // rows of the last step
        for (Count i = 0; i < ahead.chunk.rows; i += lanes) {
            const EightPlaces eight = eights + (ahead.first + i) / lanes;
            const AheadTwice asked(eight[eights_ahead], eight[eights_later]);
            V own;
            if (turn_rows < lanes && i < last.chunk.rows) {
                own = margins.template in_turns<lines_to_ask, turn_rows>(
                    ahead.chunk.group(i), asked, [&](Count begin) {
                        products.template add<false, turn_rows>(
                            last.chunk.part(i + begin, turn_rows), values_last + i + begin);
                    });
                added += lanes;
            } else {
                own = margins.template operator()<lines_to_ask>(ahead.chunk.group(i), asked);
            }
            Lanes::store(values_ahead + i, own);
        }
        if (middle.chunk.rows > 0) {
            of_groups.add(middle.first, middle.chunk.rows, middle.ends_group, values_middle);
        }
        if (added < last.chunk.rows) {
            products.template add<false>(last.chunk.part(added, last.chunk.rows - added),
                                         values_last + added);
        }
        if (last.ends_group) {
            products.move([&](Count feature, V sum) { bins.add(feature, sum); });
        }
        last = middle;
        middle = ahead;
        ahead = steps.next();
        double* const used = values_last;
        values_last = values_middle;
        values_middle = values_ahead;
        values_ahead = used;
    }
    bins.store();
    of_groups.store(slopes, losses);
}

}  // namespace
}  // namespace paralogit::model
