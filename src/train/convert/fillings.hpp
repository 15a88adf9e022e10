#pragma once

#include <vector>

#include "paralogit/train/convert.hpp"
#include "text_rows.hpp"

namespace paralogit::train {

/// Sets what stands in for missing values: the mean (the exact sum rounded, then divided by the
/// count) or the median of the values that are there, in columns that miss none as well, for the
/// rows of other files may; the value that the user gave; or what stood in for them in the
/// reference. The same bits for any number of ranks. Throws Error (input_data) for a column without
/// any value. @collective: a passage over the rows when some miss values; mean: one more; median:
/// six, or more in tables of more than 1000 columns.
void set_fillings(const comm::Communicator& comm, TextRows& rows, Index missing_values,
                  const TextFormat& format, const ConvertOptions& options,
                  data::ImportMatrix& matrix);

}  // namespace paralogit::train
