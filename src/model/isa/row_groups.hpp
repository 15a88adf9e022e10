#pragma once

#include <cstddef>
#include <cstdint>

#include "elementary.hpp"
#include "kernel_table.hpp"

// Part of kernels.hpp: how kernels walk through rows, and the two things that they do with
// features: margins of them, and sums of them.

namespace paralogit::model {
namespace {

using Count = std::int64_t;

constexpr Count lanes = 8;

/// Rows between two logarithms of the products of 1 + u (slopes.hpp), each of which stays below
/// 2^256.
constexpr Count rows_of_product = 8 * 256;

constexpr Count smaller_of(Count a, Count b) {
    return b < a ? b : a;
}

constexpr Count larger_of(Count a, Count b) {
    return a < b ? b : a;
}

constexpr Count whole_lanes(Count count) {
    return count - count % lanes;
}

/// Eight values, zero beyond the first `count`.
V load_some(const double* p, Count count) {
    double some[lanes] = {};
    for (Count l = 0; l < count; ++l) {
        some[l] = p[l];
    }
    return Lanes::load(some);
}

void store_some(double* p, Count count, V v) {
    double some[lanes];
    Lanes::store(some, v);
    for (Count l = 0; l < count; ++l) {
        p[l] = some[l];
    }
}

/// Some rows whose features lie in memory that may be read to the end of the last group of eight.
template <ElementType type>
struct Chunk {
    static constexpr Count element_bytes = bytes_of(type);

    const std::byte* values = nullptr;
    Count rows = 0;      ///< a multiple of 8, but for rows that only products are made of
    Count features = 0;  ///< d, also the distance between rows

    const std::byte* at(Count row, Count feature) const {
        return values + (row * features + feature) * element_bytes;
    }
    /// Some of its rows.
    Chunk part(Count first, Count count) const {
        return {.values = at(first, 0), .rows = count, .features = features};
    }
    /// Eight of its rows.
    Chunk group(Count first) const { return part(first, lanes); }
};

/// The rows of a block in chunks that stay in the first-level cache between two visits; none goes
/// on beyond a multiple of `rows_of_product`. The last chunk may be a copy that is filled up with
/// zeros to a multiple of eight rows, and behind the last row; so may one before it that has too
/// little behind it to be read to the end of the last group of eight. Each copy has a
/// place of its own.
template <ElementType type>
class ChunkWalk {
  public:
    /// In chunks of `chunk_rows` rows, a multiple of eight.
    ChunkWalk(const KernelRows& block, Count chunk_rows, double* copies)
        : block_(block), chunk_rows_(chunk_rows), copies_(reinterpret_cast<std::byte*>(copies)) {}

    /// Goes to the next chunk; false when there is none.
    bool next() {
        constexpr Count element_bytes = bytes_of(type);
        first_ += rows_;
        const Count rest = block_.rows - first_;
        if (rest <= 0) {
            return false;
        }
        const Count most = smaller_of(chunk_rows_, rows_of_product - first_ % rows_of_product);
        rows_ = smaller_of(rest, most);
        chunk_ = {.values = block_.values + first_ * block_.features * element_bytes,
                  .rows = rows_,
                  .features = block_.features};
        const bool reads_beyond = block_.features % lanes != 0;
        if (rows_ % lanes != 0 || (reads_beyond && (rest - rows_) * block_.features < lanes)) {
            copy_chunk();
        }
        return true;
    }

    const Chunk<type>& chunk() const { return chunk_; }
    Count first() const { return first_; }  ///< row of the block
    Count rows() const { return rows_; }    ///< without what fills up

  private:
    [[gnu::noinline]] void copy_chunk() {
        constexpr Count element_bytes = bytes_of(type);
        chunk_.rows = whole_lanes(rows_ + lanes - 1);
        const auto used = static_cast<std::size_t>(rows_ * block_.features * element_bytes);
        const auto all =
            static_cast<std::size_t>((chunk_.rows * block_.features + lanes) * element_bytes);
        if (used > 0) {  // without features there may be no address
            __builtin_memcpy(copies_, chunk_.values, used);
        }
        __builtin_memset(copies_ + used, 0, all - used);
        chunk_.values = copies_;
        copies_ += all;
    }

