#include "paralogit/data/shard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "feature_stream.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/data/source_file.hpp"
#include "paralogit/h5/file.hpp"
#include "read_labels.hpp"
#include "rows_in_file.hpp"
#include "sparse_stream.hpp"
#include "text.hpp"

namespace paralogit::data {

model::Block Shard::block(Index global_block, const ShardPlan& plan,
                          const std::byte* values_of_block) const {
    const Range block_rows = plan.rows_of_block(global_block);
    const auto offset = narrow<std::size_t>(block_rows.first - rows.first);
    const auto count = narrow<std::size_t>(block_rows.size());
    return {.type = type,
            .values = values_of_block,
            .rows = block_rows.size(),
            .features = features,
            .labels = labels.empty() ? model::LabelView() : labels.view().subview(offset, count),
            .row_weights = row_weights.empty() ? std::span<const double>()
                                               : std::span(row_weights).subspan(offset, count),
            .first_global_row = block_rows.first};
}

const std::byte* Shard::values_of(Index global_block, const ShardPlan& plan) const {
    const std::size_t row_bytes = narrow<std::size_t>(features) * size_of(type);
    return values.data() +
           narrow<std::size_t>(plan.rows_of_block(global_block).first - rows.first) * row_bytes;
}

model::SparseBlock Shard::sparse_block(Index global_block, const ShardPlan& plan,
                                       const Shard& entries) const {
    const Range block_rows = plan.rows_of_block(global_block);
    const auto offset = narrow<std::size_t>(block_rows.first - rows.first);
    const auto count = narrow<std::size_t>(block_rows.size());
    return {.type = type,
            .values = entries.sparse.values.data(),
            .indices = entries.sparse.indices.data(),
            .offsets =
                std::span(entries.sparse.offsets)
                    .subspan(narrow<std::size_t>(block_rows.first - entries.rows.first), count + 1),
            .rows = block_rows.size(),
            .features = features,
            .labels = labels.empty() ? model::LabelView() : labels.view().subview(offset, count),
            .row_weights = row_weights.empty() ? std::span<const double>()
                                               : std::span(row_weights).subspan(offset, count),
            .first_global_row = block_rows.first};
}

Range Shard::held() const {
    if (sparse_stream != nullptr) {
        return {.first = blocks.first, .end = blocks.first};
    }
    return {.first = blocks.first, .end = stream == nullptr ? blocks.end : stream->blocks().first};
}

Range Shard::held_rows(const ShardPlan& plan) const {
    if (sparse_stream != nullptr) {
        return {.first = rows.first, .end = rows.first};
    }
    return {.first = rows.first,
            .end = stream == nullptr ? rows.end : plan.rows_of_block(stream->blocks().first).first};
}

Index Shard::streamed_bytes() const {
    if (sparse_stream != nullptr) {
        return sparse_stream->pass_bytes();
    }
    return stream == nullptr ? 0 : stream->pass_bytes();
}

Index Shard::bytes_streamed_so_far() const {
    if (sparse_stream != nullptr) {
        return sparse_stream->bytes_read();
    }
    return stream == nullptr ? 0 : stream->bytes_read();
}

Index Shard::passing_bytes() const {
    if (sparse_stream != nullptr) {
        return sparse_stream->memory_bytes();
    }
    return stream == nullptr ? 0 : stream->memory_bytes();
}

void Shard::check_unchanged() const {
    values.check_unchanged();
    sparse.values.check_unchanged();
    sparse.indices.check_unchanged();
    if (stream != nullptr) {
        stream->check_unchanged();
    }
    if (sparse_stream != nullptr) {
        sparse_stream->check_unchanged();
    }
}

Index Shard::bytes() const {
    return values.size() + streamed_bytes() + sparse.values.size() + sparse.indices.size() +
           narrow<Index>(sparse.offsets.size() * sizeof(Index)) + labels.bytes() +
           narrow<Index>(row_weights.size() * sizeof(double));
}

Shard empty_shard(const Manifest& manifest, const ShardPlan& plan, int rank, int ranks) {
    Shard shard;
    shard.type = manifest.type;
    shard.features = manifest.features;
    shard.rows = plan.rows_of(rank, ranks);
    shard.blocks = plan.blocks_of(rank, ranks);
    return shard;
}

RowColumns load_row_columns(const Manifest& manifest, Range rows) {
    RowColumns columns;
    LabelReader labels;
    for (const FilePart& part : manifest.files) {
        const Range in_file = rows_in_file(part, rows);
        if (in_file.size() <= 0 || (part.labels_path.empty() && part.weights_path.empty())) {
            continue;
        }
        check_unchanged(part);
        const h5::File file = h5::File::open(part.path);
        if (!part.labels_path.empty()) {
            labels.read(ColumnReader(file, part, part.labels_path), in_file);
        }
        if (!part.weights_path.empty()) {
            const std::vector<double> weights =
                ColumnReader(file, part, part.weights_path).read_doubles(in_file);
            columns.row_weights.reserve(narrow<std::size_t>(rows.size()));
            columns.row_weights.insert(columns.row_weights.end(), weights.begin(), weights.end());
        }
    }
    columns.labels = labels.take();
    return columns;
}

std::optional<Error> find_bad_weight(const Shard& shard, const Manifest& manifest) {
    const auto bad =
        std::find_if(shard.row_weights.begin(), shard.row_weights.end(),
                     [](double weight) { return !std::isfinite(weight) || weight < 0; });
    if (bad == shard.row_weights.end()) {
        return std::nullopt;
    }
    const Index row = shard.rows.first + (bad - shard.row_weights.begin());
    return Error(ExitCode::input_data,
                 fmt::format("{}: the row weight is {}; row weights must be finite and at least 0; "
                             "correct it, or give the row the weight 0",
                             manifest.locate_weight(row), shortest(*bad)),
                 row);
}

void check_unchanged(const Manifest& manifest) {
    for (const FilePart& part : manifest.files) {
        check_unchanged(part);
    }
}

}  // namespace paralogit::data
