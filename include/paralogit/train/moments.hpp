#pragma once

#include <string>

#include "paralogit/model/penalty.hpp"
#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// A column of which a few rows have nearly all of the spread, as fill values do.
struct StretchedColumn {
    Index feature;
    double usual;            ///< the median of a few rows from all over the files
    double usual_deviation;  ///< from it, in these rows: the median
};

/// Exact sums over all rows; the same bits for any number of ranks.
struct Moments {
    Vector mean;                             ///< of each feature, weighted by row  [d]
    Vector standard_deviation;               ///< 0 exactly for a constant feature  [d]
    std::vector<StretchedColumn> stretched;  ///< dense ones
    double weight_sum = 0;                   ///< S, the sum of row weights
    /// As many rows of equal weight tell as much: S^2 over the sum of squares (Kish 1965).
    Index effective_rows = 0;
    double positive_share = 0;  ///< weighted mean of the labels
    /// Mean of the labels of rows of positive weight, whatever their weight.
    double positive_share_of_rows = 0;
    bool is_of_one_class = false;  ///< all rows of positive weight
    /// SHA-256 over the shape, a hash of the rows in their order, and the exact sums: a function of
    /// rows and order, not of files, stored types or ranks.
    std::string fingerprint;
};

/// From the scan that came with the data, without another reading; up to four more where a column's
/// first rows say little of the others (deviations 2^16 times as large or 2^20 times as small, a
/// mean 1000 standard deviations away). Throws Error (input_data) when all row weights are 0.
/// @collective
Moments compute_moments(const comm::Communicator& comm, const DataSet& data);

/// Standardised variables: features centred (when an intercept can take up the centres) and divided
/// by sqrt(variance + 4 l2_j), the square root of a bound of the smooth objective's curvature along
/// each of them times 4. The spread of a stretched column is that of most rows, or all rows
/// but a few would lie at one point. A constant column, whose part the intercept plays, and a zero
/// one get scale 0.
optim::ChangeOfVariables standardisation(const Moments& moments, const model::Penalty& penalty,
                                         bool has_intercept);

}  // namespace paralogit::train
