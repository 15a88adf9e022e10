#pragma once

#include <string>
#include <vector>

#include "paralogit/train/data_set.hpp"
#include "paralogit/train/moments.hpp"

namespace paralogit::train {

/// What is odd about a stretched column: "has a standard deviation of ..., but most rows ...: a few
/// rows hold values", to be gone on with.
std::string text_of(const StretchedColumn& column, double standard_deviation);

/// What the moments alone show to be wrong with labels or columns, in words.
std::vector<std::string> warnings_of_columns(const DataSet& data, const Moments& moments);

}  // namespace paralogit::train
