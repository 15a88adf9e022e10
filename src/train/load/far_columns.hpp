#pragma once

#include <vector>

#include "paralogit/train/moments.hpp"

namespace paralogit::train {

/// Means and standard deviations of a few columns of sparse rows whose variance cancels when it is
/// taken about 0, so that nearly every row has an entry: about the mean found so far. A column that
/// has one value in all rows of positive weight gets that value as its mean and 0 as its deviation.
/// @collective
void refine_far_columns(const comm::Communicator& comm, const DataSet& data,
                        const std::vector<Index>& features, Moments& moments);

}  // namespace paralogit::train
