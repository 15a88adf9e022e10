#pragma once

#include <optional>
#include <utility>

#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/train/checkpoint.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Where a run is: the state of its solver, and what a checkpoint adds to it. Each of the vectors
/// here may be as large as the rows themselves, so none is held twice, nor one of zeros.
class RunState {
  public:
    Checkpoint checkpoint;            ///< whole only within with_whole_checkpoint
    optim::ChangeOfVariables change;  ///< empty within with_whole_checkpoint

    /// Calls action() while the change of variables is in the checkpoint, the exponents of the
    /// exact sums of `data` are there, and the parameters that the run began at.
    template <typename Action>
    auto with_whole_checkpoint(const DataSet& data, Action&& action) {
        complete(data);
        struct Undo {
            RunState& state;
            ~Undo() { state.reduce(); }
        };
        const Undo undo{*this};
        return action();
    }

    /// When the run has begun: zeros to start from are made again when they are written.
    void forget_zeros();

    Vector parameters(int threads = 1) const;
    /// What they are from now on, when they are no longer those of the solver's state.
    void set_parameters(Vector parameters) { polished_ = std::move(parameters); }

  private:
    void complete(const DataSet& data);
    void reduce();

    bool starts_at_zero_ = false;
    std::optional<Vector> polished_;
};

}  // namespace paralogit::train