    const KernelRows& block_;
    Count chunk_rows_;
    std::byte* copies_;
    Chunk<type> chunk_;
    Count first_ = 0;
    Count rows_ = 0;
};

/// Asks for memory that will be read soon, a few lines at a time, so that the requests keep step
/// with the work; any address will do.
class Ahead {
  public:
    explicit Ahead(const std::byte* next) : next_(next) {}

    void ask(Count lines) {
        for (Count i = 0; i < lines; ++i) {
            __builtin_prefetch(next_, 0, 3);
            next_ += line_bytes;
        }
    }

  private:
    const std::byte* next_;
};

/// Asks for memory that will be read soon, and for as much of what will be read later.
class AheadTwice {
  public:
    AheadTwice(const std::byte* next, const std::byte* later) : next_(next), later_(later) {}

    void ask(Count lines) {
        for (Count i = 0; i < lines; ++i) {
            __builtin_prefetch(next_, 0, 3);
            __builtin_prefetch(later_, 0, 3);
            next_ += line_bytes;
            later_ += line_bytes;
        }
    }

  private:
    const std::byte* next_;
    const std::byte* later_;
};

/// A linear function, ready for groups of eight rows.
template <ElementType type>
class Margins8 {
  public:
    Margins8(const LinearFunction& f, Count features)
        : coefficients_(f.coefficients),
          whole_(whole_lanes(features)),
          rest_(features - whole_),
          intercept_(Lanes::all(f.intercept)),
          last_(load_some(f.coefficients + whole_, rest_)) {}

    /// Of the eight rows of a group. Asks for so many lines with every eight features of them.
    template <int lines_to_ask = 0, typename Asked = Ahead>
    V operator()(const Chunk<type>& group, Asked ahead = Asked(nullptr)) const {
        return in_turns<lines_to_ask, Lanes::rows_at_once>(group, ahead, [](Count) {});
    }

    /// The same, so many rows at once; calls after(begin) after rows [begin, begin + rows_at_once).
    template <int lines_to_ask, int rows_at_once, typename Asked, typename After>
    V in_turns(const Chunk<type>& group, Asked ahead, After&& after) const {
        const Count row_bytes = group.features * group.element_bytes;
        V sums[lanes];
        for (Count begin = 0; begin < lanes; begin += rows_at_once) {
            V partial[rows_at_once];
            for (Count i = 0; i < rows_at_once; ++i) {
                partial[i] = Lanes::all(0.0);
            }
            const Count lines =
                (begin + rows_at_once) * lines_to_ask / lanes - begin * lines_to_ask / lanes;
            const std::byte* row = group.at(begin, 0);
            for (Count j = 0; j < whole_; j += lanes) {
                ahead.ask(lines);
                const V w = Lanes::load(coefficients_ + j);
                for (Count i = 0; i < rows_at_once; ++i) {
                    partial[i] = Lanes::fma(Lanes::widen<type>(row + i * row_bytes), w, partial[i]);
                }
                row += lanes * group.element_bytes;
            }
            if (rest_ > 0) {
                // What lies behind a row meets coefficients of 0.
                ahead.ask(lines);
                for (Count i = 0; i < rows_at_once; ++i) {
                    partial[i] =
                        Lanes::fma(Lanes::widen<type>(row + i * row_bytes), last_, partial[i]);
                }
            }
            for (Count i = 0; i < rows_at_once; ++i) {
                sums[begin + i] = partial[i];
            }
            after(begin);
        }
        return Lanes::add(Lanes::sums_of(sums), intercept_);
    }

