#include "paralogit/train/convert.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "convert_file.hpp"
#include "fillings.hpp"
#include "paralogit/base/command_text.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/import/survey.hpp"
#include "paralogit/data/import/text_chunks.hpp"
#include "paralogit/data/import/text_columns.hpp"
#include "paralogit/model/sparse_block.hpp"
#include "paralogit/train/parallel_file.hpp"
#include "text_format.hpp"
#include "text_rows.hpp"

namespace paralogit::train {

namespace {

/// The files, described by rank 0 for all.
std::vector<data::TextFile> describe_inputs(const comm::Communicator& comm,
                                            const ConvertOptions& options) {
    std::string bytes;
    comm::on_root(comm, [&] {
        check_target(options.out, options.may_replace, "output");
        const std::vector<data::TextFile> files = data::describe_texts(options.inputs);
        std::error_code ignored;  // a file that is not there is no other file's double
        if (options.like && std::filesystem::equivalent(options.out, *options.like, ignored)) {
            throw Error(ExitCode::usage, fmt::format("{}: the output would replace the file that "
                                                     "--like names; give another output",
                                                     options.out.string()));
        }
        for (const data::TextFile& file : files) {
            if (std::filesystem::equivalent(options.out, file.path, ignored)) {
                throw Error(ExitCode::usage,
                            fmt::format("{}: the output would replace the input {}; give another "
                                        "output",
                                        options.out.string(), file.path));
            }
        }
        bytes = data::to_bytes(files);
    });
    comm.broadcast(bytes);
    return data::texts_from_bytes(bytes);
}

std::vector<std::string> repeated_files(const std::vector<data::TextFile>& files) {
    std::vector<std::string> paths;
    for (const data::TextFile& file : files) {
        paths.push_back(file.path);
    }
    return data::notes_on_repeated_files(paths);
}

/// Follows the quotes of the whole text, so that a chunk knows whether it begins within some.
void follow_quotes(const comm::Communicator& comm, data::ChunkPlan& plan) {
    bool has_quotes = false;
    for (const data::TextFile& file : plan.files) {
        std::vector<bool>& is_quoted = plan.is_quoted.emplace_back();
        if (file.compression != data::Compression::none) {
            has_quotes = true;  // perhaps
            continue;
        }
        std::vector<Index> counts = comm::together(comm, [&] {
            return data::count_quotes(file, plan.chunk_bytes, comm.rank(), comm.size());
        });
        comm.sum(std::span<Index>(counts));
        Index quotes = 0;
        for (const Index count : counts) {
            is_quoted.push_back(quotes % 2 != 0);
            quotes += count;
        }
        has_quotes = has_quotes || quotes > 0;
    }
    plan.quotes = has_quotes ? data::Quotes::hide_line_ends : data::Quotes::mean_nothing;
}

/// Chunk after chunk takes as much memory as the one before. Given back to the system in between,
/// it would come as new pages each time, which cost more than what is done with them.
void keep_freed_memory() {
    constexpr int most_mapped_bytes = 32 << 20;  // the C library takes no more
    constexpr int kept_bytes = 256 << 20;
    mallopt(M_MMAP_THRESHOLD, most_mapped_bytes);
    mallopt(M_TRIM_THRESHOLD, kept_bytes);
}

/// Of one chunk.
struct ChunkSize {
    Index number;
    Index rows;
    Index entries;
};

struct Surveyed {
    data::ImportSurvey all;
    std::vector<Index> first_rows;  ///< by chunk
    std::vector<Index> entries;     ///< by chunk
};

std::vector<Index> sums_before(std::vector<Index> counts) {
    Index sum = 0;
    for (Index& count : counts) {
        sum += std::exchange(count, sum);
    }
    return counts;
}

Surveyed survey(const comm::Communicator& comm, TextRows& rows, Index most_texts) {
    const auto threads = static_cast<std::size_t>(rows.threads());
    std::vector<data::ImportSurvey> surveys(threads);
    std::vector<std::vector<ChunkSize>> sizes(threads);
    rows.read([&](int thread, Index number, const data::ParsedChunk& chunk) {
        const auto t = static_cast<std::size_t>(thread);
        const Index entries = data::entries_of(chunk);
        surveys[t].add(chunk, entries, most_texts);
        sizes[t].push_back({number, chunk.rows, entries});
    });
    Surveyed result;
    data::ImportSurvey own;
    for (const data::ImportSurvey& each : surveys) {
        own.merge(each, most_texts);
    }
    for (const std::string& bytes : comm.all_gather(own.to_bytes())) {
        result.all.merge(data::ImportSurvey::from_bytes(bytes), most_texts);
    }
    std::vector<Index> row_counts(static_cast<std::size_t>(rows.chunks()));
    std::vector<Index> entry_counts(row_counts.size());
    for (const std::vector<ChunkSize>& of_thread : sizes) {
        for (const ChunkSize& size : of_thread) {
            row_counts[static_cast<std::size_t>(size.number)] = size.rows;
            entry_counts[static_cast<std::size_t>(size.number)] = size.entries;
        }
    }
    comm.sum(std::span<Index>(row_counts));
    comm.sum(std::span<Index>(entry_counts));
    result.first_rows = sums_before(std::move(row_counts));
    result.entries = std::move(entry_counts);
    return result;
}

/// The survey of all rows. Where a column has no value in the first rows it is taken for one of
/// numbers; when the first value turns out to be a text, `format` is changed and all begins anew.
Surveyed survey_until_decided(const comm::Communicator& comm, const data::ChunkPlan& plan,
                              const ConvertOptions& options, TextFormat& format,
                              std::optional<TextRows>& rows) {
    while (true) {
        rows.emplace(comm, plan, format, options.threads);
        try {
            return survey(comm, *rows, options.most_texts);
        } catch (const comm::AgreedError&) {
            const auto& first = rows->first_text();
            const bool is_decided =
                first && comm::together(comm, [&] {
                    return data::decide_kinds(*format.csv, first->rows, first->column, options.csv,
                                              first->file);
                });
            if (!is_decided) {
                throw;
            }
        }
    }
}

[[noreturn]] void fail(const ConvertOptions& options, const std::string& what) {
    const std::string& first = options.inputs.front();
    throw Error(ExitCode::input_data,
                fmt::format("{}{}: {}", first, options.inputs.size() > 1 ? ", ..." : "", what));
}

struct ColumnOfTexts {
    std::size_t column;
    const data::TextSet* texts;
};

/// Of columns of texts with numbers among them.
[[noreturn]] void fail_mixed(std::span<const ColumnOfTexts> columns, const data::CsvFormat& format,
                             const ConvertOptions& options) {
    constexpr std::size_t most_named = 8;
    std::vector<std::string> found;
    std::vector<std::string> names;
    for (const auto& [i, texts] : columns.first(std::min(most_named, columns.size()))) {
        found.push_back(fmt::format("{} holds {} different texts, and the number {} among them",
                                    format.name_of_column(i), texts->texts().size(),
                                    data::number_among(*texts).value()));
        names.push_back(format.short_name(i));
    }
    const std::size_t more = columns.size() - found.size();
    fail(options,
         fmt::format("{}{}; if each is a text of its own, give {}; or leave the column{} out: {}",
                     fmt::join(found, "; "),
                     more > 0 ? fmt::format("; and {} more columns", more) : "",
                     list_option_text("text", names, more > 0), columns.size() > 1 ? "s" : "",
                     list_option_text("drop", names, more > 0)));
}

void check_survey(const data::ImportSurvey& all, const TextFormat& format,
                  const ConvertOptions& options) {
    if (all.rows == 0) {
        fail(options, "there are no rows in it");
    }
    if (all.rows_with_query_id != 0 && all.rows_with_query_id != all.rows) {
        fail(options, fmt::format("{} of {} rows have a qid; give every row one, or none",
                                  all.rows_with_query_id, all.rows));
    }
    if (!format.csv) {
        return;
    }
    const auto too_many = [&](const std::string& column, const std::string& advice) {
        fail(options, fmt::format("{} has more than {} different texts; {}", column,
                                  options.most_texts, advice));
    };
    std::size_t texts = 0;
    std::vector<ColumnOfTexts> mixed;
    for (std::size_t i = 0; i < format.csv->kinds.size(); ++i) {
        const data::ColumnKind kind = format.csv->kinds[i];
        if (kind == data::ColumnKind::text_label && all.label_texts.is_too_large()) {
            too_many(format.csv->name_of_column(i),
                     "labels are classes; is it the right column? See --label-column");
        }
        if (kind != data::ColumnKind::text) {
            continue;
        }
        const data::TextSet& found = all.texts.at(texts++);
        if (found.is_too_large()) {
            too_many(format.csv->name_of_column(i),
                     fmt::format("each would become a feature: leave the column out ({}) or raise "
                                 "--max-texts",
                                 format.csv->option_on("drop", i)));
        }
        // The first rows did not tell.
        const bool is_told = format.like || format.csv->is_text_by_request[i];
        if (!is_told && data::number_among(found)) {
            mixed.push_back({i, &found});
        }
    }
    if (!mixed.empty()) {
        fail_mixed(mixed, *format.csv, options);
    }
    if (const auto unknown = data::unknown_reference(*format.csv, all)) {
        fail(options, *unknown);
    }
}

bool has_texts(const data::CsvFormat& format) {
    return std::ranges::find(format.kinds, data::ColumnKind::text) != format.kinds.end();
}

data::ImportMatrix plan_matrix(const Surveyed& surveyed, const TextFormat& format,
                               const ConvertOptions& options) {
    data::ImportMatrix matrix =
        format.like && !format.csv ? data::plan_sparse(surveyed.all, *format.like)
        : format.like              ? data::plan_table(*format.csv, surveyed.all, *format.like)
        : format.csv               ? data::plan_table(*format.csv, surveyed.all)
                     : data::plan_sparse(surveyed.all, options.libsvm.index_base, options.features);
    if (matrix.features == 0) {
        fail(options, "there are no features in it; only labels");
    }
    if (!format.csv && matrix.features >= model::most_sparse_features) {
        fail(options, fmt::format("the index {} occurs in it, but no more than {} features can be "
                                  "trained on; if indices are hashes, take fewer bits of them",
                                  surveyed.all.highest_index, model::most_sparse_features - 1));
    }
    return matrix;
}

/// Whether a number of the user's stands for missing ones, and for those of the reference others.
bool is_filled_otherwise(const ConvertOptions& options, const data::ReferenceTable& reference,
                         const Conversion& done) {
    return options.filling == Filling::value && done.missing_values > 0 &&
           std::ranges::any_of(reference.fillings, [&](double filling) {
               return !std::isnan(filling) && filling != options.filling_value;
           });
}

/// Texts that are references are no entries of sparse rows, though the survey counted them. Returns
/// how many are missing beside them. @collective: a passage over the rows when there are any.
Index leave_out_references(const comm::Communicator& comm, TextRows& rows, Surveyed& surveyed,
                           data::ImportMatrix& matrix) {
    if (!data::has_references(matrix)) {
        return 0;
    }
    std::vector<Index> references(surveyed.entries.size());
    std::vector<Index> missing(surveyed.entries.size());
    comm::together(comm, [&] {
        rows.for_each([&](int, Index number, const data::ParsedChunk& chunk) {
            const auto counts = data::RowsOfChunk(chunk, matrix).count_references();
            references[static_cast<std::size_t>(number)] = counts.references;
            missing[static_cast<std::size_t>(number)] = counts.missing;
        });
    });
    comm.sum(std::span<Index>(references));
    comm.sum(std::span<Index>(missing));
    for (std::size_t k = 0; k < references.size(); ++k) {
        surveyed.entries[k] -= references[k];
        matrix.entries -= references[k];
    }
    return std::accumulate(missing.begin(), missing.end(), Index{0});
}

/// Returns how many rows have a text that is not in its dictionary, by column of the matrix.
std::vector<Index> write_rows(const comm::Communicator& comm, const ConvertOptions& options,
                              TextRows& rows, const Surveyed& surveyed,
                              const data::ImportMatrix& matrix) {
    const std::vector<Index> first_entries = sums_before(surveyed.entries);
    const bool has_query_ids = surveyed.all.rows_with_query_id > 0;
    std::array<Index, 7> offsets{};
    ParallelFile file(
        comm, options.out, options.may_replace,
        [&](const std::filesystem::path& path) {
            const ConvertedOffsets made =
                make_converted_file(path, options.out, matrix, has_query_ids);
            offsets = {made.dense,  made.values,  made.indices,  made.row_ends,
                       made.labels, made.weights, made.query_ids};
        },
        "output");
    // Rank 0 alone knows them; on the others they are 0.
    comm.sum(std::span<Index>(offsets));
    const ConvertedOffsets places{.dense = offsets[0],
                                  .values = offsets[1],
                                  .indices = offsets[2],
                                  .row_ends = offsets[3],
                                  .labels = offsets[4],
                                  .weights = offsets[5],
                                  .query_ids = offsets[6]};
    const std::size_t counted = matrix.may_have_unknown_texts ? matrix.columns.size() : 0;
    std::vector<std::vector<Index>> by_thread(static_cast<std::size_t>(rows.threads()),
                                              std::vector<Index>(counted));
    comm::together(comm, [&] {
        SharedFile shared = file.open();
        rows.for_each([&](int thread, Index number, const data::ParsedChunk& chunk) {
            const auto k = static_cast<std::size_t>(number);
            write_chunk(shared, places, matrix, chunk, surveyed.first_rows[k], first_entries[k]);
            if (counted > 0) {
                data::RowsOfChunk(chunk, matrix)
                    .count_unknown(by_thread[static_cast<std::size_t>(thread)]);
            }
        });
        shared.sync();
    });
    file.commit();
    std::vector<Index> unknown = std::move(by_thread.front());
    for (std::size_t t = 1; t < by_thread.size(); ++t) {
        std::ranges::transform(unknown, by_thread[t], unknown.begin(), std::plus());
    }
    if (!unknown.empty()) {
        comm.sum(std::span<Index>(unknown));
    }
    return unknown;
}

}  // namespace

Conversion convert(const comm::Communicator& comm, const ConvertOptions& options) {
    keep_freed_memory();

    // What is there, and how it is to be read.
    data::ChunkPlan plan;
    plan.files = describe_inputs(comm, options);
    const std::vector<std::string> repeated = repeated_files(plan.files);
    TextFormat format = comm::together(comm, [&] { return detect_format(plan.files, options); });
    if (format.csv) {
        follow_quotes(comm, plan);
    }

    // Once through all rows: what must be known before the file is laid out.
    std::optional<TextRows> rows_as_decided;
    Surveyed surveyed = survey_until_decided(comm, plan, options, format, rows_as_decided);
    TextRows& rows = *rows_as_decided;
    Conversion result;
    result.kind = format.csv ? TextKind::csv : TextKind::libsvm;
    result.missing_values = surveyed.all.missing_values;
    result.warnings = repeated;
    const auto add_notes = [&](std::vector<std::string> notes) {
        std::ranges::move(notes, std::back_inserter(result.warnings));
    };
    add_notes(format.warnings);
    add_notes(format.csv ? format.csv->notes : std::vector<std::string>());
    result.matrix = comm::together(comm, [&] {
        check_survey(surveyed.all, format, options);
        return plan_matrix(surveyed, format, options);
    });
    if (format.csv) {
        set_fillings(comm, rows, surveyed.all.missing_values, format, options, result.matrix);
    }
    if (format.like && is_filled_otherwise(options, *format.like, result)) {
        result.warnings.push_back(
            fmt::format("--missing {}: missing numbers of the rows in {} were filled in otherwise "
                        "({}); leave it "
                        "out to fill in the same here",
                        options.filling_value, format.like->path, format.like->filling_rule));
    }
    result.is_filled_as_reference = options.filling == Filling::as_reference;
    const Index missing_texts = leave_out_references(comm, rows, surveyed, result.matrix);
    comm::together(comm, [&] {
        data::choose_storage(result.matrix, surveyed.all, options.layout, options.type);
    });
    add_notes(data::notes_on_references(result.matrix, missing_texts));
    if (options.csv.is_first_text_reference && format.csv && !has_texts(*format.csv)) {
        result.warnings.emplace_back(
            "--reference first changes nothing: no feature is made of texts; to take a column of "
            "numbers as texts, give --text");
    }
    const auto add_note = [&](std::string note) {
        if (!note.empty()) {
            result.warnings.push_back(std::move(note));
        }
    };
    if (format.csv && !format.like) {
        add_note(format.csv->note_on_weights());
        add_note(data::note_on_many_texts(*format.csv, surveyed.all));
    }
    if (format.csv && !format.like && options.are_markers_given) {
        add_note(data::note_on_usual_markers(*format.csv, surveyed.all));
    }
    result.csv = format.csv;
    if (surveyed.all.rounded_integers > 0) {
        result.warnings.push_back(fmt::format(
            "{} integers beyond 2^53 were rounded to the nearest double; {}",
            surveyed.all.rounded_integers,
            format.csv ? "numbers that only name something are better left out (--drop) or taken "
                         "as texts (--text)"
                       : "it holds 15 to 17 digits"));
    }

    // And again, into the file.
    const std::vector<Index> unknown_rows =
        write_rows(comm, options, rows, surveyed, result.matrix);
    if (format.csv && format.like) {
        add_notes(data::unknown_texts(result.matrix, surveyed.all, *format.like, unknown_rows));
    }
    return result;
}

}  // namespace paralogit::train
