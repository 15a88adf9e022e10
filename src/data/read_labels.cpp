#include "read_labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

void LabelReader::read(const ColumnReader& column, Range rows) {
    const h5::ValueKind kind = column.info().kind;
    if (column.are_texts()) {
        read_texts(column, rows);
        return;
    }
    std::vector<double> values = column.read_doubles(rows);
    constexpr double largest_told_apart = 0x1p53;
    const auto too_large = std::find_if(values.begin(), values.end(), [&](double value) {
        return kind == h5::ValueKind::integer && std::fabs(value) >= largest_told_apart;
    });
    if (too_large != values.end()) {
        throw Error(
            ExitCode::input_data,
            fmt::format("{}:{} row {}: integer labels of 2^53 or more cannot be told apart; "
                        "store smaller numbers or texts",
                        column.file(), column.info().path,
                        rows.first + (too_large - values.begin())));
    }
    if (labels_.values.empty()) {
        labels_.values = std::move(values);
    } else {
        labels_.values.insert(labels_.values.end(), values.begin(), values.end());
    }
}

void LabelReader::read_texts(const ColumnReader& column, Range rows) {
    // A text takes some 40 bytes more in memory than its position: not all at once.
    constexpr Index rows_at_once = Index{1} << 16U;
    for (Index row = rows.first; row < rows.end; row += rows_at_once) {
        const Index count = std::min(rows_at_once, rows.end - row);
        for (std::string& text : column.read_strings({.first = row, .end = row + count})) {
            const auto [known, is_new] =
                positions_.try_emplace(text, static_cast<double>(labels_.texts.size()));
            labels_.values.push_back(known->second);
            if (is_new) {
                labels_.texts.push_back(std::move(text));
            }
        }
    }
}

RawLabels LabelReader::take() {
    positions_.clear();
    return std::exchange(labels_, {});
}

}  // namespace paralogit::data
