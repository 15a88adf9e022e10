#pragma once

#include <functional>
#include <span>
#include <vector>

#include "paralogit/data/sparse_walk.hpp"
#include "paralogit/model/scattered_sums.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Walks through this rank's sparse rows with all its threads, and adds up factors times entries.
/// While the sums of all features are small each thread has its own. Else the threads share them:
/// each first makes the factors of its own rows, and then adds to its own features those of all
/// rows; so no two threads touch one sum, and no sum is there twice. Rows that are streamed are
/// gone through in rounds, of what all threads have in memory at a time.
class SparsePass {
  public:
    /// `data` must outlive this. Memory: 16 bytes a feature, and the same again for further threads
    /// while these take no more than 8 MB each and 32 MB in all; else 8 bytes a row. So one serves
    /// all that a solver asks for, one after the other.
    explicit SparsePass(const DataSet& data);

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

    /// Overwrites the sums, not the words behind them. `scale` must live until the next call, or
    /// the last of values(). Returns whether all is within its bounds; else the sums are of no use.
    bool add_up(const model::ScatterScale& scale, const OfBlock& of_block,
                const OfFeatures& of_features);

    model::ScatteredSums& sums() { return sums_.front(); }
    /// As ScatteredSums::values, of all features and by all threads.  [d]
    void values(double factor, double share, std::span<double> values) const;

  private:
    void share_out_features();
    void clear_sums();
    bool add_own_rows(data::SparseWalk& walk, int thread, const OfBlock& of_block);
    bool add_own_features(const std::vector<data::SparseWalk>& walks, int thread,
                          const OfFeatures& of_features);

    const DataSet& data_;
    int threads_;
    bool is_apart_;
    std::vector<model::ScatteredSums> sums_;    ///< the first one has the sums of all in the end
    std::vector<std::vector<double>> factors_;  ///< of a block each, or of all rows
    std::vector<Range> features_of_thread_;
};

}  // namespace paralogit::train
