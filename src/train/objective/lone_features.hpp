#pragma once

#include <optional>
#include <vector>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/model/penalty.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Features of which one row has an entry and no other. Along these the objective is the loss of
/// their row and a penalty, so that the best coefficients, whatever the others are, follow from the
/// row's slope: w_j = -s_i slope_i x_ij / (S l2_j). To the others the row's margin then gives way:
/// see evaluate_block of model/sparse_kernel.hpp. What is left is a function of the others alone,
/// whose Hessian lies nearer to a diagonal.
struct LoneFeatures {
    Index first;  ///< the others are before it
    /// sum_j x_ij^2 / (S l2_j) over the lone features of each of this rank's rows
    std::vector<double> give;
};

/// Those that are set apart, if there are any and all have a penalty. Cost: reads their entries
/// once. @collective
std::optional<LoneFeatures> make_lone_features(const comm::Communicator& comm, const DataSet& data,
                                               const model::Penalty& penalty, double weight_sum);

}  // namespace paralogit::train
