#include "netcdf.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "paralogit/base/checked.hpp"
#include "paralogit/base/command_text.hpp"
#include "paralogit/data/missing_values.hpp"
#include "paralogit/model/column_scan.hpp"
#include "rows_in_file.hpp"

namespace paralogit::data {

namespace {

/// As a value of the type comes out of it.
double as_stored(double value, ElementType type) {
    // A mark of float64 for values of float32 is rounded as they are.
    return type == ElementType::float32 ? static_cast<double>(static_cast<float>(value)) : value;
}

/// The first value of a row that has a mark; its end where none has.
std::size_t find_mark(ElementType type, const std::byte* values, std::span<const double> marks,
                      std::vector<double>& row) {
    model::widen_row(type, values, row);
    return narrow<std::size_t>(std::ranges::find_first_of(row, marks) - row.begin());
}

/// The first of the rows that has a mark, and where.
std::optional<model::ColumnScan::BadValue> find_in_rows(const model::Block& block, Range rows,
                                                        std::span<const double> marks) {
    std::vector<double> row(narrow<std::size_t>(block.features));
    const std::size_t row_bytes = row.size() * size_of(block.type);
    for (Index i = rows.first; i < rows.end; ++i) {
        const std::size_t found =
            find_mark(block.type, block.values + narrow<std::size_t>(i) * row_bytes, marks, row);
        if (found < row.size()) {
            return model::ColumnScan::BadValue{.global_row = block.first_global_row + i,
                                               .feature = narrow<Index>(found),
                                               .value = row[found]};
        }
    }
    return std::nullopt;
}

std::optional<model::ColumnScan::BadValue> find_in_rows(const model::SparseBlock& block, Range rows,
                                                        std::span<const double> marks) {
    std::vector<double> row;
    for (Index i = rows.first; i < rows.end; ++i) {
        const auto at = narrow<std::size_t>(i);
        const auto first = narrow<std::size_t>(block.offsets[at]);
        row.resize(narrow<std::size_t>(block.offsets[at + 1]) - first);
        const std::size_t found =
            find_mark(block.type, block.values + first * size_of(block.type), marks, row);
        if (found < row.size()) {
            std::uint32_t feature = 0;
            std::memcpy(&feature, block.indices + (first + found) * sizeof feature, sizeof feature);
            return model::ColumnScan::BadValue{.global_row = block.first_global_row + i,
                                               .feature = Index{feature},
                                               .value = row[found]};
        }
    }
    return std::nullopt;
}

template <class BlockOfRows>
std::optional<model::ColumnScan::BadValue> find_in_block(const Manifest& manifest,
                                                         const BlockOfRows& block) {
    const Range rows{.first = block.first_global_row, .end = block.first_global_row + block.rows};
    for (const FilePart& part : manifest.files) {
        const Range in_file = rows_in_file(part, rows);
        if (part.missing_features.empty() || in_file.size() <= 0) {
            continue;
        }
        const Index before = part.first_row - block.first_global_row;
        if (auto found =
                find_in_rows(block, {.first = in_file.first + before, .end = in_file.end + before},
                             part.missing_features)) {
            return found;
        }
    }
    return std::nullopt;
}

/// Integers whose bits are to be read as those of the type with, or without, a sign.
void refuse_other_sign(const h5::File& file, const std::string& dataset) {
    const std::string told = file.text_attribute_of(dataset, "_Unsigned").value_or("");
    const std::optional<ElementType> type = file.describe(dataset).element_type;
    if (!type || (told != "true" && told != "false")) {
        return;
    }
    const bool is_signed = *type >= ElementType::int8 && *type <= ElementType::int64;
    const bool is_unsigned = *type >= ElementType::uint8 && *type <= ElementType::uint64;
    if (told == "true" ? is_signed : is_unsigned) {
        throw Error(
            ExitCode::input_data,
            fmt::format(
                "{0}:{1} holds {2}, but by its attribute _Unsigned = \"{3}\" its bits stand "
                "for integers {4} sign; write them as these, in Python "
                "xarray.open_dataset({5}).drop_encoding().to_netcdf('unpacked.nc')",
                file.path().string(), dataset, name_of(*type), told, is_signed ? "without" : "with",
                python_text(file.path().string())));
    }
}

}  // namespace

void refuse_packed(const h5::File& file, const std::string& dataset) {
    refuse_other_sign(file, dataset);
    const auto is_other = [](const std::vector<double>& values, double neutral) {
        return std::ranges::any_of(values, [=](double value) { return value != neutral; });
    };
    const std::vector<double> scale = file.numbers_attribute_of(dataset, "scale_factor");
    const std::vector<double> offset = file.numbers_attribute_of(dataset, "add_offset");
    std::vector<std::string> found;
    if (is_other(scale, 1)) {
        found.push_back(fmt::format("scale_factor {}", fmt::join(scale, ", ")));
    }
    if (is_other(offset, 0)) {
        found.push_back(fmt::format("add_offset {}", fmt::join(offset, ", ")));
    }
    if (!found.empty()) {
        const std::string path = file.path().string();
        throw Error(
            ExitCode::input_data,
            fmt::format("{0}:{1} is packed: by {2} {3} its values stand for value x scale_factor + "
                        "add_offset, which are not what is stored; unpack the file: ncpdq -U {4} "
                        "unpacked.nc, or in Python xarray.open_dataset({5}).drop_encoding()"
                        ".to_netcdf('unpacked.nc')",
                        path, dataset, found.size() == 1 ? "its attribute" : "its attributes",
                        fmt::join(found, " and "), shell_word(path), python_text(path)));
    }
}

std::vector<double> missing_marks(const h5::File& file, const h5::DatasetInfo& dataset) {
    std::vector<double> marks;
    if (!dataset.element_type) {
        return marks;
    }
    for (const char* const name : {"_FillValue", "missing_value"}) {
        for (const double value : file.numbers_attribute_of(dataset.path, name)) {
            const double mark = as_stored(value, *dataset.element_type);
            // What is not finite is refused without being marked.
            if (std::isfinite(mark) && std::ranges::find(marks, mark) == marks.end()) {
                marks.push_back(mark);
            }
        }
    }
    return marks;
}

std::string missing_text(double mark) {
    return fmt::format("the value is missing: {} marks it (attribute _FillValue or missing_value)",
                       mark);
}

std::optional<model::ColumnScan::BadValue> find_missing(const Manifest& manifest,
                                                        const model::Block& block) {
    return find_in_block(manifest, block);
}

std::optional<model::ColumnScan::BadValue> find_missing(const Manifest& manifest,
                                                        const model::SparseBlock& block) {
    return find_in_block(manifest, block);
}

}  // namespace paralogit::data
