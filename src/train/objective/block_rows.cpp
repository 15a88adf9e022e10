#include "block_rows.hpp"

#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/sparse_kernel.hpp"

namespace paralogit::train {

void margins_of_block(const DataSet& data, const data::ShardWalk& walk,
                      std::span<const double> coefficients, double intercept,
                      std::span<double> margins) {
    const model::Isa isa = data.execution.isa;
    if (data.shard.is_sparse()) {
        model::block_margins(walk.sparse_block(), coefficients, intercept, margins, isa);
    } else {
        model::block_margins(walk.block(), coefficients, intercept, margins, isa);
    }
}

}  // namespace paralogit::train
