#pragma once

#include "giving.hpp"
#include "row_groups.hpp"
#include "slopes.hpp"

// Part of kernels.hpp: sparse rows. A row's margin gathers coefficients, and its products go at
// once, as integers, to the limbs of the features that it has: nothing of the size of all features
// is touched for a row or a block.

namespace paralogit::model {
namespace {

constexpr Count index_bytes = 4;

/// Eight entries at a time may be read from `values` and `indices`, of which `count` count.
template <ElementType type>
struct Entries8 {
    const std::byte* values;
    const std::byte* indices;
    Count count;

    V widened() const {
        const V x = Lanes::widen<type>(values);
        return count < lanes ? Lanes::select(counting(), x, Lanes::all(0.0)) : x;
    }
    /// The lanes that count.
    M counting() const {
        constexpr double numbers[lanes] = {0, 1, 2, 3, 4, 5, 6, 7};
        return Lanes::less(Lanes::load(numbers), Lanes::all(static_cast<double>(count)));
    }
};

/// The entries of the rows of a block, eight at a time.
template <ElementType type>
class SparseWalk {
  public:
    explicit SparseWalk(const KernelSparseRows& block)
        : block_(block), end_(block.rows.rows > 0 ? end(block.rows.rows - 1) : 0) {}

    Count begin(Count row) const { return block_.offsets[row * block_.step]; }
    Count end(Count row) const { return block_.offsets[row * block_.step + 1]; }
    /// Behind the entries of the last row, and so of what may be read.
    Count end_of_block() const { return end_; }
    const std::byte* indices(Count entry) const { return block_.indices + entry * index_bytes; }
    std::uint32_t index(Count entry) const {
        std::uint32_t index;
        __builtin_memcpy(&index, indices(entry), sizeof index);
        return index;
    }

    /// The first entry of [from, end) whose index is at least `feature`.
    Count first_at_least(Count from, Count end, Count feature) const {
        while (from < end) {
            const Count middle = from + (end - from) / 2;
            if (index(middle) < feature) {
                from = middle + 1;
            } else {
                end = middle;
            }
        }
        return from;
    }

    /// Calls action(Entries8) for the entries [from, end), in order.
    template <typename Action>
    void each8(Count from, Count end, Action&& action) const {
        constexpr Count element_bytes = bytes_of(type);
        const std::byte* const values = block_.rows.values;
        for (; from + lanes <= end; from += lanes) {
            action(Entries8<type>{values + from * element_bytes, indices(from), lanes});
        }
        if (from == end) {
            return;
        }
        if (from + lanes <= end_) {
            // What follows belongs to the next rows, and counts as 0.
            action(Entries8<type>{values + from * element_bytes, indices(from), end - from});
            return;
        }
        std::byte some_values[lanes * element_bytes] = {};
        std::byte some_indices[lanes * index_bytes] = {};
        const auto count = static_cast<std::size_t>(end - from);
        __builtin_memcpy(some_values, values + from * element_bytes, count * element_bytes);
        __builtin_memcpy(some_indices, indices(from), count * index_bytes);
        action(Entries8<type>{some_values, some_indices, end - from});
    }

  private:
    const KernelSparseRows& block_;
    Count end_;
};

/// Asks for what eight entries will need of coefficients and limbs, where these lie far away.
void prefetch_features(const std::byte* indices, const double* coefficients,
                       const KernelScatter& target) {
    for (Count l = 0; l < lanes; ++l) {
        std::uint32_t index;
        __builtin_memcpy(&index, indices + l * index_bytes, sizeof index);
        __builtin_prefetch(coefficients + index, 0, 3);
        __builtin_prefetch(target.limbs + (static_cast<Count>(index) << target.limb_bits), 1, 2);
    }
}

/// Of up to eight rows. Entry k of a row, counted from 0, goes to lane k mod 8, and the lanes join
/// as those of dense rows do. Asks ahead for features when there is a target that is far.
template <ElementType type>
V sparse_margins8(const SparseWalk<type>& walk, const LinearFunction& f, Count first, Count rows,
                  const KernelScatter* target) {
    const bool is_far = target != nullptr && target->is_far;
    constexpr Count entries_ahead = 128;
    V sums[lanes];
    for (Count i = 0; i < lanes; ++i) {
        V sum = Lanes::all(0.0);
        if (i < rows) {
            Count ahead = walk.begin(first + i) + entries_ahead;
            walk.each8(walk.begin(first + i), walk.end(first + i), [&](const Entries8<type>& e) {
                if (is_far) {
                    if (ahead + lanes <= walk.end_of_block()) {
                        prefetch_features(walk.indices(ahead), f.coefficients, *target);
                    }
                    ahead += lanes;
                }
                V w = Lanes::gather(f.coefficients, e.indices);
                if (e.count < lanes) {
                    w = Lanes::select(e.counting(), w, Lanes::all(0.0));
                }
                sum = Lanes::fma(e.widened(), w, sum);
            });
        }
        sums[i] = sum;
    }
    return Lanes::add(Lanes::sums_of(sums), Lanes::all(f.intercept));
}

template <ElementType type>
void sparse_margins(const KernelSparseRows& block, const LinearFunction& f, double* result) {
    const SparseWalk<type> walk(block);
    for (Count i = 0; i < block.rows.rows; i += lanes) {
        const Count rows = smaller_of(lanes, block.rows.rows - i);
        store_some(result + i, rows, sparse_margins8(walk, f, i, rows, nullptr));
    }
}

/// Adds products of entries to limbs.
template <ElementType type>
class Scatter {
  public:
    Scatter(const SparseWalk<type>& walk, const KernelScatter& target)
        : walk_(walk),
          target_(target),
          scale_(Lanes::all(target.scale)),
          limit_(Lanes::all(target.limit)) {}

