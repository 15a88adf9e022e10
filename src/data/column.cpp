#include "column.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "netcdf.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/data/missing_values.hpp"

namespace paralogit::data {

namespace {

using h5::DatasetInfo;
using h5::ValueKind;

struct PathParts {
    std::string parent;  ///< empty at the root
    std::string name;
};

PathParts parts_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    return slash == std::string::npos ? PathParts{"", path}
                                      : PathParts{path.substr(0, slash), path.substr(slash + 1)};
}

Column make_categorical(const h5::File& file, const std::string& path, const std::string& codes,
                        const std::string& categories) {
    const DatasetInfo stored = file.describe(codes);
    // Texts that pandas may hold as missing are values and a mask of their own.
    const Column texts = column_at(file, categories);
    Column column{.info = texts.info,
                  .values_path = codes,
                  .categories_path = texts.values_path,
                  .mask_path = texts.mask_path};
    const Index count = column.info.rows();
    column.info.path = path;
    column.info.shape = stored.shape;
    column.info.chunk.clear();
    column.info.file_offset.reset();
    column.info.type_text =
        fmt::format("{} categor{}, {}", count, count == 1 ? "y" : "ies", column.info.type_text);
    if (stored.kind != ValueKind::integer) {
        column.info.problem = "its codes are no integers";
    } else if (column.info.problem.empty()) {
        column.info.problem = stored.problem;
    }
    return column;
}

/// Where old files have the categories of a column of codes; empty when it has none.
std::string old_categories(const h5::File& file, const std::string& path, bool is_field) {
    const auto [parent, name] = parts_of(path);
    const std::string categories =
        is_field ? "/uns/" + name + "_categories" : parent + "/__categories/" + name;
    return file.has(categories) ? categories : "";
}

bool has_child(const h5::Listing& listing, const std::string& path) {
    return std::ranges::any_of(listing.datasets,
                               [&](const DatasetInfo& info) { return info.path == path; });
}

bool is_masked(const h5::Listing& listing, const std::string& group) {
    return has_child(listing, group + "/values") && has_child(listing, group + "/mask");
}

bool is_categorical(const h5::Listing& listing, const std::string& group) {
    const std::string categories = group + "/categories";
    return has_child(listing, group + "/codes") &&
           (has_child(listing, categories) || is_masked(listing, categories));
}

/// The categories of another column.
bool are_categories(const h5::Listing& listing, const std::string& group) {
    const auto [parent, name] = parts_of(group);
    return name == "categories" && is_categorical(listing, parent);
}

bool has_masked(const h5::File& file, const std::string& group) {
    return file.has(group + "/values") && file.has(group + "/mask");
}

}  // namespace

bool are_texts(const DatasetInfo& info) {
    return info.kind == ValueKind::string || info.kind == ValueKind::enumeration;
}

Column column_at(const h5::File& file, const std::string& path) {
    const std::string own_categories = path + "/categories";
    if (file.has(path + "/codes") &&
        (file.has(own_categories) || has_masked(file, own_categories))) {
        return make_categorical(file, path, path + "/codes", own_categories);
    }
    if (has_masked(file, path)) {
        Column column{.info = file.describe(path + "/values"),
                      .values_path = path + "/values",
                      .categories_path = "",
                      .mask_path = path + "/mask"};
        column.info.path = path;
        return column;
    }
    DatasetInfo info = file.describe(path);
    if (info.kind == ValueKind::integer) {
        const std::string parent = parts_of(info.path).parent;
        const bool is_field = !parent.empty() && file.has(parent);
        if (const std::string categories = old_categories(file, info.path, is_field);
            !categories.empty()) {
            return make_categorical(file, info.path, info.path, categories);
        }
    }
    const std::string own_path = info.path;
    return {
        .info = std::move(info), .values_path = own_path, .categories_path = "", .mask_path = ""};
}

std::string index_of_table(const h5::File& file, const std::string& table) {
    if (file.has(table)) {
        // Old tables are records.
        for (const char* const name : {"index", "_index"}) {
            if (const std::string path = fmt::format("{}/{}", table, name); file.has(path)) {
                return path;
            }
        }
        return "";
    }
    const std::optional<std::string> name = file.text_attribute_of(table, "_index");
    const std::string path = table + "/" + name.value_or("");
    const bool is_there =
        name && (file.has(path) || has_masked(file, path) || file.has(path + "/codes"));
    return is_there ? path : "";
}

