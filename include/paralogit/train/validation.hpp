#pragma once

#include <vector>

#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/loss.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// How the parameters of a run do on rows that it is not trained on; weighted by row weights where
/// there are some, never by class weights.
struct ValidationScores {
    double loss = 0;      ///< the mean of that which is trained; infinite where a margin overflows
    double accuracy = 0;  ///< positive where the margin is; NaN where all labels are soft
};

/// Scores parameters by the rows of a data set: the same bits for any number of ranks and threads.
class Validation {
  public:
    /// Both must outlive this. Throws Error (input_data) when no row has a positive weight.
    /// @collective
    Validation(const comm::Communicator& comm, const DataSet& data, bool has_intercept,
               model::Loss loss = model::Loss());

    /// One pass over this rank's rows, 2 d flops for each, and ONE message of a few words.
    /// @collective
    ValidationScores score(const Vector& parameters);

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
    void add_own_blocks(std::span<const double> coefficients, double intercept);

    const comm::Communicator& comm_;
    const DataSet& data_;
    bool has_intercept_;
    model::Loss loss_;
    std::vector<ThreadSums> threads_;  ///< the first one has the sums of all in the end
    double seconds_ = 0;
};

}  // namespace paralogit::train