    /// factor * x for each entry of [from, end).
    void add(Count from, Count end, double factor) {
        if (factor == 0) {
            // It adds nothing, and without weight its values may lie outside all bounds.
            return;
        }
        const V factors = Lanes::all(factor);
        add_products(from, end,
                     [&](const Entries8<type>& e) { return Lanes::mul(factors, e.widened()); });
    }

    /// factor * (x 2^-unit)^2 for each.
    void add_squares(Count from, Count end, double factor, const std::int16_t* units) {
        if (factor == 0) {
            return;
        }
        const V factors = Lanes::all(factor);
        add_products(from, end, [&](const Entries8<type>& e) {
            double unit[lanes];
            for (Count l = 0; l < lanes; ++l) {
                std::uint32_t index;
                __builtin_memcpy(&index, e.indices + l * index_bytes, sizeof index);
                const auto bits = static_cast<std::uint64_t>(1023 - units[index]) << 52U;
                __builtin_memcpy(unit + l, &bits, sizeof bits);
            }
            const V x = Lanes::mul(e.widened(), Lanes::load(unit));
            return Lanes::mul(Lanes::mul(factors, x), x);
        });
    }

    bool is_within() const { return outside_ == 0; }

  private:
    /// Adds the limbs of the eight values product(entries) at a time.
    template <typename Product>
    void add_products(Count from, Count end, Product&& product) {
        if (target_.limb_bits == 0) {
            walk_.each8(from, end, [&](const Entries8<type>& e) {
                add_high_limbs(e, Lanes::mul(product(e), scale_));
            });
        } else if (target_.leading == nullptr) {
            walk_.each8(from, end, [&](const Entries8<type>& e) {
                add_limbs_of_entries(e, Lanes::mul(product(e), scale_));
            });
        } else {
            walk_.each8(from, end, [&](const Entries8<type>& e) {
                const V scale = Lanes::gather_leading(target_.leading, e.indices);
                add_limbs_of_entries(e, Lanes::mul(product(e), scale));
            });
        }
    }

    /// The integers nearest to t to the places of the entries.
    void add_high_limbs(const Entries8<type>& e, V t) {
        outside_ += lanes - Lanes::count(Lanes::less(Lanes::absolute(t), limit_));
        double highs[lanes];
        Lanes::store(highs, Lanes::add(t, Lanes::all(0x1.8p52)));
        if (e.count == lanes) {
            for (Count l = 0; l < lanes; ++l) {
                add_high_limb(e, l, highs[l]);
            }
        } else {
            for (Count l = 0; l < e.count; ++l) {
                add_high_limb(e, l, highs[l]);
            }
        }
    }
    void add_high_limb(const Entries8<type>& e, Count l, double high) {
        std::uint32_t index;
        __builtin_memcpy(&index, e.indices + l * index_bytes, sizeof index);
        // The last bits of the sum with 0x1.8p52 are those of the integer. What left its bounds may
        // wrap around; it is not used.
        constexpr std::uint64_t bits_of_shift = 0x4338000000000000U;
        std::uint64_t bits;
        __builtin_memcpy(&bits, &high, sizeof bits);
        std::int64_t& limb = target_.limbs[index];
        limb = static_cast<std::int64_t>(static_cast<std::uint64_t>(limb) + bits - bits_of_shift);
    }

    /// As add_limbs_of in sum_kernels.hpp, of t at the places of the entries.
    void add_limbs_of_entries(const Entries8<type>& e, V t) {
        const V shift = Lanes::all(0x1.8p52);
        const V high = Lanes::add(t, shift);
        const V rest = Lanes::mul(Lanes::sub(t, Lanes::sub(high, shift)), limit_);
        const V low = Lanes::add(rest, shift);
        outside_ += lanes - Lanes::count(Lanes::less(Lanes::absolute(t), limit_));
        if (e.count == lanes) {
            Lanes::add_to_pairs(target_.limbs, e.indices, high, low);
            return;
        }
        double highs[lanes];
        double lows[lanes];
        Lanes::store(highs, high);
        Lanes::store(lows, low);
        for (int l = 0; l < e.count; ++l) {
            Lanes::add_to_pair(target_.limbs, e.indices, l, highs[l], lows[l]);
        }
    }

