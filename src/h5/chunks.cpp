#include "paralogit/h5/chunks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "datatype.hpp"
#include "filters.hpp"
#include "opened_dataset.hpp"
#include "paralogit/base/checked.hpp"

namespace paralogit::h5 {

namespace {

/// A box of values: where it begins in the dataset and how long it is along each axis.
struct Box {
    std::vector<Index> first;
    std::vector<Index> count;
};

/// Shape and chunk with the axes joined that every chunk spans whole: they are contiguous in a
/// chunk as in the dataset. The axis of the rows stays.
void join_axes(std::vector<Index>& shape, std::vector<Index>& chunk) {
    while (shape.size() > 2 && chunk.back() == shape.back()) {
        const Index length = shape.back();
        shape.pop_back();
        chunk.pop_back();
        shape.back() *= length;
        chunk.back() *= length;
    }
}

/// Values from one entry of an axis to the next.
std::vector<Index> strides_of(const std::vector<Index>& shape) {
    std::vector<Index> strides(shape.size(), 1);
    for (std::size_t axis = shape.size() - 1; axis > 0; --axis) {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    return strides;
}

/// The next position in a box, row-major, along all axes but the last; false after the last one.
bool advance(std::vector<Index>& position, const Box& box) {
    for (std::size_t axis = position.size() - 1; axis-- > 0;) {
        if (++position[axis] < box.first[axis] + box.count[axis]) {
            return true;
        }
        position[axis] = box.first[axis];
    }
    return false;
}

}  // namespace

struct ChunkReader::Impl {
    Location where;
    hid_t dataset = H5I_INVALID_HID;
    int descriptor = -1;
    Index file_bytes = 0;
    std::vector<Index> shape;
    std::vector<Index> chunk;
    std::vector<Index> grid;  ///< chunks along each axis
    Handle memory_type;
    std::size_t element_bytes = 1;
    Index chunk_bytes = 0;
    FilterPipeline filters;
    /// For copying: see join_axes.
    std::vector<Index> joined_shape;
    std::vector<Index> joined_chunk;

