#include "foreign.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>

#include "paralogit/base/command_text.hpp"
#include "usual_names.hpp"

namespace paralogit::data {

namespace {

using h5::DatasetInfo;
using h5::ValueKind;

constexpr std::string_view index_of_pytables = "_i_";

/// With a number behind the first letters, and the ending behind that.
bool is_numbered(std::string_view name, std::string_view start, std::string_view end) {
    if (!name.starts_with(start) || !name.ends_with(end) ||
        name.size() <= start.size() + end.size()) {
        return false;
    }
    return std::ranges::all_of(name.substr(start.size(), name.size() - start.size() - end.size()),
                               [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// Whether a field may be one of the features: a number, or numbers, and none that usually is
/// something else.
bool may_be_feature(const DatasetInfo& field) {
    const bool holds_numbers = field.kind == ValueKind::integer || field.kind == ValueKind::real ||
                               field.type_text == "array";
    return holds_numbers && !field.type_text.starts_with("bit") &&
           !is_among(names_of_labels, field.path) && !is_among(names_of_weights, field.path) &&
           last_component(field.path) != "index";
}

std::vector<DatasetInfo> fields_of(const h5::File& file, const DatasetInfo& table) {
    std::vector<DatasetInfo> fields;
    for (const std::string& field : table.fields) {
        fields.push_back(file.describe(table.path + "/" + field));
    }
    return fields;
}

}  // namespace

std::string machinery_around(const std::string& path) {
    for (const char* const group : {"/#refs#", "/#subsystem#"}) {
        if (path.starts_with(group + std::string("/"))) {
            return group;
        }
    }
    for (std::size_t slash = 0; slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const std::size_t end = path.find('/', slash + 1);
        if (end != std::string::npos &&
            std::string_view(path).substr(slash + 1).starts_with(index_of_pytables)) {
            return path.substr(0, end);
        }
    }
    return "";
}

std::string name_of_machinery(const std::string& group) {
    return group.starts_with("/#") ? "what MATLAB's cells and objects refer to"
                                   : "an index of PyTables";
}

bool is_axis_of_pandas(const h5::Listing& listing, const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    const std::string_view name = std::string_view(path).substr(slash + 1);
    return (is_numbered(name, "axis", "") || is_numbered(name, "block", "_items")) &&
           find_dataset(listing, path.substr(0, slash) + "/block0_values") != nullptr;
}

std::vector<DatasetInfo> sparse_matrices_of_matlab(const h5::File& file,
                                                   const h5::Listing& listing) {
    constexpr std::string_view column_starts = "/jc";
    std::vector<DatasetInfo> matrices;
    for (const DatasetInfo& info : listing.datasets) {
        if (!info.path.ends_with(column_starts) || info.path == column_starts || info.rows() == 0) {
            continue;
        }
        const std::string group = info.path.substr(0, info.path.size() - column_starts.size());
        if (const std::vector<Index> rows = file.integers_attribute_of(group, "MATLAB_sparse");
            rows.size() == 1) {
            DatasetInfo matrix;
            matrix.path = group;
            matrix.shape = {rows.front(), info.rows() - 1};
            matrix.type_text = "sparse matrix of MATLAB";
            matrices.push_back(std::move(matrix));
        }
    }
    return matrices;
}

std::optional<std::vector<Index>> shape_of_matlabs_empty(const h5::File& file,
                                                         const DatasetInfo& info) {
    constexpr Index most_dimensions = 32;
    if (info.kind != ValueKind::integer || info.shape.size() != 1 || info.rows() < 2 ||
        info.rows() > most_dimensions || !info.problem.empty() ||
        file.integers_attribute_of(info.path, "MATLAB_empty") != std::vector<Index>{1}) {
        return std::nullopt;
    }
    std::vector<Index> shape;
    for (const double dimension : file.dataset(info.path).read_doubles(0, info.rows())) {
        // 2^53 and more are no dimensions, and would not come back as they are.
        if (dimension < 0 || dimension > 9e15) {
            return std::nullopt;
        }
        shape.push_back(static_cast<Index>(dimension));
    }
    std::ranges::reverse(shape);
    return shape;
}

std::string advice_on_frame(const h5::File& file, const std::string& path) {
    const std::string group = path.substr(0, std::min(path.find_last_of('/'), path.size()));
    if (group.empty() || !file.text_attribute_of(group, "pandas_type")) {
        return "";
    }
    return fmt::format(
        "write features and labels into a dataset each, in Python: import h5py, pandas; t = "
        "pandas.read_hdf({}, {}); f = h5py.File('rows.h5', 'w'); f['y'] = "
        "t.pop('LABEL').to_numpy(); f['X'] = t.to_numpy()",
        python_text(file.path().string()), python_text(group));
}

std::string objection_to_records(const h5::File& file, const DatasetInfo& table) {
    if (const std::string advice = advice_on_frame(file, table.path); !advice.empty()) {
        return "is a table of pandas, and features must be one dataset of rows x features; " +
               advice;
    }
    constexpr std::size_t most_named = 8;
    std::vector<std::string> names;
    for (const DatasetInfo& field : fields_of(file, table)) {
        if (!may_be_feature(field)) {
            continue;
        }
        if (names.size() == most_named) {
            names.emplace_back("...");
            break;
        }
        names.push_back(python_text(field.path.substr(table.path.size() + 1)));
    }
    return fmt::format(
        "is a table of records, and features must be one dataset of rows x features; write those "
        "of its fields that are features into one, in Python: import h5py, numpy; f = "
        "h5py.File({}, 'a'); t = f[{}][()]; f['/X'] = numpy.column_stack([t[n] for n in [{}]]); "
        "labels and row weights may stay fields: {}",
        python_text(file.path().string()), python_text(table.path), fmt::join(names, ", "),
        option_text("labels-name", table.path + "/FIELD"));
}

std::string objection_to_sparse_of_matlab(const h5::File& file, const std::string& group) {
    const std::string name = python_text(group.substr(1));
    return fmt::format(
        "is a sparse matrix as MATLAB stores it, by column, and rows cannot be read from it; write "
        "it by row into another file, in Python: import h5py, scipy.sparse; f = h5py.File({0}); o "
        "= h5py.File('csr.h5', 'w'); [f.copy(k, o) for k in f if k != {1}]; g = f[{1}]; m = "
        "scipy.sparse.csc_matrix((g['data'][()], g['ir'][()], g['jc'][()]), "
        "(g.attrs['MATLAB_sparse'], len(g['jc']) - 1)).tocsr(); x = o.create_group({1}); "
        "x['data'], x['indices'], x['indptr'] = m.data, m.indices, m.indptr; x.attrs['shape'] = "
        "m.shape",
        python_text(file.path().string()), name);
}

std::vector<DatasetInfo> fields_of_records(const Contents& contents, Index rows) {
    std::vector<DatasetInfo> fields;
    for (const DatasetInfo& table : contents.candidates) {
        if (vector_length(table) == rows && contents.is_searched(table.path)) {
            std::ranges::move(fields_of(contents.file, table), std::back_inserter(fields));
        }
    }
    return fields;
}

bool is_boolean(const DatasetInfo& info) {
    return info.kind == ValueKind::boolean || info.type_text.starts_with("bit field");
}

std::string likely_label(const h5::File& file, const DatasetInfo& table) {
    const std::vector<DatasetInfo> fields = fields_of(file, table);
    const auto boolean = std::ranges::find_if(fields, is_boolean);
    return boolean == fields.end() ? fields.front().path : boolean->path;
}

}  // namespace paralogit::data
