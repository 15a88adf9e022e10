#pragma once

#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Sums over the rows of all ranks at some parameters; the same bits for any number of ranks and
/// threads. The matrices are in the variables of a change, in units of `weight_unit` and its
/// square.
struct Information {
    Matrix hessian;         ///< sum s_i p_i (1 - p_i) x_i x_i', both triangles
    Matrix score_products;  ///< sum (s_i (p_i - y_i))^2 x_i x_i', both triangles
    double weight_unit = 1;
    double weight_sum = 0;       ///< S
    double loss_sum = 0;         ///< sum s_i loss(y_i, z_i)
    double lowest_loss_sum = 0;  ///< of the best margins that the labels allow; 0 for hard labels
    double positive_weight_sum = 0;  ///< sum s_i y_i
    Index rows = 0;                  ///< of positive weight
};

/// Two passes over all rows: 4 d flops for each, to know how large its terms are at these
/// parameters, then 2 d^2 flops, and a message of 2 d^2 integers. Features whose
/// scale is 0 have empty rows and columns; the last variable is the intercept, if there is one.
/// Throws Error (diverged) where sums are not finite. @collective
Information collect_information(const comm::Communicator& comm, const DataSet& data,
                                const Vector& parameters, const optim::ChangeOfVariables& change);

/// A factorisation of that size takes minutes on one core.
inline constexpr Index most_inferred_parameters = 10'000;

/// What collect_information and inference from it take of a rank's memory.
Index information_bytes(Index dimension);

}  // namespace paralogit::train
