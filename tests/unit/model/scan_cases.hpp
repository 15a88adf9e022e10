#pragma once

#include <vector>

#include "paralogit/model/column_scan.hpp"
#include "unit/model/owned_block.hpp"

namespace paralogit::model::testing {

// One row per value, one feature.
OwnedBlock column(std::vector<double> values, std::vector<double> row_weights = {});

/// Room for a few blocks like this one.
ScanFrame frame_for(const OwnedBlock& block);

ColumnScan scan_of(const OwnedBlock& block, Isa isa = best_isa());

/// The rows [first, first + count) of a block.
OwnedBlock part_of(const OwnedBlock& block, Index first, Index count);

/// What the standardisation makes of the sums.
struct Moments {
    double mean;
    double variance;
};
Moments moments_of(const ColumnScan& scan, Index feature);

}  // namespace paralogit::model::testing
