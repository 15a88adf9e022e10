// Any text is a table or is refused at a place within it, and cutting it changes neither.
#include "paralogit/base/error.hpp"
#include "paralogit/data/import/csv.hpp"
#include "text_pieces.hpp"

namespace paralogit::data {
namespace {

/// The rows, or where the first error is.
struct Outcome {
    ParsedChunk chunk;
    std::optional<Index> error;
};

std::string with_line_end(std::string text) {
    if (!text.empty() && text.back() != '\n' && text.back() != '\r') {
        text += '\n';
    }
    return text;
}

Outcome parse(const std::string& text, const CsvFormat& format, bool is_first) {
    const std::string ended = with_line_end(text);
    Outcome outcome;
    try {
        outcome.chunk = parse_csv(ended, format, is_first);
    } catch (const BadText& bad) {
        require(bad.offset >= 0 && bad.offset < static_cast<Index>(ended.size()),
                "an error lies within the text");
        outcome.error = bad.offset;
    }
    return outcome;
}

/// What the rows hold, codes as the texts that they stand for.
struct Content {
    std::vector<double> labels;
    std::vector<double> values;
    std::vector<std::string> texts;
    std::vector<std::string> label_texts;

    void append(const ParsedChunk& chunk) {
        labels.insert(labels.end(), chunk.labels.begin(), chunk.labels.end());
        values.insert(values.end(), chunk.values.begin(), chunk.values.end());
        for (std::size_t i = 0; i < chunk.codes.size(); ++i) {
            const std::uint32_t code = chunk.codes[i];
            texts.push_back(code == missing_text ? "?"
                                                 : chunk.texts[i % chunk.texts.size()].at(code));
        }
        for (const std::uint32_t code : chunk.label_codes) {
            label_texts.push_back(chunk.label_texts.at(code));
        }
    }
};

void require_same_in_pieces(const std::string& text, Index bytes, const CsvFormat& format) {
    const Outcome whole = parse(text, format, true);
    constexpr Index most_texts = 1000;
    ImportSurvey survey;
    Content content;
    std::vector<Outcome> parts;
    for (const Piece& piece : cut(text, bytes, Quotes::hide_line_ends)) {
        parts.push_back(parse(piece.text, format, piece.offset == 0));
        const Outcome& part = parts.back();
        if (part.error) {
            require(whole.error == piece.offset + *part.error, "the error is at the same place");
            return;
        }
        content.append(part.chunk);
        survey.add(part.chunk, entries_of(part.chunk), most_texts);
    }
    require(!whole.error, "the error of the whole is in some piece");
    require(survey.rows == whole.chunk.rows, "the rows are as many");
    Content expected;
    expected.append(whole.chunk);
    require_same(content.labels, expected.labels, "the labels are the same");
    require_same(content.values, expected.values, "the values are the same");
    require(content.texts == expected.texts, "the texts are the same");
    require(content.label_texts == expected.label_texts, "the texts of labels are the same");
    ImportSurvey of_whole;
    of_whole.add(whole.chunk, entries_of(whole.chunk), most_texts);
    require(of_whole.to_bytes() == survey.to_bytes(), "the surveys are the same");
    if (survey.rows == 0) {
        return;
    }
    const ImportMatrix matrix = plan_table(format, survey);
    if (matrix.features == 0) {
        return;
    }
    for (const Outcome& part : parts) {
        require_sound_rows(part.chunk, matrix, survey);
    }
    require_sound_rows(whole.chunk, matrix, survey);
}

}  // namespace
}  // namespace paralogit::data

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace paralogit::data;
    constexpr std::size_t choices = 2;
    if (size < choices) {
        return 0;
    }
    const std::string text(reinterpret_cast<const char*>(data) + choices, size - choices);
    CsvRequest request;
    constexpr std::string_view separators = ",;\t| ";
    if (data[0] % 8 < separators.size()) {
        request.separator = separators[data[0] % 8];
    }
    if (data[0] / 8 % 3 != 0) {
        request.has_header = data[0] / 8 % 3 == 1;
    }
    if (data[0] / 24 % 4 != 0) {
        request.label_column = data[0] / 24 % 4 == 1 ? "last" : "1";
    }
    if (data[0] / 96 % 2 != 0) {
        request.text_columns = {"2"};
    }
    request.is_first_text_reference = data[0] / 192 != 0;
    request.missing_markers = {"NA", "?"};
    request.is_missing_allowed = data[1] % 2 != 0;
    // What comes before the first record must lie in the first chunk, and below a line that begins
    // with '#' that record too: real chunks are megabytes.
    const std::size_t first = std::min(text.find_first_not_of(" \t\r\n\xef\xbb\xbf"), text.size());
    const bool has_comment = first < text.size() && text[first] == '#';
    const auto bytes =
        static_cast<paralogit::Index>(1 + data[1] / 2 + (has_comment ? text.size() : first));
    try {
        require_same_in_pieces(text, bytes, detect_csv(with_line_end(text), request, "name"));
    } catch (const paralogit::Error& error) {
        require(error.code() == paralogit::ExitCode::input_data, "an error is one of the input");
    }
    return 0;
}
