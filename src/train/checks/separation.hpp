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

/// How many rows a direction of the parameters tells apart.
struct Apart {
    Index rows = 0;        ///< strictly on the side of their label
    Index border = 0;      ///< on the plane, to rounding
    Index exceptions = 0;  ///< on the wrong side, or off the plane with a soft label
    /// The classes are quasi-completely separable: the loss falls all the way along the direction.
    bool is_certificate() const { return exceptions == 0 && rows > 0; }
};

/// The direction without the parts that come to less than a millionth of the largest in any row.
Vector without_rounding(const DataSet& data, Vector direction);

/// Every row's margin along the direction [d or d + 1], where a margin below a millionth of the
/// largest of its terms counts as 0. One pass. @collective
Apart tell_apart(const comm::Communicator& comm, const DataSet& data, const Vector& direction);

}  // namespace paralogit::train
