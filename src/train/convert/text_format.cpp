#include "text_format.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "paralogit/base/command_text.hpp"
#include "reference_file.hpp"

namespace paralogit::train {

namespace {

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

std::string_view name_of(Filling filling) {
    return filling == Filling::mean ? "mean" : filling == Filling::median ? "median" : "";
}

/// The mean of these rows is not that of the rows that a model was trained on.
void check_filling(const ConvertOptions& options, const data::ReferenceTable& reference) {
    const std::string_view asked = name_of(options.filling);
    if (asked.empty() || reference.filling_rule == asked) {
        return;
    }
    const std::string& rule = reference.filling_rule;
    throw Error(ExitCode::usage,
                fmt::format("--missing {0}: with --like it is that of the rows in {1}, which {2}",
                            asked, reference.path,
                            rule.empty() ? fmt::format("does not tell any; convert these with "
                                                       "--missing {} as well, or give a number",
                                                       asked)
                                         : fmt::format("were filled in with --missing {}; leave it "
                                                       "out to fill in the same here",
                                                       rule == "number" ? "NUMBER" : rule)));
}

/// What messages say about missing values.
data::MissingAdvice advice_on(const ConvertOptions& options,
                              const std::optional<data::ReferenceTable>& reference) {
    data::MissingAdvice advice;
    if (const std::string_view asked = name_of(options.filling); !asked.empty()) {
        advice.option = fmt::format("--missing {}", asked);
    } else if (options.filling == Filling::value) {
        advice.option = option_text("missing", fmt::format("{}", options.filling_value));
    } else if (reference) {
        advice.option = reference->fillings.empty() || options.filling == Filling::none
                            ? "--missing NUMBER"
                            : "";
    }
    advice.like = reference ? reference->path : "";
    return advice;
}

/// What was missing in the rows that a model was trained on is missing here.
void take_markers(const ConvertOptions& options, const data::ReferenceTable& reference,
                  data::CsvRequest& request, std::vector<std::string>& warnings) {
    if (options.are_markers_given) {
        std::string note = data::note_on_markers(reference, request.missing_markers);
        if (!note.empty()) {
            warnings.push_back(std::move(note));
        }
    } else if (reference.missing_markers) {
        request.missing_markers = *reference.missing_markers;
    } else {
        warnings.push_back(
            fmt::format("{}: an older version made it, and it does not tell which fields were "
                        "missing values; the usual ones are, unless --missing-markers names others",
                        reference.path));
    }
}

constexpr std::string_view blanks_and_line_ends = " \t\r\n";

/// How many lines end in a text that are neither empty nor comments, up to a limit.
Index data_lines_in(std::string_view text, Index most) {
    Index lines = 0;
    std::size_t begin = 0;
    for (std::size_t end = text.find_first_of("\r\n");
         end != std::string_view::npos && lines < most; end = text.find_first_of("\r\n", begin)) {
        lines += end > begin && text[begin] != '#' ? 1 : 0;
        begin = end + 1;
    }
    return lines;
}

/// The beginning of a text: some lines at least, however long they are, or all of it. Empty when it
/// holds nothing but blanks.
struct Head {
    std::string text;
    bool is_whole = false;
};

/// Whether some line is neither empty nor a comment.
bool has_data(std::string_view text) {
    for (std::size_t begin = text.find_first_not_of(blanks_and_line_ends);
         begin != std::string_view::npos;
         begin = text.find_first_not_of(blanks_and_line_ends, begin)) {
        if (text[begin] != '#') {
            return true;
        }
        begin = text.find_first_of("\r\n", begin);
    }
    return false;
}

Head head_of(const data::TextFile& file) {
    constexpr Index common_bytes = Index{1} << 20;
    constexpr Index most_bytes = Index{1} << 28;
    // More of comments is refused; texts may begin as comments do.
    constexpr Index most_comment_bytes = Index{1} << 22;
    constexpr Index enough_lines = 8;
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
        const bool are_enough =
            lines >= enough_lines && (wanted >= most_comment_bytes ||
                                      data_lines_in(head.text, enough_lines) >= enough_lines);
        if (head.is_whole || are_enough || (wanted >= most_bytes && lines > 0)) {
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

}  // namespace

TextFormat detect_format(const std::vector<data::TextFile>& files, const ConvertOptions& options) {
    Head beginning;
    std::string name;
    bool has_text = false;
    for (const data::TextFile& file : files) {
        Head head = head_of(file);
        const bool has_more_than_comments = has_data(head.text);
        // Comments alone tell where no file has more.
        if (!has_text || has_more_than_comments) {
            has_text = head.text.find_first_not_of(blanks_and_line_ends) != std::string::npos;
            beginning = std::move(head);
            name = file.path;
        }
        if (has_more_than_comments) {
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
            take_markers(options, *format.like, request, format.warnings);
            request.is_missing_allowed =
                options.filling == Filling::value ||
                (options.filling != Filling::none && !format.like->fillings.empty());
            request.are_kinds_known = !format.like->columns.empty();
            // Its rows may be too few or too much alike to tell a header from them.
            if (!request.has_header && format.like->is_named()) {
                request.has_header = true;
            }
        }
        request.advice = advice_on(options, format.like);
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

}  // namespace paralogit::train
