#include "paralogit/model/block_kernel.hpp"

#include "kernel_rows.hpp"

namespace paralogit::model {

void evaluate_block(const Block& block, std::span<const double> coefficients, double intercept,
                    BlockSums& sums, Isa isa) {
    sums.slopes_times_features.setZero(block.features);
    EvaluateSums result{.slopes_times_features = sums.slopes_times_features.data(),
                        .slopes = 0,
                        .loss = 0,
                        .rows_wrong = 0};
    kernels_for(isa).evaluate(kernel_rows(block),
                              {.coefficients = coefficients.data(), .intercept = intercept},
                              scratch_for(block.features, sums.scratch), result);
    sums.slopes = result.slopes;
    sums.loss = result.loss;
    sums.rows_wrong = result.rows_wrong;
}

void block_margins(const Block& block, std::span<const double> coefficients, double intercept,
                   std::span<double> margins, Isa isa) {
    std::vector<double> scratch;
    kernels_for(isa).margins(kernel_rows(block),
                             {.coefficients = coefficients.data(), .intercept = intercept},
                             scratch_for(block.features, scratch), margins.data());
}

void multiply_block_hessian(const Block& block, std::span<const double> coefficients,
                            double intercept, std::span<const double> direction,
                            double intercept_direction, BlockSums& sums, Isa isa) {
    sums.slopes_times_features.setZero(block.features);
    EvaluateSums result{.slopes_times_features = sums.slopes_times_features.data(),
                        .slopes = 0,
                        .loss = 0,
                        .rows_wrong = 0};
    kernels_for(isa).product(kernel_rows(block),
                             {.coefficients = coefficients.data(), .intercept = intercept},
                             {.coefficients = direction.data(), .intercept = intercept_direction},
                             scratch_for(block.features, sums.scratch), result);
    sums.slopes = result.slopes;
}

}  // namespace paralogit::model
