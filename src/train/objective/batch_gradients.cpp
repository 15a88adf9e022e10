#include "batch_gradients.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "../seconds_since.hpp"
#include "loss_bound.hpp"
#include "paralogit/base/threads.hpp"
#include "paralogit/comm/agreement.hpp"

namespace paralogit::train {

namespace {

/// Rows that stay together where that is wanted.
constexpr Index group_rows = 32;

Index count_rows_of_weight(std::span<const double> row_weights) {
    return std::ranges::count_if(row_weights, [](double weight) { return weight > 0; });
}

/// Places of an order that have so many rows of positive weight on the average: the others, as
/// those that are held out, take places too.
Index places_for(Index rows_of_batch, Index counting_rows, Index rows) {
    if (counting_rows == rows) {
        return rows_of_batch;
    }
    const auto most = static_cast<double>(std::min(rows, model::BatchSums::most_rows));
    const double places = static_cast<double>(rows_of_batch) * static_cast<double>(rows) /
                          static_cast<double>(counting_rows);
    return static_cast<Index>(std::round(std::min(places, most)));
}

/// Threads that a batch is worth: of sparse rows one, for each has sums as long as all features.
int threads_of_batch(const DataSet& data, Index own_rows) {
    constexpr Index values_of_thread = 8192;
    if (data.sparse) {
        return 1;
    }
    const Index worth = own_rows * data.shard.features / values_of_thread;
    return static_cast<int>(std::clamp<Index>(worth, 1, data.execution.threads));
}

}  // namespace

BatchGradients::BatchGradients(const comm::Communicator& comm, const DataSet& data, Options options)
    : comm_(comm),
      data_(data),
      options_(std::move(options)),
      features_(data.shard.features),
      own_places_(is_local() ? Range{.first = 0, .end = data.shard.rows.size()}
                             : Range{.first = 0, .end = data.manifest.rows}),
      picker_(data, is_local() ? data.shard.rows.first : 0) {
    const std::vector<double>& row_weights = data.shard.row_weights;
    const Index own_counting =
        row_weights.empty() ? data.shard.rows.size() : count_rows_of_weight(row_weights);
    counting_rows_ = comm.sum(own_counting);
    own_share_ = static_cast<double>(own_counting) / static_cast<double>(counting_rows_);
    const Index most_places = comm.max(own_places_.size());
    batch_places_ = std::min(
        places_for(options_.batches.batch_rows, counting_rows_, data.manifest.rows), most_places);
    batches_ = (most_places + batch_places_ - 1) / batch_places_;
    const Index own_rows_of_batch = is_local() ? batch_places_ : batch_places_ / comm.size() + 1;
    comm::together(comm, [&] {
        const auto threads = static_cast<std::size_t>(threads_of_batch(data, own_rows_of_batch));
        threads_.reserve(threads);
        while (threads_.size() < threads) {
            threads_.emplace_back(data.bounds.sum_exponents, data.bounds.weight_exponent,
                                  batch_places_, word_count, data.execution.isa, options_.loss);
        }
        own_rows_.resize(threads);
    });
}

Range BatchGradients::places_of(Index batch) const {
    if (is_local() && own_places_.end <= (batches_ - 1) * batch_places_) {
        // Ranks with rows for fewer batches have smaller ones, not fewer.
        const auto at = [&](Index k) {
            return own_places_.end / batches_ * k + own_places_.end % batches_ * k / batches_;
        };
        return {.first = at(batch), .end = at(batch + 1)};
    }
    return {.first = batch * batch_places_,
            .end = std::min((batch + 1) * batch_places_, own_places_.end)};
}

void BatchGradients::begin_epoch(Index epoch) {
    const BatchOptions& batches = options_.batches;
    epoch_ = epoch;
    picker_.forget_window();
    for (OwnRows& own : own_rows_) {
        own.next_batch = -1;
    }
    const Index rows = own_places_.size();
    if (!batches.shuffles || rows == 0) {
        order_ = model::RowOrder::as_stored(std::max<Index>(rows, 1));
        return;
    }
    // Ranks that go their own ways have orders of their own.
    const std::uint64_t of_rank = is_local() ? static_cast<std::uint64_t>(comm_.rank()) << 40U : 0;
    order_ =
        model::RowOrder(rows, batches.seed ^ of_rank, epoch, batches.keeps_groups ? group_rows : 1);
}

void BatchGradients::evaluate(const Vector& parameters, Index epoch, Index batch,
                              optim::BatchEvaluation& evaluation) {
    const TraceSpan span(main_lane(data_.execution.trace), "batch", batch);
    const auto begin = Clock::now();
    if (epoch != epoch_ || batch == 0) {
        begin_epoch(epoch);
    }
    const std::span<const double> coefficients(parameters.data(),
                                               static_cast<std::size_t>(features_));
    const double intercept = options_.has_intercept ? parameters[features_] : 0.0;
    const std::int32_t exponent = loss_exponent(coefficients, intercept, data_.bounds);
    for (model::BatchSums& sums : threads_) {
        sums.clear(exponent);
    }
    model::BatchSums& all = threads_.front();
    try {
        if (!own_error_) {
            add_own_rows(parameters, batch);
        }
    } catch (...) {
        // The other ranks wait in the next message: this one must get there too.
        own_error_ = comm::error_from(std::current_exception());
    }
    put_requests(all.words());
    const auto reduce_begin = Clock::now();
    kernel_seconds_ += std::chrono::duration<double>(reduce_begin - begin).count();
    ++evaluated_;
    if (!is_local()) {
        if (comm_.size() > 1) {
            comm_.sum(all.message());
        }
        ++messages_;
        reduce_seconds_ += seconds_since(reduce_begin);
        take_requests(all.words());
    }

    // With a mean row weight of 1 this is the mean over the rows of the batch.
    const double rows = all.words()[rows_seen];
    const double weight_of_rows =
        rows * (options_.weight_sum / static_cast<double>(counting_rows_));
    const double divisor = weight_of_rows / options_.loss.slope_unit();
    evaluation.rows = static_cast<Index>(rows);
    evaluation.gradient.resize(parameters.size());
    if (evaluation.rows == 0) {
        evaluation.gradient.setZero();
    } else {
        for (Index j = 0; j < features_; ++j) {
            evaluation.gradient[j] = all.slopes_times_feature(j) / divisor;
        }
        if (options_.has_intercept) {
            evaluation.gradient[features_] = all.slopes() / divisor;
        }
    }
    evaluation.loss = all.loss() / options_.weight_sum;
    if (is_local() && own_share_ > 0) {
        // So that the mean over ranks is the sum over all rows.
        evaluation.loss /= own_share_;
    }
}

void BatchGradients::add_own_rows(const Vector& parameters, Index batch) {
    const std::span<const double> coefficients(parameters.data(),
                                               static_cast<std::size_t>(features_));
    const double intercept = options_.has_intercept ? parameters[features_] : 0.0;
    picker_.prepare(order_, places_of(batch), own_places_.end);
    run_threads(static_cast<int>(threads_.size()), [&](int thread) {
        const auto number = static_cast<std::size_t>(thread);
        pick_rows_of_thread(batch, thread);
        const model::PickedRows& picked = own_rows_[number].now.picked;
        model::BatchSums& sums = threads_[number];
        sums.add(picked, coefficients, intercept);
        sums.words()[rows_seen] = static_cast<double>(
            picked.row_weights.empty() ? picked.size() : count_rows_of_weight(picked.row_weights));
    });
    for (std::size_t thread = 1; thread < threads_.size(); ++thread) {
        threads_.front().add(threads_[thread]);
    }
}

Range BatchGradients::places_of_thread(Index batch, int thread) const {
    const Range places = places_of(batch);
    const Index group = order_.group();
    // A group is one thread's.
    const auto end_of_group = [&](Index place) {
        return std::min((place + group - 1) / group * group, places.end);
    };
    const Range part = part_of(places, thread, static_cast<int>(threads_.size()));
    return {.first = part.first == places.first ? part.first : end_of_group(part.first),
            .end = end_of_group(part.end)};
}

void BatchGradients::pick_rows_of_thread(Index batch, int thread) {
    OwnRows& own = own_rows_[static_cast<std::size_t>(thread)];
    if (own.next_batch == batch) {
        std::swap(own.now, own.next);
    } else {
        picker_.find(order_, places_of_thread(batch, thread), own.now.places, own.now.picked);
    }
    model::PickedRows& picked = own.now.picked;
    if (!picked.group_ends.empty()) {
        picker_.put_labels_of_groups(own.now.places, picked);
    }
    picked.next_values.clear();
    own.next_batch = -1;
    if (batch + 1 < batches_ && !data_.sparse && picker_.has(places_of(batch + 1))) {
        own.next_batch = batch + 1;
        picker_.find(order_, places_of_thread(batch + 1, thread), own.next.places, own.next.picked);
        const std::vector<const std::byte*>& next = own.next.picked.values;
        const std::size_t some = std::min<std::size_t>(next.size(), 128);
        picked.next_values.assign(next.begin(), next.begin() + static_cast<std::ptrdiff_t>(some));
    }
}

void BatchGradients::put_requests(std::span<double> words) const {
    const StopRequests own = options_.own_requests ? options_.own_requests() : StopRequests{};
    words[ranks_in_error] = own_error_ ? 1 : 0;
    words[signals] = own.signal ? 1 : 0;
    words[times_up] = own.time_limit ? 1 : 0;
}

void BatchGradients::take_requests(std::span<const double> words) {
    if (words[ranks_in_error] > 0) {
        comm::agree(comm_, std::exchange(own_error_, std::nullopt));
    }
    agreed_ = {.signal = words[signals] > 0, .time_limit = words[times_up] > 0};
}

void BatchGradients::join_ranks(std::span<Vector* const> vectors) {
    const auto begin = Clock::now();
    mean_message_.clear();
    for (const Vector* const vector : vectors) {
        for (const double value : *vector) {
            mean_message_.push_back(own_share_ * value);
        }
    }
    const std::size_t words_at = mean_message_.size();
    mean_message_.resize(words_at + word_count, 0.0);
    const std::span<double> words = std::span(mean_message_).subspan(words_at);
    put_requests(words);
    if (comm_.size() > 1) {
        comm_.sum(mean_message_);
        // A sum of doubles need not have the same bits everywhere.
        comm_.broadcast(mean_message_);
    }
    std::size_t at = 0;
    for (Vector* const vector : vectors) {
        for (double& value : *vector) {
            value = mean_message_[at++];
        }
    }
    ++messages_;
    reduce_seconds_ += seconds_since(begin);
    take_requests(words);
}

}  // namespace paralogit::train
