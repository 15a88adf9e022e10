#include "paralogit/data/shard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <optional>
#include <utility>

#include "file_state.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/h5/file.hpp"
#include "paralogit/model/moments.hpp"
#include "read_features.hpp"
#include "read_labels.hpp"
#include "text.hpp"

namespace paralogit::data {

namespace {

/// Of a cache line, and of the widest vector register.
constexpr std::align_val_t alignment{64};

[[noreturn]] void fail_changed(const FilePart& part, const std::string& what) {
    throw Error(ExitCode::input_data,
                fmt::format("{}: the file has changed since the run began, or is another one on "
                            "this host: {}; start again when nothing writes to it, and give copies "
                            "on several hosts the same time (cp -p)",
                            part.path, what));
}

void check_unchanged(const FilePart& part) {
    const FileState now = state_of(part.path);
    if (now.bytes != part.file_bytes) {
        fail_changed(part, fmt::format("it had {} bytes and has {}", part.file_bytes, now.bytes));
    }
    if (now.modified_nanoseconds != part.modified_nanoseconds) {
        fail_changed(part, "its time of modification is another one");
    }
}

/// Opens the features and makes sure that they are those of the manifest, for a file can also be
/// another one on another machine.
h5::Dataset open_features(const h5::File& file, const Manifest& manifest, const FilePart& part) {
    h5::Dataset dataset = file.dataset(part.features_path);
    const h5::DatasetInfo& info = dataset.info();
    const bool has_rank = manifest.is_transposed ? info.shape.size() == 2 : info.shape.size() >= 2;
    const bool is_same =
        has_rank && info.element_type == manifest.type &&
        (manifest.is_transposed
             ? info.shape[1] == part.rows && info.shape[0] == manifest.features
             : info.rows() == part.rows && info.values_per_row() == manifest.features);
    if (!is_same) {
        fail_changed(part, part.features_path + " has another shape or type");
    }
    return dataset;
}

/// The part of a range of global rows that lies in a file, counted within the file.
Range rows_in_file(const FilePart& part, Range rows) {
    const Index first = std::clamp<Index>(rows.first - part.first_row, 0, part.rows);
    const Index end = std::clamp<Index>(rows.end - part.first_row, 0, part.rows);
    return {.first = first, .end = end};
}

void read_rows_of_features(const h5::Dataset& dataset, const Manifest& manifest, Range rows,
                           std::byte* out) {
    if (manifest.is_transposed) {
        read_transposed_features(dataset, rows, out);
    } else {
        read_features(dataset, rows, out);
    }
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

/// Scans all blocks unless a value is bad.
std::optional<Error> find_bad_value(const Shard& shard, const ShardPlan& plan,
                                    const Manifest& manifest, model::ColumnScan& scan) {
    for (Index block = shard.blocks.first; block < shard.blocks.end; ++block) {
        if (const auto bad = scan.add(shard.block(block, plan))) {
            return Error(
                ExitCode::input_data,
                fmt::format("{}, {}: the value is {}; features must be finite; remove the row or "
                            "impute the value",
                            manifest.locate(bad->global_row),
                            manifest.name_of_feature(bad->feature), shortest(bad->value)),
                bad->global_row);
        }
    }
    return std::nullopt;
}

}  // namespace

Buffer::Buffer(Index bytes)
    : bytes_(static_cast<std::byte*>(::operator new[](narrow<std::size_t>(bytes), alignment))),
      size_(bytes) {}

void Buffer::Free::operator()(std::byte* bytes) const {
    ::operator delete[](bytes, alignment);
}

model::Block Shard::block(Index global_block, const ShardPlan& plan) const {
    const Range block_rows = plan.rows_of_block(global_block);
    const Index offset = block_rows.first - rows.first;
    const Index row_bytes = features * narrow<Index>(size_of(type));
    const auto part_of = [&](const std::vector<double>& column) {
        return column.empty() ? std::span<const double>()
                              : std::span(column).subspan(narrow<std::size_t>(offset),
                                                          narrow<std::size_t>(block_rows.size()));
    };
    return {.type = type,
            .values = values.data() + offset * row_bytes,
            .rows = block_rows.size(),
            .features = features,
            .labels = part_of(labels),
            .row_weights = part_of(row_weights),
            .first_global_row = block_rows.first};
}

LoadedShard load_shard(const Manifest& manifest, const ShardPlan& plan, int rank, int ranks) {
    LoadedShard loaded{.shard = {},
                       .raw_labels = {},
                       .scan = model::ColumnScan(manifest.features),
                       .bytes_read = 0};
    Shard& shard = loaded.shard;
    shard.type = manifest.type;
    shard.features = manifest.features;
    shard.rows = plan.rows_of(rank, ranks);
    shard.blocks = plan.blocks_of(rank, ranks);
    const Index row_bytes = manifest.features * narrow<Index>(size_of(manifest.type));
    shard.values = Buffer(checked_multiply(shard.rows.size(), row_bytes, "the bytes of a shard"));

    LabelReader labels;
    for (const FilePart& part : manifest.files) {
        const Range rows = rows_in_file(part, shard.rows);
        if (rows.size() <= 0) {
            continue;
        }
        check_unchanged(part);
        const h5::File file = h5::File::open(part.path);
        const Index offset = part.first_row + rows.first - shard.rows.first;
        read_rows_of_features(open_features(file, manifest, part), manifest, rows,
                              shard.values.data() + offset * row_bytes);
        if (!part.labels_path.empty()) {
            labels.read(file.dataset(part.labels_path), rows);
        }
        if (!part.weights_path.empty()) {
            const std::vector<double> weights =
                file.dataset(part.weights_path).read_doubles(rows.first, rows.size());
            shard.row_weights.insert(shard.row_weights.end(), weights.begin(), weights.end());
        }
    }
    loaded.raw_labels = labels.take();
    loaded.bytes_read = shard.values.size() +
                        narrow<Index>((loaded.raw_labels.values.size() + shard.row_weights.size()) *
                                      sizeof(double));

    // Of two errors the one in the lower row is thrown, so that the message is the same however the
    // rows are spread.
    const std::optional<Error> bad_value = find_bad_value(shard, plan, manifest, loaded.scan);
    const std::optional<Error> bad_weight = find_bad_weight(shard, manifest);
    if (bad_value && (!bad_weight || bad_value->global_row() <= bad_weight->global_row())) {
        throw Error(*bad_value);
    }
    if (bad_weight) {
        throw Error(*bad_weight);
    }
    return loaded;
}

Index bytes_of_shard(const Manifest& manifest, const ShardPlan& plan, int rank, int ranks) {
    const Index rows = plan.rows_of(rank, ranks).size();
    const FilePart& first = manifest.files.front();
    const Index features = checked_multiply(
        manifest.features, narrow<Index>(size_of(manifest.type)), "the bytes of a row");
    // Labels are held as stored and as y while one is made of the other.
    const Index doubles =
        (first.labels_path.empty() ? 0 : 2) + (first.weights_path.empty() ? 0 : 1);
    return checked_multiply(rows, features + doubles * narrow<Index>(sizeof(double)),
                            "the bytes of a shard");
}

void check_unchanged(const Manifest& manifest) {
    for (const FilePart& part : manifest.files) {
        check_unchanged(part);
    }
}

}  // namespace paralogit::data
