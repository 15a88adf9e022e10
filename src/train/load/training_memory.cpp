#include "training_memory.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/score_key.hpp"
#include "paralogit/train/information.hpp"

namespace paralogit::train {

namespace {

/// The scores of validation rows are sorted, exchanged and merged; a soft label, which only the
/// rows themselves tell, makes two of one.
constexpr Index bytes_of_score = 2 * 2 * static_cast<Index>(sizeof(model::WeightedKey));

Index score_bytes(const RowUse& use, Index own_rows) {
    return use.hold_out ? bytes_of_score * static_cast<Index>(use.hold_out->fraction *
                                                              static_cast<double>(own_rows))
                        : 0;
}

/// Those that may have entries.
Index most_features_of(const data::Manifest& manifest) {
    return manifest.is_sparse ? std::min(manifest.features, manifest.entries_before_block.back())
                              : manifest.features;
}

DataShape shape_of(const data::Manifest& manifest, Index features) {
    return {.rows = manifest.rows,
            .dimension = features + 1,
            .entries = manifest.is_sparse ? std::optional(manifest.entries_before_block.back())
                                          : std::nullopt};
}

/// What a run takes of a rank's memory beside the rows.
Index bytes_beside_rows(const TrainOptions& options, const DataShape& shape, Index own_rows) {
    // Statistics of more parameters are refused.
    const Index inferred = std::min(shape.dimension, most_inferred_parameters);
    return solver_bytes(options.solver, shape, own_rows, options.execution.threads) +
           score_bytes(options.row_use, own_rows) +
           (options.inference_confidence ? information_bytes(inferred) : 0);
}

}  // namespace

Execution share_memory(const comm::Communicator& comm, const TrainOptions& options,
                       const std::optional<data::Manifest>& validation_files) {
    Execution execution = options.execution;
    MemoryLimit& memory = execution.memory;
    memory.also_needed = [&options](const data::Manifest& manifest, Index own_rows) {
        return bytes_beside_rows(options, shape_of(manifest, most_features_of(manifest)), own_rows);
    };
    if (validation_files) {
        memory.set_aside_bytes = comm::together(
            comm, [&] { return bytes_to_set_aside(comm, *validation_files, memory); });
        memory.set_aside_bytes += bytes_of_score * (validation_files->rows / comm.size() + 1);
    }
    return execution;
}

void take_solver_memory(const comm::Communicator& comm, const TrainOptions& options,
                        DataSet& data) {
    if (!data.sparse) {
        return;
    }
    const Index features = data.shard.features;
    const Index bytes = comm::together(comm, [&] {
        return bytes_beside_rows(options, shape_of(data.manifest, features),
                                 data.shard.rows.size());
    });
    take_of_what_is_left(
        comm, data.manifest, data.execution.memory, data.memory, bytes,
        fmt::format(
            "{} of {} features that have entries",
            options.inference_confidence ? "vectors, and the matrices of --inference," : "vectors",
            features));
}

void refuse_streamed_sparse_batches(const comm::Communicator& comm, const DataSet& data,
                                    const std::string& solver) {
    comm::together(comm, [&] {
        if (is_stochastic(solver) && data.manifest.is_sparse && data.memory.is_streamed()) {
            throw Error(ExitCode::usage,
                        fmt::format("--solver {} picks single rows, and the sparse rows of a rank "
                                    "do not fit into its memory, {}; use more ranks, a larger "
                                    "--memory-limit, or --solver lbfgs, which reads the rows in "
                                    "their order",
                                    solver, bytes_text(data.memory.limit_bytes)));
        }
    });
}

}  // namespace paralogit::train
