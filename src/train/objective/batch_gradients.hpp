#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/model/batch_sums.hpp"
#include "paralogit/model/row_order.hpp"
#include "paralogit/optim/batch_objective.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/solver_choice.hpp"
#include "paralogit/train/stop_requests.hpp"
#include "row_picker.hpp"

namespace paralogit::train {

/// Gradients of batches by the parameters (w, b), or w alone.
///
/// The rows of an epoch come in the order of a RowOrder of all rows, which every rank computes by
/// itself; batch k has the places [k B, (k + 1) B). Each rank adds up those of them that are its
/// own, and one Allreduce of 2 d + 8 doubles adds up the ranks: exact sums (BatchSums), so the bits
/// do not depend on ranks or threads. Row i counts with s_i / mean(s), the mean over all rows of
/// positive weight: the gradient of a batch is its mean over the batch's own rows of that kind.
///
/// With local steps a batch is the rank's own, of B places of an order of its own rows; nothing is
/// sent until join_ranks. All ranks have the same number of batches.
class BatchGradients {
  public:
    struct Options {
        BatchOptions batches;
        bool has_intercept = true;
        double weight_sum = 0;
        model::Loss loss{};
        /// What this rank wants, asked once per message.
        std::function<StopRequests()> own_requests;
    };

    /// `comm` and `data` must outlive this. @collective
    BatchGradients(const comm::Communicator& comm, const DataSet& data, Options options);

    /// Of an epoch.
    Index batches() const { return batches_; }

    /// What the batch says at some parameters. Throws the same Error on all ranks. @collective
    void evaluate(const Vector& parameters, Index epoch, Index batch,
                  optim::BatchEvaluation& evaluation);

    /// See optim::BatchObjective. Throws the same Error on all ranks. @collective
    void join_ranks(std::span<Vector* const> vectors);

    /// Of the last message; the same on all ranks.
    const StopRequests& agreed_requests() const { return agreed_; }

    /// Batches so far, messages among ranks, and the seconds that this rank spent on rows and on
    /// messages.
    Index evaluated() const { return evaluated_; }
    Index messages() const { return messages_; }
    double kernel_seconds() const { return kernel_seconds_; }
    double reduce_seconds() const { return reduce_seconds_; }

  private:
    /// What the caller's words of a message are.
    enum Word : std::size_t { rows_seen, ranks_in_error, signals, times_up, word_count };

    /// What one thread has of a batch, and already of the next, for which the memory is asked in
    /// time.
    struct OwnRows {
        struct Batch {
            RowPicker::OwnPlaces places;
            model::PickedRows picked;
        };
        Batch now;
        Batch next;
        Index next_batch = -1;  ///< of the epoch; -1 where none was found
    };

    bool is_local() const { return options_.batches.local_steps > 0; }
    Range places_of(Index batch) const;
    void begin_epoch(Index epoch);
    Range places_of_thread(Index batch, int thread) const;
    void pick_rows_of_thread(Index batch, int thread);
    void add_own_rows(const Vector& parameters, Index batch);
    void put_requests(std::span<double> words) const;
    void take_requests(std::span<const double> words);

    const comm::Communicator& comm_;
    const DataSet& data_;
    Options options_;
    Index features_;
    Index batch_places_ = 0;  ///< with about as many rows of positive weight as a batch is to have
    Range own_places_;        ///< of the order: all rows, or the rank's own when steps are local
    Index batches_ = 1;
    Index counting_rows_ = 0;  ///< rows of positive weight, on all ranks
    double own_share_ = 1;     ///< of these, that lie on this rank
    Index epoch_ = -1;
    model::RowOrder order_ = model::RowOrder::as_stored(1);
    RowPicker picker_;
    std::vector<OwnRows> own_rows_;
    std::vector<model::BatchSums> threads_;  ///< the first has the sums of all in the end
    std::vector<double> mean_message_;
    std::optional<Error> own_error_;
    StopRequests agreed_;
    Index evaluated_ = 0;
    Index messages_ = 0;
    double kernel_seconds_ = 0;
    double reduce_seconds_ = 0;
};

}  // namespace paralogit::train
