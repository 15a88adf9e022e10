#include "read_features.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

/// The end of a stretch that starts at `first`: about `length` long, on the border of a chunk, not
/// beyond `end`.
Index end_of_chunks(Index first, Index length, Index chunk, Index end) {
    const Index chunks = std::max<Index>(length / chunk, 1);
    const Index first_chunk = first / chunk;
    // Chunks may be longer than anything that can be counted from here.
    if (chunks > (end - first) / chunk + 1) {
        return end;
    }
    return std::min((first_chunk + chunks) * chunk, end);
}

/// Writes the columns of `from` [features x rows] as rows of `to`, whose rows are `row_bytes`
/// apart.
template <std::size_t element_bytes>
void transpose(const std::byte* from, std::size_t features, std::size_t rows, std::byte* to,
               std::size_t row_bytes) {
    // Tiles, so that neither side leaves the cache between two visits of a cache line.
    constexpr std::size_t tile = 32;
    for (std::size_t i0 = 0; i0 < rows; i0 += tile) {
        const std::size_t i1 = std::min(i0 + tile, rows);
        for (std::size_t j0 = 0; j0 < features; j0 += tile) {
            const std::size_t j1 = std::min(j0 + tile, features);
            for (std::size_t i = i0; i < i1; ++i) {
                for (std::size_t j = j0; j < j1; ++j) {
                    std::memcpy(to + i * row_bytes + j * element_bytes,
                                from + (j * rows + i) * element_bytes, element_bytes);
                }
            }
        }
    }
}

void transpose_elements(std::size_t element_bytes, const std::byte* from, std::size_t features,
                        std::size_t rows, std::byte* to, std::size_t row_bytes) {
    switch (element_bytes) {
        case 1:
            return transpose<1>(from, features, rows, to, row_bytes);
        case 2:
            return transpose<2>(from, features, rows, to, row_bytes);
        case 4:
            return transpose<4>(from, features, rows, to, row_bytes);
        default:
            return transpose<8>(from, features, rows, to, row_bytes);
    }
}

}  // namespace

Index end_of_band(const h5::DatasetInfo& info, bool is_transposed, Index first, Index end,
                  Index bytes) {
    const auto element_bytes = narrow<Index>(size_of(info.element_type.value()));
    // Even where that leaves not all features of a transposed dataset in the memory of a band.
    constexpr Index shortest_stretch = 4096;
    const Index rows = is_transposed
                           ? std::max(bytes / element_bytes / info.shape.at(0), shortest_stretch)
                           : std::max<Index>(bytes / (info.values_per_row() * element_bytes), 1);
    Index chunk = info.chunk.empty() ? 1 : info.chunk.at(is_transposed ? 1 : 0);
    if (info.filters.empty() && chunk > rows) {
        chunk = 1;  // A part of it can be read alone.
    }
    return end_of_chunks(first, rows, chunk, end);
}

void read_features(const h5::Dataset& dataset, Range rows, std::byte* out) {
    const h5::DatasetInfo& info = dataset.info();
    const ElementType type = info.element_type.value();
    std::vector<Index> first(info.shape.size(), 0);
    std::vector<Index> count = info.shape;
    first.front() = rows.first;
    count.front() = rows.size();
    dataset.read(first, count, type,
                 {out, narrow<std::size_t>(rows.size() * info.values_per_row()) * size_of(type)});
}

void read_transposed_features(const h5::Dataset& dataset, Range rows, std::byte* out) {
    const h5::DatasetInfo& info = dataset.info();
    const ElementType type = info.element_type.value();
    const std::size_t element_bytes = size_of(type);
    const Index features = info.shape.at(0);
    const std::size_t row_bytes = narrow<std::size_t>(features) * element_bytes;
    const Index features_at_once = wide_band_bytes / narrow<Index>(element_bytes) / rows.size();
    std::vector<std::byte> band;
    for (Index feature = 0; feature < features;) {
        const Index end = end_of_chunks(feature, features_at_once,
                                        info.chunk.empty() ? 1 : info.chunk.at(0), features);
        const Index band_features = end - feature;
        band.resize(narrow<std::size_t>(band_features * rows.size()) * element_bytes);
        dataset.read(std::vector<Index>{feature, rows.first},
                     std::vector<Index>{band_features, rows.size()}, type, band);
        transpose_elements(element_bytes, band.data(), narrow<std::size_t>(band_features),
                           narrow<std::size_t>(rows.size()),
                           out + narrow<std::size_t>(feature) * element_bytes, row_bytes);
        feature = end;
    }
}

}  // namespace paralogit::data
