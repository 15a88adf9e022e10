#pragma once

#include "row_groups.hpp"

// Part of kernels.hpp: how wide rows are gone through, a few of a group of eight at a time.

namespace paralogit::model {
namespace {

/// Whether what is made of rows is added to the sums that are kept, or their factors alone are
/// wanted, since the rows are counted with the rest of their group.
template <bool>
struct IsCounted {};

/// Margins of some rows and products of as many that came before, in one loop over features.
template <ElementType type>
class MarginsAndProducts {
  public:
    /// Coefficients and sums, room for whole groups of eight, lie where no vector crosses a cache
    /// line.
    MarginsAndProducts(const LinearFunction& f, Count features, double* padded_sums)
        : coefficients_(f.coefficients),
          whole_(whole_lanes(features)),
          rest_(features - whole_),
          intercept_(Lanes::all(f.intercept)),
          last_(load_some(f.coefficients + whole_, rest_)),
          sums_(padded_sums) {}

    /// Puts what the margins of `count` rows are made of into by_lane[0 .. count), and adds
    /// factors[i] times row i of `before`, if there are any. Asks for as many lines as it reads.
    template <int count, bool has_before>
    void make(const Chunk<type>& rows, const Chunk<type>& before, const double* factors,
              Ahead ahead, V* by_lane) const {
        V partial[count];
        V factor[count];
        for (int i = 0; i < count; ++i) {
            partial[i] = Lanes::all(0.0);
            if constexpr (has_before) {
                factor[i] = Lanes::all(factors[i]);
            }
        }
        const auto take_eight = [&](Count j, V w) {
            ahead.ask(count * bytes_of(type) * lanes / line_bytes);
            for (int i = 0; i < count; ++i) {
                partial[i] = Lanes::fma(Lanes::widen<type>(rows.at(i, j)), w, partial[i]);
            }
            if constexpr (has_before) {
                V sum = Lanes::load(sums_ + j);
                for (int i = 0; i < count; ++i) {
                    sum = Lanes::fma(factor[i], Lanes::widen<type>(before.at(i, j)), sum);
                }
                Lanes::store(sums_ + j, sum);
            }
        };
        for (Count j = 0; j < whole_; j += lanes) {
            take_eight(j, Lanes::load(coefficients_ + j));
        }
        if (rest_ > 0) {
            // What lies behind a row meets coefficients of 0, and sums that nobody asks for.
            take_eight(whole_, last_);
        }
        for (int i = 0; i < count; ++i) {
            by_lane[i] = partial[i];
        }
    }

    V margins_of(const V (&by_lane)[lanes]) const {
        return Lanes::add(Lanes::sums_of(by_lane), intercept_);
    }

  private:
    const double* coefficients_;
    Count whole_;
    Count rest_;
    V intercept_;
    V last_;  ///< coefficients of the features behind the last whole group of eight
    double* sums_;
};

/// Parts of a group, a row to all eight, have their margins made while products of the part before
/// are; so only two parts need to stay in the first-level cache, beside coefficients, sums and what
/// is asked for. Factors are made of a whole group each time, of which those of one part are used,
/// whatever the lanes hold that are not yet known; all rows are counted with the last part.
template <ElementType type, int rows_at_once, int rows_of_part, typename ToFactors>
void add_in_parts(const KernelRows& block, const MarginsAndProducts<type>& both, double* scratch,
                  Products<type>& products, ToFactors& to_factors) {
    static_assert(lanes % rows_of_part == 0 && rows_of_part % rows_at_once == 0);
    // A row at a time comes in order: it need not be asked for as early as those beside it.
    constexpr Count asked_ahead = rows_at_once == 1 ? bytes_ahead_of_row : bytes_ahead_of_rows;
    ChunkWalk<type> walk(block, lanes, scratch + 2 * lanes);
    double* values = scratch;  // margins, then factors
    double* values_last = scratch + lanes;
    Chunk<type> last;  // none yet
    const double* factors = nullptr;
    V by_lane[lanes];
    for (V& row : by_lane) {
        row = Lanes::all(0.0);
    }
    while (walk.next()) {
        const Chunk<type>& group = walk.chunk();
        for (Count begin = 0; begin < lanes; begin += rows_of_part) {
            for (Count i = 0; i < rows_of_part; i += rows_at_once) {
                const Chunk<type> rows = group.part(begin + i, rows_at_once);
                const Ahead asked(rows.values + asked_ahead);
                V* const own = by_lane + begin + i;
                if (last.rows > 0) {
                    both.template make<rows_at_once, true>(rows, last.part(i, rows_at_once),
                                                           factors + i, asked, own);
                } else {
                    both.template make<rows_at_once, false>(rows, last, factors, asked, own);
                }
            }
            Lanes::store(values, both.margins_of(by_lane));
            if (begin + rows_of_part == lanes) {
                to_factors(IsCounted<true>{}, walk.first(), walk.rows(), group, values);
            } else {
                to_factors(IsCounted<false>{}, walk.first(), walk.rows(), group, values);
            }
            last = group.part(begin, rows_of_part);
            factors = values + begin;
            double* const used = values_last;
            values_last = values;
            values = used;
        }
    }
    products.template add<false, rows_of_part>(last, factors);
}

/// Calls in_parts(rows at once, rows of a part) and returns true where it is better to go through
/// rows in parts. By measurement: small parts where rows are wide, larger ones, which are less
/// work, where they fit beside the rest. A row of doubles at a time is no gain where most of its
/// vectors cross a cache line, nor one of floats anywhere: it leaves too little to do while sums
/// wait for each other.
template <ElementType type, typename InParts>
bool takes_parts(Count row_bytes, InParts&& in_parts) {
    if constexpr (type == ElementType::float64) {
        if (row_bytes < 512 || row_bytes > 8192) {
            return false;
        }
        if (row_bytes <= 1024) {
            in_parts(Width<2>{}, Width<4>{});
        } else if (row_bytes <= 2400) {
            in_parts(Width<2>{}, Width<2>{});
        } else if (row_bytes % (line_bytes / 2) == 0) {
            in_parts(Width<1>{}, Width<1>{});
        } else {
            return false;
        }
        return true;
    } else if constexpr (type == ElementType::float32) {
        if (row_bytes < 256 || row_bytes > 4600) {
            return false;
        }
        if (row_bytes <= 400) {
            in_parts(Width<Lanes::rows_at_once>{}, Width<lanes>{});
        } else if (row_bytes <= 640) {
            in_parts(Width<4>{}, Width<lanes>{});
        } else if (row_bytes <= 1800) {
            in_parts(Width<2>{}, Width<lanes>{});
        } else {
            in_parts(Width<2>{}, Width<2>{});
        }
        return true;
    } else {
        return false;
    }
}

}  // namespace
}  // namespace paralogit::model
