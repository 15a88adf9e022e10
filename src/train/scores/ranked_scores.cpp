#include "paralogit/train/ranked_scores.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <utility>

#include "../gather.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/key_sort.hpp"
#include "score_parts.hpp"

namespace paralogit::train {

namespace {

using model::key_of;

template <class Row>
CountUpTo counter_of(std::span<const Row> sorted) {
    return [sorted](std::uint64_t key) {
        return std::ranges::upper_bound(sorted, key, {},
                                        [](const Row& row) { return key_of(row); }) -
               sorted.begin();
    };
}

std::vector<Index> lengths_of(std::span<const Index> cuts) {
    std::vector<Index> lengths(cuts.size() - 1);
    std::transform(cuts.begin() + 1, cuts.end(), cuts.begin(), lengths.begin(), std::minus<>());
    return lengths;
}

template <class Row>
std::span<Row> rows_in(Buffer& buffer, Index rows) {
    return {reinterpret_cast<Row*>(buffer.data()), static_cast<std::size_t>(rows)};
}

std::vector<Index> in_bytes(std::vector<Index> rows, std::size_t bytes) {
    std::ranges::for_each(rows, [bytes](Index& each) { each *= static_cast<Index>(bytes); });
    return rows;
}

/// The places where the runs begin, and where the last one ends.
std::vector<Index> starts_of(std::span<const Index> lengths) {
    std::vector<Index> starts(lengths.size() + 1, 0);
    std::partial_sum(lengths.begin(), lengths.end(), starts.begin() + 1);
    return starts;
}

/// The sorted rows of both classes of this rank's part.
template <class Row>
struct Part {
    std::span<Row> positives;
    std::span<Row> negatives;
    Buffer buffer;
};

template <class Row>
Part<Row> sorted_part(const comm::Communicator& comm, ScoreCollector&& scores, int threads) {
    const std::span<Row> positives = scores.template positives<Row>();
    const std::span<Row> negatives = scores.template negatives<Row>();
    Buffer scratch;
    comm::together(comm, [&] {
        const std::size_t longest = std::max(positives.size(), negatives.size());
        scratch.reserve(static_cast<Index>(longest * sizeof(Row)));
        const std::span<Row> room = rows_in<Row>(scratch, static_cast<Index>(longest));
        model::sort_keys(positives, room, threads);
        model::sort_keys(negatives, room, threads);
    });
    if (comm.size() == 1) {
        return {positives, negatives, scores.take_buffer()};
    }

    const Cuts cuts = cut_evenly(comm, counter_of<Row>(positives), counter_of<Row>(negatives));
    const std::vector<Index> sent_positives = lengths_of(cuts.positives);
    const std::vector<Index> sent_negatives = lengths_of(cuts.negatives);
    const std::vector<Index> received_positives = comm.exchange(sent_positives);
    const std::vector<Index> received_negatives = comm.exchange(sent_negatives);
    const std::vector<Index> starts_of_positives = starts_of(received_positives);
    const std::vector<Index> starts_of_negatives = starts_of(received_negatives);
    const Index rows = starts_of_positives.back() + starts_of_negatives.back();

    comm::together(comm, [&] { scratch.reserve(rows * static_cast<Index>(sizeof(Row))); });
    const auto first_positives = static_cast<std::size_t>(starts_of_positives.back());
    const std::span<Row> received = rows_in<Row>(scratch, rows);
    const auto exchange = [&](std::span<const Row> from, const std::vector<Index>& sent,
                              std::span<Row> to, const std::vector<Index>& lengths) {
        comm.exchange(std::as_bytes(from), in_bytes(sent, sizeof(Row)), std::as_writable_bytes(to),
                      in_bytes(lengths, sizeof(Row)));
    };
    exchange(positives, sent_positives, received.first(first_positives), received_positives);
    exchange(negatives, sent_negatives, received.subspan(first_positives), received_negatives);

    return comm::together(comm, [&] {
        Buffer other = scores.take_buffer();
        other.reserve(rows * static_cast<Index>(sizeof(Row)));
        const std::span<Row> room = rows_in<Row>(other, rows);
        const std::span<Row> merged_positives =
            model::merge_runs(received.first(first_positives), room.first(first_positives),
                              starts_of_positives, threads);
        const std::span<Row> merged_negatives =
            model::merge_runs(received.subspan(first_positives), room.subspan(first_positives),
                              starts_of_negatives, threads);
        // As many runs of either class, so both are in the same place.
        const bool is_in_other = merged_positives.data() == room.data();
        return Part<Row>{merged_positives, merged_negatives,
                         is_in_other ? std::move(other) : std::move(scratch)};
    });
}

/// What a rank tells the others of its part.
template <class Weights>
struct PartSummary {
    using Totals = typename model::RankedPart<Weights>::Totals;
    bool is_empty = true;
    std::uint64_t top_key = 0;
    std::uint64_t bottom_key = 0;
    /// The highest key below the top one; 0 when there is none.
    std::uint64_t second_key = 0;
    Totals all;
    Totals top;
};

template <class Weights>
auto summary_of(const model::RankedPart<Weights>& part) {
    PartSummary<Weights> summary;
    const auto look_at = [&](auto rows, const Weights& weights, auto& all, auto& top) {
        using Row = typename Weights::Row;
        for (const Row& row : rows) {
            all += weights.weight_of(row);
        }
        for (std::size_t k = rows.size(); k > 0; --k) {
            if (key_of(rows[k - 1]) != summary.top_key) {
                summary.second_key = std::max(summary.second_key, key_of(rows[k - 1]));
                break;
            }
            top += weights.weight_of(rows[k - 1]);
        }
    };
    summary.is_empty = part.positives.empty() && part.negatives.empty();
    if (!summary.is_empty) {
        summary.bottom_key = std::numeric_limits<std::uint64_t>::max();
        for (const auto rows : {part.positives, part.negatives}) {
            if (!rows.empty()) {
                summary.top_key = std::max(summary.top_key, key_of(rows.back()));
                summary.bottom_key = std::min(summary.bottom_key, key_of(rows.front()));
            }
        }
        look_at(part.positives, part.weights_of_positives, summary.all.positives,
                summary.top.positives);
        look_at(part.negatives, part.weights_of_negatives, summary.all.negatives,
                summary.top.negatives);
    }
    return summary;
}

/// Fills in what the part has to know of the others. Returns the totals of all rows.
template <class Weights>
auto place_among_others(const comm::Communicator& comm, model::RankedPart<Weights>& part) {
    const auto own = comm::together(comm, [&] { return summary_of(part); });
    const auto parts = gather(comm, own);
    typename model::RankedPart<Weights>::Totals all;
    bool has_next = false;
    for (std::size_t k = parts.size(); k-- > 0;) {
        const auto& other = parts[k];
        all.positives += other.all.positives;
        all.negatives += other.all.negatives;
        if (static_cast<int>(k) > comm.rank()) {
            part.above = all;
            part.shares_top |= !other.is_empty && !own.is_empty && other.bottom_key == own.top_key;
        } else if (static_cast<int>(k) < comm.rank() && !other.is_empty && !own.is_empty) {
            std::uint64_t next = other.top_key;
            if (next == own.bottom_key) {
                part.bottom_below.positives += other.top.positives;
                part.bottom_below.negatives += other.top.negatives;
                next = other.second_key;
            }
            if (!has_next && next != 0) {
                has_next = true;
                part.next_key = next;
            }
        }
    }
    return all;
}

/// How the weights of the rows add up: counts need nothing.
void agree_on_weights(const comm::Communicator&, std::span<const std::uint64_t>,
                      std::span<const std::uint64_t>, model::RowCounts&, model::RowCounts&,
                      int& unit_exponent) {
    unit_exponent = 0;
}

void agree_on_weights(const comm::Communicator& comm, std::span<const model::WeightedKey> positives,
                      std::span<const model::WeightedKey> negatives,
                      model::RowWeights& of_positives, model::RowWeights& of_negatives,
                      int& unit_exponent) {
    const auto largest = [](std::span<const model::WeightedKey> rows) {
        double weight = 0;
        for (const model::WeightedKey& row : rows) {
            weight = std::max(weight, row.weight);
        }
        return model::exponent_above(weight);
    };
    std::int32_t exponents[] = {largest(positives), largest(negatives)};
    comm.max(exponents);
    const auto rows =
        static_cast<std::uint64_t>(comm.sum(std::ssize(positives) + std::ssize(negatives)));
    const int bits_of_count = static_cast<int>(std::bit_width(rows));
    unit_exponent = std::max(exponents[0], exponents[1]);
    of_positives = {exponents[0] + bits_of_count, unit_exponent};
    of_negatives = {exponents[1] + bits_of_count, unit_exponent};
}

}  // namespace

RankedScores::RankedScores(const comm::Communicator& comm, ScoreCollector&& scores, int threads) {
    if (scores.form().is_weighted()) {
        rank<model::RowWeights>(comm, std::move(scores), threads);
    } else {
        rank<model::RowCounts>(comm, std::move(scores), threads);
    }
}

template <class Weights>
void RankedScores::rank(const comm::Communicator& comm, ScoreCollector&& scores, int threads) {
    using Row = typename Weights::Row;
    Part<Row> sorted = sorted_part<Row>(comm, std::move(scores), threads);
    buffer_ = std::move(sorted.buffer);
    auto& part = part_.emplace<model::RankedPart<Weights>>();
    part.positives = sorted.positives;
    part.negatives = sorted.negatives;
    agree_on_weights(comm, part.positives, part.negatives, part.weights_of_positives,
                     part.weights_of_negatives, unit_exponent_);
    all_ = part.values(place_among_others(comm, part));
}

void sum_over_ranks(const comm::Communicator& comm, const std::vector<model::Int128*>& totals) {
    std::vector<std::int64_t> parts;
    for (const model::Int128* total : totals) {
        const auto each = model::to_parts(*total);
        parts.insert(parts.end(), each.begin(), each.end());
    }
    comm.sum(parts);
    for (std::size_t k = 0; k < totals.size(); ++k) {
        *totals[k] = model::from_parts({parts[3 * k], parts[3 * k + 1], parts[3 * k + 2]});
    }
}

}  // namespace paralogit::train
