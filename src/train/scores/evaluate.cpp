#include "paralogit/train/evaluate.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "../objective/block_rows.hpp"
#include "block_scores.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/exact_sum.hpp"

namespace paralogit::train {

namespace {

/// What the scores of this data set take: the same on all ranks, of which some may have no rows.
ScoreCollector::Form form_of(const comm::Communicator& comm, const DataSet& data) {
    const bool is_soft = data.shard.labels.view().soft() != nullptr;
    return {.has_weights = !data.manifest.files.front().weights_path.empty(),
            .is_soft = comm.max(Index{is_soft ? 1 : 0}) != 0};
}

/// The largest partial loss of any block on any rank, as an exponent.
std::int32_t loss_exponent(const comm::Communicator& comm, std::span<const BlockScores> blocks) {
    std::int32_t exponent = -1000;
    for (const BlockScores& scores : blocks) {
        exponent = std::max(exponent, model::exponent_above(scores.sums[loss_sum]));
    }
    comm.max(std::span<std::int32_t>(&exponent, 1));
    return exponent;
}

}  // namespace

Scores evaluate(const comm::Communicator& comm, const Model& model, const DataSet& data,
                const ThresholdRule& rule) {
    const ScoreCollector::Form form = form_of(comm, data);
    std::optional<ScoreCollector> collector;
    std::vector<BlockScores> blocks(static_cast<std::size_t>(data.shard.blocks.size()));
    comm::together(comm, [&] {
        collector.emplace(data.shard.rows.size(), form);
        const std::span<const double> coefficients(
            model.coefficients.data(), static_cast<std::size_t>(model.coefficients.size()));
        const int threads = data.execution.threads;
        const model::Isa isa = data.execution.isa;
        run_threads(threads, [&](int thread) {
            std::vector<double> margins;
            BlockScorer scorer;
            data::ShardWalk walk(data.shard, data.plan, thread, threads);
            while (walk.next()) {
                const model::Block block = walk.block();
                margins.resize(static_cast<std::size_t>(block.rows));
                margins_of_block(data, walk, coefficients, model.intercept, margins);
                BlockScores& scores =
                    blocks[static_cast<std::size_t>(walk.number() - data.shard.blocks.first)];
                scores = scorer.score(block, margins, isa);
                if (!std::isfinite(scores.sums[loss_sum])) {
                    throw Error(ExitCode::diverged,
                                data.manifest.locate(block.first_global_row) +
                                    " or one of the rows behind it: the margin overflows; the "
                                    "coefficients or the features are too large",
                                block.first_global_row);
                }
                collector->add(margins, block.labels, block.row_weights);
            }
        });
        // What was mapped or read again may have been written to meanwhile.
        data.shard.check_unchanged();
    });

    std::vector<std::int32_t> exponents(score_sums, data.bounds.weight_exponent);
    exponents[loss_sum] = loss_exponent(comm, blocks);
    model::ExactSums sums(exponents, std::max<Index>(data.plan.blocks(), 1));
    Index soft_rows = 0;
    comm::together(comm, [&] {
        for (const BlockScores& scores : blocks) {
            soft_rows += scores.soft_rows;
            if (!sums.add(0, scores.sums)) {
                throw Error(ExitCode::internal,
                            "internal error: a sum over the rows of a block exceeds its bound");
            }
        }
    });
    comm.sum(sums.limbs());

    const auto value = [&](ScoreSum sum) { return sums.value(static_cast<Index>(sum)); };
    Scores scores;
    scores.rows = data.manifest.rows;
    scores.weight_sum = value(weight_sum);
    comm::together(comm, [&] {
        if (!(scores.weight_sum > 0)) {
            throw Error(ExitCode::input_data, data.manifest.files.front().path +
                                                  ": every row weight is 0; at least one must be "
                                                  "positive");
        }
    });
    scores.log_loss = value(loss_sum) / scores.weight_sum;
    scores.brier_score = value(squared_error_sum) / scores.weight_sum;
    scores.soft_rows = comm.sum(soft_rows);
    scores.ranking =
        rank_metrics(comm, RankedScores(comm, std::move(*collector), data.execution.threads), rule);
    return scores;
}

}  // namespace paralogit::train
