#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "datatype.hpp"
#include "opened_dataset.hpp"
#include "paralogit/base/checked.hpp"
#include "strings.hpp"

namespace paralogit::h5 {

namespace {

constexpr std::size_t smallest_cache_bytes = std::size_t{1} << 20;
constexpr std::size_t largest_cache_bytes = std::size_t{256} << 20;

/// Entries of a long vector that are read at once.
constexpr Index numbers_at_once = Index{1} << 16;
constexpr Index strings_at_once = Index{1} << 10;

/// The spaces of a hyperslab in the file and of the same values in memory.
struct Selection {
    Handle file;
    Handle memory;
};

Selection select(hid_t dataset, std::span<const Index> first, std::span<const Index> count,
                 const Location& where) {
    Selection selection;
    selection.file = own(H5Dget_space(dataset), H5Sclose, where, "read its shape");
    if (first.empty()) {
        selection.memory = own(H5Screate(H5S_SCALAR), H5Sclose, where, "describe the memory");
        return selection;
    }
    std::vector<hsize_t> begin;
    std::vector<hsize_t> extent;
    for (std::size_t axis = 0; axis < first.size(); ++axis) {
        begin.push_back(narrow<hsize_t>(first[axis]));
        extent.push_back(narrow<hsize_t>(count[axis]));
    }
    check(H5Sselect_hyperslab(selection.file.get(), H5S_SELECT_SET, begin.data(), nullptr,
                              extent.data(), nullptr),
          where, "select the values");
    selection.memory =
        own(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose,
            where, "describe the memory");
    return selection;
}

/// Lets HDF5 round, but neither clamp, cut off nor replace a value. Between floats it also reports
/// infinities and NaN, which are kept.
H5T_conv_ret_t refuse_other_values(H5T_conv_except_t exception, hid_t /*source*/, hid_t destination,
                                   void* /*source_value*/, void* /*destination_value*/,
                                   void* /*data*/) {
    const bool is_special = exception == H5T_CONV_EXCEPT_PINF ||
                            exception == H5T_CONV_EXCEPT_NINF || exception == H5T_CONV_EXCEPT_NAN;
    const bool is_kept = exception == H5T_CONV_EXCEPT_PRECISION ||
                         (is_special && H5Tget_class(destination) == H5T_FLOAT);
    return is_kept ? H5T_CONV_UNHANDLED : H5T_CONV_ABORT;
}

Handle transfer_properties(const Location& where) {
    Handle transfer = own(H5Pcreate(H5P_DATASET_XFER), H5Pclose, where, "prepare to read");
    check(H5Pset_type_conv_cb(transfer.get(), refuse_other_values, nullptr), where,
          "prepare to read");
    return transfer;
}

std::string to_text(std::span<const Index> numbers) {
    return fmt::format("[{}]", fmt::join(numbers, ", "));
}

void check_range(const DatasetInfo& info, std::span<const Index> first,
                 std::span<const Index> count, const Location& where) {
    bool is_inside = first.size() == info.shape.size() && count.size() == info.shape.size();
    for (std::size_t axis = 0; is_inside && axis < first.size(); ++axis) {
        is_inside = first[axis] >= 0 && count[axis] >= 0 && first[axis] <= info.shape[axis] &&
                    count[axis] <= info.shape[axis] - first[axis];
    }
    if (!is_inside) {
        fail(where, fmt::format("{} values from {} on do not lie inside its shape {}",
                                to_text(count), to_text(first), to_text(info.shape)));
    }
}

bool has_numbers(ValueKind kind) {
    return kind == ValueKind::integer || kind == ValueKind::real || kind == ValueKind::boolean ||
           kind == ValueKind::enumeration;
}

/// The axis along which a dataset is one long vector.
std::size_t long_axis(const DatasetInfo& info, const Location& where) {
    const std::vector<Index>& shape = info.shape;
    const auto is_long = [](Index entries) { return entries != 1; };
    if (!shape.empty() && std::ranges::count_if(shape, is_long) <= 1) {
        const auto axis = std::ranges::find_if(shape, is_long);
        return axis == shape.end() ? 0 : static_cast<std::size_t>(axis - shape.begin());
    }
    fail(where, fmt::format("has the shape {}; one value per row is needed: [n], [n, 1] or [1, n]",
                            to_text(shape)));
}

/// A part of a long vector in the coordinates of its dataset.
struct Part {
    std::vector<Index> first;
    std::vector<Index> count;
};

Part part_of(const DatasetInfo& info, Index first, Index count, const Location& where) {
    if (info.shape.empty() && first == 0 && count == 1) {
        return {};
    }
    const std::size_t axis = long_axis(info, where);
    Part part{std::vector<Index>(info.shape.size(), 0), std::vector<Index>(info.shape.size(), 1)};
    part.first[axis] = first;
    part.count[axis] = count;
    check_range(info, part.first, part.count, where);
    return part;
}

/// Calls `read_part(position, count)` for consecutive parts of at most `at_once` entries.
template <typename ReadPart>
void in_parts(Index count, Index at_once, const ReadPart& read_part) {
    for (Index done = 0; done < count; done += at_once) {
        read_part(done, std::min(at_once, count - done));
    }
}

template <typename Integer>
void widen(std::span<const std::byte> bytes, std::span<double> values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        Integer integer{};
        std::memcpy(&integer, bytes.data() + i * sizeof integer, sizeof integer);
        values[i] = static_cast<double>(integer);
    }
}

/// Integers to the nearest doubles. Floats are HDF5's to widen, which is exact.
void widen(std::span<const std::byte> bytes, ElementType type, std::span<double> values) {
    switch (type) {
        case ElementType::int8:
            return widen<std::int8_t>(bytes, values);
        case ElementType::int16:
            return widen<std::int16_t>(bytes, values);
        case ElementType::int32:
            return widen<std::int32_t>(bytes, values);
        case ElementType::int64:
            return widen<std::int64_t>(bytes, values);
        case ElementType::uint8:
            return widen<std::uint8_t>(bytes, values);
        case ElementType::uint16:
            return widen<std::uint16_t>(bytes, values);
        case ElementType::uint32:
            return widen<std::uint32_t>(bytes, values);
        case ElementType::uint64:
            return widen<std::uint64_t>(bytes, values);
        default:
            return widen<double>(bytes, values);
    }
}

std::string text_of(std::uint64_t value, bool is_signed) {
    return is_signed ? std::to_string(static_cast<std::int64_t>(value)) : std::to_string(value);
}

}  // namespace

