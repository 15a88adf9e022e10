#include "paralogit/train/convert.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <utility>

#include "convert_file.hpp"
#include "fillings.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/import/survey.hpp"
#include "paralogit/data/import/text_chunks.hpp"
#include "paralogit/train/parallel_file.hpp"
#include "reference_file.hpp"
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

/// An option that means nothing for a kind of text is a mistake.
void check_kind(const ConvertOptions& options, const TextFormat& format, const std::string& name) {
    if (format.csv && options.features > 0) {
        throw Error(ExitCode::usage,
                    name +
                        ": is a table, which has as many features as its columns make; --features "
                        "is for LIBSVM");
    }
    if (!format.csv && options.like) {
        throw Error(ExitCode::usage,
                    name +
                        ": is LIBSVM, and --like is for tables; give the width of the other file: "
                        "--features COUNT");
    }
}

/// Decides how to read from the first file that has any text.
TextFormat detect_format(const std::vector<data::TextFile>& files, const ConvertOptions& options) {
    constexpr Index head_bytes = Index{1} << 20;
    std::string head;
    std::string name;
    for (const data::TextFile& file : files) {
        head = data::read_head(data::open_text(file), head_bytes);
        name = file.path;
        if (head.find_first_not_of(" \t\r\n") != std::string::npos) {
            break;
        }
    }
    if (head.find_first_not_of(" \t\r\n") == std::string::npos) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}{}", name,
                                files.size() > 1 ? " and the files before it are empty"
                                : head.empty()   ? ": is empty"
                                                 : ": holds nothing but blanks"));
    }
    if (head.starts_with("\x89HDF\r\n\x1a\n")) {
        throw Error(ExitCode::input_data,
                    name + ": is an HDF5 file, not a text; train reads it as it is");
    }
    if (static_cast<Index>(head.size()) < head_bytes) {
        head += '\n';  // the whole text, whose last line may have no end
    }
    constexpr std::string_view utf16_marks[] = {"\xff\xfe", "\xfe\xff"};
    for (const std::string_view mark : utf16_marks) {
        if (head.starts_with(mark)) {
            throw Error(ExitCode::input_data,
                        name +
                            ": the text is in UTF-16; make it UTF-8 first: iconv -f UTF-16 -t "
                            "UTF-8");
        }
    }
    const TextKind kind = options.kind                          ? *options.kind
                          : data::looks_like_libsvm(head, name) ? TextKind::libsvm
                                                                : TextKind::csv;
    TextFormat format;
    format.libsvm = options.libsvm;
    if (kind == TextKind::csv) {
        data::CsvRequest request = options.csv;
        request.is_missing_allowed = options.filling != Filling::none;
        if (options.like) {
            format.like = read_reference(*options.like);
            // Its rows may be too few or too much alike to tell a header from them.
            if (!request.has_header && format.like->is_named()) {
                request.has_header = true;
            }
        }
        format.csv = data::detect_csv(head, request, name);
    }
    check_kind(options, format, name);
    if (format.like) {
        data::follow(*format.like, *format.csv, name);
    }
    return format;
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
    std::vector<Index> first_rows;     ///< by chunk
    std::vector<Index> first_entries;  ///< by chunk
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
    result.first_entries = sums_before(std::move(entry_counts));
    return result;
}

[[noreturn]] void fail(const ConvertOptions& options, const std::string& what) {
    const std::string& first = options.inputs.front();
    throw Error(ExitCode::input_data,
                fmt::format("{}{}: {}", first, options.inputs.size() > 1 ? ", ..." : "", what));
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
    for (std::size_t i = 0; i < format.csv->kinds.size(); ++i) {
        const std::string column = format.csv->name_of_column(i);
        if (format.csv->kinds[i] == data::ColumnKind::text &&
            all.texts.at(texts++).is_too_large()) {
            too_many(column,
                     fmt::format(
                         "each would become a feature: leave the column out (--drop {}) or "
                         "raise --max-texts",
                         format.csv->names.empty() ? std::to_string(i + 1) : format.csv->names[i]));
        }
        if (format.csv->kinds[i] == data::ColumnKind::text_label &&
            all.label_texts.is_too_large()) {
            too_many(column, "labels are classes; is it the right column? See --label-column");
        }
    }
}

data::ImportMatrix plan_matrix(const Surveyed& surveyed, const TextFormat& format,
                               const ConvertOptions& options) {
    data::ImportMatrix matrix =
        format.like  ? data::plan_table(*format.csv, surveyed.all, *format.like)
        : format.csv ? data::plan_table(*format.csv, surveyed.all)
                     : data::plan_sparse(surveyed.all, options.libsvm.index_base, options.features);
    if (matrix.features == 0) {
        fail(options, "there are no features in it; only labels");
    }
    return matrix;
}

void write_rows(const comm::Communicator& comm, const ConvertOptions& options, TextRows& rows,
                const Surveyed& surveyed, const data::ImportMatrix& matrix) {
    const bool has_query_ids = surveyed.all.rows_with_query_id > 0;
    std::array<Index, 6> offsets{};
    ParallelFile file(
        comm, options.out, options.may_replace,
        [&](const std::filesystem::path& path) {
            const ConvertedOffsets made =
                make_converted_file(path, options.out, matrix, has_query_ids);
            offsets = {made.dense,    made.values, made.indices,
                       made.row_ends, made.labels, made.query_ids};
        },
        "output");
    // Rank 0 alone knows them; on the others they are 0.
    comm.sum(std::span<Index>(offsets));
    const ConvertedOffsets places{.dense = offsets[0],
                                  .values = offsets[1],
                                  .indices = offsets[2],
                                  .row_ends = offsets[3],
                                  .labels = offsets[4],
                                  .query_ids = offsets[5]};
    comm::together(comm, [&] {
        SharedFile shared = file.open();
        rows.for_each([&](int, Index number, const data::ParsedChunk& chunk) {
            const auto k = static_cast<std::size_t>(number);
            write_chunk(shared, places, matrix, chunk, surveyed.first_rows[k],
                        surveyed.first_entries[k]);
        });
        shared.sync();
    });
    file.commit();
}

}  // namespace

Conversion convert(const comm::Communicator& comm, const ConvertOptions& options) {
    keep_freed_memory();

    // What is there, and how it is to be read.
    data::ChunkPlan plan;
    plan.files = describe_inputs(comm, options);
    const TextFormat format =
        comm::together(comm, [&] { return detect_format(plan.files, options); });
    if (format.csv) {
        follow_quotes(comm, plan);
    }

    // Once through all rows: what must be known before the file is laid out.
    TextRows rows(comm, std::move(plan), format, options.threads);
    const Surveyed surveyed = survey(comm, rows, options.most_texts);
    Conversion result;
    result.kind = format.csv ? TextKind::csv : TextKind::libsvm;
    result.missing_values = surveyed.all.missing_values;
    result.matrix = comm::together(comm, [&] {
        check_survey(surveyed.all, format, options);
        return plan_matrix(surveyed, format, options);
    });
    if (surveyed.all.missing_values > 0) {
        result.matrix.fillings = find_fillings(comm, rows, result.matrix, options);
    }
    comm::together(comm,
                   [&] { data::choose_storage(result.matrix, surveyed.all, options.layout); });
    if (format.like) {
        result.warnings = data::unknown_texts(result.matrix, surveyed.all, *format.like);
    }
    result.text_columns =
        std::ranges::count_if(result.matrix.columns, [](const auto& c) { return c.is_text; });

    // And again, into the file.
    write_rows(comm, options, rows, surveyed, result.matrix);
    return result;
}

}  // namespace paralogit::train
