#include "paralogit/train/evaluate.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <vector>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/loss.hpp"
#include "paralogit/model/math.hpp"

namespace paralogit::train {

namespace {

/// Positions of the sums.
enum Sum : std::size_t {
    loss,
    weights,
    true_positives,
    false_positives,
    true_negatives,
    false_negatives,
    sum_count,
};
using Partials = std::array<double, sum_count>;

Sum cell_of(double label, bool is_predicted_positive) {
    if (label == 1.0) {
        return is_predicted_positive ? true_positives : false_negatives;
    }
    return is_predicted_positive ? false_positives : true_negatives;
}

Partials score_block(const model::Block& block, std::span<const double> margins, double threshold,
                     Index& soft_rows) {
    Partials partials{};
    for (std::size_t i = 0; i < margins.size(); ++i) {
        const double label = block.labels[i];
        const double weight = block.row_weights.empty() ? 1.0 : block.row_weights[i];
        if (weight > 0) {
            partials[loss] += weight * model::binary_cross_entropy(label, margins[i]).loss;
        }
        partials[weights] += weight;
        if (label == 0.0 || label == 1.0) {
            partials[cell_of(label, model::sigmoid(margins[i]) > threshold)] += weight;
        } else {
            ++soft_rows;
        }
    }
    return partials;
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
                double threshold) {
    std::vector<Partials> blocks(static_cast<std::size_t>(data.shard.blocks.size()));
    std::atomic<Index> soft_rows = 0;
    comm::together(comm, [&] {
        const std::span<const double> coefficients(
            model.coefficients.data(), static_cast<std::size_t>(model.coefficients.size()));
        const int threads = data.execution.threads;
        const model::Isa isa = data.execution.isa;
        run_threads(threads, [&](int thread) {
            std::vector<double> margins;
            Index own_soft_rows = 0;
            data::ShardWalk walk(data.shard, data.plan, thread, threads);
            while (walk.next()) {
                const model::Block block = walk.block();
                margins.resize(static_cast<std::size_t>(block.rows));
                model::block_margins(block, coefficients, model.intercept, margins, isa);
                Partials& partials =
                    blocks[static_cast<std::size_t>(walk.number() - data.shard.blocks.first)];
                partials = score_block(block, margins, threshold, own_soft_rows);
                if (!std::isfinite(partials[loss])) {
                    throw Error(ExitCode::diverged,
                                data.manifest.locate(block.first_global_row) +
                                    " or one of the rows behind it: the margin overflows; the "
                                    "coefficients or the features are too large",
                                block.first_global_row);
                }
            }
            soft_rows += own_soft_rows;
        });
        // What was mapped or read again may have been written to meanwhile.
        data.shard.check_unchanged();
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
    scores.confusion = {sums.value(true_positives), sums.value(false_positives),
                        sums.value(true_negatives), sums.value(false_negatives)};
    scores.soft_rows = comm.sum(soft_rows.load());
    return scores;
}

}  // namespace paralogit::train