namespace {

/// The chunks that lie beside each other in the same rows. In double: a hostile shape may have any
/// number of them.
struct ChunkRow {
    double chunks = 1;
    double chunk_bytes = 0;
};

ChunkRow chunk_row_of(const DatasetInfo& info) {
    constexpr double bytes_of_others = 16;
    ChunkRow row;
    row.chunk_bytes =
        info.element_type ? static_cast<double>(size_of(*info.element_type)) : bytes_of_others;
    for (std::size_t axis = 0; axis < info.chunk.size(); ++axis) {
        row.chunk_bytes *= static_cast<double>(info.chunk[axis]);
        if (axis > 0) {
            row.chunks *= std::ceil(static_cast<double>(info.shape[axis]) /
                                    static_cast<double>(info.chunk[axis]));
        }
    }
    return row;
}

/// Of chunks that passed filters, what is to stay. A part of a row would be gone when its turn
/// comes.
double bytes_of_cache(const DatasetInfo& info, const ChunkRow& row, ChunkCache cache) {
    if (info.filters.empty() || cache == ChunkCache::none) {
        return 0;
    }
    // Several threads may read a long vector, each its part.
    const double rows = info.shape.size() == 1 ? 2 : 1;
    const double bytes = rows * row.chunks * row.chunk_bytes;
    return bytes <= static_cast<double>(largest_cache_bytes) ? bytes : 0;
}

}  // namespace

Handle type_in_field(Handle memory, const std::string& field, const Location& where) {
    if (field.empty()) {
        return memory;
    }
    Handle compound = own(H5Tcreate(H5T_COMPOUND, H5Tget_size(memory.get())), H5Tclose, where,
                          "make a memory type");
    check(H5Tinsert(compound.get(), field.c_str(), 0, memory.get()), where, "make a memory type");
    return compound;
}

void check_not_shortened(int descriptor, Index file_bytes, const Location& where) {
    const Index bytes = size_of_open_file(descriptor, where);
    if (bytes < file_bytes) {
        fail(where, fmt::format("the file was cut from {} to {} bytes while it was read",
                                file_bytes, bytes));
    }
}

Index bytes_while_reading(const DatasetInfo& info, ChunkCache cache) {
    if (info.filters.empty() || info.chunk.empty()) {
        return 0;
    }
    const ChunkRow row = chunk_row_of(info);
    const double bytes = bytes_of_cache(info, row, cache) + 2 * row.chunk_bytes;
    // The library can hold no chunk of 4 GiB.
    constexpr double most_bytes = 0x1p34;
    return static_cast<Index>(std::min(bytes, most_bytes));
}

Handle dataset_access(const DatasetInfo& info, ChunkCache cache, const Location& where) {
    Handle access = own(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose, where, "prepare to open");
    if (info.chunk.empty()) {
        return access;
    }
    const ChunkRow row = chunk_row_of(info);
    const double bytes =
        std::max(bytes_of_cache(info, row, cache), static_cast<double>(smallest_cache_bytes));
    // Slots are a hash table without chaining; too few of them would evict neighbours.
    const double slots = std::clamp(8 * row.chunks + 1, 521.0, 1e6 + 3);
    check(H5Pset_chunk_cache(access.get(), static_cast<std::size_t>(slots),
                             static_cast<std::size_t>(bytes), 1.0),
          where, "set the chunk cache");
    return access;
}

Dataset::Dataset(DatasetInfo info, std::unique_ptr<Impl> impl)
    : info_(std::move(info)), impl_(std::move(impl)) {}
Dataset::~Dataset() = default;
Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;

