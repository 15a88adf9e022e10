// Any text is LIBSVM or is refused at a place within it, and cutting it changes neither.
#include <cstring>

#include "../../src/data/import/decimal.hpp"
#include "paralogit/data/import/libsvm.hpp"
#include "text_pieces.hpp"

namespace paralogit::data {
namespace {

/// The rows, or where the first error is.
struct Outcome {
    ParsedChunk chunk;
    std::optional<Index> error;
    bool is_of_query_ids = false;
};

Outcome parse(std::string text, const LibsvmOptions& options, bool is_first) {
    if (!text.empty() && text.back() != '\n' && text.back() != '\r') {
        text += '\n';
    }
    Outcome outcome;
    try {
        outcome.chunk = parse_libsvm(text, options, is_first);
    } catch (const BadText& bad) {
        require(bad.offset >= 0 && bad.offset < static_cast<Index>(text.size()),
                "an error lies within the text");
        outcome.error = bad.offset;
        outcome.is_of_query_ids = std::strstr(bad.what(), "this line has ") != nullptr;
    }
    return outcome;
}

void require_number_as_strtod(const std::string& text) {
    // strtod reads more than decimal numbers; it is asked only about what was read as one.
    const std::string ended =
        text.substr(0, text.find_first_of(std::string_view(" \t\r\n:#\0", 7))) + "\n";
    double value = 0;
    const char* const end = read_decimal(ended.c_str(), value);
    if (end != nullptr) {
        const std::string number(ended.c_str(), end);
        require(same(value, std::strtod(number.c_str(), nullptr)), "a number is strtod's");
    }
}

void require_same_in_pieces(const std::string& text, Index bytes, const LibsvmOptions& options) {
    const Outcome whole = parse(text, options, true);
    ImportSurvey survey;
    std::vector<double> labels;
    std::vector<double> values;
    std::vector<Outcome> parts;
    for (const Piece& piece : cut(text, bytes, Quotes::mean_nothing)) {
        parts.push_back(parse(piece.text, options, piece.offset == 0));
        const Outcome& part = parts.back();
        if (whole.is_of_query_ids || part.is_of_query_ids) {
            return;  // whether lines agree about them is told only of those that stand together
        }
        if (part.error) {
            require(whole.error == piece.offset + *part.error, "the error is at the same place");
            return;
        }
        append(labels, part.chunk.labels);
        append(values, part.chunk.values);
        survey.add(part.chunk, entries_of(part.chunk), 1);
    }
    require(!whole.error, "the error of the whole is in some piece");
    require_same(labels, whole.chunk.labels, "the labels are the same");
    require_same(values, whole.chunk.values, "the values are the same");
    require(survey.rows == whole.chunk.rows, "the rows are as many");
    if (survey.rows == 0 || survey.highest_index >= std::uint64_t{1} << 32) {
        return;
    }
    const ImportMatrix matrix = plan_sparse(survey, options.index_base, 1);
    for (const Outcome& part : parts) {
        require_sound_rows(part.chunk, matrix, survey);
    }
    require_sound_rows(whole.chunk, matrix, survey);
}

}  // namespace
}  // namespace paralogit::data

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace paralogit::data;
    if (size < 1) {
        return 0;
    }
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    LibsvmOptions options;
    if (data[0] % 3 != 0) {
        options.index_base = data[0] % 3 - 1;
    }
    looks_like_libsvm(text, "name");
    require_number_as_strtod(text);
    require_same_in_pieces(text, 1 + data[0] / 3, options);
    return 0;
}
