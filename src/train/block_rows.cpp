#include "block_rows.hpp"

#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/sparse_kernel.hpp"

namespace paralogit::train {

model::Block labelled_rows(const DataSet& data, Index block) {
    if (!data.manifest.is_sparse) {
        return data.shard.block(block, data.plan);
    }
    const model::SparseBlock sparse = data.shard.sparse_block(block, data.plan);
    return {.type = sparse.type,
            .values = nullptr,
            .rows = sparse.rows,
            .features = 0,
            .labels = sparse.labels,
            .row_weights = sparse.row_weights,
            .first_global_row = sparse.first_global_row};
}

void margins_of_block(const DataSet& data, Index block, std::span<const double> coefficients,
                      double intercept, std::span<double> margins) {
    const model::Isa isa = data.execution.isa;
    if (data.manifest.is_sparse) {
        model::block_margins(data.shard.sparse_block(block, data.plan), coefficients, intercept,
                             margins, isa);
    } else {
        model::block_margins(data.shard.block(block, data.plan), coefficients, intercept, margins,
                             isa);
    }
}

void check_mapped_files(const data::Shard& shard) {
    shard.values.check_unchanged();
    shard.sparse.values.check_unchanged();
    shard.sparse.indices.check_unchanged();
}

}  // namespace paralogit::train
