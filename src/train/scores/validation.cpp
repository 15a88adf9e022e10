#include "paralogit/train/validation.hpp"

#include <cmath>
#include <limits>
#include <optional>

#include "../objective/block_rows.hpp"
#include "../objective/loss_bound.hpp"
#include "../seconds_since.hpp"
#include "block_scores.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/rank_metrics.hpp"

namespace paralogit::train {

Validation::Validation(const comm::Communicator& comm, const DataSet& data, bool has_intercept,
                       model::Loss loss)
    : comm_(comm), data_(data), has_intercept_(has_intercept), loss_(loss) {
    const std::vector<std::int32_t> exponents(score_sums, data.bounds.weight_exponent);
    const model::ExactSums none(exponents, std::max<Index>(data.plan.blocks(), 1),
                                data.execution.isa);
    threads_.assign(static_cast<std::size_t>(data.execution.threads),
                    ThreadSums{.exact = none, .bad_blocks = 0, .margins = {}});

    look_at_labels();
}

void Validation::look_at_labels() {
    const data::Shard& shard = data_.shard;
    const model::LabelView labels = shard.labels.view();
    enum What : std::size_t { positive_rows, negative_rows, weights, soft_labels, kinds };
    std::vector<Index> found(kinds, 0);
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const bool counts = shard.row_weights.empty() || shard.row_weights[i] > 0;
        found[positive_rows] += counts && labels[i] > 0 ? 1 : 0;
        found[negative_rows] += counts && labels[i] < 1 ? 1 : 0;
    }
    found[weights] = shard.row_weights.empty() ? 0 : 1;
    found[soft_labels] = labels.soft() == nullptr ? 0 : 1;
    comm_.sum(found);
    form_ = {.has_weights = found[weights] > 0, .is_soft = found[soft_labels] > 0};
    has_both_classes_ = found[positive_rows] > 0 && found[negative_rows] > 0;
    if (found[positive_rows] + found[negative_rows] == 0) {
        const data::FilePart& file = data_.manifest.files.front();
        throw comm::AgreedError(
            Error(ExitCode::input_data,
                  file.path + ":" + file.weights_path +
                      ": every row weight of the validation rows is 0; at least one must be "
                      "positive"));
    }
}

ValidationScores Validation::score(const Vector& parameters) {
    const TraceSpan span(main_lane(data_.execution.trace), "validation");
    const auto begin = Clock::now();
    const Index features = data_.manifest.features;
    const std::span<const double> coefficients(parameters.data(),
                                               static_cast<std::size_t>(features));
    const double intercept = has_intercept_ ? parameters[features] : 0.0;

    std::optional<Error> own_error;
    std::optional<ScoreCollector> collector;
    try {
        collector.emplace(data_.shard.rows.size(), form_);
        add_own_blocks(coefficients, intercept, *collector);
    } catch (...) {
        // The other ranks wait for the message: this one must get there too.
        own_error = comm::error_from(std::current_exception());
    }
    ThreadSums& all = threads_.front();
    const std::span<std::int64_t> limbs = all.exact.limbs();
    std::vector<std::int64_t> message(limbs.begin(), limbs.end());
    message.push_back(all.bad_blocks);
    message.push_back(own_error ? 1 : 0);
    comm_.sum(message);
    std::copy_n(message.begin(), limbs.size(), limbs.begin());
    if (message.back() > 0) {
        seconds_ += seconds_since(begin);
        comm::agree(comm_, own_error);
    }

    ValidationScores scores;
    const auto value = [&](ScoreSum sum) { return all.exact.value(static_cast<Index>(sum)); };
    const bool is_finite = message[limbs.size()] == 0;
    scores.loss =
        is_finite ? value(loss_sum) / value(weight_sum) : std::numeric_limits<double>::infinity();
    scores.accuracy =
        is_finite ? model::accuracy(confusion_of(value)) : std::numeric_limits<double>::quiet_NaN();
    scores.roc_auc = std::numeric_limits<double>::quiet_NaN();
    scores.average_precision = scores.roc_auc;
    if (is_finite) {
        const RankAreas areas =
            rank_areas(comm_, RankedScores(comm_, *std::move(collector), data_.execution.threads));
        scores.roc_auc = areas.roc_auc;
        scores.average_precision = areas.average_precision;
    }
    seconds_ += seconds_since(begin);
    return scores;
}

void Validation::add_own_blocks(std::span<const double> coefficients, double intercept,
                                ScoreCollector& collector) {
    const std::int32_t exponent_of_loss = loss_exponent(coefficients, intercept, data_.bounds);
    const int threads = data_.execution.threads;
    run_threads(threads, [&](int thread) {
        ThreadSums& own = threads_[static_cast<std::size_t>(thread)];
        own.exact.clear();
        own.exact.set_exponent(loss_sum, exponent_of_loss);
        own.bad_blocks = 0;
        BlockScorer scorer(loss_);
        data::ShardWalk walk(data_.shard, data_.plan, thread, threads);
        while (walk.next()) {
            const model::Block block = walk.block();
            if (block.rows == 0) {
                continue;
            }
            own.margins.resize(static_cast<std::size_t>(block.rows));
            margins_of_block(data_, walk, coefficients, intercept, own.margins);
            const BlockScores scores = scorer.score(block, own.margins, data_.execution.isa,
                                                    [](double margin) { return margin > 0; });
            if (own.exact.add(0, scores.sums)) {
                collector.add(own.margins, block.labels, block.row_weights);
            } else {
                ++own.bad_blocks;
            }
        }
    });
    ThreadSums& all = threads_.front();
    for (const ThreadSums& own : threads_) {
        if (&own != &all) {
            all.exact.add(own.exact);
            all.bad_blocks += own.bad_blocks;
        }
    }
}

}  // namespace paralogit::train
