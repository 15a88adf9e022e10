#include "paralogit/data/import/text_columns.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "../text.hpp"
#include "csv_mixed.hpp"
#include "missing_markers.hpp"
#include "paralogit/base/command_text.hpp"

namespace paralogit::data {

namespace {

constexpr std::size_t most_named = 8;

}  // namespace

std::string note_on_usual_markers(const CsvFormat& format, const ImportSurvey& survey) {
    const std::vector<std::string> usual = usual_markers();
    const MissingMarkers markers(usual);
    std::vector<std::string> found;
    std::size_t count = 0;
    std::size_t position = 0;
    for (std::size_t i = 0; i < format.kinds.size(); ++i) {
        if (format.kinds[i] != ColumnKind::text) {
            continue;
        }
        for (const std::string& text : survey.texts.at(position++).texts()) {
            if (markers.is_missing_text(text) && ++count <= most_named) {
                found.push_back(fmt::format("{} of {}", in_quotes(text), format.name_of_column(i)));
            }
        }
    }
    if (count == 0) {
        return {};
    }
    return fmt::format(
        "--missing-markers takes the place of the usual ones, and so {}{} {} not missing but {} "
        "like any other; if {} missing values: {}",
        fmt::join(found, ", "), count > most_named ? ", ..." : "", count == 1 ? "is" : "are",
        count == 1 ? "a text" : "texts", count == 1 ? "it stands for" : "they stand for",
        options_for_missing(format, usual));
}

std::string note_on_many_texts(const CsvFormat& format, const ImportSurvey& survey) {
    constexpr Index few = 20;  // are no burden
    std::vector<std::string> found;
    std::vector<std::string> names;
    std::size_t count = 0;
    std::size_t position = 0;
    for (std::size_t i = 0; i < format.kinds.size(); ++i) {
        if (format.kinds[i] != ColumnKind::text) {
            continue;
        }
        const auto texts = static_cast<Index>(survey.texts.at(position++).texts().size());
        if (texts > few && 2 * texts > survey.rows && ++count <= most_named) {
            found.push_back(fmt::format("{} has {}", format.name_of_column(i), texts));
            names.push_back(format.short_name(i));
        }
    }
    if (count == 0) {
        return {};
    }
    return fmt::format(
        "nearly as many different texts as rows ({}), and a feature for each: {}{}; what names "
        "rows or tells a date is better left out: {}",
        survey.rows, fmt::join(found, ", "), count > most_named ? ", ..." : "",
        list_option_text("drop", names, count > most_named));
}

}  // namespace paralogit::data
