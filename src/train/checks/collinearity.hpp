#pragma once

#include <string>
#include <vector>

#include "paralogit/model/aliasing_cholesky.hpp"
#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Whether columns of so many features are looked at: a factorisation must cost next to nothing.
bool is_small_enough_for_collinearity(Index features);

/// Whether every row obeys an equation, to a millionth of what features of these centres and scales
/// vary by and to the rounding of values. One look at the rows for all equations, and
/// none without any. @collective
std::vector<bool> hold_in_every_row(const comm::Communicator& comm, const DataSet& data,
                                    const optim::ChangeOfVariables& change,
                                    const std::vector<model::Alias>& equations);

struct CollinearFeatures {
    std::vector<std::string> equations;      ///< "c = 2 a - b + 1"
    bool has_all_texts_of_a_column = false;  ///< as in an InferenceReport
};

/// An equation for each feature that others determine, as the Hessian of a loss without a
/// penalty tells, in the variables of `change`. It may be of a part of the rows, or of rows whose
/// curvature has vanished, so what it tells is checked on all rows; where it tells nothing that
/// costs no pass. At most 20. @collective
CollinearFeatures find_collinear(const comm::Communicator& comm, const DataSet& data,
                                 const Matrix& hessian, const optim::ChangeOfVariables& change);

}  // namespace paralogit::train
