#pragma once

#include <string>
#include <vector>

#include "paralogit/train/data_set.hpp"
#include "paralogit/train/moments.hpp"

namespace paralogit::train {

/// What the moments alone show to be wrong with labels or columns, in words.
std::vector<std::string> warnings_of_columns(const DataSet& data, const Moments& moments);

}  // namespace paralogit::train
