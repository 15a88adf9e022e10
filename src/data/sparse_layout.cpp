#include "sparse_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "paralogit/base/command_text.hpp"
#include "paralogit/model/sparse_block.hpp"
#include "search.hpp"
#include "text.hpp"

namespace paralogit::data {

namespace {

using h5::DatasetInfo;
using h5::ValueKind;

std::string inside(const std::string& group, const std::string& name) {
    return group == "/" ? "/" + name : group + "/" + name;
}

/// What one place of a file says of the shape of a matrix.
struct ToldShape {
    std::string where;
    std::vector<Index> shape;
};

/// The way the entries are ordered, where the file tells it.
enum class Order { unknown, by_row, by_column };

/// A member of the group that is one text, as what scipy.sparse.save_npz calls them; else empty.
std::string text_member(const Contents& contents, const std::string& path) {
    const DatasetInfo* const stored = find_dataset(contents.listing, path);
    const bool is_text = stored != nullptr && stored->kind == ValueKind::string &&
                         (stored->shape.empty() || stored->shape == std::vector<Index>{1});
    return is_text ? contents.file.dataset(path).read_strings(0, 1).front() : "";
}

Order told_order(const Contents& contents, const std::string& group) {
    std::vector<std::string> texts;
    for (const char* const name : {"encoding-type", "h5sparse_format", "format"}) {
        texts.push_back(contents.file.text_attribute_of(group, name).value_or(""));
    }
    texts.push_back(text_member(contents, inside(group, "format")));
    constexpr std::array<std::string_view, 5> other_formats{"coo", "bsr", "dia", "dok", "lil"};
    for (const std::string& text : texts) {
        const auto starts = [&](std::string_view format) { return text.starts_with(format); };
        if (std::ranges::any_of(other_formats, starts)) {
            contents.fail(fmt::format(
                ":{} says that it is '{}', of which rows cannot be read; write X.tocsr() of scipy",
                group, printable(text)));
        }
        if (text.starts_with("csr")) {
            return Order::by_row;
        }
        if (text.starts_with("csc")) {
            return Order::by_column;
        }
    }
    return Order::unknown;
}

DatasetInfo member(const Contents& contents, const std::string& path) {
    DatasetInfo info = contents.file.dataset(path).info();  // throws when it cannot be read
    if (info.shape.size() != 1) {
        contents.fail(fmt::format(":{} has the shape {}; a sparse matrix needs a vector there",
                                  path, shape_text(info.shape)));
    }
    return info;
}

void check_integers(const Contents& contents, const DatasetInfo& info, const std::string& what) {
    if (info.kind != ValueKind::integer) {
        contents.fail(fmt::format(":{} holds {}, and {} of a sparse matrix must be integers",
                                  info.path, info.type_text, what));
    }
}

/// Rows, or columns, that the offsets are of.
Index compressed_length(const Contents& contents, const DatasetInfo& offsets) {
    if (offsets.shape.front() == 0) {
        contents.fail(
            fmt::format(":{} is empty; it needs one value more than there are rows", offsets.path));
    }
    return offsets.shape.front() - 1;
}

/// 10x Genomics writes genes x cells by column, which is cells x genes by row.
bool has_barcodes(const Contents& contents, const std::string& group, Index length) {
    const DatasetInfo* const barcodes = find_dataset(contents.listing, inside(group, "barcodes"));
    return barcodes != nullptr && vector_length(*barcodes) == length;
}

bool do_labels_have(const Contents& contents, const std::string& group,
                    const SourceOptions& options, Index rows) {
    try {
        const LabelledRows labelled{.features_path = group, .rows = rows};
        return vector_length(choose_labels(contents, options, labelled).info) == rows;
    } catch (const Error&) {
        return false;
    }
}

FeatureShape shape_without_columns(const Contents& contents, const std::string& group, Order order,
                                   Index length) {
    const std::string table = table_of_genes(contents, group);
    const std::string names = index_of_table(contents.file, table.empty() ? "/var" : table);
    const std::optional<Index> features =
        names.empty() ? std::nullopt : vector_length(column_at(contents.file, names).info);
    if (features && order != Order::by_column) {
        return {.rows = length, .features = *features};
    }
    contents.fail(fmt::format(
        ":{0}: the file does not tell how many features the sparse matrix has, which its largest "
        "index need not be; write the attribute 'shape' (rows, features), such as "
        "f[{1}].attrs['shape'] = X.shape in h5py",
        group, python_text(group)));
}

FeatureShape oriented_shape(const Contents& contents, const std::string& group,
                            const SourceOptions& options, Index length) {
    const std::vector<Index> shape = told_shape(contents, group);
    Order order = told_order(contents, group);
    if (shape.empty()) {
        return shape_without_columns(contents, group, order, length);
    }
    const bool is_order_told = order != Order::unknown || shape[0] != shape[1];
    if (order == Order::unknown) {
        order = length == shape[1] && length != shape[0] ? Order::by_column : Order::by_row;
    }
    const Index expected = order == Order::by_row ? shape[0] : shape[1];
    if (length != expected) {
        contents.fail(fmt::format(
            ":{} has {} values, but a matrix of {} that lies by {} needs {}; write indptr and "
            "shape of the same matrix",
            path_of_offsets(group), length + 1, shape_text(shape),
            order == Order::by_row ? "row" : "column", expected + 1));
    }
    if (order == Order::by_row) {
        if (options.is_transposed) {
            contents.fail(fmt::format(
                ":{} ({}) lies by row (CSR); with --transposed its rows would be the features, and "
                "they must lie by row of the data: leave out --transposed, or write X.T.tocsr()",
                group, shape_text(shape)));
        }
        return {.rows = shape[0], .features = shape[1], .is_order_told = is_order_told};
    }
    const bool is_transposed =
        options.is_transposed || has_barcodes(contents, group, length) ||
        (shape[0] != shape[1] && do_labels_have(contents, group, options, shape[1]));
    if (!is_transposed) {
        const bool is_by_cells = is_of_anndata(contents, group);
        contents.fail(fmt::format(
            ":{} ({}) lies by column (CSC), and rows cannot be read from it; convert it, {}", group,
            shape_text(shape),
            is_by_cells ? "adata.X = adata.X.tocsr() in AnnData"
                        : "X.tocsr() in scipy, adata.X = adata.X.tocsr() in AnnData; or, if the "
                          "matrix is features x rows, use --transposed"));
    }
    return {.rows = shape[1], .features = shape[0]};
}

}  // namespace

std::string path_of_values(const std::string& group) {
    return inside(group, "data");
}

std::string path_of_indices(const std::string& group) {
    return inside(group, "indices");
}

std::string path_of_offsets(const std::string& group) {
    return inside(group, "indptr");
}

std::vector<Index> told_shape(const Contents& contents, const std::string& group) {
    std::vector<ToldShape> told;
    for (const char* const name : {"shape", "h5sparse_shape"}) {
        const std::string where = inside(group, std::string("@") + name);
        if (auto shape = contents.file.integers_attribute_of(group, name); !shape.empty()) {
            told.push_back({where, std::move(shape)});
        } else if (!contents.file.numbers_attribute_of(group, name).empty()) {
            contents.fail(fmt::format(
                ":{} holds numbers that are no integers; it should hold two integers, rows and "
                "columns",
                where));
        }
    }
    if (const DatasetInfo* const stored = find_dataset(contents.listing, inside(group, "shape"))) {
        const bool is_pair =
            stored->kind == ValueKind::integer && stored->shape == std::vector<Index>{2};
        if (is_pair) {
            told.push_back({stored->path, std::vector<Index>(2)});
            contents.file.dataset(stored->path)
                .read(std::vector<Index>{0}, std::vector<Index>{2}, ElementType::int64,
                      std::as_writable_bytes(std::span(told.back().shape)));
        } else if (told.empty()) {
            contents.fail(fmt::format(":{} ({}, {}) should hold two integers, rows and columns",
                                      stored->path, shape_text(stored->shape), stored->type_text));
        }
    }
    for (const auto& [where, shape] : told) {
        if (shape.size() != 2 || shape[0] < 0 || shape[1] < 0) {
            contents.fail(fmt::format(":{} should hold two counts, rows and columns; found {}",
                                      where, shape_text(shape)));
        }
        if (shape != told.front().shape) {
            contents.fail(fmt::format(":{} says {}, but {} says {}; remove the one that is wrong",
                                      told.front().where, shape_text(told.front().shape), where,
                                      shape_text(shape)));
        }
    }
    return told.empty() ? std::vector<Index>() : told.front().shape;
}

FeatureShape sparse_shape(const Contents& contents, const std::string& group,
                          const SourceOptions& options) {
    const DatasetInfo values = member(contents, path_of_values(group));
    const DatasetInfo indices = member(contents, path_of_indices(group));
    const DatasetInfo offsets = member(contents, path_of_offsets(group));
    check_integers(contents, indices, "indices");
    check_integers(contents, offsets, "indptr");
    if (values.shape != indices.shape) {
        contents.fail(fmt::format(":{} has {} values, but {} has {}; each value needs its index",
                                  values.path, values.shape.front(), indices.path,
                                  indices.shape.front()));
    }
    FeatureShape shape =
        oriented_shape(contents, group, options, compressed_length(contents, offsets));
    shape.entries = values.shape.front();
    if (shape.features == 0) {
        contents.fail(fmt::format(":{} has {} rows and no features", group, shape.rows));
    }
    if (shape.features >= model::most_sparse_features) {
        contents.fail(fmt::format(":{} has {} features; no more than {} can be trained on", group,
                                  shape.features, model::most_sparse_features - 1));
    }
    return shape;
}

}  // namespace paralogit::data
