#include "paralogit/model/block_kernel.hpp"

#include "kernel_rows.hpp"

namespace paralogit::model {

void evaluate_block(const Block& block, std::span<const double> coefficients, double intercept,
                    BlockSums& sums, Isa isa, const Loss& loss) {
    sums.slopes_times_features.setZero(block.features);
    EvaluateSums result{.slopes_times_features = sums.slopes_times_features.data(),
                        .slopes = 0,
                        .loss = 0,
                        .rows_wrong = 0};
    kernels_for(isa).evaluate(kernel_rows(block, loss),
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

void block_curvatures(const Block& block, std::span<const double> coefficients, double intercept,
                      std::span<double> curvatures, std::vector<double>& scratch, Isa isa,
                      const Loss& loss) {
    const KernelTable& kernels = kernels_for(isa);
    kernels.margins(kernel_rows(block),
                    {.coefficients = coefficients.data(), .intercept = intercept},
                    scratch_for(block.features, scratch), curvatures.data());
    kernels.curvatures(kernel_rows(block, loss), curvatures.data());
}

void multiply_block_hessian(const Block& block, std::span<const double> curvatures,
                            std::span<const double> direction, double intercept_direction,
                            BlockSums& sums, Isa isa) {
    sums.slopes_times_features.setZero(block.features);
    EvaluateSums result{.slopes_times_features = sums.slopes_times_features.data(),
                        .slopes = 0,
                        .loss = 0,
                        .rows_wrong = 0};
    kernels_for(isa).product(kernel_rows(block), curvatures.data(),
                             {.coefficients = direction.data(), .intercept = intercept_direction},
                             scratch_for(block.features, sums.scratch), result);
    sums.slopes = result.slopes;
}

void block_hessian_diagonal(const Block& block, std::span<const double> curvatures,
                            const Vector& centre, const Vector& unit, DiagonalSums& sums, Isa isa) {
    constexpr std::size_t kinds = 5;
    const auto features = static_cast<std::size_t>(block.features);
    sums.of_scan.resize(kinds * features);
    sums.by_row.resize(static_cast<std::size_t>(block.rows));
    sums.squares.resize(block.features);
    double* const columns = sums.of_scan.data();
    ScanSums of_block{.absolute = columns,
                      .largest = columns + features,
                      .farthest = columns + 2 * features,
                      .deviations = columns + 3 * features,
                      .squared_deviations = sums.squares.data(),
                      .projections = sums.by_row.data()};
    // What a scan sums up of rows whose weights are the curvatures holds the diagonal.
    KernelRows rows = kernel_rows(block);
    rows.row_weights = curvatures.data();
    kernels_for(isa).scan(rows,
                          {.origin = centre.data(), .unit = unit.data(), .projection = unit.data()},
                          scratch_for(block.features, sums.scratch), of_block);
}

}  // namespace paralogit::model
