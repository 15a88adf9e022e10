#pragma once

#include <functional>
#include <span>
#include <vector>

#include "paralogit/data/sparse_walk.hpp"
#include "paralogit/model/scattered_sums.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Walks through this rank's sparse rows with all its threads, and adds up factors times entries.
/// While the sums of all features are small each thread has its own, and so have two threads where
/// only high limbs are added up, which take half the memory. Else the threads share them:
/// each first makes the factors of its own rows, and then adds to its own features those of all
/// rows; so no two threads touch one sum, and no sum is there twice. Rows that are streamed are
/// gone through in rounds, of what all threads have in memory at a time.
class SparsePass {
  public:
    /// `data` must outlive this. Memory: 16 bytes a feature, and the same again for further threads
    /// while these take no more than 8 MB each and 32 MB in all; else 8 bytes a row. So one serves
    /// all that a solver asks for, one after the other.
    explicit SparsePass(const DataSet& data);

    /// These for so many features, rows of a rank and threads.
    static Index bytes(Index features, Index own_rows, int threads);

    /// That of the data set, for products that need not be exact.
    const model::ScatterScale& scale_of_high_limbs() const { return scale_of_high_limbs_; }

    /// Words behind the sums in the message, for whom they are of use.
    static constexpr Index most_words = 32;

    /// Makes the factors of a block's rows and adds their products to `target`, unless it is null;
    /// returns whether these are within their bounds.
    using OfBlock = std::function<bool(int thread, const model::SparseBlock& block,
                                       model::ScatteredSums* target, std::span<double> factors)>;
    /// Adds factors times something of the entries to the sums of a range of features.
    using OfFeatures =
        std::function<bool(const model::SparseBlock& block, std::span<const double> factors,
                           Range features, model::ScatteredSums& target)>;

    /// Overwrites the sums, and moves the words behind them: the sums are those of the scale's
    /// features, which may be the first ones alone: then the blocks have no entries of lone ones.
    /// `scale` must live until the next call, or the last of values(). Returns whether all is
    /// within its bounds; else the sums are of no use.
    bool add_up(const model::ScatterScale& scale, const OfBlock& of_block,
                const OfFeatures& of_features);

    /// Of the last call, of all threads.
    model::ScatteredSums& sums() { return last_->front(); }
    /// As ScatteredSums::values, of these features and by all threads.
    void values(double factor, double share, std::span<double> values) const;

  private:
    using Sums = std::vector<model::ScatteredSums>;

    void share_out_features();
    /// Whether each thread has sums of its own in the present call.
    bool is_apart() const { return std::ssize(*last_) == threads_; }
    /// Of the present call.
    Range features() const { return {.first = 0, .end = last_->front().scale().features()}; }
    model::SparseBlock block_of(const data::SparseWalk& walk, Index number) const;
    void clear_sums();
    void join_sums();
    std::span<double> factors_of(const model::SparseBlock& block, int thread);
    bool add_own_rows(data::SparseWalk& walk, int thread, const OfBlock& of_block);
    bool add_own_features(const std::vector<data::SparseWalk>& walks, int thread,
                          const OfFeatures& of_features);

    const DataSet& data_;
    int threads_;
    model::ScatterScale scale_of_high_limbs_;
    Sums both_limbs_;  ///< for each thread, or one; the first has the sums of all in the end
    Sums high_limbs_;  ///< the same, in the memory of those as far as it goes
    Sums* last_;       ///< of these two
    std::vector<std::vector<double>> factors_;  ///< of a block each, or of all rows
    std::vector<Range> features_of_thread_;
};

}  // namespace paralogit::train
