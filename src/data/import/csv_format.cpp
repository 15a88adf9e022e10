#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "../text.hpp"
#include "../usual_names.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/base/command_text.hpp"
#include "paralogit/data/import/csv.hpp"

namespace paralogit::data {

std::string CsvFormat::feature_name(std::size_t column) const {
    const std::vector<std::string>& given = names.empty() ? names_without_header : names;
    return given.empty() ? fmt::format("column{}", column + 1) : given[column];
}

std::string CsvFormat::name_of_column(std::size_t column) const {
    return names.empty() ? fmt::format("column {}", column + 1)
                         : fmt::format("column {} ({})", column + 1, in_quotes(names[column]));
}

std::string CsvFormat::short_name(std::size_t column) const {
    const bool is_fit = !names.empty() && !names[column].empty() &&
                        printable(names[column]) == names[column] &&
                        std::ranges::count(names, names[column]) == 1;
    return is_fit ? names[column] : std::to_string(column + 1);
}

std::string CsvFormat::option_on(std::string_view list_option, std::size_t column) const {
    return list_option_text(list_option, std::array{short_name(column)});
}

std::string CsvFormat::note_on_weights() const {
    for (std::size_t i = 0; i < names.size(); ++i) {
        // "weight" alone may as well be that of a person.
        const bool is_usual =
            is_among(names_of_weights, names[i]) && names[i].find('_') != std::string::npos;
        if (is_usual && kinds[i] == ColumnKind::number) {
            return fmt::format(
                "{} is a feature like the others; if it is the weight of the rows, "
                "give {}",
                name_of_column(i), option_text("weights", short_name(i)));
        }
    }
    return {};
}

std::string CsvFormat::header_in_words() const {
    return has_header ? "yes, the names of the columns"
                      : fmt::format("none, the first row is {}{}",
                                    in_quotes(fmt::format("{}", fmt::join(first_fields, ","))),
                                    first_fields.size() < kinds.size() ? " ..." : "");
}

bool has_number(const CsvFormat& format, std::size_t column, std::span<const double> values,
                std::span<const double> labels) {
    if (format.kinds[column] == ColumnKind::number_label) {
        return !labels.empty();
    }
    const auto numbers = [&](std::size_t columns) {
        return narrow<std::size_t>(
            std::ranges::count(std::span(format.kinds).first(columns), ColumnKind::number));
    };
    const std::size_t stride = numbers(format.kinds.size());
    for (std::size_t i = numbers(column); i < values.size(); i += stride) {
        if (!std::isnan(values[i])) {
            return true;
        }
    }
    return false;
}

}  // namespace paralogit::data
