#pragma once

#include <span>

#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Labels and row weights of a block of this rank, whether its rows are dense or sparse; no
/// features.
model::Block labelled_rows(const DataSet& data, Index block);

/// Margins of its rows.
void margins_of_block(const DataSet& data, Index block, std::span<const double> coefficients,
                      double intercept, std::span<double> margins);

/// Throws Error (input_data) when a file that is mapped was written to meanwhile.
void check_mapped_files(const data::Shard& shard);

}  // namespace paralogit::train
