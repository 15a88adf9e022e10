#include "paralogit/model/ranking.hpp"

#include <algorithm>
#include <cmath>

#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/math.hpp"

namespace paralogit::model {

RankAreas::RankAreas(const ClassWeightSums& all)
    : all_(all),
      // One bit more than the sums need, for the rounding of their terms.
      twice_area_(exponent_above(2 * all.positives * all.negatives) + 1),
      precision_(exponent_above(all.positives) + 1) {}

void RankAreas::add(const ScoreGroup& group) {
    const double negatives = group.own.negatives;
    const double positives = group.own.positives;
    if (negatives > 0) {
        twice_area_.add(negatives * (2 * group.before.positives + positives));
    }
    if (positives > 0) {
        precision_.add(positives * (group.after.positives / group.after.both()));
    }
}

double RankAreas::roc_auc() const {
    return twice_area_.value() / (2 * all_.positives * all_.negatives);
}

double RankAreas::average_precision() const {
    return precision_.value() / all_.positives;
}

void BestThreshold::offer(const BestThreshold& other) {
    if (other.value > value || (other.value == value && other.key > key)) {
        *this = other;
    }
}

std::optional<double> probability_below(const ScoreGroup& group) {
    const double probability = sigmoid(group.score());
    const double next = group.next_key ? sigmoid(score_of_key(*group.next_key)) : 0.0;
    if (!(next < probability)) {
        return std::nullopt;
    }
    const double middle = next + (probability - next) / 2;
    return middle < probability ? middle : next;
}

ThresholdSearch::ThresholdSearch(const ClassWeightSums& all, double wanted_precision)
    : all_(all), wanted_precision_(wanted_precision) {}

void ThresholdSearch::add(const ScoreGroup& group) {
    const double recall = group.after.positives / all_.positives;
    const double difference = recall - group.after.negatives / all_.negatives;
    distance = std::max(distance, std::abs(difference));

    const double f1_here = 2 * group.after.positives /
                           (group.after.positives + group.after.negatives + all_.positives);
    const double precision_here = group.after.positives / group.after.both();
    const bool is_precise = precision_here >= wanted_precision_;
    const bool is_better = f1_here > f1.value || difference > youden.value ||
                           (is_precise && recall > precision.value) ||
                           precision_here > highest_precision;
    if (!is_better) {
        return;
    }
    const std::optional<double> probability = probability_below(group);
    if (!probability) {
        return;
    }
    highest_precision = std::max(highest_precision, precision_here);
    const auto offer_to = [&](BestThreshold& best, double value) {
        best.offer({.value = value,
                    .key = group.key,
                    .probability = *probability,
                    .predicted = group.after});
    };
    offer_to(f1, f1_here);
    offer_to(youden, difference);
    if (is_precise) {
        offer_to(precision, recall);
    }
}

CurvePoints::CurvePoints(const ClassWeightSums& all, Index most_points)
    : all_(all), most_points_(most_points) {}

void CurvePoints::add(const ScoreGroup& group) {
    const CurvePoint point{.key = group.key, .predicted = group.after};
    if (groups_++ < most_points_) {
        all_points_.push_back(point);
    }
    // Cells along both axes: a path that never turns back enters at most as many as both have.
    const Index whole_cells = most_points_ / 2 - 1;
    const auto cells = static_cast<double>(whole_cells);
    const auto cell = [cells](double part, double whole) {
        return whole > 0 ? std::floor(part / whole * cells) : 0.0;
    };
    const bool enters_a_cell =
        cell(group.before.positives, all_.positives) !=
            cell(group.after.positives, all_.positives) ||
        cell(group.before.negatives, all_.negatives) != cell(group.after.negatives, all_.negatives);
    const bool is_end = group.before.both() == 0 || !group.next_key;
    if (enters_a_cell || is_end) {
        grid_points_.push_back(point);
    }
}

Gains::Gains(const ClassWeightSums& all, int parts)
    : all_(all), captured_(static_cast<std::size_t>(parts), 0.0) {}

void Gains::add(const ScoreGroup& group) {
    const auto wanted = [this] {
        return all_.both() *
               (static_cast<double>(next_ + 1) / static_cast<double>(captured_.size()));
    };
    for (; next_ < captured_.size() && wanted() <= group.after.both(); ++next_) {
        const double missing = wanted() - group.before.both();
        // Otherwise a higher part has it.
        if (missing > 0) {
            captured_[next_] =
                group.before.positives + group.own.positives * (missing / group.own.both());
        }
    }
}

}  // namespace paralogit::model