std::vector<Column> find_columns(const h5::File& file, const h5::Listing& listing) {
    std::vector<std::string> paths;
    for (const std::string& group : listing.groups) {
        if (is_categorical(listing, group) ||
            (is_masked(listing, group) && !are_categories(listing, group))) {
            paths.push_back(group);
        }
    }
    for (const DatasetInfo& info : listing.datasets) {
        const auto [parent, name] = parts_of(info.path);
        if (parent.ends_with("/__categories")) {
            const std::string table = parent.substr(0, parent.find_last_of('/'));
            if (has_child(listing, table + "/" + name)) {
                paths.push_back(table + "/" + name);
            }
        }
        if (info.path == "/obs") {
            const std::string index = index_of_table(file, info.path);
            for (const std::string& field : info.fields) {
                if (info.path + "/" + field != index) {
                    paths.push_back(info.path + "/" + field);
                }
            }
        }
    }
    std::vector<Column> columns;
    columns.reserve(paths.size());
    for (const std::string& path : paths) {
        columns.push_back(column_at(file, path));
    }
    return columns;
}

ColumnReader::ColumnReader(const h5::File& file, const FilePart& part, const std::string& path)
    : part_(part), column_(column_at(file, path)), values_(file.dataset(column_.values_path)) {
    refuse_packed(file, column_.values_path);
    if (column_.categories_path.empty()) {
        missing_ = missing_marks(file, column_.info);
    }
    if (!column_.mask_path.empty() && column_.categories_path.empty()) {
        mask_ = file.dataset(column_.mask_path);
    }
    if (!column_.categories_path.empty()) {
        const h5::Dataset categories = file.dataset(column_.categories_path);
        const Index count = categories.info().rows();
        if (!column_.mask_path.empty()) {
            check_categories(file.dataset(column_.mask_path).read_doubles(0, count));
        }
        if (data::are_texts(categories.info())) {
            texts_ = categories.read_strings(0, count);
        } else {
            numbers_ = categories.read_doubles(0, count);
        }
    }
}

std::vector<double> ColumnReader::read_doubles(Range rows) const {
    check_mask(rows);
    if (column_.categories_path.empty()) {
        std::vector<double> values = values_.read_doubles(rows.first, rows.size());
        if (!missing_.empty()) {
            check_marks(rows.first, values);
        }
        return values;
    }
    std::vector<double> values;
    values.reserve(narrow<std::size_t>(rows.size()));
    for (const std::size_t code : read_codes(rows)) {
        values.push_back(numbers_[code]);
    }
    return values;
}

std::vector<std::string> ColumnReader::read_strings(Range rows) const {
    check_mask(rows);
    if (column_.categories_path.empty()) {
        return values_.read_strings(rows.first, rows.size());
    }
    std::vector<std::string> values;
    values.reserve(narrow<std::size_t>(rows.size()));
    for (const std::size_t code : read_codes(rows)) {
        values.push_back(texts_[code]);
    }
    return values;
}

std::vector<std::size_t> ColumnReader::read_codes(Range rows) const {
    const std::size_t categories = texts_.size() + numbers_.size();
    std::vector<std::size_t> codes;
    codes.reserve(narrow<std::size_t>(rows.size()));
    for (const double code : values_.read_doubles(rows.first, rows.size())) {
        const Index row = rows.first + std::ssize(codes);
        if (code == -1) {
            fail_missing(row);
        }
        if (code < 0 || code >= static_cast<double>(categories)) {
            throw Error(ExitCode::input_data,
                        fmt::format("{}:{} row {}: the code {} names none of the {} categories in "
                                    "{}; write the column again",
                                    part_.path, column_.values_path, row, code, categories,
                                    column_.categories_path),
                        part_.first_row + row);
        }
        codes.push_back(static_cast<std::size_t>(code));
    }
    return codes;
}

void ColumnReader::check_mask(Range rows) const {
    if (!mask_) {
        return;
    }
    const std::vector<double> mask = mask_->read_doubles(rows.first, rows.size());
    const auto missing =
        std::ranges::find_if(mask, [](double is_missing) { return is_missing != 0; });
    if (missing != mask.end()) {
        fail_missing(rows.first + (missing - mask.begin()));
    }
}

void ColumnReader::check_categories(std::span<const double> mask) const {
    if (std::ranges::any_of(mask, [](double is_missing) { return is_missing != 0; })) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}:{} says that a category is missing; write the column again",
                                part_.path, column_.mask_path));
    }
}

void ColumnReader::check_marks(Index first_row, std::span<const double> values) const {
    const auto missing = std::ranges::find_if(
        values, [&](double value) { return std::ranges::find(missing_, value) != missing_.end(); });
    if (missing != values.end()) {
        const Index row = first_row + (missing - values.begin());
        throw Error(ExitCode::input_data,
                    fmt::format("{}:{} row {}: {}; remove the row or give it a value", part_.path,
                                column_.info.path, row, missing_text(*missing)),
                    part_.first_row + row);
    }
}

void ColumnReader::fail_missing(Index row) const {
    throw Error(ExitCode::input_data,
                fmt::format("{}:{} row {}: the value is missing; remove the row or give it a value",
                            part_.path, column_.info.path, row),
                part_.first_row + row);
}

}  // namespace paralogit::data
