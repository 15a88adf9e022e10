#pragma once

#include <memory>
#include <vector>

#include "paralogit/model/loss.hpp"
#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/train/curvature.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/stop_requests.hpp"
#include "sparse_pass.hpp"

namespace paralogit::train {

/// Products of the Hessian of the mean loss of sparse rows with directions. The curvatures of the
/// rows at one point are kept.
class SparseCurvature {
  public:
    /// The first two must outlive this. `pass` is for its use during each call. Not collective.
    SparseCurvature(const comm::Communicator& comm, const DataSet& data, model::Loss loss,
                    std::shared_ptr<SparsePass> pass);

    /// Where the products are taken. Where lone features follow the others, a row's margin gives
    /// way to its slope, so that less of its curvature is left: c / (1 + c give). Cost: margins, a
    /// third of a pass. Throws where rows cannot be read. Not collective.
    void go_to(const Vector& parameters, bool has_intercept, const LoneFeatures* lone);

    /// As Curvature::product, at the parameters of the last go_to(), in the direction's place.
    /// `requests` goes in as what this rank wants, and comes out as what any wants. ONE message of
    /// 2 d integers, or of d when it is rounded. @collective
    void multiply(Vector& direction, const SparseProduct& how, bool has_intercept,
                  StopRequests& requests);

    /// About Curvature::diagonal, there: as if curvatures and features were independent where the
    /// centre is taken off; never less than a hundredth of what it is without. @collective
    Vector diagonal(const optim::ChangeOfVariables& change, bool has_intercept);

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

    void add_own_blocks(const Vector& direction, const SparseProduct& how, bool has_intercept,
                        double unit);

    const comm::Communicator& comm_;
    const DataSet& data_;
    model::Loss loss_;
    std::shared_ptr<SparsePass> pass_;
    std::vector<model::ExactSums> by_thread_;  ///< of slopes and weights
    std::vector<double> curvatures_;           ///< of this rank's rows
    Index features_;                           ///< without the lone ones that follow
    model::ScatterScale scale_;
    model::ScatterScale high_scale_;
};

}  // namespace paralogit::train
