#include "column_warnings.hpp"

#include <fmt/format.h>

#include <cmath>

#include "used_features.hpp"

namespace paralogit::train {

std::string text_of(const StretchedColumn& column, double standard_deviation) {
    return fmt::format(
        "has a standard deviation of {:g}, but most rows lie {:g} around {:g}: a few rows hold "
        "values",
        standard_deviation, column.usual_deviation, column.usual);
}

std::vector<std::string> warnings_of_columns(const DataSet& data, const Moments& moments) {
    std::vector<std::string> warnings;
    // The change of variables is exact, but margins are computed from the columns as they are.
    constexpr double far = 1e7;
    for (Index j = 0; j < data.shard.features; ++j) {
        const double deviation = moments.standard_deviation[j];
        const double ratio = std::abs(moments.mean[j]) / deviation;
        if (deviation > 0 && ratio > far) {
            warnings.push_back(fmt::format(
                "{} has a mean of {:g} and a standard deviation of {:g}: the margins lose {:.0f} "
                "of 16 digits, and the optimum is as uncertain; subtract a constant from it",
                name_of(data, j), moments.mean[j], deviation, std::log10(ratio)));
        }
    }
    for (const StretchedColumn& column : moments.stretched) {
        warnings.push_back(fmt::format(
            "{} {} so large that they decide alone what is learned of them; where they stand for "
            "missing ones (a fill value), replace them or leave the rows out",
            name_of(data, column.feature),
            text_of(column, moments.standard_deviation[column.feature])));
    }
    if (moments.is_of_one_class) {
        warnings.emplace_back("all rows are of one class: there is nothing to tell apart");
    }
    return warnings;
}

}  // namespace paralogit::train
