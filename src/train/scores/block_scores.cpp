#include "block_scores.hpp"

#include "paralogit/model/loss.hpp"

namespace paralogit::train {

BlockScores BlockScorer::score(const model::Block& block, std::span<double> margins,
                               model::Isa isa) {
    return score_rows(block, margins, isa, [](BlockScores& scores, const Row& row) {
        // The slope is the error of the probability, and keeps its digits where that is near 0.
        const double error = model::binary_cross_entropy(row.label, row.margin).slope;
        scores.sums[squared_error_sum] += row.weight * (error * error);
    });
}

double BlockScorer::loss_of(const model::Block& block, std::span<const double> margins,
                            model::Isa isa) {
    // The margins as the only feature, whose coefficient is 1, have themselves as margins.
    constexpr double one = 1.0;
    const model::Block of_margins{.type = ElementType::float64,
                                  .values = std::as_bytes(margins).data(),
                                  .rows = block.rows,
                                  .features = 1,
                                  .labels = block.labels,
                                  .row_weights = block.row_weights,
                                  .first_global_row = block.first_global_row};
    model::evaluate_block(of_margins, {&one, 1}, 0.0, of_kernel_, isa, loss_);
    return of_kernel_.loss;
}

}  // namespace paralogit::train
