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
#include "paralogit/model/sparse_block.hpp"
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
    const std::vector<std::string>& useless =
        format.csv ? options.libsvm_options : options.table_options;
    if (useless.empty()) {
        return;
    }
    const std::string& option = useless.front();
    if (option == "--features") {
        throw Error(ExitCode::usage,
                    name +
                        ": is a table, which has as many features as its columns make; --features "
                        "is for LIBSVM");
    }
    throw Error(ExitCode::usage, fmt::format("{}: is {}, and {} is for {}; see --format", name,
                                             format.csv ? "a table" : "LIBSVM", option,
                                             format.csv ? "LIBSVM" : "tables"));
}

/// The mean of these rows is not that of the rows that a model was trained on.
void check_filling(const ConvertOptions& options, const data::ReferenceTable& reference) {
    const std::string_view asked = options.filling == Filling::mean     ? "mean"
                                   : options.filling == Filling::median ? "median"
                                                                        : "";
    if (!asked.empty() && reference.filling_rule != asked) {
        throw Error(ExitCode::usage,
                    fmt::format("--missing {0}: with --like it is that of the rows in {1}, which "
                                "does not tell any; convert these with --missing {0} as well, or "
                                "give a number",
                                asked, reference.path));
    }
}

constexpr std::string_view blanks_and_line_ends = " \t\r\n";

/// The beginning of a text: some lines at least, however long they are, or all of it. Empty when it
/// holds nothing but blanks.
struct Head {
    std::string text;
    bool is_whole = false;
};

Head head_of(const data::TextFile& file) {
    constexpr Index common_bytes = Index{1} << 20;
    constexpr Index most_bytes = Index{1} << 28;
    constexpr std::ptrdiff_t enough_lines = 8;
    const data::ReadText read = data::open_text(file);
    Head head;
    head.text = data::read_head(read, common_bytes);
    for (auto wanted = common_bytes; true; wanted *= 2) {
        head.is_whole = static_cast<Index>(head.text.size()) < wanted;
        const std::size_t first = head.text.find_first_not_of(blanks_and_line_ends);
        const auto lines =
            first == std::string::npos
                ? 0
                : std::count_if(head.text.begin() + static_cast<std::ptrdiff_t>(first),
                                head.text.end(), [](char c) { return c == '\n' || c == '\r'; });
        if (head.is_whole || lines >= enough_lines || (wanted >= most_bytes && lines > 0)) {
            return head;
        }
        if (wanted >= most_bytes) {
            throw Error(ExitCode::input_data,
                        fmt::format("{}: its first {} have no line end; is it a text?", file.path,
                                    "256 MiB"));
        }
        head.text += data::read_head(read, wanted);
    }
}

/// Decides how to read from the first file that has any text.
TextFormat detect_format(const std::vector<data::TextFile>& files, const ConvertOptions& options) {
    Head beginning;
    std::string name;
    bool has_text = false;
    for (const data::TextFile& file : files) {
        beginning = head_of(file);
        name = file.path;
        has_text = beginning.text.find_first_not_of(blanks_and_line_ends) != std::string::npos;
        if (has_text) {
            break;
        }
    }
    std::string& head = beginning.text;
    if (!has_text) {
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
    if (beginning.is_whole) {
        head += '\n';  // its last line may have no end
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
            check_filling(options, *format.like);
            request.is_missing_allowed =
                options.filling == Filling::value ||
                (options.filling != Filling::none && !format.like->fillings.empty());
            request.are_kinds_known = !format.like->columns.empty();
            // Its rows may be too few or too much alike to tell a header from them.
            if (!request.has_header && format.like->is_named()) {
                request.has_header = true;
            }
        }
        format.csv = data::detect_csv(head, request, name);
    }
    check_kind(options, format, name);
    if (!format.csv && options.like) {
        format.like = read_reference(*options.like);
        if (!format.like->index_base) {
            throw Error(ExitCode::input_data,
                        *options.like +
                            ": was not made of LIBSVM text as this one, or does not tell the index "
                            "of its first feature; convert it again, or give --index-base and "
                            "--features instead of --like");
        }
        format.libsvm.index_base = format.like->index_base;
    }
    if (format.csv && format.like) {
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
                     fmt::format("each would become a feature: leave the column out (--drop {}) or "
                                 "raise --max-texts",
                                 format.csv->short_name(i)));
        }
        // The first rows did not tell.
        const auto number = format.like || format.csv->is_text_by_request[i]
                                ? std::nullopt
                                : data::number_among(found);
        if (number) {
            fail(options,
                 fmt::format("{} holds {} different texts, and the number {} among them; if each "
                             "is a text of its own, give --text {}; or leave the column out: "
                             "--drop {}",
                             format.csv->name_of_column(i), found.texts().size(), *number,
                             format.csv->short_name(i), format.csv->short_name(i)));
        }
    }
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
    if (format.csv) {
        set_fillings(comm, rows, surveyed.all.missing_values, format.like ? &*format.like : nullptr,
                     options, result.matrix);
    }
    result.is_filled_as_reference = options.filling == Filling::as_reference;
    comm::together(comm, [&] {
        data::choose_storage(result.matrix, surveyed.all, options.layout, options.type);
    });
    if (format.csv && format.like) {
        result.warnings = data::unknown_texts(result.matrix, surveyed.all, *format.like);
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
    write_rows(comm, options, rows, surveyed, result.matrix);
    return result;
}

}  // namespace paralogit::train
