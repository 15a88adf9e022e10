#pragma once

#include <algorithm>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace paralogit::test {

/// Rows as a metric sees them, and what the metrics are by their definitions: over all pairs of
/// rows, and over all thresholds, in 100 digits, without any sorting.
struct ScoredRows {
    using Wide = boost::multiprecision::cpp_bin_float_100;

    std::vector<double> scores;
    std::vector<std::uint8_t> labels;
    std::vector<double> weights;  ///< empty when every weight is 1

    std::size_t size() const { return scores.size(); }
    double weight(std::size_t i) const { return weights.empty() ? 1.0 : weights[i]; }

    Wide weight_of(std::uint8_t label, double lowest_score = -infinity) const {
        Wide sum = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            if (labels[i] == label && scores[i] >= lowest_score) {
                sum += weight(i);
            }
        }
        return sum;
    }

    /// The probability that a positive row is above a negative one, ties half.
    double roc_auc() const {
        Wide won = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            for (std::size_t j = 0; j < size(); ++j) {
                if (labels[i] == 1 && labels[j] == 0 && scores[i] >= scores[j]) {
                    const Wide pair = Wide(weight(i)) * Wide(weight(j));
                    won += scores[i] == scores[j] ? Wide(pair / 2) : pair;
                }
            }
        }
        return static_cast<double>(Wide(won / (weight_of(0) * weight_of(1))));
    }

    /// The mean over positive rows of the precision at their score.
    double average_precision() const {
        Wide sum = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            if (labels[i] == 1 && weight(i) > 0) {
                const Wide right = weight_of(1, scores[i]);
                sum += weight(i) * Wide(right / (right + weight_of(0, scores[i])));
            }
        }
        return static_cast<double>(Wide(sum / weight_of(1)));
    }

    double distance() const {
        Wide largest = 0;
        for (const double score : scores) {
            const Wide difference =
                weight_of(1, score) / weight_of(1) - weight_of(0, score) / weight_of(0);
            largest = std::max(largest, Wide(abs(difference)));
        }
        return static_cast<double>(largest);
    }

    static constexpr double infinity = std::numeric_limits<double>::infinity();
};

/// Random rows whose scores take `levels` values, 0 for no ties at all.
inline ScoredRows random_rows(std::size_t count, int levels, bool has_weights, unsigned seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> decades(-3, 3);
    ScoredRows rows;
    for (std::size_t i = 0; i < count; ++i) {
        const double score = normal(random);
        rows.scores.push_back(levels == 0 ? score : std::round(score * levels / 4));
        rows.labels.push_back(score + normal(random) > 0.5 ? 1 : 0);
        if (has_weights) {
            rows.weights.push_back(i % 11 == 0 ? 0.0 : std::pow(10.0, decades(random)));
        }
    }
    return rows;
}

}  // namespace paralogit::test
