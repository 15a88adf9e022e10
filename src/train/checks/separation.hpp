#pragma once

#include <functional>
#include <span>
#include <vector>

#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// A feature that alone tells the classes apart: all rows of one lie on or above the threshold, all
/// of the other on or below it, and some not on it. Without a penalty its coefficient has no finite
/// optimum.
struct Separator {
    Index feature;
    double threshold;
    bool is_complete;  ///< no row of both classes lies on the threshold
    bool is_positive_above;
};

/// Which rows are looked at.
using RowChoice = std::function<bool(int thread, std::span<const double> row)>;

/// All of them among the rows of a choice, from the least and largest value of each feature in each
/// class: exact. A soft label counts in both classes. Where no intercept can move a threshold it
/// has to be 0. One pass, which ends where all features of the rows so far have mixed classes.
/// @collective
std::vector<Separator> find_separators(const comm::Communicator& comm, const DataSet& data,
                                       bool has_intercept, const RowChoice& is_chosen);

}  // namespace paralogit::train
