#pragma once

#include <variant>
#include <vector>

#include "paralogit/base/buffer.hpp"
#include "paralogit/comm/communicator.hpp"
#include "paralogit/model/ranked_part.hpp"
#include "paralogit/train/score_collector.hpp"

namespace paralogit::train {

/// All scores in order, spread over the ranks: each has a contiguous part, of the same number of
/// rows to one, however many have the same score. What is computed from the groups of equal scores
/// has the same bits for any number of ranks, and is exact as far as groups are exact sums.
class RankedScores {
  public:
    /// Sorts what each rank has, finds the borders of the parts by bisection of the keys, sends
    /// each part to its rank, merges. At no time takes more than twice the memory that the scores
    /// of a rank, or those of its part, take. Messages: each score once, 64 small ones, a few
    /// numbers of each rank to all. @collective
    RankedScores(const comm::Communicator& comm, ScoreCollector&& scores, int threads);

    /// Of all rows, in units of 2^unit_exponent().
    const model::ClassWeightSums& all() const { return all_; }
    /// 0 for counts. Row weights have a unit so near the largest that no product overflows.
    int unit_exponent() const { return unit_exponent_; }

    /// How many rows this rank's part has.
    Index part_rows() const {
        return std::visit(
            [](const auto& part) {
                return std::ssize(part.positives) + std::ssize(part.negatives);
            },
            part_);
    }

    /// Calls visit(const model::ScoreGroup&) for each score of this rank's part, falling. Every
    /// score is on one rank, the higher ones on the higher ranks. Not collective.
    template <class Visit>
    void for_each_group(Visit&& visit) const {
        std::visit([&](const auto& part) { model::for_each_group(part, visit); }, part_);
    }

  private:
    template <class Weights>
    void rank(const comm::Communicator& comm, ScoreCollector&& scores, int threads);

    Buffer buffer_;
    std::variant<model::RankedPart<model::RowCounts>, model::RankedPart<model::RowWeights>> part_;
    model::ClassWeightSums all_;
    int unit_exponent_ = 0;
};

/// Adds up each of them over the ranks, in place. @collective
void sum_over_ranks(const comm::Communicator& comm, const std::vector<model::Int128*>& totals);

}  // namespace paralogit::train
