#include "scan_cases.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

namespace paralogit::model::testing {

OwnedBlock column(std::vector<double> values, std::vector<double> row_weights) {
    OwnedBlock block;
    block.features = 1;
    block.labels.assign(values.size(), 0.0);
    block.values = std::move(values);
    block.row_weights = std::move(row_weights);
    return block;
}

ScanFrame frame_for(const OwnedBlock& block) {
    return ScanFrame::of_sample(block.values, block.features,
                                weight_sum_exponent(block.row_weights, block.rows()), 64);
}

ColumnScan scan_of(const OwnedBlock& block, Isa isa) {
    ColumnScan scan(frame_for(block), isa);
    EXPECT_FALSE(scan.add(block.view()).has_value());
    return scan;
}

OwnedBlock part_of(const OwnedBlock& block, Index first, Index count) {
    const auto slice = [](const std::vector<double>& values, Index from, Index size) {
        return std::vector<double>(values.begin() + from, values.begin() + from + size);
    };
    OwnedBlock part;
    part.features = block.features;
    part.values = slice(block.values, first * block.features, count * block.features);
    part.labels = slice(block.labels, first, count);
    if (!block.row_weights.empty()) {
        part.row_weights = slice(block.row_weights, first, count);
    }
    part.first_global_row = block.first_global_row + first;
    return part;
}

Moments moments_of(const ColumnScan& scan, Index feature) {
    const auto features = static_cast<Index>(scan.frame().units.size());
    const double weights = scan.sums.value(2 * features);
    const double shift = scan.sums.value(feature) / weights;
    const double unit = std::ldexp(1.0, scan.frame().units[static_cast<std::size_t>(feature)]);
    return {scan.frame().origin[feature] + shift,
            scan.sums.value(features + feature) / weights * unit * unit - shift * shift};
}

}  // namespace paralogit::model::testing
