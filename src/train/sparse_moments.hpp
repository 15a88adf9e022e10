#pragma once

#include "paralogit/train/moments.hpp"

namespace paralogit::train {

/// compute_moments of sparse rows: two walks over the entries in memory for the sums of s x and
/// s x^2, to which what has no entry adds nothing; where a column's variance cancels, its mean
/// being a thousand standard deviations or more away from 0, another walk or two. @collective
Moments sparse_moments(const comm::Communicator& comm, const DataSet& data);

/// Throws Error (input_data) when all row weights are 0. @collective
void require_some_weight(const comm::Communicator& comm, const DataSet& data, double weight_sum);

}  // namespace paralogit::train
