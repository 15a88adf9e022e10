#include "use_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "scan.hpp"

namespace paralogit::train {

namespace {

/// Sums of row weights, of the negative and of the positive class.
using ClassSums = std::array<double, 2>;

ClassSums sums_of_block(const data::Shard& shard, Range rows) {
    const model::LabelView labels = shard.labels.view();
    ClassSums sums{};
    for (Index row = rows.first; row < rows.end; ++row) {
        const auto at = static_cast<std::size_t>(row - shard.rows.first);
        sums[labels[at] == 1.0 ? 1 : 0] += shard.row_weights.empty() ? 1.0 : shard.row_weights[at];
    }
    return sums;
}

/// Over all ranks; the same bits for any number of them.
ClassSums sum_classes(const comm::Communicator& comm, const data::ShardPlan& plan,
                      const data::Shard& shard) {
    constexpr std::int32_t highest = 1023;
    const std::int32_t exponent = std::min(highest, largest_weight_exponent(comm, plan, shard));
    model::ExactSums sums({exponent, exponent}, std::max<Index>(plan.blocks(), 1));
    for (Index k = shard.blocks.first; k < shard.blocks.end; ++k) {
        // A sum that is out of bounds comes from a bad row weight, which is found, and named, when
        // its block is scanned.
        static_cast<void>(sums.add(0, sums_of_block(shard, plan.rows_of_block(k))));
    }
    comm.sum(sums.limbs());
    return {sums.value(0), sums.value(1)};
}

ClassWeights balance(const ClassSums& sums, const data::Manifest& manifest) {
    const auto weight_of = [&](double sum) {
        return sum > 0 ? (sums[0] + sums[1]) / (2 * sum) : 1.0;
    };
    const ClassWeights weights{.negative = weight_of(sums[0]), .positive = weight_of(sums[1])};
    if (!std::isfinite(weights.negative) || !std::isfinite(weights.positive)) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}: the row weights add up to {:g} in the negative class and to "
                                "{:g} in the positive one, which --class-weights balanced cannot "
                                "make up for; give two numbers, or other row weights",
                                manifest.files.front().path, sums[0], sums[1]));
    }
    return weights;
}

bool is_valid(double weight) {
    return std::isfinite(weight) && weight >= 0;
}

/// The class weights of the use, or those that balance the rows of the shards as their row weights
/// stand.
ClassWeights resolve_class_weights(const comm::Communicator& comm, const RowUse& use,
                                   const data::Manifest& manifest, const data::ShardPlan& plan,
                                   const data::Shard& shard) {
    if (!use.balances_classes) {
        return use.class_weights.value_or(ClassWeights{});
    }
    const ClassSums sums = sum_classes(comm, plan, shard);
    return comm::together(comm, [&] { return balance(sums, manifest); });
}

/// A row weight that is no valid one stays as it is, so that it is found and named as the file has
/// it.
void multiply_row_weights(data::Shard& shard, const ClassWeights& weights) {
    const model::LabelView labels = shard.labels.view();
    if (shard.row_weights.empty()) {
        shard.row_weights.assign(labels.size(), 1.0);
    }
    for (std::size_t i = 0; i < shard.row_weights.size(); ++i) {
        const double weighted =
            shard.row_weights[i] * (labels[i] == 1.0 ? weights.positive : weights.negative);
        // One that overflows is beyond what training takes without the factor, too.
        if (is_valid(weighted)) {
            shard.row_weights[i] = weighted;
        }
    }
}

/// Gives rows, by their global numbers, the weight 0. Bad row weights stay here, too.
void drop_rows(data::Shard& shard, std::span<const Index> rows) {
    if (shard.row_weights.empty()) {
        shard.row_weights.assign(static_cast<std::size_t>(shard.rows.size()), 1.0);
    }
    for (const Index row : rows) {
        double& weight = shard.row_weights[static_cast<std::size_t>(row - shard.rows.first)];
        weight = is_valid(weight) ? 0.0 : weight;
    }
}

}  // namespace

HeldOutRows hold_out_rows(const comm::Communicator& comm, const data::HoldOut& hold_out,
                          const data::Manifest& manifest, int threads, data::Shard& shard) {
    HeldOutRows held_out;
    comm::together(comm, [&] {
        held_out.rows = data::held_out_rows(hold_out, shard.rows, threads);
        if (!shard.row_weights.empty()) {
            for (const Index row : held_out.rows) {
                held_out.weights.push_back(
                    shard.row_weights[static_cast<std::size_t>(row - shard.rows.first)]);
            }
        }
        drop_rows(shard, held_out.rows);
    });
    held_out.global_count = comm.sum(std::ssize(held_out.rows));
    comm::together(comm, [&] {
        const bool takes_none = held_out.global_count == 0;
        if (takes_none || held_out.global_count == manifest.rows) {
            throw Error(ExitCode::input_data,
                        fmt::format("--validation-fraction {} of {} rows leaves none to {}; give "
                                    "another fraction, or --validation FILE",
                                    hold_out.fraction, manifest.rows,
                                    takes_none ? "validate by" : "train on"));
        }
    });
    return held_out;
}

ClassWeights weigh_classes(const comm::Communicator& comm, const RowUse& use,
                           const data::Manifest& manifest, const data::ShardPlan& plan,
                           bool are_labels_soft, data::Shard& shard) {
    if (!use.balances_classes && !use.class_weights) {
        return {};
    }
    comm::together(comm, [&] {
        if (are_labels_soft) {
            const data::FilePart& file = manifest.files.front();
            throw Error(ExitCode::input_data,
                        fmt::format("{}:{}: --class-weights needs labels of two classes, but these "
                                    "are soft, in [0, 1]; use --positive-label VALUE, or row "
                                    "weights with --weights-name",
                                    file.path, file.labels_path));
        }
    });
    const ClassWeights weights = resolve_class_weights(comm, use, manifest, plan, shard);
    comm::together(comm, [&] { multiply_row_weights(shard, weights); });
    return weights;
}

}  // namespace paralogit::train
