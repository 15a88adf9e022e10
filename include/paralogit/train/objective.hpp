#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/loss.hpp"
#include "paralogit/model/penalty.hpp"
#include "paralogit/optim/objective.hpp"
#include "paralogit/train/block_visitor.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/stop_requests.hpp"

namespace paralogit::train {

class SparsePass;
struct LoneFeatures;
struct Thinning;

enum class Reduction {
    exact,  ///< integers: the same bits for any number of ranks
    fast,   ///< doubles: for comparison; the bits depend on the number of ranks
};

/// F(w, b) = (1/S) sum_i s_i loss(y_i, x_i.w + b) + l2/2 |w|^2 over the rows of all ranks, as a
/// function of the parameters (w, b), or of w alone without intercept.
/// Each evaluation is one pass over this rank's blocks and ONE Allreduce, whose message also
/// carries what the ranks have to agree on: rows seen, blocks that are not finite, ranks in error,
/// stop requests, and a hash of the parameters, which must be the same everywhere.
class DistributedObjective : public optim::Objective {
  public:
    struct Options {
        model::Penalty penalty{0.0};
        model::Loss loss{};
        bool has_intercept = true;
        double weight_sum = 0;  ///< S
        Reduction reduction = Reduction::exact;
        /// What this rank wants, asked once per evaluation.
        std::function<StopRequests()> own_requests;
    };

    /// `comm` and `data` must outlive this. Throws the same Error on all ranks. @collective
    DistributedObjective(const comm::Communicator& comm, const DataSet& data, Options options);

    ~DistributedObjective() override;
    DistributedObjective(const DistributedObjective&) = delete;
    DistributedObjective& operator=(const DistributedObjective&) = delete;

    Index dimension() const override;

    /// Where the sums of some block are not finite, the value is +infinity and the gradient NaN.
    /// Throws the same Error on all ranks. @collective
    optim::Evaluation evaluate(const Vector& parameters) override;
    /// The same of dense rows, showing each block to `visit`. @collective
    optim::Evaluation evaluate_beside(const Vector& parameters, const BlockVisitor& visit);

    /// The same of one of `thinning` dense rows, chosen as Curvature chooses them, S being the sum
    /// of their weights. @collective
    optim::Evaluation evaluate_thinned(const Vector& parameters, Index thinning);

    /// The same as evaluate() after the lone features, which must outlive this, have gone to where
    /// the objective is least for the other parameters; their part of the gradient is 0. Of BCE.
    /// @collective
    optim::Evaluation evaluate_at_best(const LoneFeatures& lone, Vector& parameters);

    /// What this rank wants now.
    StopRequests own_requests() const;
    /// Of the last evaluation, or of what was agreed on elsewhere since; the same on all ranks.
    const StopRequests& agreed_requests() const { return agreed_; }
    void set_agreed_requests(const StopRequests& agreed) { agreed_ = agreed; }

    const model::Loss& loss() const { return options_.loss; }
    /// S of all rows.
    double weight_sum() const { return options_.weight_sum; }
    /// What adds up over sparse rows, for others to use between evaluations; null of dense rows.
    const std::shared_ptr<SparsePass>& sparse_pass() const { return sparse_; }

    /// Seconds that this rank spent on its blocks, and in the Allreduce, so far.
    double kernel_seconds() const { return kernel_seconds_; }
    double reduce_seconds() const { return reduce_seconds_; }
    /// Seconds that this rank spent on parts of the rows, messages included.
    double thinned_seconds() const { return thinned_seconds_; }
    /// Seconds that those who were shown blocks took, which are not among the others.
    double beside_seconds() const { return beside_seconds_; }

  private:
    /// Positions of the integers behind the sums in the message.
    enum Word : std::size_t {
        rows_seen,
        rows_wrong,
        bad_blocks,
        ranks_in_error,
        signals,
        times_up,
        parameter_hash,
        parameter_hash_squared,
        word_count,
    };
    using Words = std::vector<std::int64_t>;

    /// What one thread adds up of its blocks.
    struct ThreadSums {
        /// Features when rows are dense, slopes (intercept), loss, row weights.
        model::ExactSums exact;
        std::vector<double> fast;  ///< the same sums for Reduction::fast
        Words words = Words(word_count, 0);
        model::BlockSums of_block;
        double beside_seconds = 0;
    };

    void make_sums();
    optim::Evaluation evaluate_rows(const Vector& parameters, Index thinning);
    /// Of the loss alone; false where sums are not finite, and the evaluation says so.
    bool put_means(const Vector& parameters, Index thinning, optim::Evaluation& evaluation);
    /// As many as vectors of all parameters are worth.
    int threads_of_vectors() const;
    void add_penalty(const Vector& parameters, optim::Evaluation& evaluation) const;
    void add_own_blocks(std::span<const double> coefficients, double intercept, Index thinning,
                        Words& words);
    void add_blocks(int thread, std::span<const double> coefficients, double intercept,
                    const Thinning& rows, ThreadSums& sums) const;
    void add_sparse_blocks(std::span<const double> coefficients, double intercept);
    void reduce(Words& words);
    void reduce_sparse(Words& words);
    void check_agreement(const Words& words, bool expects_all_rows) const;
    double global_sum(Index index) const;
    /// Of features, and of slopes for the intercept.
    void put_global_sums(Vector& gradient) const;

    const comm::Communicator& comm_;
    const DataSet& data_;
    Options options_;
    Index features_;
    Index slopes_at_;  ///< of the threads' sums; the loss is next
    /// Of sparse rows: the sums over features.
    std::shared_ptr<SparsePass> sparse_;
    const LoneFeatures* lone_ = nullptr;   ///< of the present evaluation
    const BlockVisitor* visit_ = nullptr;  ///< of the present evaluation
    std::vector<ThreadSums> threads_;      ///< the first one has the sums of all in the end
    std::vector<std::int64_t> message_;
    std::vector<double> fast_message_;
    std::optional<Error> own_error_;
    StopRequests agreed_;
    Index passes_ = 0;
    double kernel_seconds_ = 0;
    double reduce_seconds_ = 0;
    double thinned_seconds_ = 0;
    double beside_seconds_ = 0;
};

}  // namespace paralogit::train