void fit_conversion_buffer(hid_t transfer, std::size_t bytes, const Location& where) {
    // Holds many values of any type that comes here, texts of variable length included.
    constexpr std::size_t small_bytes = std::size_t{1} << 16;
    if (bytes <= small_bytes) {
        check(H5Pset_buffer(transfer, small_bytes, nullptr, nullptr), where, "prepare to read");
    }
}

void Dataset::read(std::span<const Index> first, std::span<const Index> count, ElementType type,
                   std::span<std::byte> out) const {
    const Location& where = impl_->where;
    check_range(info_, first, count, where);
    if (!has_numbers(info_.kind)) {
        fail(where, "holds " + info_.type_text + " where numbers are needed");
    }
    Index bytes = narrow<Index>(size_of(type));
    for (const Index entries : count) {
        bytes = checked_multiply(bytes, entries, where.text + ": bytes to read");
    }
    if (bytes != narrow<Index>(out.size())) {
        throw Error(ExitCode::internal,
                    fmt::format("internal error: {}: {} bytes are to be read into a buffer of {}",
                                where.text, bytes, out.size()));
    }
    if (bytes == 0) {
        return;
    }
    const Selection selection = select(impl_->dataset.get(), first, count, where);
    const Handle memory =
        type_in_field(memory_type_for(impl_->type.get(), type, where), impl_->field, where);
    const Handle transfer = transfer_properties(where);
    if (impl_->field.empty()) {
        const std::size_t stored_size = H5Tget_size(impl_->type.get());
        fit_conversion_buffer(transfer.get(),
                              out.size() / size_of(type) * std::max(stored_size, size_of(type)),
                              where);
    }
    check(H5Dread(impl_->dataset.get(), memory.get(), selection.memory.get(), selection.file.get(),
                  transfer.get(), out.data()),
          where, fmt::format("read values as {}", name_of(type)));
    check_not_shortened(impl_->descriptor, impl_->file_bytes, where);
}

std::vector<double> Dataset::read_doubles(Index first, Index count) const {
    const Location& where = impl_->where;
    if (!has_numbers(info_.kind) || !info_.element_type) {
        fail(where, "holds " + info_.type_text + " where numbers are needed");
    }
    part_of(info_, first, count, where);
    const ElementType type =
        info_.kind == ValueKind::real ? ElementType::float64 : *info_.element_type;
    std::vector<double> values(narrow<std::size_t>(count));
    std::vector<std::byte> buffer(narrow<std::size_t>(std::min(count, numbers_at_once)) *
                                  size_of(type));
    in_parts(count, numbers_at_once, [&](Index done, Index entries) {
        const Part part = part_of(info_, first + done, entries, where);
        const auto bytes = std::span(buffer).first(narrow<std::size_t>(entries) * size_of(type));
        read(part.first, part.count, type, bytes);
        widen(bytes, type,
              std::span(values).subspan(narrow<std::size_t>(done), narrow<std::size_t>(entries)));
    });
    return values;
}

std::vector<std::string> Dataset::read_strings(Index first, Index count) const {
    const Location& where = impl_->where;
    const bool is_enumeration =
        info_.kind == ValueKind::enumeration || info_.kind == ValueKind::boolean;
    if (info_.kind != ValueKind::string && !is_enumeration) {
        fail(where, "holds " + info_.type_text + " where texts are needed");
    }
    part_of(info_, first, count, where);
    std::vector<std::string> strings;
    strings.reserve(narrow<std::size_t>(count));
    if (!is_enumeration) {
        in_parts(count, strings_at_once, [&](Index done, Index entries) {
            const Part part = part_of(info_, first + done, entries, where);
            const Selection selection = select(impl_->dataset.get(), part.first, part.count, where);
            std::vector<std::string> some =
                read_selected_strings(impl_->dataset.get(), impl_->type.get(), impl_->field,
                                      selection.memory.get(), selection.file.get(), entries, where);
            std::ranges::move(some, std::back_inserter(strings));
            check_not_shortened(impl_->descriptor, impl_->file_bytes, where);
        });
        return strings;
    }
    const auto names = names_of_enumeration(impl_->type.get(), where);
    const bool is_signed =
        info_.element_type >= ElementType::int8 && info_.element_type <= ElementType::int64;
    const ElementType wide = is_signed ? ElementType::int64 : ElementType::uint64;
    std::vector<std::uint64_t> buffer(narrow<std::size_t>(std::min(count, numbers_at_once)));
    in_parts(count, numbers_at_once, [&](Index done, Index entries) {
        const Part part = part_of(info_, first + done, entries, where);
        const auto some = std::span(buffer).first(narrow<std::size_t>(entries));
        read(part.first, part.count, wide, std::as_writable_bytes(some));
        for (std::size_t i = 0; i < some.size(); ++i) {
            const auto name = names.find(some[i]);
            if (name == names.end()) {
                fail(where,
                     fmt::format("row {}: {} is not among the names of its enumeration",
                                 first + done + narrow<Index>(i), text_of(some[i], is_signed)));
            }
            strings.push_back(name->second);
        }
    });
    return strings;
}

}  // namespace paralogit::h5
