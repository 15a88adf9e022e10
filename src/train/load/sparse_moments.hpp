#pragma once

#include <span>

#include "paralogit/train/moments.hpp"

namespace paralogit::train {

class SparsePass;

/// compute_moments of sparse rows: two walks over the entries in memory for the sums of s x and
/// s x^2, to which what has no entry adds nothing; where a column's variance cancels, its mean
/// being a thousand standard deviations or more away from 0, another walk or two. @collective
Moments sparse_moments(const comm::Communicator& comm, const DataSet& data);

/// sum_i r_i (x_ij 2^-u_j)^2 over the rows of all ranks, 2^u_j the bound of a feature's values,
/// with factors |r_i| <= s_i of this rank's rows, to `sums` [d, or the features that are not lone];
/// each term rounded by that of ScatterScale::of_high_limbs. @collective
void sparse_squares(const comm::Communicator& comm, const DataSet& data, SparsePass& pass,
                    std::span<const double> row_factors, std::span<double> sums);

/// Throws Error (input_data) when all row weights are 0. @collective
void require_some_weight(const comm::Communicator& comm, const DataSet& data, double weight_sum);

}  // namespace paralogit::train