    /// Of all rows of a chunk.
    void operator()(const Chunk<type>& chunk, double* margins) const {
        for (Count first = 0; first < chunk.rows; first += lanes) {
            Lanes::store(margins + first, (*this)(chunk.group(first)));
        }
    }

  private:
    const double* coefficients_;
    Count whole_;
    Count rest_;
    V intercept_;
    V last_;  ///< coefficients of the features behind the last whole group of eight
};

/// sums[0 .. 8 count) += sum_i factors[i] x_i over the rows of a chunk, for features from `feature`
/// on, so many rows at once. Asks for half as many lines as it reads, if told to.
template <int count, bool asks, int rows_at_once = lanes, ElementType type>
void add_tile(const Chunk<type>& chunk, Count feature, const double* factors, Ahead& ahead,
              double* sums) {
    constexpr Count lines_to_ask = asks ? count * Chunk<type>::element_bytes / 2 : 0;
    const Count row_bytes = chunk.features * chunk.element_bytes;
    V sum[count];
    for (int t = 0; t < count; ++t) {
        sum[t] = Lanes::load(sums + t * lanes);
    }
    const std::byte* row = chunk.at(0, feature);
    for (Count first = 0; first < chunk.rows; first += rows_at_once) {
        for (Count i = 0; i < rows_at_once; ++i) {
            ahead.ask((i + 1) * lines_to_ask / lanes - i * lines_to_ask / lanes);
            const V factor = Lanes::all(factors[first + i]);
            for (int t = 0; t < count; ++t) {
                sum[t] = Lanes::fma(
                    factor, Lanes::widen<type>(row + t * lanes * chunk.element_bytes), sum[t]);
            }
            row += row_bytes;
        }
    }
    for (int t = 0; t < count; ++t) {
        Lanes::store(sums + t * lanes, sum[t]);
    }
}

/// Calls tile(width, feature) for tiles of `most`, then of half as many, ..., then of one group of
/// eight features, up to the last whole group.
template <int most, typename Tile>
void for_each_tile(Count feature, Count whole, Tile&& tile) {
    for (; feature + most * lanes <= whole; feature += most * lanes) {
        tile(Width<most>{}, feature);
    }
    if constexpr (most > 1) {
        for_each_tile<most / 2>(feature, whole, tile);
    }
}

/// Sums over rows of factors times features.
template <ElementType type>
class Products {
  public:
    /// `padded_sums`, room for whole groups of eight, lies where no vector crosses a cache line: a
    /// sum that was just stored is there at once for the next rows.
    Products(double* padded_sums, Count features)
        : padded_sums_(padded_sums),
          features_(features),
          padded_(whole_lanes(features + lanes - 1)) {
        for (Count j = 0; j < padded_; j += lanes) {
            Lanes::store(padded_sums_ + j, Lanes::all(0.0));
        }
    }

    /// In tiles of up to so many groups of eight features. What lies behind a row goes into sums of
    /// their own, which nobody asks for.
    template <bool asks = false, int rows_at_once = lanes, int most = Lanes::features_at_once>
    void add(const Chunk<type>& chunk, const double* factors, Ahead ahead = Ahead(nullptr)) {
        for_each_tile<most>(0, padded_, [&]<int width>(Width<width>, Count feature) {
            add_tile<width, asks, rows_at_once>(chunk, feature, factors, ahead,
                                                padded_sums_ + feature);
        });
    }

    void store(double* sums) const {
        for (Count j = 0; j < features_; ++j) {
            sums[j] = padded_sums_[j];
        }
    }

    /// Calls to(feature, sums) for every eight features, and begins anew.
    template <typename To>
    void move(To&& to) {
        for (Count j = 0; j < padded_; j += lanes) {
            to(j, Lanes::load(padded_sums_ + j));
            Lanes::store(padded_sums_ + j, Lanes::all(0.0));
        }
    }

  private:
    double* padded_sums_;
    Count features_;
    Count padded_;
};

}  // namespace
}  // namespace paralogit::model
