#pragma once

#include <span>
#include <vector>

#include "isa/kernel_table.hpp"
#include "paralogit/model/block.hpp"
#include "paralogit/model/loss.hpp"

namespace paralogit::model {

/// A loss as the kernels take it.
inline KernelFocal kernel_focal(const Loss& loss) {
    return {.is_used = loss.is_focal(),
            .gamma = loss.gamma(),
            .positive = loss.positive_factor(),
            .negative = loss.negative_factor(),
            .slope_scale = 1 / loss.slope_unit(),
            .curvature_scale = 1 / loss.curvature_unit()};
}

/// A block as the kernels take it.
inline KernelRows kernel_rows(const Block& block, const Loss& loss = Loss()) {
    return {.type = block.type,
            .values = block.values,
            .rows = block.rows,
            .features = block.features,
            .hard = block.labels.hard(),
            .soft = block.labels.soft(),
            .row_weights = block.row_weights.empty() ? nullptr : block.row_weights.data(),
            .focal = kernel_focal(loss)};
}

/// The working memory of a kernel, made when it is first needed.
inline double* scratch_for(Index features, std::vector<double>& scratch) {
    const auto size = static_cast<std::size_t>(kernel_scratch(features));
    if (scratch.size() < size) {
        scratch.resize(size);
    }
    return scratch.data();
}

}  // namespace paralogit::model
