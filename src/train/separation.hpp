#pragma once

#include <string>
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

/// All of them, from the least and largest value of each feature in each class: exact. A soft label
/// counts in both classes. One pass. @collective
std::vector<Separator> find_separators(const comm::Communicator& comm, const DataSet& data);

}  // namespace paralogit::train
