#include "paralogit/model/calibration.hpp"

#include <algorithm>
#include <cmath>

#include "paralogit/model/exact_sum.hpp"

namespace paralogit::model {

namespace {

/// A sum of parts of a class, with room for the rounding of the parts.
FixedSum part_of_weight(double weight) {
    return FixedSum(exponent_above(weight) + 1);
}

}  // namespace

ConfusionSums::ConfusionSums(const ClassWeightSums& all, double threshold)
    : threshold_(threshold),
      true_positives_(part_of_weight(all.positives)),
      false_positives_(part_of_weight(all.negatives)),
      true_negatives_(part_of_weight(all.negatives)),
      false_negatives_(part_of_weight(all.positives)) {}

void ConfusionSums::add(const ScoreGroup& group, double probability) {
    const bool is_predicted = probability > threshold_;
    (is_predicted ? true_positives_ : false_negatives_).add(group.own.positives);
    (is_predicted ? false_positives_ : true_negatives_).add(group.own.negatives);
}

Confusion ConfusionSums::value() const {
    return {.true_positives = true_positives_.value(),
            .false_positives = false_positives_.value(),
            .true_negatives = true_negatives_.value(),
            .false_negatives = false_negatives_.value()};
}

std::vector<Int128*> ConfusionSums::totals() {
    return {&true_positives_.total(), &false_positives_.total(), &true_negatives_.total(),
            &false_negatives_.total()};
}

Calibration::Calibration(const ClassWeightSums& all, int bins) : all_(all) {
    for (int k = 1; k < bins; ++k) {
        inner_edges_.push_back(static_cast<double>(k) / bins);
    }
    const Bin empty{.positives = part_of_weight(all.positives),
                    .negatives = part_of_weight(all.negatives),
                    .probabilities = part_of_weight(all.both())};
    equal_width_.assign(static_cast<std::size_t>(bins), empty);
    equal_weight_.assign(static_cast<std::size_t>(bins), empty);
}

void Calibration::add_to(Bin& bin, const ScoreGroup& group, double probability) {
    bin.positives.add(group.own.positives);
    bin.negatives.add(group.own.negatives);
    bin.probabilities.add(group.own.both() * probability);
}

void Calibration::add(const ScoreGroup& group, double probability) {
    const auto edges_below =
        std::ranges::lower_bound(inner_edges_, probability) - inner_edges_.begin();
    add_to(equal_width_[static_cast<std::size_t>(edges_below)], group, probability);

    const double middle = (group.before.both() + group.after.both()) / 2;
    const auto bins = static_cast<double>(equal_weight_.size());
    const double from_above = std::min(std::floor(middle / all_.both() * bins), bins - 1);
    add_to(equal_weight_[equal_weight_.size() - 1 - static_cast<std::size_t>(from_above)], group,
           probability);
}

std::vector<CalibrationBin> Calibration::values(const std::vector<Bin>& bins) {
    std::vector<CalibrationBin> result;
    for (const Bin& bin : bins) {
        const double positives = bin.positives.value();
        const double weight = positives + bin.negatives.value();
        result.push_back({.weight = weight,
                          .mean_probability = bin.probabilities.value() / weight,
                          .positive_rate = positives / weight});
    }
    return result;
}

double Calibration::expected_error() const {
    double error = 0;
    for (const CalibrationBin& bin : equal_width()) {
        if (bin.weight > 0) {
            error += bin.weight * std::abs(bin.mean_probability - bin.positive_rate);
        }
    }
    return error / all_.both();
}

std::vector<Int128*> Calibration::totals() {
    std::vector<Int128*> all;
    for (std::vector<Bin>* bins : {&equal_width_, &equal_weight_}) {
        for (Bin& bin : *bins) {
            all.insert(all.end(), {&bin.positives.total(), &bin.negatives.total(),
                                   &bin.probabilities.total()});
        }
    }
    return all;
}

}  // namespace paralogit::model
