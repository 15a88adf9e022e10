#pragma once

#include <cstdint>
#include <vector>

#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/loss.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/score_collector.hpp"

namespace paralogit::train {

/// How the parameters of a run do on rows that it is not trained on; weighted by row weights where
/// there are some, never by class weights.
struct ValidationScores {
    double loss = 0;      ///< the mean of that which is trained; infinite where a margin overflows
    double accuracy = 0;  ///< positive where the margin is; NaN where all labels are soft
    double roc_auc = 0;   ///< exact; NaN where a class has no weight, or a margin overflows
    double average_precision = 0;  ///< likewise
};

/// What of them the best model of a run is chosen by: the lowest loss, or the largest area.
enum class ValidationMetric : std::uint8_t { loss, roc_auc };

/// Scores parameters by the rows of a data set: the same bits for any number of ranks and threads.
class Validation {
  public:
    /// Both must outlive this. Throws Error (input_data) when no row has a positive weight.
    /// @collective
    Validation(const comm::Communicator& comm, const DataSet& data, bool has_intercept,
               model::Loss loss = model::Loss());

    /// One pass over this rank's rows, 2 d flops for each, and ONE message of a few words; then the
    /// scores are sorted over all ranks (see RankedScores). @collective
    ValidationScores score(const Vector& parameters);

    /// Whether rows of both classes have a weight.
    bool has_both_classes() const { return has_both_classes_; }

    const DataSet& data() const { return data_; }
    /// Seconds that this rank has spent in here so far.
    double seconds() const { return seconds_; }

  private:
    /// What one thread adds up of its blocks.
    struct ThreadSums {
        model::ExactSums exact;
        std::int64_t bad_blocks = 0;
        std::vector<double> margins;
    };
    void look_at_labels();
    void add_own_blocks(std::span<const double> coefficients, double intercept,
                        ScoreCollector& collector);

    const comm::Communicator& comm_;
    const DataSet& data_;
    bool has_intercept_;
    model::Loss loss_;
    ScoreCollector::Form form_;
    bool has_both_classes_ = false;
    std::vector<ThreadSums> threads_;  ///< the first one has the sums of all in the end
    double seconds_ = 0;
};

}  // namespace paralogit::train
