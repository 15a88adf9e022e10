#pragma once

#include <span>
#include <vector>

#include "paralogit/model/block_hessian.hpp"

namespace paralogit::model {

/// What the rows of one block bring to the matrices that standard errors are made of, and to the
/// likelihood. Row weights s_i count in units of a power of two that brings them below 1.
struct InformationPanel {
    std::vector<double> rows;            ///< x'_i of a frame, padded_dimension() each
    std::vector<double> curvatures;      ///< s_i p_i (1 - p_i)
    std::vector<double> squared_slopes;  ///< (s_i (p_i - y_i))^2
    double weight = 0;                   ///< sum s_i
    double loss = 0;                     ///< sum s_i loss(y_i, z_i)
    /// sum s_i of the lowest loss that the label allows: 0 for hard labels.
    double lowest_loss = 0;
    double positive_weight = 0;  ///< sum s_i y_i
    Index counted_rows = 0;      ///< of positive weight
};

/// Fills the panel with a block, row by row in increasing order, from the margins of its rows.
/// Rows of weight 0 bring nothing, whatever their values are. A margin that is not finite makes
/// sums that are not. Cost: some 100 ns and 4 d flops for each row.
void fill_information_panel(const Block& block, std::span<const double> margins,
                            const HessianFrame& frame, double weight_unit, InformationPanel& panel);
/// The same of sparse rows, which are widened to rows of all features.
void fill_information_panel(const SparseBlock& block, std::span<const double> margins,
                            const HessianFrame& frame, double weight_unit, InformationPanel& panel);

/// The loss of the best margin for a label y in [0, 1]: -y log y - (1 - y) log(1 - y).
double lowest_loss(double label);

}  // namespace paralogit::model
