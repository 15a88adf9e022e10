#pragma once

#include <vector>

#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/stop_requests.hpp"
#include "sparse_pass.hpp"

namespace paralogit::train {

/// Products of the Hessian of the mean loss of sparse rows with directions. The curvatures of the
/// rows are kept as long as the parameters stay the same.
class SparseCurvature {
  public:
    /// Both must outlive this.
    SparseCurvature(const comm::Communicator& comm, const DataSet& data);

    /// As Curvature::product. `requests` goes in as what this rank wants, and comes out as what any
    /// wants. ONE message of 2 d integers. @collective
    Vector product(const Vector& parameters, const Vector& direction, bool has_intercept,
                   Index thinning, StopRequests& requests);

    /// About Curvature::diagonal: as if curvatures and features were independent where the centre
    /// is taken off; never less than a hundredth of what it is without. @collective
    Vector diagonal(const Vector& parameters, const optim::ChangeOfVariables& change,
                    bool has_intercept);

  private:
    /// Positions of the integers behind the sums in the message.
    enum Word : std::size_t {
        slopes,
        slopes_rest,  ///< the other limb
        weights,
        weights_rest,
        ranks_outside,
        signals,
        times_up,
        word_count,
    };

    void add_own_blocks(const Vector& parameters, const Vector& direction, bool has_intercept,
                        Index thinning, double unit);
    void find_curvatures(const Vector& parameters, bool has_intercept);

    const comm::Communicator& comm_;
    const DataSet& data_;
    SparsePass pass_;
    std::vector<model::ExactSums> by_thread_;  ///< of slopes and weights
    Vector point_;                             ///< of the curvatures
    std::vector<double> curvatures_;           ///< of this rank's rows
};

}  // namespace paralogit::train
