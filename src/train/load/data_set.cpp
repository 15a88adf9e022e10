#include "paralogit/train/data_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "paralogit/base/checked.hpp"
#include "paralogit/base/command_text.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/missing_values.hpp"
#include "paralogit/data/row_copies.hpp"
#include "scan.hpp"
#include "sparse_scan.hpp"
#include "use_rows.hpp"

namespace paralogit::train {

namespace {

data::LabelSurvey survey_all_labels(const comm::Communicator& comm, const data::RawLabels& labels,
                                    Index first_global_row,
                                    const std::optional<std::string>& positive_label) {
    const data::LabelSurvey own(labels, first_global_row, positive_label);
    data::LabelSurvey all;
    for (const std::string& bytes : comm.all_gather(own.to_bytes())) {
        all.merge(data::LabelSurvey::from_bytes(bytes));
    }
    return all;
}

/// Gives the shard its labels and row weights; the labels as stored live no longer than this.
/// Returns the rule of the labels: that of the training rows when there are some. @collective
std::optional<data::LabelRule> load_row_columns(const comm::Communicator& comm,
                                                const data::Manifest& manifest,
                                                const data::SourceOptions& source,
                                                const DataSet* training, data::Shard& shard) {
    data::RowColumns columns =
        comm::together(comm, [&] { return data::load_row_columns(manifest, shard.rows); });
    shard.row_weights = std::move(columns.row_weights);
    if (!source.needs_labels) {
        return std::nullopt;
    }
    const data::LabelSurvey all =
        survey_all_labels(comm, columns.labels, shard.rows.first, source.positive_label);
    return comm::together(comm, [&] {
        const data::LabelRule rule =
            training != nullptr
                ? training->label_rule.value()
                : data::LabelRule(all, source.positive_label, manifest, source.known_labels);
        if (training != nullptr) {
            rule.check_applies(all, manifest);
        }
        shard.labels = rule.apply(columns.labels);
        return std::optional(rule);
    });
}

/// Loads the features and looks at each block as it comes. Of bad values and row weights that in
/// the lowest row is thrown, so that the message is the same however the rows are spread. `copies`,
/// where there are some, take what they want on the way.
model::ColumnScan load_and_scan(const data::Manifest& manifest, const data::ShardPlan& plan,
                                data::Shard& shard, const model::ScanFrame& frame,
                                const Execution& execution,
                                std::optional<data::RowCopies>& copies) {
    const auto threads = static_cast<std::size_t>(execution.threads);
    std::vector<model::ColumnScan> scans(threads, model::ColumnScan(frame, execution.isa));
    std::vector<std::optional<model::ColumnScan::BadValue>> bad_values(threads);
    data::load_features(
        manifest, plan, shard, execution.threads, [&](int thread, const model::Block& block) {
            const auto t = static_cast<std::size_t>(thread);
            if (!bad_values[t]) {
                bad_values[t] = lowest(scans[t].add(block), data::find_missing(manifest, block));
            }
            if (copies) {
                copies->take(block);
            }
        });

    // Each thread has rising rows, but what is held and what is streamed has parts for all threads.
    const auto row_of = [](const auto& value) {
        return value ? value->global_row : std::numeric_limits<Index>::max();
    };
    throw_lowest(*std::ranges::min_element(bad_values, {}, row_of),
                 data::find_bad_weight(shard, manifest), manifest);
    for (std::size_t t = 1; t < threads; ++t) {
        scans.front().merge(scans[t]);
    }
    return std::move(scans.front());
}

model::ColumnBounds bounds_of(const model::ColumnScan& scan) {
    const auto narrowed = [](const std::vector<std::int32_t>& exponents) {
        std::vector<std::int16_t> narrow_ones;
        narrow_ones.reserve(exponents.size());
        for (const std::int32_t exponent : exponents) {
            narrow_ones.push_back(narrow<std::int16_t>(exponent));
        }
        return narrow_ones;
    };
    return {.sum_exponents = narrowed(scan.block_sum_exponents),
            .value_exponents = narrowed(scan.value_exponents),
            .weight_exponent = scan.frame().weight_exponent};
}

/// Refuses what sums in double arithmetic have no room for. The same on all ranks, since the
/// bounds are. Throws Error (input_data).
void check_range(const data::Manifest& manifest, const model::ColumnBounds& bounds,
                 bool has_weight) {
    constexpr std::int32_t highest = model::ColumnScan::highest_exponent;
    constexpr double decimal = 0.30103;
    const data::FilePart& file = manifest.files.front();
    const std::int32_t weight_exponent = bounds.weight_exponent;
    // Without any weight there is nothing to rescale; who needs some says so.
    if (weight_exponent > highest / 2 || (has_weight && weight_exponent < -highest / 2)) {
        throw Error(
            ExitCode::input_data,
            fmt::format("{}:{}: the row weights are so {} (sums of them are {} 1e{:.0f}) that sums "
                        "leave double arithmetic; {} them by a constant",
                        file.path, file.weights_path, weight_exponent > 0 ? "large" : "small",
                        weight_exponent <= model::ColumnScan::lowest_exponent ? "below" : "about",
                        weight_exponent * decimal, weight_exponent > 0 ? "divide" : "multiply"));
    }
    for (std::size_t j = 0; j < bounds.sum_exponents.size(); ++j) {
        const std::int32_t exponent = std::max(bounds.sum_exponents[j], bounds.value_exponents[j]);
        if (exponent > highest) {
            throw Error(
                ExitCode::input_data,
                fmt::format("{}:{}: {} has values so large (about 1e{:.0f}) that their sums "
                            "overflow double arithmetic; rescale it",
                            file.path, file.features_path,
                            manifest.name_of_feature(static_cast<Index>(j)),
                            bounds.value_exponents[j] * decimal));
        }
    }
}

/// No more threads than there is work for.
Execution worthwhile(const Execution& requested, const data::Manifest& manifest,
                     const data::Shard& shard) {
    const auto entries_before = [&](Index block) {
        return manifest.entries_before_block[static_cast<std::size_t>(block)];
    };
    const Index values = manifest.is_sparse
                             ? entries_before(shard.blocks.end) - entries_before(shard.blocks.first)
                             : shard.rows.size() * shard.features;
    Execution execution = requested;
    execution.threads = threads_worth(values, shard.blocks.size(), requested.threads);
    return execution;
}

/// Throws Error (input_data) unless the features are those that a model of `training` has.
void check_features(const DataSet& training, const data::Manifest& manifest) {
    const data::Manifest& expected = training.manifest;
    const std::string& file = manifest.files.front().path;
    const std::string& training_file = expected.files.front().path;
    if (manifest.features != expected.features) {
        throw Error(ExitCode::input_data,
                    fmt::format("{} has {} features, but {} has {}; validation data must have the "
                                "features that are trained on",
                                file, manifest.features, training_file, expected.features));
    }
    const data::FilePart* const found_base = manifest.file_with_index_base();
    const data::FilePart* const base = expected.file_with_index_base();
    if (found_base != nullptr && base != nullptr && found_base->index_base != base->index_base) {
        throw Error(ExitCode::input_data,
                    data::index_base_text(*found_base, *base->index_base, base->path,
                                          option_text("like", base->path)));
    }
    if (manifest.feature_names.empty() || expected.feature_names.empty()) {
        return;
    }
    const auto [own, other] = std::ranges::mismatch(manifest.feature_names, expected.feature_names);
    if (own != manifest.feature_names.end()) {
        const Index column = own - manifest.feature_names.begin();
        throw Error(
            ExitCode::input_data,
            fmt::format("{} has {}, but {} has {}; {}", file, manifest.name_of_feature(column),
                        training_file, expected.name_of_feature(column),
                        data::advice_on_names(manifest, expected.feature_names, training_file,
                                              training_file)));
    }
}

/// The rows that are held out as a data set of their own. @collective
std::unique_ptr<DataSet> make_held_out(const comm::Communicator& comm, const DataSet& whole,
                                       HeldOutRows rows, data::RowCopies copies,
                                       const Execution& requested) {
    data::SomeRows some =
        comm::together(comm, [&] { return copies.finish(whole.shard, whole.execution.threads); });
    some.shard.row_weights = std::move(rows.weights);
    const std::int32_t weight_exponent = largest_weight_exponent(comm, some.plan, some.shard);
    auto held_out = std::make_unique<DataSet>(DataSet{.manifest = whole.manifest,
                                                      .plan = std::move(some.plan),
                                                      .shard = std::move(some.shard),
                                                      .bounds = {},
                                                      .scan = model::ColumnScan(model::ScanFrame()),
                                                      .sparse = std::nullopt,
                                                      .execution = requested,
                                                      .label_description = whole.label_description,
                                                      .global_bytes = 0,
                                                      .memory = MemoryPlan(),
                                                      .label_rule = whole.label_rule,
                                                      .class_weights = {},
                                                      .held_out = nullptr});
    held_out->manifest.rows = rows.global_count;
    held_out->execution = worthwhile(requested, held_out->manifest, held_out->shard);
    held_out->global_bytes = comm.sum(held_out->shard.bytes());
    if (whole.manifest.is_sparse) {
        held_out->bounds = bounds_of_sparse(comm, *held_out, weight_exponent);
    } else {
        // Only the bounds of its columns are asked for, which no frame changes.
        const auto frame = model::ScanFrame::of_sample({}, whole.manifest.features, weight_exponent,
                                                       held_out->plan.blocks());
        held_out->scan = scan_again(comm, *held_out, frame);
        held_out->bounds = bounds_of(held_out->scan);
    }
    return held_out;
}

/// Sums over sparse rows have a place for each entry of a column, of which a row has one. Throws
/// Error (input_data).
void check_sparse_rows(const data::Manifest& manifest) {
    constexpr Index most = model::ScatterScale::most_partials;
    if (manifest.is_sparse && manifest.rows > most) {
        const data::FilePart& file = manifest.files.front();
        throw Error(ExitCode::input_data,
                    fmt::format("{}:{}: the data set has {} sparse rows; exact sums have room for "
                                "{} (2^30) of them: take a part of the rows, or store them dense",
                                file.path, file.features_path, manifest.rows, most));
    }
}

/// `training`, where the rows are to validate by, is what they have to go with. @collective
DataSet load(const comm::Communicator& comm, data::Manifest manifest,
             const data::SourceOptions& source, const Execution& requested, const RowUse& use,
             const DataSet* training) {
    comm::together(comm, [&] {
        check_sparse_rows(manifest);
        if (training != nullptr) {
            check_features(*training, manifest);
        }
    });
    const data::ShardPlan plan = manifest.plan();
    data::Shard shard = data::empty_shard(manifest, plan, comm.rank(), comm.size());
    const Execution execution = worthwhile(requested, manifest, shard);
    shard.trace = execution.trace;
    const MemoryPlan memory =
        plan_memory(comm, manifest, plan, execution.memory, execution.threads, shard, use);
    std::optional<data::LabelRule> rule = load_row_columns(comm, manifest, source, training, shard);
    if (std::string note = rule ? rule->note() : ""; training == nullptr && !note.empty()) {
        manifest.notes.push_back(std::move(note));
    }
    HeldOutRows held_out_rows;
    if (use.hold_out) {
        held_out_rows = hold_out_rows(comm, *use.hold_out, manifest, execution.threads, shard);
    }
    const ClassWeights class_weights =
        weigh_classes(comm, use, manifest, plan, rule && rule->is_soft(), shard);
    model::ColumnScan scan((model::ScanFrame()));
    model::ColumnBounds bounds;
    std::optional<SparseFacts> sparse;
    std::optional<data::RowCopies> copies;
    comm::together(comm, [&] {
        if (use.hold_out) {
            copies.emplace(shard, plan, held_out_rows.rows, manifest.is_sparse);
        }
    });
    if (manifest.is_sparse) {
        sparse = load_and_scan_sparse(comm, manifest, plan, shard, execution, bounds);
    } else {
        const model::ScanFrame frame = make_scan_frame(comm, manifest, plan, shard);
        scan = comm::together(
            comm, [&] { return load_and_scan(manifest, plan, shard, frame, execution, copies); });
        join(comm, scan);
        bounds = bounds_of(scan);
    }
    comm::on_root(comm, [&] { data::check_unchanged(manifest); });
    comm::together(comm, [&] {
        check_range(manifest, bounds,
                    sparse ? sparse->sums.value(0) > 0 : scan.frame().sample_rows > 0);
        if (sparse) {
            sparse->scale = model::ScatterScale(bounds.sum_exponents, manifest.rows);
        }
    });

    const Index global_bytes = comm.sum(shard.bytes());
    std::string label_description = rule ? rule->description() : "";
    DataSet data{.manifest = std::move(manifest),
                 .plan = plan,
                 .shard = std::move(shard),
                 .bounds = std::move(bounds),
                 .scan = std::move(scan),
                 .sparse = std::move(sparse),
                 .execution = execution,
                 .label_description = std::move(label_description),
                 .global_bytes = global_bytes,
                 .memory = memory,
                 .label_rule = std::move(rule),
                 .class_weights = class_weights,
                 .held_out = nullptr};
    if (use.hold_out) {
        data.held_out = make_held_out(comm, data, std::move(held_out_rows),
                                      std::move(copies).value(), requested);
    }
    return data;
}

}  // namespace

data::Manifest describe_files(const comm::Communicator& comm, std::span<const std::string> paths,
                              const data::SourceOptions& source) {
    std::string bytes;
    comm::on_root(comm, [&] {
        const std::vector<std::string> expanded = data::expand_paths(paths);
        bytes = data::describe(expanded, source).to_bytes();
    });
    comm.broadcast(bytes);
    return data::Manifest::from_bytes(bytes);
}

Index DataSet::bytes_read(const comm::Communicator& comm) const {
    // The first reading is part of what was streamed so far.
    return global_bytes + comm.sum(shard.bytes_streamed_so_far() - shard.streamed_bytes());
}

DataSet load_data_set(const comm::Communicator& comm, std::span<const std::string> paths,
                      const data::SourceOptions& source, const Execution& execution,
                      const RowUse& use) {
    return load(comm, describe_files(comm, paths, source), source, execution, use, nullptr);
}

DataSet load_validation_set(const comm::Communicator& comm, data::Manifest manifest,
                            const data::SourceOptions& source, const Execution& execution,
                            const DataSet& training) {
    return load(comm, std::move(manifest), source, execution, {}, &training);
}

}  // namespace paralogit::train