    /// The part of a chunk that lies inside a dataset of this shape; both joined, or neither.
    Box box_of(Index number, const std::vector<Index>& whole, const std::vector<Index>& part) const;
    void read_by_selection(const Box& box, std::span<std::byte> out) const;
    [[noreturn]] void fail_at(Index number, const std::string& what) const;
};

Box ChunkReader::Impl::box_of(Index number, const std::vector<Index>& whole,
                              const std::vector<Index>& part) const {
    Box box{std::vector<Index>(whole.size()), std::vector<Index>(whole.size())};
    // Joined axes have one chunk each and add nothing to the number.
    for (std::size_t axis = whole.size(); axis-- > 0;) {
        box.first[axis] = number % grid[axis] * part[axis];
        box.count[axis] = std::min(part[axis], whole[axis] - box.first[axis]);
        number /= grid[axis];
    }
    return box;
}

void ChunkReader::Impl::fail_at(Index number, const std::string& what) const {
    fail(where, fmt::format("cannot read the chunk at [{}]: {}; the file is damaged: copy it again",
                            fmt::join(box_of(number, shape, chunk).first, ", "), what));
}

/// Without filters the library does not tell how much it would read as "stored" (it takes that from
/// the index, without a look at the length of the chunk); a selection of values has no such doubt.
void ChunkReader::Impl::read_by_selection(const Box& box, std::span<std::byte> out) const {
    const std::vector<hsize_t> first(box.first.begin(), box.first.end());
    const std::vector<hsize_t> count(box.count.begin(), box.count.end());
    const std::vector<hsize_t> extent(chunk.begin(), chunk.end());
    const std::vector<hsize_t> origin(first.size(), 0);
    const Handle file_space = own(H5Dget_space(dataset), H5Sclose, where, "read its shape");
    const Handle memory_space =
        own(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose,
            where, "describe the memory");
    check(H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, first.data(), nullptr, count.data(),
                              nullptr),
          where, "select the values");
    check(H5Sselect_hyperslab(memory_space.get(), H5S_SELECT_SET, origin.data(), nullptr,
                              count.data(), nullptr),
          where, "select the values");
    check(H5Dread(dataset, memory_type.get(), memory_space.get(), file_space.get(), H5P_DEFAULT,
                  out.data()),
          where, "read a chunk");
}

ChunkReader::ChunkReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChunkReader::~ChunkReader() = default;
ChunkReader::ChunkReader(ChunkReader&&) noexcept = default;
ChunkReader& ChunkReader::operator=(ChunkReader&&) noexcept = default;

std::optional<ChunkReader> Dataset::chunks() const {
    const Location& where = impl_->where;
    if (info_.chunk.empty() || !impl_->field.empty() ||
        std::ranges::find(info_.shape, 0) != info_.shape.end() || !info_.element_type ||
        !has_memory_layout(impl_->type.get(), *info_.element_type, where)) {
        return std::nullopt;
    }
    const Handle creation =
        own(H5Dget_create_plist(impl_->dataset.get()), H5Pclose, where, "read its properties");
    // Chunks at the edge may be stored without filters, of which their masks say nothing.
    unsigned options = 0;
    check(H5Pget_chunk_opts(creation.get(), &options), where, "read its chunks");
    std::optional<FilterPipeline> filters = FilterPipeline::of(creation.get(), where);
    if (options != 0 || !filters) {
        return std::nullopt;
    }
    auto impl = std::make_unique<ChunkReader::Impl>();
    impl->element_bytes = size_of(*info_.element_type);
    impl->chunk_bytes = narrow<Index>(impl->element_bytes);
    for (std::size_t axis = 0; axis < info_.shape.size(); ++axis) {
        const Index length = info_.chunk[axis];
        // The library, too, can hold no chunk of 4 GiB.
        if (length <= 0 || impl->chunk_bytes > UINT32_MAX / length) {
            return std::nullopt;
        }
        impl->chunk_bytes *= length;
        impl->grid.push_back((info_.shape[axis] - 1) / length + 1);
    }
    impl->where = where;
    impl->dataset = impl_->dataset.get();
    impl->descriptor = impl_->descriptor;
    impl->file_bytes = impl_->file_bytes;
    impl->shape = impl->joined_shape = info_.shape;
    impl->chunk = impl->joined_chunk = info_.chunk;
    join_axes(impl->joined_shape, impl->joined_chunk);
    impl->memory_type = memory_type_for(impl_->type.get(), *info_.element_type, where);
    impl->filters = *std::move(filters);
    return ChunkReader(std::move(impl));
}

Index ChunkReader::rows_per_chunk() const {
    return impl_->chunk.front();
}

Index ChunkReader::chunks_per_row() const {
    Index chunks = 1;
    for (std::size_t axis = 1; axis < impl_->grid.size(); ++axis) {
        chunks *= impl_->grid[axis];
    }
    return chunks;
}

Index ChunkReader::chunk_bytes() const {
    return impl_->chunk_bytes;
}

Index ChunkReader::stored_bytes(Index number) const {
    if (impl_->filters.empty()) {
        return impl_->chunk_bytes;
    }
    const Box box = impl_->box_of(number, impl_->shape, impl_->chunk);
    const std::vector<hsize_t> first(box.first.begin(), box.first.end());
    hsize_t bytes = 0;
    check(H5Dget_chunk_storage_size(impl_->dataset, first.data(), &bytes), impl_->where,
          "look for a chunk");
    if (bytes == 0) {
        impl_->fail_at(number, "it was never written");
    }
    if (!std::in_range<Index>(bytes) || static_cast<Index>(bytes) > impl_->file_bytes) {
        impl_->fail_at(number, fmt::format("it claims {} bytes, more than the {} of the file",
                                           bytes, impl_->file_bytes));
    }
    return static_cast<Index>(bytes);
}

std::uint32_t ChunkReader::read_stored(Index number, std::span<std::byte> out) const {
    const Box box = impl_->box_of(number, impl_->shape, impl_->chunk);
    std::uint32_t skipped_filters = 0;
    if (impl_->filters.empty()) {
        impl_->read_by_selection(box, out);
    } else {
        const std::vector<hsize_t> first(box.first.begin(), box.first.end());
        check(
            H5Dread_chunk(impl_->dataset, H5P_DEFAULT, first.data(), &skipped_filters, out.data()),
            impl_->where, "read a chunk");
    }
    check_not_shortened(impl_->descriptor, impl_->file_bytes, impl_->where);
    return skipped_filters;
}

void ChunkReader::decode(Index number, std::span<const std::byte> stored,
                         std::uint32_t skipped_filters, Range rows, std::byte* out,
                         ChunkScratch& scratch) const {
    std::span<const std::byte> bytes;
    try {
        bytes = impl_->filters.undo(stored, skipped_filters,
                                    narrow<std::size_t>(impl_->chunk_bytes), scratch.impl());
    } catch (const DamagedChunk& damage) {
        impl_->fail_at(number, damage.what());
    }
    const std::vector<Index>& shape = impl_->joined_shape;
    const std::vector<Index>& chunk = impl_->joined_chunk;
    const Box whole = impl_->box_of(number, shape, chunk);
    Box box = whole;
    box.first[0] = std::max(whole.first[0], rows.first);
    box.count[0] = std::min(whole.first[0] + whole.count[0], rows.end) - box.first[0];
    if (box.count[0] <= 0) {
        return;
    }
    const std::vector<Index> strides = strides_of(shape);
    const std::vector<Index> chunk_strides = strides_of(chunk);
    const auto element_bytes = narrow<Index>(impl_->element_bytes);
    // Whole rows lie one after the other in both places.
    const bool has_whole_rows = shape.size() == 1 || (shape.size() == 2 && chunk[1] == shape[1]);
    const Index line = has_whole_rows ? box.count[0] * strides[0] : box.count.back();
    std::vector<Index> position = box.first;
    do {
        Index to = -rows.first * strides[0];
        Index from = 0;
        for (std::size_t axis = 0; axis < position.size(); ++axis) {
            to += position[axis] * strides[axis];
            from += (position[axis] - whole.first[axis]) * chunk_strides[axis];
        }
        std::memcpy(out + to * element_bytes, bytes.data() + from * element_bytes,
                    narrow<std::size_t>(line * element_bytes));
    } while (!has_whole_rows && advance(position, box));
}

}  // namespace paralogit::h5
