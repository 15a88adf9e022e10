#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "paralogit/data/import/matrix.hpp"
#include "paralogit/data/import/text_chunks.hpp"

namespace paralogit::data {

/// A property does not hold: the fuzzer keeps the input.
inline void require(bool holds, const char* property) {
    if (!holds) {
        std::fprintf(stderr, "property violated: %s\n", property);
        std::abort();
    }
}

/// A text in memory, read in small pieces.
inline ReadText text_in_memory(std::string_view text, std::size_t piece) {
    return [text, piece](std::span<char> out) mutable {
        const std::size_t count = std::min({text.size(), piece, out.size()});
        std::copy_n(text.begin(), count, out.begin());
        text.remove_prefix(count);
        return count;
    };
}

/// A piece of a text, and where it lies.
struct Piece {
    Index offset;
    std::string text;
};

/// The text in pieces that begin at the first lines at or after the multiples of `bytes`: cut by
/// one reading of the whole, and each by itself as the ranks do it; both must give the same.
inline std::vector<Piece> cut(const std::string& text, Index bytes, Quotes quotes) {
    constexpr std::size_t read_at_once = 13;
    const auto end = static_cast<Index>(text.size());
    std::vector<Piece> pieces;
    LineCutter whole(text_in_memory(text, read_at_once), 0, quotes);
    Index next = 0;
    for (Index k = 0; k * bytes < end; ++k) {
        const Index first = next;
        next = whole.line_start((k + 1) * bytes);
        pieces.push_back({first, std::string(whole.text(first, next))});
        whole.drop_before(next);

        const Index from = std::max<Index>(k * bytes - 1, 0);
        const auto passed = std::string_view(text).substr(0, static_cast<std::size_t>(from));
        const bool is_quoted = std::count(passed.begin(), passed.end(), '"') % 2 != 0;
        LineCutter own(text_in_memory(std::string_view(text).substr(passed.size()), read_at_once),
                       from, quotes, quotes == Quotes::hide_line_ends && is_quoted);
        require(own.line_start(k * bytes) == first, "a chunk begins at the same line");
        require(own.line_start((k + 1) * bytes) == next, "a chunk ends at the same line");
    }
    std::string joined;
    for (const Piece& piece : pieces) {
        require(piece.offset == static_cast<Index>(joined.size()), "pieces lie side by side");
        joined += piece.text;
    }
    require(joined == text, "pieces make up the text");
    return pieces;
}

/// Whether two doubles have the same bits.
inline bool same(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

inline void append(std::vector<double>& all, std::span<const double> values) {
    all.insert(all.end(), values.begin(), values.end());
}

inline void require_same(std::span<const double> a, std::span<const double> b,
                         const char* property) {
    require(std::equal(a.begin(), a.end(), b.begin(), b.end(), same), property);
}

inline double element(const std::byte* bytes, ElementType type) {
    const auto read = [&]<class Element>(Element value) {
        std::memcpy(&value, bytes, sizeof value);
        return static_cast<double>(value);
    };
    switch (type) {
        case ElementType::uint8:
            return read(std::uint8_t{});
        case ElementType::int8:
            return read(std::int8_t{});
        case ElementType::uint16:
            return read(std::uint16_t{});
        case ElementType::int16:
            return read(std::int16_t{});
        case ElementType::uint32:
            return read(std::uint32_t{});
        case ElementType::int32:
            return read(std::int32_t{});
        case ElementType::float32:
            return read(float{});
        default:
            return read(double{});
    }
}

/// What is written of the rows of `chunk`, laid out as a survey of `survey` chose: the dense and
/// the sparse form hold the same values, as many as the survey counted.
inline void require_sound_rows(const ParsedChunk& chunk, ImportMatrix matrix,
                               const ImportSurvey& survey) {
    constexpr Index largest = 1 << 20;
    choose_storage(matrix, survey, std::nullopt);
    const RowsOfChunk rows(chunk, matrix);
    const SparseRows sparse = rows.sparse();
    const std::size_t value_bytes = size_of(matrix.value_type);
    const Index entries = entries_of(chunk) - rows.count_references().references;
    require(chunk.rows == 0 || sparse.row_ends.back() == entries,
            "the entries are those that were counted");
    require(sparse.values.size() == static_cast<std::size_t>(entries) * value_bytes,
            "there is a value for each entry");
    if (matrix.features > largest / std::max<Index>(chunk.rows, 1)) {
        return;
    }
    std::vector<double> dense(static_cast<std::size_t>(chunk.rows * matrix.features));
    rows.dense(0, chunk.rows, dense);
    std::vector<std::byte> stored(dense.size() * value_bytes);
    store(dense, matrix.value_type, stored);
    Index entry = 0;
    for (Index row = 0; row < chunk.rows; ++row) {
        std::vector<double> from_sparse(static_cast<std::size_t>(matrix.features));
        for (; entry < sparse.row_ends[static_cast<std::size_t>(row)]; ++entry) {
            const std::uint32_t index = sparse.indices[static_cast<std::size_t>(entry)];
            require(index < matrix.features, "an index is below the number of features");
            from_sparse[index] = element(
                sparse.values.data() + entry * static_cast<Index>(value_bytes), matrix.value_type);
        }
        for (std::size_t j = 0; j < from_sparse.size(); ++j) {
            const std::size_t place = static_cast<std::size_t>(row * matrix.features) + j;
            const double written = element(stored.data() + place * value_bytes, matrix.value_type);
            require(same(dense[place], written), "a value is stored exactly");
            // A sparse layout leaves out zeros of either sign.
            require(written == from_sparse[j], "dense and sparse rows hold the same");
        }
    }
}

}  // namespace paralogit::data
