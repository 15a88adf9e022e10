#pragma once

#include <array>
#include <span>

#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/metrics.hpp"

namespace paralogit::train {

/// Positions of the sums over rows that the scores of a model are made of.
enum ScoreSum : std::size_t {
    true_negative_sum,
    false_positive_sum,
    false_negative_sum,
    true_positive_sum,
    weight_sum,
    loss_sum,
    squared_error_sum,
    score_sums,
};

struct BlockScores {
    std::array<double, score_sums> sums{};
    Index soft_rows = 0;  ///< in no cell of the confusion
};

/// Scores blocks, one after the other, by the margins of their rows; whatever a margin is made of.
/// The loss is not finite where a row of positive weight has a margin that is not. Rows of weight 0
/// may have any margin: it becomes 0.
class BlockScorer {
  public:
    explicit BlockScorer(model::Loss loss = model::Loss()) : loss_(loss) {}

    /// With the confusion, without the squared errors: a row is predicted positive when
    /// is_positive(margin).
    template <class IsPositive>
    BlockScores score(const model::Block& block, std::span<double> margins, model::Isa isa,
                      const IsPositive& is_positive) {
        return score_rows(block, margins, isa, [&](BlockScores& scores, const Row& row) {
            if (!is_soft(row)) {
                scores.sums[(row.label == 1.0 ? 2U : 0U) + (is_positive(row.margin) ? 1U : 0U)] +=
                    row.weight;
            }
        });
    }

    /// With the squared errors of the probabilities, without the confusion.
    BlockScores score(const model::Block& block, std::span<double> margins, model::Isa isa);

  private:
    struct Row {
        double label;
        double margin;
        double weight;
    };
    static bool is_soft(const Row& row) { return row.label != 0.0 && row.label != 1.0; }

    /// `add` adds to the scores what a row brings beside its weight and its loss.
    template <class Add>
    BlockScores score_rows(const model::Block& block, std::span<double> margins, model::Isa isa,
                           const Add& add) {
        BlockScores scores;
        for (std::size_t i = 0; i < margins.size(); ++i) {
            const double weight = block.row_weights.empty() ? 1.0 : block.row_weights[i];
            margins[i] = weight > 0 ? margins[i] : 0.0;
            const Row row{.label = block.labels[i], .margin = margins[i], .weight = weight};
            scores.sums[weight_sum] += weight;
            scores.soft_rows += is_soft(row) ? 1 : 0;
            add(scores, row);
        }
        scores.sums[loss_sum] = loss_of(block, margins, isa);
        return scores;
    }

    double loss_of(const model::Block& block, std::span<const double> margins, model::Isa isa);

    model::Loss loss_;
    model::BlockSums of_kernel_;
};

/// The cells among the sums of all rows, which value(ScoreSum) gives.
template <class Value>
model::Confusion confusion_of(const Value& value) {
    return {.true_positives = value(true_positive_sum),
            .false_positives = value(false_positive_sum),
            .true_negatives = value(true_negative_sum),
            .false_negatives = value(false_negative_sum)};
}

}  // namespace paralogit::train
