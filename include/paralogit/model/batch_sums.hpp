#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "paralogit/base/types.hpp"
#include "paralogit/model/block.hpp"
#include "paralogit/model/isa.hpp"
#include "paralogit/model/loss.hpp"

namespace paralogit::model {

struct KernelBins;

/// Rows picked out of a data set, wherever each lies: features in their stored type. Owns none of
/// them.
struct PickedRows {
    /// Bytes behind a dense row that may be read, whatever is there: finite numbers, if any.
    static constexpr Index bytes_behind = 64;

    ElementType type = ElementType::float64;
    /// Where each row lies, or where rows are in groups, each eight of them, side by side.
    std::vector<const std::byte*> values;
    /// The same of dense rows that will be added next: the memory is asked for them.
    std::vector<const std::byte*> next_values;
    /// Where groups of dense rows end, the last of them with the last row; empty when each row
    /// stands for itself. Groups are multiples of eight rows, at most 512, filled up by rows of
    /// weight 0.
    std::vector<Index> group_ends;
    std::vector<double> labels;
    std::vector<std::uint8_t> hard_labels;  ///< instead, where rows are dense and all are 0 or 1
    std::vector<double> row_weights;        ///< empty when every weight is 1
    // Of sparse rows: their indices, of 32 bits each, and how many entries they have.
    std::vector<const std::byte*> indices;
    std::vector<Index> entries;

    Index size() const { return std::ssize(labels) + std::ssize(hard_labels); }
    void clear();
};

/// The sums of a batch of rows at one (w, b): of slope times features, slopes and losses, each
/// times the row weight; slopes in the unit of the loss. Every term is rounded to a multiple of a
/// fixed unit, and what is left of it to a multiple of a second, far smaller one; plain sums of
/// doubles of either are exact, so they have the same bits in any order, on any number of threads
/// and ranks.
///
/// With at most 2^k rows in a batch over all ranks (k >= 2) and terms below 2^E, the units are
/// 2^(E + k - 51) and 2^(E + 2k - 103): a sum is off by at most 2^(E + 3k - 104), which for 1024
/// rows is 2^-74 of the bound of one term, and by its own rounding. (Two bins of the pre-rounded
/// sums of Demmel & Nguyen 2013, with bounds that are known beforehand.)
///
/// Dense rows may come in groups. Then a term is what a group adds up to, in doubles and in the
/// order of its rows: the same bits wherever the group is added, as long as all of it is added at
/// once, and one addition to exact sums for so many rows. The bounds are those of as many single
/// rows.
class BatchSums {
  public:
    /// At most so many rows, on all ranks. Terms of feature j are below 2^exponents[j], row weights
    /// below 2^weight_exponent. `words` doubles behind the sums are the caller's. Throws Error
    /// (input_data) where a term could be so large that the sums would overflow.
    BatchSums(std::span<const std::int16_t> exponents, std::int32_t weight_exponent, Index rows,
              Index words, Isa isa, const Loss& loss = Loss());

    static constexpr Index most_rows = Index{1} << 20U;

    /// Makes all sums and words 0. The losses are below 2^loss_exponent.
    void clear(std::int32_t loss_exponent);

    /// Margins follow the order of operations of block_kernel.hpp, or sparse_kernel.hpp; what is
    /// not finite makes sums that are not. Cost: some 8 flops for each value, of groups 4, while
    /// the memory brings the rows behind.
    void add(const PickedRows& rows, std::span<const double> coefficients, double intercept);
    /// Adds the sums and words of another of the same bounds.
    void add(const BatchSums& other);

    /// Both bins of all sums, and the words: to be summed over ranks in place, which is exact.
    std::span<double> message() { return message_; }
    std::span<double> words();

    double slopes_times_feature(Index feature) const;
    double slopes() const { return both(slopes_at_); }
    double loss() const { return both(slopes_at_ + 2); }

  private:
    KernelBins bins_at(std::size_t shift, std::size_t first, std::size_t distance);
    KernelBins bins_of_slopes();
    KernelBins bins_of_losses();
    void set_shifts(std::int32_t exponent, double& first, double& second) const;
    void add_dense(const PickedRows& rows, std::span<const double> coefficients, double intercept);
    void add_sparse(const PickedRows& rows, std::size_t begin, Index count,
                    std::span<const double> coefficients, double intercept);
    void scatter(ElementType type, Index count);
    double both(std::size_t at) const { return message_[at] + message_[at + 1]; }

    Index features_;
    Index padded_;  ///< features, in whole groups of eight
    int bits_of_rows_;
    Isa isa_;
    Loss loss_;
    std::size_t slopes_at_;
    std::vector<double> first_shift_;   ///< of features, and then of slopes and losses
    std::vector<double> second_shift_;  ///< likewise
    /// The first bins of all features, the second ones; both of slopes and of losses; words.
    std::vector<double> message_;

    // The rows that are at work: where they are, or side by side when they are sparse.
    std::vector<const std::byte*> places_;
    std::vector<std::byte> values_;
    std::vector<std::byte> indices_;
    std::vector<Index> offsets_;
    std::vector<double> margins_;
    std::vector<double> scratch_;
};

}  // namespace paralogit::model
