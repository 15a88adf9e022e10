#include "hessian_products.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace paralogit::train {

namespace {

std::span<const double> coefficients_of(const Vector& parameters, Index features) {
    return {parameters.data(), static_cast<std::size_t>(features)};
}

bool have_the_same_bits(const Vector& a, const Vector& b) {
    const auto bytes = static_cast<std::size_t>(a.size()) * sizeof(double);
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), bytes) == 0;
}

/// In increasing order.
double sum_of(std::span<const double> values) {
    double sum = 0;
    for (const double value : values) {
        sum += value;
    }
    return sum;
}

}  // namespace

HessianProducts::HessianProducts(const DataSet& data, bool has_intercept, model::Loss loss)
    : data_(data),
      has_intercept_(has_intercept),
      loss_(loss),
      working_(static_cast<std::size_t>(data.execution.threads)) {}

template <typename Action>
void HessianProducts::for_each_block(const Action& action) {
    const int threads = data_.execution.threads;
    run_threads(threads, [&](int thread) {
        const TraceSpan span(thread_lane(data_.execution.trace, thread), "Hessian product");
        ThinnedBlock& thinned = working_[static_cast<std::size_t>(thread)].thinned;
        data::ShardWalk walk(data_.shard, data_.plan, thread, threads, rows_.block_step);
        while (walk.next()) {
            action(static_cast<std::size_t>(thread), walk.number() / rows_.block_step,
                   thinned.of(walk.block(), rows_.row_step));
        }
    });
}

std::span<double> HessianProducts::curvatures_of(Index multiple) {
    // Every chosen block but the last of all has as many.
    const Index in_block = data_.plan.rows_per_block() / rows_.row_step;
    const Index before = (multiple - rows_.multiples_in(data_.shard.blocks).first) * in_block;
    return std::span(curvatures_).subspan(static_cast<std::size_t>(before));
}

void HessianProducts::go_to(const Vector& parameters, Index thinning) {
    if (parameters_ && thinning == thinning_ && have_the_same_bits(*parameters_, parameters)) {
        return;
    }
    parameters_.reset();
    rows_ = Thinning::of(thinning, data_.plan.rows_per_block());
    const Index blocks = rows_.multiples_in(data_.shard.blocks).size();
    curvatures_.resize(
        static_cast<std::size_t>(blocks * (data_.plan.rows_per_block() / rows_.row_step)));
    const Index features = data_.manifest.features;
    const double intercept = has_intercept_ ? parameters[features] : 0.0;
    for_each_block([&](std::size_t thread, Index k, const model::Block& block) {
        model::block_curvatures(block, coefficients_of(parameters, features), intercept,
                                curvatures_of(k).first(static_cast<std::size_t>(block.rows)),
                                working_[thread].products.scratch, data_.execution.isa, loss_);
    });
    parameters_ = parameters;
    thinning_ = thinning;
}

template <typename Action>
bool HessianProducts::sum_up(Sums& sums, const Action& action) {
    std::atomic<bool> is_finite = true;
    std::ranges::for_each(sums, [](model::ExactSums& own) { own.clear(); });
    for_each_block([&](std::size_t thread, Index k, const model::Block& block) {
        const auto curvatures = curvatures_of(k).first(static_cast<std::size_t>(block.rows));
        if (!action(sums[thread], working_[thread], block, curvatures) ||
            !sums[thread].add(data_.manifest.features + 1, weight_of(block))) {
            is_finite = false;
        }
    });
    for (std::size_t thread = 1; thread < sums.size(); ++thread) {
        sums.front().add(sums[thread]);
    }
    last_ = &sums;
    return is_finite;
}

bool HessianProducts::multiply(const Vector& direction) {
    const Index features = data_.manifest.features;
    const Index blocks = std::max<Index>(data_.plan.blocks(), 1);
    if (products_.empty()) {
        // |sum c q x| <= sum s |x| / 4
        std::vector<std::int32_t> exponents = data_.scan.block_sum_exponents;
        exponents.resize(exponents.size() + 2, data_.scan.frame().weight_exponent);
        products_.assign(working_.size(), model::ExactSums(exponents, blocks, data_.execution.isa));
    }
    const double along_intercept = has_intercept_ ? direction[features] : 0.0;
    return sum_up(products_, [&](model::ExactSums& sums, Working& working,
                                 const model::Block& block, std::span<const double> curvatures) {
        model::multiply_block_hessian(block, curvatures, coefficients_of(direction, features),
                                      along_intercept, working.products, data_.execution.isa);
        return sums.add(0, coefficients_of(working.products.slopes_times_features, features)) &&
               sums.add(features, working.products.slopes);
    });
}

bool HessianProducts::add_squares(const Vector& centre, const Vector& unit) {
    const Index features = data_.manifest.features;
    const Index blocks = std::max<Index>(data_.plan.blocks(), 1);
    if (squares_.empty()) {
        const std::vector<std::int32_t> exponents(static_cast<std::size_t>(features + 2),
                                                  data_.scan.frame().weight_exponent);
        squares_.assign(working_.size(), model::ExactSums(exponents, blocks, data_.execution.isa));
    }
    return sum_up(squares_, [&](model::ExactSums& sums, Working& working, const model::Block& block,
                                std::span<const double> curvatures) {
        model::block_hessian_diagonal(block, curvatures, centre, unit, working.diagonal,
                                      data_.execution.isa);
        return sums.add(0, coefficients_of(working.diagonal.squares, features)) &&
               sums.add(features, sum_of(curvatures));
    });
}

}  // namespace paralogit::train
