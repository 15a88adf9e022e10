#include "paralogit/train/evaluate.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/loss.hpp"

namespace paralogit::train {

namespace {

/// Positions of the sums.
enum Sum : std::size_t {
    loss,
    squared_error,
    weights,
    sum_count,
};
using Partials = std::array<double, sum_count>;

Partials score_block(const model::Block& block, std::span<const double> margins, Index& soft_rows) {
    Partials partials{};
    for (std::size_t i = 0; i < margins.size(); ++i) {
        const double label = block.labels[i];
        const double weight = block.row_weights.empty() ? 1.0 : block.row_weights[i];
        if (weight > 0) {
            const model::LossAndSlope row = model::binary_cross_entropy(label, margins[i]);
            partials[loss] += weight * row.loss;
            // The slope is the error of the probability.
            partials[squared_error] += weight * (row.slope * row.slope);
        }
        partials[weights] += weight;
        soft_rows += label != 0.0 && label != 1.0 ? 1 : 0;
    }
    return partials;
}

/// What the scores of this data set take: the same on all ranks, of which some may have no rows.
ScoreCollector::Form form_of(const comm::Communicator& comm, const DataSet& data) {
    const bool is_soft = data.shard.labels.view().soft() != nullptr;
    return {.has_weights = !data.manifest.files.front().weights_path.empty(),
            .is_soft = comm.max(Index{is_soft ? 1 : 0}) != 0};
}

/// The largest partial loss of any block on any rank, as an exponent.
std::int32_t loss_exponent(const comm::Communicator& comm, std::span<const Partials> blocks) {
    std::int32_t exponent = -1000;
    for (const Partials& partials : blocks) {
        exponent = std::max(exponent, model::exponent_above(partials[loss]));
    }
    comm.max(std::span<std::int32_t>(&exponent, 1));
    return exponent;
}

}  // namespace

Scores evaluate(const comm::Communicator& comm, const Model& model, const DataSet& data,
                const ThresholdRule& rule) {
    const ScoreCollector::Form form = form_of(comm, data);
    std::optional<ScoreCollector> collector;
    std::vector<Partials> blocks(static_cast<std::size_t>(data.shard.blocks.size()));
    std::atomic<Index> soft_rows = 0;
    comm::together(comm, [&] {
        collector.emplace(data.shard.rows.size(), form);
        const std::span<const double> coefficients(
            model.coefficients.data(), static_cast<std::size_t>(model.coefficients.size()));
        const int threads = data.execution.threads;
        const model::Isa isa = data.execution.isa;
        run_threads(threads, [&](int thread) {
            const Range part = part_of(data.shard.blocks, thread, threads);
            std::vector<double> margins;
            Index own_soft_rows = 0;
            for (Index k = part.first; k < part.end; ++k) {
                const model::Block block = data.shard.block(k, data.plan);
                margins.resize(static_cast<std::size_t>(block.rows));
                model::block_margins(block, coefficients, model.intercept, margins, isa);
                Partials& partials = blocks[static_cast<std::size_t>(k - data.shard.blocks.first)];
                partials = score_block(block, margins, own_soft_rows);
                if (!std::isfinite(partials[loss])) {
                    throw Error(ExitCode::diverged,
                                data.manifest.locate(block.first_global_row) +
                                    " or one of the rows behind it: the margin overflows; the "
                                    "coefficients or the features are too large",
                                block.first_global_row);
                }
                collector->add(margins, block.labels, block.row_weights);
            }
            soft_rows += own_soft_rows;
        });
        // What was mapped may have been written to meanwhile.
        data.shard.values.check_unchanged();
    });

    std::vector<std::int32_t> exponents(sum_count, data.scan.frame().weight_exponent);
    exponents[loss] = loss_exponent(comm, blocks);
    model::ExactSums sums(exponents, std::max<Index>(data.plan.blocks(), 1));
    comm::together(comm, [&] {
        for (const Partials& partials : blocks) {
            if (!sums.add(0, partials)) {
                throw Error(ExitCode::internal,
                            "internal error: a sum over the rows of a block exceeds its bound");
            }
        }
    });
    comm.sum(sums.limbs());

    Scores scores;
    scores.rows = data.manifest.rows;
    scores.weight_sum = sums.value(weights);
    comm::together(comm, [&] {
        if (!(scores.weight_sum > 0)) {
            throw Error(ExitCode::input_data, data.manifest.files.front().path +
                                                  ": every row weight is 0; at least one must be "
                                                  "positive");
        }
    });
    scores.log_loss = sums.value(loss) / scores.weight_sum;
    scores.brier_score = sums.value(squared_error) / scores.weight_sum;
    scores.soft_rows = comm.sum(soft_rows.load());
    scores.ranking =
        rank_metrics(comm, RankedScores(comm, std::move(*collector), data.execution.threads), rule);
    return scores;
}

}  // namespace paralogit::train
