#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/sparse_block.hpp"
#include "paralogit/train/convert.hpp"
#include "paralogit/train/execution.hpp"

namespace paralogit::app {

namespace {

using train::ConvertOptions;
using train::Filling;

[[noreturn]] void usage_error(const std::string& text) {
    throw Error(ExitCode::usage, text);
}

/// "a, b" as a and b. A part may be in double quotes, or have some in it: a comma between them
/// separates nothing, and two of them there stand for one.
std::vector<std::string> list_of(const Options& options, const std::string& name) {
    const std::string text = options.optional_text(name).value_or("");
    std::vector<std::string> parts;
    std::string part;
    std::size_t kept = 0;  // characters of the part up to the last that is no blank beside it
    bool is_quoted = false;
    const auto end_part = [&] {
        part.resize(std::exchange(kept, 0));
        if (!part.empty()) {
            parts.push_back(std::exchange(part, {}));
        }
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool is_twice = is_quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"';
        if (c == '"' && !is_twice) {
            is_quoted = !is_quoted;
        } else if (c == ',' && !is_quoted) {
            end_part();
        } else if (is_quoted || (c != ' ' && c != '\t')) {
            part += c;
            kept = part.size();
            i += is_twice ? 1 : 0;
        } else if (!part.empty()) {
            part += c;
        }
    }
    if (is_quoted) {
        usage_error(fmt::format("--{} {}: a double quote is never closed", name, text));
    }
    end_part();
    return parts;
}

void read_paths(const Options& options, ConvertOptions& convert) {
    convert.inputs = options.list("files");
    convert.out = convert.inputs.back();
    convert.inputs.pop_back();
    const std::string ending = convert.out.extension().string();
    if (convert.inputs.empty() || (ending != ".h5" && ending != ".hdf5")) {
        usage_error(
            fmt::format("{}: the last argument is the file to write, and ends in .h5 or "
                        ".hdf5; usage: paralogit convert IN... OUT.h5 [options]",
                        convert.out.string()));
    }
}

std::optional<char> separator_of(const Options& options) {
    const std::string text = options.text("separator");
    if (text == "auto") {
        return std::nullopt;
    }
    const char separator = text == "tab" ? '\t' : text == "blank" ? ' ' : text.front();
    const bool is_named = text == "tab" || text == "blank";
    constexpr std::string_view never = "\"\r\n+-.0123456789";
    if ((!is_named && text.size() != 1) || never.find(separator) != std::string_view::npos) {
        usage_error(
            fmt::format("--separator {}: expected auto, tab, blank, or one character such "
                        "as ';' that no number has",
                        text));
    }
    return separator;
}

void read_filling(const Options& options, ConvertOptions& convert) {
    const std::string text = options.text("missing");
    if (text == "error") {
        convert.filling = Filling::none;
    } else if (text == "mean") {
        convert.filling = Filling::mean;
    } else if (text == "median") {
        convert.filling = Filling::median;
    } else {
        const char* const end = text.data() + text.size();
        const auto [rest, status] = std::from_chars(text.data(), end, convert.filling_value);
        if (status != std::errc() || rest != end || !std::isfinite(convert.filling_value)) {
            usage_error(
                fmt::format("--missing {}: expected error, mean, median or a finite number", text));
        }
        convert.filling = Filling::value;
    }
}

void read_references(const Options& options, data::CsvRequest& csv) {
    for (std::string& part : list_of(options, "reference")) {
        if (part == "first") {
            csv.is_first_text_reference = true;
        } else if (part.find('=') != std::string::npos) {
            csv.references.push_back(std::move(part));
        } else {
            usage_error(
                fmt::format("--reference {}: expected first, COLUMN=TEXT, or several of these with "
                            "commas between them",
                            part));
        }
    }
}

ElementType feature_type_of(const Options& options) {
    std::vector<std::string_view> names{"auto"};
    for (const ElementType type : data::ValueRange::types) {
        names.push_back(name_of(type));
    }
    return element_type_from_name(options.choice("type", names));
}

/// Though it be with the standard value.
bool is_given(const Options& options, const std::string& name) {
    return options.is_on_command_line(name) || options.is_from_config(name);
}

/// Those that the user gave.
std::vector<std::string> given(const Options& options, std::span<const std::string_view> names) {
    std::vector<std::string> result;
    for (const std::string_view name : names) {
        const std::string own(name);
        if (options.differs_from_standard(own)) {
            result.push_back("--" + own);
        }
    }
    return result;
}

ConvertOptions read_options(const Options& options) {
    constexpr Index largest = std::numeric_limits<Index>::max();
    constexpr std::string_view formats[] = {"auto", "libsvm", "csv"};
    constexpr std::string_view bases[] = {"auto", "0", "1"};
    constexpr std::string_view headers[] = {"auto", "yes", "no"};
    constexpr std::string_view layouts[] = {"auto", "dense", "csr"};
    ConvertOptions convert;
    read_paths(options, convert);
    convert.may_replace = options.is_set("overwrite");
    if (const std::string format = options.choice("format", formats); format != "auto") {
        convert.kind = format == "libsvm" ? train::TextKind::libsvm : train::TextKind::csv;
    }
    if (const std::string base = options.choice("index-base", bases); base != "auto") {
        convert.libsvm.index_base = base == "0" ? 0 : 1;
    }
    if (options.has("features")) {
        convert.features = options.integer("features", 1, model::most_sparse_features - 1);
    }
    convert.csv.separator = separator_of(options);
    if (const std::string header = options.choice("header", headers); header != "auto") {
        convert.csv.has_header = header == "yes";
    }
    convert.like = options.optional_text("like");
    convert.csv.label_column = options.optional_text("label-column");
    convert.csv.weight_column = options.optional_text("weights");
    convert.csv.dropped_columns = list_of(options, "drop");
    convert.csv.text_columns = list_of(options, "text");
    for (std::string& marker : list_of(options, "missing-markers")) {
        if (marker == data::usual_markers_word) {
            std::ranges::move(data::usual_markers(),
                              std::back_inserter(convert.csv.missing_markers));
        } else {
            convert.csv.missing_markers.push_back(std::move(marker));
        }
    }
    convert.are_markers_given = is_given(options, "missing-markers");
    read_references(options, convert.csv);
    read_filling(options, convert);
    if (convert.like && !is_given(options, "missing")) {
        convert.filling = Filling::as_reference;
    }
    if (convert.like && (convert.features > 0 || convert.libsvm.index_base)) {
        usage_error(
            fmt::format("--like: the features are those of {}; leave out --features and "
                        "--index-base",
                        *convert.like));
    }
    if (convert.like && !convert.csv.text_columns.empty()) {
        usage_error(
            fmt::format("--text: with --like the columns are texts or numbers as they are "
                        "in {}; leave it out",
                        *convert.like));
    }
    if (convert.like && options.differs_from_standard("reference")) {
        usage_error(
            fmt::format("--reference: with --like the references are those of {}; leave it out",
                        *convert.like));
    }
    constexpr std::string_view for_tables[] = {
        "label-column", "weights",   "separator", "header",  "drop",
        "text",         "reference", "max-texts", "missing", "missing-markers"};
    constexpr std::string_view for_libsvm[] = {"features", "index-base"};
    convert.table_options = given(options, for_tables);
    convert.libsvm_options = given(options, for_libsvm);
    convert.most_texts = options.integer("max-texts", 1, largest);
    if (const std::string type = options.text("type"); type != "auto") {
        convert.type = feature_type_of(options);
    }
    if (const std::string layout = options.choice("layout", layouts); layout != "auto") {
        convert.layout = layout == "csr" ? data::MatrixLayout::csr : data::MatrixLayout::dense;
    }
    return convert;
}

int threads_of(const Context& context, const Options& options) {
    const auto request = comm::together(context.comm, [&] {
        constexpr Index most_threads = 4096;
        train::ExecutionRequest read;
        if (options.text("threads") != "auto") {
            read.threads = static_cast<int>(options.integer("threads", 1, most_threads));
        }
        return read;
    });
    const train::ExecutionChoice choice = train::choose_execution(context.comm, request);
    for (const std::string& warning : choice.warnings) {
        context.console.warning(warning);
    }
    return choice.execution.threads;
}

std::string description(const ConvertOptions& options, const train::Conversion& done) {
    const data::ImportMatrix& matrix = done.matrix;
    std::string text = fmt::format("{}: {} rows x {} features, ", options.out.string(), matrix.rows,
                                   matrix.features);
    text += matrix.layout == data::MatrixLayout::dense
                ? fmt::format("dense, {}", name_of(matrix.value_type))
                : fmt::format("sparse (CSR), {} entries, {}", matrix.entries,
                              name_of(matrix.value_type));
    text += !matrix.has_labels ? "; no labels"
            : matrix.label_texts.empty()
                ? fmt::format("; labels {}", name_of(matrix.label_type))
                : fmt::format("; labels of {} texts", matrix.label_texts.size());
    if (matrix.has_weights) {
        text += fmt::format("; row weights {}, for --weights-name {}", name_of(matrix.weight_type),
                            train::converted_weights);
    }
    if (done.kind == train::TextKind::libsvm) {
        text += fmt::format("; the first feature is index {}", matrix.index_base);
    }
    if (const std::vector<std::string> names = data::text_columns(matrix); !names.empty()) {
        constexpr std::size_t most = 8;
        const auto some = std::span(names).first(std::min(most, names.size()));
        text += fmt::format("; {} column{} of texts one-hot: {}{}", names.size(),
                            names.size() == 1 ? "" : "s", fmt::join(some, ", "),
                            names.size() > most ? ", ..." : "");
    }
    if (done.missing_values > 0) {
        text += fmt::format("; {} missing numbers filled in{}", done.missing_values,
                            done.is_filled_as_reference ? " as in " + *options.like : "");
    }
    if (done.csv) {
        text += "; header: " + done.csv->header_in_words();
    }
    return text;
}

}  // namespace

ExitCode run_convert(const Context& context, const Options& options) {
    ConvertOptions convert = comm::together(context.comm, [&] { return read_options(options); });
    convert.threads = threads_of(context, options);
    const train::Conversion done = train::convert(context.comm, convert);
    for (const std::string& warning : done.warnings) {
        context.console.warning(warning);
    }
    context.console.result(description(convert, done));
    return ExitCode::done;
}

}  // namespace paralogit::app
