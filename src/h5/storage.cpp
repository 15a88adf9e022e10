#include "storage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "datatype.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/base/command_text.hpp"

namespace paralogit::h5 {

namespace {

constexpr Index largest_index = std::numeric_limits<Index>::max();

/// Beyond both, a dataset that declares more than it stores is taken for a bomb.
constexpr Index inflation_limit = 1000;
constexpr Index inflation_floor_bytes = Index{4} << 30;

std::string name_of_filter(H5Z_filter_t id, const std::string& own_name) {
    switch (id) {
        case H5Z_FILTER_DEFLATE:
            return "deflate";
        case H5Z_FILTER_SHUFFLE:
            return "shuffle";
        case H5Z_FILTER_FLETCHER32:
            return "fletcher32";
        case H5Z_FILTER_SZIP:
            return "szip";
        case H5Z_FILTER_NBIT:
            return "nbit";
        case H5Z_FILTER_SCALEOFFSET:
            return "scaleoffset";
        default:
            return own_name.empty() ? fmt::format("filter {}", id) : printable(own_name);
    }
}

/// Sets the first problem that is found; later ones are often consequences.
void note(DatasetInfo& info, const std::string& problem) {
    if (info.problem.empty()) {
        info.problem = problem;
    }
}

void describe_filters(hid_t creation, DatasetInfo& info, const Location& where) {
    const int count = check(H5Pget_nfilters(creation), where, "count its filters");
    for (unsigned position = 0; position < static_cast<unsigned>(count); ++position) {
        unsigned flags = 0;
        unsigned config = 0;
        std::array<unsigned, 8> values{};
        std::size_t value_count = values.size();
        std::array<char, 64> own_name{};
        const H5Z_filter_t id =
            H5Pget_filter2(creation, position, &flags, &value_count, values.data(),
                           own_name.size() - 1, own_name.data(), &config);
        check(id, where, "read its filters");
        std::string text = name_of_filter(id, own_name.data());
        if (id == H5Z_FILTER_DEFLATE && value_count > 0) {
            text += fmt::format(" {}", values[0]);
        }
        if (H5Zfilter_avail(id) <= 0) {
            // Only h5py has this one, within itself.
            constexpr H5Z_filter_t lzf = 32000;
            const std::string advice =
                id == lzf ? fmt::format(
                                "h5py has it; rewrite it there: values = f[{0}][()]; del "
                                "f[{0}]; f.create_dataset({0}, data=values, "
                                "compression='gzip')",
                                python_text(info.path))
                          : fmt::format(
                                "where the filter is installed, rewrite it: h5repack -f "
                                "{} IN OUT",
                                shell_word(info.path + ":GZIP=4"));
            note(info, fmt::format("it is stored with the filter '{}' (number {}), which this "
                                   "program does not have; {}",
                                   text, id, advice));
            text += " (missing)";
        }
        info.filters.push_back(text);
    }
}

void set_shape(const std::vector<hsize_t>& dimensions, DatasetInfo& info) {
    for (const hsize_t dimension : dimensions) {
        if (!std::in_range<Index>(dimension)) {
            note(info, fmt::format("it declares a dimension of {}, more than 63 bits can count",
                                   dimension));
        }
        info.shape.push_back(
            static_cast<Index>(std::min(dimension, static_cast<hsize_t>(largest_index))));
    }
}

std::vector<hsize_t> dimensions_of(hid_t space, const Location& where) {
    const int rank = check(H5Sget_simple_extent_ndims(space), where, "read its shape");
    std::vector<hsize_t> dimensions(static_cast<std::size_t>(rank));
    check(H5Sget_simple_extent_dims(space, dimensions.data(), nullptr), where, "read its shape");
    return dimensions;
}

/// The shape of a virtual dataset as its mappings have it: asking the dataset would open its
/// sources.
void describe_virtual(hid_t creation, DatasetInfo& info, const Location& where) {
    std::size_t mappings = 0;
    check(H5Pget_virtual_count(creation, &mappings), where, "count its sources");
    if (mappings > 0) {
        const Handle space =
            own(H5Pget_virtual_vspace(creation, 0), H5Sclose, where, "read its shape");
        set_shape(dimensions_of(space.get(), where), info);
    }
    note(info,
         "it is virtual, put together from other datasets or files, which are not read; write the "
         "values into one file");
}

/// The product of the factors, or empty beyond 63 bits.
std::optional<Index> product_of(const std::vector<Index>& factors, Index first) {
    // A dimension of zero makes everything empty, whatever the others are.
    if (std::ranges::find(factors, 0) != factors.end()) {
        return 0;
    }
    Index product = first;
    for (const Index factor : factors) {
        if (__builtin_mul_overflow(product, factor, &product)) {
            return std::nullopt;
        }
    }
    return product;
}

void check_chunks(hid_t dataset, hid_t space, DatasetInfo& info, const Location& where) {
    std::vector<Index> grid;
    for (std::size_t axis = 0; axis < info.shape.size(); ++axis) {
        grid.push_back(info.shape[axis] / info.chunk[axis] +
                       (info.shape[axis] % info.chunk[axis] != 0 ? 1 : 0));
    }
    const Index needed = product_of(grid, 1).value_or(largest_index);
    hsize_t stored = 0;
    check(H5Dget_num_chunks(dataset, space, &stored), where, "count its chunks");
    if (stored < static_cast<hsize_t>(needed)) {
        note(info, fmt::format("only {} of its {} chunks were ever written; the others would read "
                               "as a fill value",
                               stored, needed));
    }
}

void check_contiguous(hid_t dataset, hid_t type, Index declared_bytes, Index file_bytes,
                      DatasetInfo& info, const Location& where) {
    // References into a heap have another size in memory than in the file.
    const bool has_plain_size =
        check(H5Tdetect_class(type, H5T_VLEN), where, "read its type") == 0 &&
        H5Tis_variable_str(type) <= 0;
    const haddr_t offset = H5Dget_offset(dataset);
    if (offset == HADDR_UNDEF) {
        note(info, fmt::format("its shape needs {} bytes, but its values were never written",
                               declared_bytes));
        return;
    }
    if (has_plain_size && info.stored_bytes < declared_bytes) {
        note(info, fmt::format("its shape needs {} bytes, but only {} are stored", declared_bytes,
                               info.stored_bytes));
    }
    if (!std::in_range<Index>(offset) || static_cast<Index>(offset) > file_bytes ||
        info.stored_bytes > file_bytes - static_cast<Index>(offset)) {
        note(info,
             fmt::format("its values lie at bytes {} to {}, but the file ends at {}; it is "
                         "truncated or damaged: copy it again",
                         offset, offset + static_cast<haddr_t>(info.stored_bytes), file_bytes));
        return;
    }
    if (info.element_type && has_memory_layout(type, *info.element_type, where)) {
        info.file_offset = static_cast<Index>(offset);
    }
}

void check_storage(hid_t dataset, hid_t type, hid_t space, H5D_layout_t layout, Index file_bytes,
                   DatasetInfo& info, const Location& where) {
    const std::optional<Index> declared =
        product_of(info.shape, static_cast<Index>(std::max<std::size_t>(H5Tget_size(type), 1)));
    if (!declared) {
        note(info,
             "its shape declares more bytes than 63 bits can count; the file is damaged or "
             "hostile");
        return;
    }
    if (*declared == 0 || !info.problem.empty()) {
        return;
    }
    if (layout == H5D_CONTIGUOUS) {
        check_contiguous(dataset, type, *declared, file_bytes, info, where);
    } else if (layout == H5D_CHUNKED) {
        // What is refused as a bomb need not be counted chunk by chunk.
        if (*declared > inflation_floor_bytes && *declared / inflation_limit > info.stored_bytes) {
            note(info, fmt::format("its shape needs {} bytes, more than {} times the {} that are "
                                   "stored; it is taken for damaged or hostile",
                                   *declared, inflation_limit, info.stored_bytes));
            return;
        }
        check_chunks(dataset, space, info, where);
    }
    // Its other answer, "a part of them", compares sizes and takes compressed chunks for missing.
    H5D_space_status_t status = H5D_SPACE_STATUS_ERROR;
    check(H5Dget_space_status(dataset, &status), where, "tell whether its values are stored");
    if (status == H5D_SPACE_STATUS_NOT_ALLOCATED) {
        note(info, "its values were never written");
    }
}

}  // namespace

Index DatasetInfo::values_per_row() const {
    Index values = 1;
    for (std::size_t axis = 1; axis < shape.size(); ++axis) {
        values = checked_multiply(values, shape[axis], path + ": values in a row");
    }
    return values;
}

DatasetInfo describe_field(hid_t dataset, const std::string& field, const std::string& path,
                           Index file_bytes, const Location& where) {
    DatasetInfo info = describe_dataset(dataset, path, file_bytes, where);
    const Handle type = type_of_field(dataset, field, where);
    TypeDescription description = describe_type(type.get(), where);
    info.kind = description.kind;
    info.element_type = description.element_type;
    info.type_text = description.text;
    info.fields.clear();
    if (info.problem.empty()) {
        info.problem = description.problem;
    }
    return info;
}

DatasetInfo describe_dataset(hid_t dataset, const std::string& path, Index file_bytes,
                             const Location& where) {
    DatasetInfo info;
    info.path = path;
    const Handle type = own(H5Dget_type(dataset), H5Tclose, where, "read its type");
    TypeDescription description = describe_type(type.get(), where);
    info.kind = description.kind;
    info.element_type = description.element_type;
    info.type_text = description.text;
    info.fields = names_of_fields(type.get(), where);
    info.problem = description.problem;

    const Handle creation =
        own(H5Dget_create_plist(dataset), H5Pclose, where, "read its properties");
    const H5D_layout_t layout = check(H5Pget_layout(creation.get()), where, "read its layout");
    if (layout == H5D_VIRTUAL) {
        describe_virtual(creation.get(), info, where);
        return info;
    }
    if (check(H5Pget_external_count(creation.get()), where, "read its layout") > 0) {
        note(info, "its values lie in another file, which is not read; write them into this one");
    }
    const Handle space = own(H5Dget_space(dataset), H5Sclose, where, "read its shape");
    if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) {
        note(info, "it has no values (a null dataspace)");
        return info;
    }
    set_shape(dimensions_of(space.get(), where), info);
    if (layout == H5D_CHUNKED) {
        std::vector<hsize_t> chunk(info.shape.size());
        check(H5Pget_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()), where,
              "read its chunks");
        info.chunk.assign(chunk.begin(), chunk.end());
    }
    describe_filters(creation.get(), info, where);
    info.stored_bytes = static_cast<Index>(
        std::min(H5Dget_storage_size(dataset), static_cast<hsize_t>(largest_index)));
    check_storage(dataset, type.get(), space.get(), layout, file_bytes, info, where);
    return info;
}

}  // namespace paralogit::h5
