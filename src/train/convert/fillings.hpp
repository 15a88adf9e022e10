#pragma once

#include <vector>

#include "paralogit/train/convert.hpp"
#include "text_rows.hpp"

namespace paralogit::train {

/// What stands in for missing values, by column of numbers: the mean (the exact sum rounded, then
/// divided by the count) or the median of the values that are there, or the value that the user
/// gave; 0 for a column that misses none. The same bits for any number of ranks. Throws Error
/// (input_data) for a column without any value. @collective: mean: one more passage over the rows;
/// median: six.
std::vector<double> find_fillings(const comm::Communicator& comm, TextRows& rows,
                                  const data::ImportMatrix& matrix, const ConvertOptions& options);

}  // namespace paralogit::train