    const SparseWalk<type>& walk_;
    const KernelScatter& target_;
    V scale_;
    V limit_;
    Count outside_ = 0;
};

/// Factors of eight rows at a time by to_factors(first, rows, margins), which turns margins of `f`
/// into them in place; their products with the entries go to `target`, unless it is null.
template <ElementType type, typename ToFactors>
bool add_sparse_products(const KernelSparseRows& block, const LinearFunction& f,
                         const KernelScatter* target, double* factors, ToFactors&& to_factors) {
    const SparseWalk<type> walk(block);
    const KernelScatter none{};
    Scatter<type> scatter(walk, target == nullptr ? none : *target);
    for (Count first = 0; first < block.rows.rows; first += lanes) {
        const Count rows = smaller_of(lanes, block.rows.rows - first);
        double group[lanes];
        Lanes::store(group, sparse_margins8(walk, f, first, rows, target));
        to_factors(first, rows, group);
        for (Count i = 0; i < rows; ++i) {
            factors[first + i] = group[i];
            if (target != nullptr) {
                scatter.add(walk.begin(first + i), walk.end(first + i), group[i]);
            }
        }
    }
    return scatter.is_within();
}

template <ElementType type>
bool sparse_evaluate(const KernelSparseRows& block, const LinearFunction& f,
                     const KernelScatter* target, double* factors, EvaluateSums& sums) {
    SlopeSums by_lane;
    by_lane.common = Lanes::all(largest_weight(block.rows));
    const bool is_within = add_sparse_products<type>(
        block, f, target, factors, [&](Count first, Count rows, double* margins) {
            if (block.give != nullptr) {
                Lanes::store(margins, at_rest(Lanes::load(margins), group_at(block.rows, first),
                                              load_some(block.give + first, rows)));
            }
            turn_into_slopes(block.rows, first, rows, margins, by_lane);
            if ((first + rows) % rows_of_product == 0) {
                by_lane.flush();
            }
        });
    by_lane.flush();
    sums.slopes = sum_over_lanes(by_lane.slopes);
    sums.loss = sum_over_lanes(by_lane.linear) +
                (sum_over_lanes(by_lane.logs) + sum_over_lanes(by_lane.weighted_logs));
    sums.rows_wrong = by_lane.rows_wrong;
    return is_within;
}

template <ElementType type>
bool sparse_product(const KernelSparseRows& block, const double* curvatures,
                    const LinearFunction& direction, double unit, const KernelScatter* target,
                    double* factors, EvaluateSums& sums) {
    V total = Lanes::all(0.0);
    const bool is_within = add_sparse_products<type>(
        block, direction, target, factors, [&](Count first, Count rows, double* margins) {
            const V along = margin_that_counts(Lanes::load(margins), group_at(block.rows, first));
            const V factor = Lanes::mul(Lanes::mul(load_some(curvatures + first, rows), along),
                                        Lanes::all(unit));
            Lanes::store(margins, factor);
            total = Lanes::add(total, factor);
        });
    sums.slopes = sum_over_lanes(total);
    return is_within;
}

/// The entries of a row that belong to the features of a target.
template <ElementType type>
struct EntryRange {
    Count begin;
    Count end;

    EntryRange(const SparseWalk<type>& walk, const KernelScatter& target, Count features, Count row)
        : begin(walk.begin(row)), end(walk.end(row)) {
        if (target.first_feature > 0) {
            begin = walk.first_at_least(begin, end, target.first_feature);
        }
        if (target.end_feature < features) {
            end = walk.first_at_least(begin, end, target.end_feature);
        }
    }
};

template <ElementType type>
bool sparse_scatter(const KernelSparseRows& block, const double* factors, const std::int16_t* units,
                    const KernelScatter& target) {
    const Count rows = block.rows.rows;
    if (rows == 0) {
        return true;
    }
    const SparseWalk<type> walk(block);
    Scatter<type> scatter(walk, target);
    EntryRange<type> entries(walk, target, block.rows.features, 0);
    for (Count i = 0; i < rows; ++i) {
        const EntryRange<type> next(walk, target, block.rows.features, i + 1 < rows ? i + 1 : i);
        for (Count k = next.begin; target.is_far && k < next.end; ++k) {
            __builtin_prefetch(
                target.limbs + (static_cast<Count>(walk.index(k)) << target.limb_bits), 1, 2);
        }
        if (units == nullptr) {
            scatter.add(entries.begin, entries.end, factors[i]);
        } else {
            scatter.add_squares(entries.begin, entries.end, factors[i], units);
        }
        entries = next;
    }
    return scatter.is_within();
}

}  // namespace
}  // namespace paralogit::model
