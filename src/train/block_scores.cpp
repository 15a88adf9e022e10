#include "block_scores.hpp"

namespace paralogit::train {

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
    model::evaluate_block(of_margins, {&one, 1}, 0.0, of_kernel_, isa);
    return of_kernel_.loss;
}

}  // namespace paralogit::train
