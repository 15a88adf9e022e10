#include "training_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

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

/// Parameters by all features, for scores, and the best ones so far.
Index validation_bytes(const data::Manifest& manifest, const DataShape& shape) {
    constexpr Index number_bytes = sizeof(double);
    return manifest.is_sparse ? (2 * manifest.features + 2 * shape.dimension) * number_bytes : 0;
}

DataShape shape_of(const data::Manifest& manifest, Index features) {
    return {.rows = manifest.rows,
            .dimension = features + 1,
            .entries = manifest.is_sparse ? std::optional(manifest.entries_before_block.back())
                                          : std::nullopt};
}

RankShare share_of(const TrainOptions& options, const RowsOfRank& rows) {
    return {.own_rows = rows.own,
            .threads = options.execution.threads,
            .may_be_streamed = rows.may_be_streamed};
}

/// What a run takes of a rank's memory beside the rows.
Index bytes_beside_rows(const TrainOptions& options, bool has_validation, const RowsOfRank& rows) {
    const DataShape shape = shape_of(rows.manifest, rows.features);
    // Statistics of more parameters are refused.
    const Index inferred = std::min(shape.dimension, most_inferred_parameters);
    return solver_bytes(options.solver, shape, share_of(options, rows)) +
           score_bytes(options.row_use, rows.own) +
           (has_validation ? validation_bytes(rows.manifest, shape) : 0) +
           (options.inference_confidence ? information_bytes(inferred) : 0);
}

}  // namespace

bool leaves_out_unused_features(const TrainOptions& options) {
    return (options.initial == "zeros" || options.standardize) &&
           !options.penalty.may_hold_off_zero();
}

Execution share_memory(const comm::Communicator& comm, const TrainOptions& options,
                       const std::optional<data::Manifest>& validation_files) {
    Execution execution = options.execution;
    MemoryLimit& memory = execution.memory;
    memory.leaves_out_unused = leaves_out_unused_features(options);
    const bool has_validation = validation_files || options.row_use.hold_out;
    memory.also_needed = [&options, has_validation](const RowsOfRank& rows) {
        return bytes_beside_rows(options, has_validation, rows);
    };
    memory.ways_to_need_less = [&options](const RowsOfRank& rows) {
        return ways_to_take_less(options.solver, shape_of(rows.manifest, rows.features),
                                 share_of(options, rows));
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
    const bool is_streamed = data.shard.sparse_stream != nullptr;
    const RowsOfRank rows{.manifest = data.manifest,
                          .own = data.shard.rows.size(),
                          .features = features,
                          .may_be_streamed = is_streamed};
    const Index bytes = comm::together(comm, [&] {
        // Of features that are streamed each number is exchanged for a new one.
        const Index new_numbers = is_streamed && features < data.manifest.features
                                      ? data.manifest.features * Index{sizeof(std::uint32_t)}
                                      : Index{0};
        return new_numbers + data.execution.memory.also_needed(rows);
    });
    take_of_what_is_left(
        comm, rows, data.execution.memory, data.memory, bytes,
        fmt::format(
            "{} of {} features that have entries",
            options.inference_confidence ? "vectors, and the matrices of --inference," : "vectors",
            features));
}

}  // namespace paralogit::train
