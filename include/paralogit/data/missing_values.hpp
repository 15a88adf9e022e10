#pragma once

#include <optional>
#include <string>

#include "paralogit/data/manifest.hpp"
#include "paralogit/model/block.hpp"
#include "paralogit/model/column_scan.hpp"
#include "paralogit/model/sparse_block.hpp"

namespace paralogit::data {

/// The first value of a block that its file says is missing. Costs nothing where no file marks
/// missing values, else a reading of the block. Of sparse rows, which have a value for each entry,
/// what has none is 0 and never missing.
std::optional<model::ColumnScan::BadValue> find_missing(const Manifest& manifest,
                                                        const model::Block& block);
std::optional<model::ColumnScan::BadValue> find_missing(const Manifest& manifest,
                                                        const model::SparseBlock& block);

/// "the value is missing: -9999 marks it (attribute _FillValue or missing_value)"
std::string missing_text(double mark);

}  // namespace paralogit::data
