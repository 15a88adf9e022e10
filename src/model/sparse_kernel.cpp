#include "paralogit/model/sparse_kernel.hpp"

#include <cmath>
#include <vector>

#include "kernel_rows.hpp"
#include "paralogit/model/thinned_rows.hpp"

namespace paralogit::model {

namespace {

KernelSparseRows kernel_rows(const SparseBlock& block, const Loss& loss = Loss()) {
    return {.rows = {.type = block.type,
                     .values = block.values,
                     .rows = block.rows,
                     .features = block.features,
                     .hard = block.labels.hard(),
                     .soft = block.labels.soft(),
                     .row_weights = block.row_weights.empty() ? nullptr : block.row_weights.data(),
                     .focal = kernel_focal(loss)},
            .indices = block.indices,
            .offsets = block.offsets.data(),
            .step = block.step,
            .give = nullptr};
}

/// The rows that a thinning leaves, by the beginnings and ends of their entries. The labels stay
/// behind: what is summed over these rows does not depend on them.
struct ThinnedSparseRows {
    ThinnedSparseRows(const SparseBlock& block, Index thinning)
        : rows(block.first_global_row, block.rows, thinning), kernel(kernel_rows(block)) {
        if (thinning == 1) {
            return;
        }
        for (Index i = 0; i < rows.size(); ++i) {
            const auto row = static_cast<std::size_t>(rows[i] * block.step);
            bounds.push_back(block.offsets[row]);
            bounds.push_back(block.offsets[row + 1]);
        }
        kernel.offsets = bounds.data();
        kernel.step = 2;
        kernel.rows.rows = rows.size();
        if (!block.row_weights.empty()) {
            rows.take(block.row_weights, weights);
            kernel.rows.row_weights = weights.data();
        }
    }

    ThinnedRows rows;
    KernelSparseRows kernel;  ///< points into the vectors below
    std::vector<Index> bounds;
    std::vector<double> weights;
};

KernelScatter kernel_scatter(ScatteredSums& target, Range features) {
    // Up to here the processor looks ahead far enough by itself, for most entries are of features
    // that many rows have, and so in a cache near it. Measured: at 100 000 features asking ahead
    // makes a pass an eighth slower, at a million an eighth faster.
    constexpr Index near_bytes = Index{4} << 20U;
    const ScatterScale& scale = target.scale();
    return {.limbs = target.limbs().data(),
            .limb_bits = scale.limbs() == 2 ? 1 : 0,
            .leading = scale.leading(),
            .scale = scale.common_scale(),
            .limit = std::ldexp(1.0, scale.width()),
            .first_feature = features.first,
            .end_feature = features.end,
            .is_far = features.size() * scale.limbs() * Index{sizeof(std::int64_t)} > near_bytes};
}

KernelScatter kernel_scatter(ScatteredSums* target) {
    return target == nullptr
               ? KernelScatter{}
               : kernel_scatter(*target, {.first = 0, .end = target->scale().features()});
}

}  // namespace

bool evaluate_block(const SparseBlock& block, std::span<const double> coefficients,
                    double intercept, ScatteredSums* target, std::span<double> factors,
                    SparseBlockSums& sums, Isa isa, const Loss& loss,
                    std::span<const double> give) {
    EvaluateSums result{};
    const KernelScatter scatter = kernel_scatter(target);
    KernelSparseRows rows = kernel_rows(block, loss);
    rows.give = give.empty() ? nullptr : give.data();
    const bool is_within = kernels_for(isa).sparse_evaluate(
        rows, {.coefficients = coefficients.data(), .intercept = intercept},
        target == nullptr ? nullptr : &scatter, factors.data(), result);
    sums = {.slopes = result.slopes, .loss = result.loss, .rows_wrong = result.rows_wrong};
    return is_within;
}

void block_margins(const SparseBlock& block, std::span<const double> coefficients, double intercept,
                   std::span<double> margins, Isa isa) {
    kernels_for(isa).sparse_margins(kernel_rows(block),
                                    {.coefficients = coefficients.data(), .intercept = intercept},
                                    margins.data());
}

void block_curvatures(const SparseBlock& block, std::span<const double> coefficients,
                      double intercept, std::span<double> curvatures, Isa isa, const Loss& loss) {
    block_margins(block, coefficients, intercept, curvatures, isa);
    kernels_for(isa).curvatures(kernel_rows(block, loss).rows, curvatures.data());
}

bool multiply_block_hessian(const SparseBlock& block, Index thinning,
                            std::span<const double> curvatures, std::span<const double> direction,
                            double intercept_direction, double unit, ScatteredSums* target,
                            std::span<double> factors, SparseBlockSums& sums, Isa isa) {
    const ThinnedSparseRows thinned(block, thinning);
    std::vector<double> some_curvatures;
    if (thinning > 1) {
        thinned.rows.take(curvatures, some_curvatures);
        curvatures = some_curvatures;
    }
    EvaluateSums result{};
    const KernelScatter scatter = kernel_scatter(target);
    const bool is_within = kernels_for(isa).sparse_product(
        thinned.kernel, curvatures.data(),
        {.coefficients = direction.data(), .intercept = intercept_direction}, unit,
        target == nullptr ? nullptr : &scatter, factors.data(), result);
    sums.slopes = result.slopes;
    return is_within;
}

bool scatter_block(const SparseBlock& block, Index thinning, std::span<const double> factors,
                   Range features, ScatteredSums& target, Isa isa) {
    const ThinnedSparseRows thinned(block, thinning);
    return kernels_for(isa).sparse_scatter(thinned.kernel, factors.data(),
                                           kernel_scatter(target, features));
}

bool scatter_squares(const SparseBlock& block, std::span<const double> factors,
                     std::span<const std::int16_t> units, Range features, ScatteredSums& target,
                     Isa isa) {
    return kernels_for(isa).sparse_scatter_squares(kernel_rows(block), factors.data(), units.data(),
                                                   kernel_scatter(target, features));
}

}  // namespace paralogit::model
