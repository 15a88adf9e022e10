#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "paralogit/model/loss.hpp"
#include "paralogit/optim/stopping.hpp"
#include "paralogit/train/checkpoint.hpp"
#include "paralogit/train/inference_report.hpp"
#include "paralogit/train/model_file.hpp"
#include "paralogit/train/moments.hpp"
#include "paralogit/train/objective.hpp"
#include "paralogit/train/penalties.hpp"
#include "paralogit/train/phase_times.hpp"
#include "paralogit/train/run_directory.hpp"
#include "paralogit/train/solver_choice.hpp"
#include "paralogit/train/validation.hpp"

namespace paralogit::train {

struct TrainOptions {
    std::vector<std::string> paths;
    data::SourceOptions source;
    RowUse row_use;

    /// Files of rows to validate by, described as `paths` are; instead of rows that are held out.
    std::vector<std::string> validation_paths;
    /// Stops when the validation metric has not been better than its best for so many iterations;
    /// needs validation rows.
    std::optional<Index> early_stopping;

    std::filesystem::path out;
    ExistingRun existing = ExistingRun::refuse;

    SolverOptions solver;
    PenaltyOptions penalty;
    model::Loss loss;
    bool has_intercept = true;
    bool standardize = true;
    /// What the best model is chosen by; the ROC AUC needs validation rows of both classes.
    ValidationMetric early_stopping_metric = ValidationMetric::loss;
    std::string initial = "zeros";  ///< "zeros", "ones", or the path of a model
    Reduction reduction = Reduction::exact;
    Execution execution;

    /// The confidence level of intervals; statistics of the parameters are made when it is given.
    std::optional<double> inference_confidence;
    /// Whether the conditions of an optimum are computed again at the end, of the model as written.
    bool verifies = false;

    optim::StoppingRules stopping;
    /// Since `process_start`; none when empty.
    std::optional<double> time_limit_seconds;
    /// Whether one iteration is made however little time there is: of a job that is queued again
    /// and again each start must come further than the one before.
    bool makes_an_iteration = false;

    Index checkpoint_every = 10;  ///< iterations; 0: only at the end and when stopped
    /// Fewer, where these would take more than a twentieth of the time.
    bool spares_checkpoints = false;
    int keep_checkpoints = 3;

    /// Options that change the path of the iteration, as text, by name: they must be equal when a
    /// checkpoint is resumed.
    std::map<std::string, std::string> path_options;
    std::string config_used;  ///< content of the file
    std::string version;
    std::chrono::steady_clock::time_point process_start;
};

/// What is known when the data is loaded.
struct RunFacts {
    const data::Manifest& manifest;
    const data::ShardPlan& plan;
    const Moments& moments;
    std::string label_description;
    Index global_bytes;
    const MemoryPlan& memory;
    const SolverChoice& solver;
    int ranks;
    Execution execution;
    double startup_seconds;
    double load_seconds;
    Index training_rows;         ///< without those that are held out
    ClassWeights class_weights;  ///< as numbers
    const Penalties& penalties;
    const DataSet* validation;  ///< null without
};

struct IterationFacts {
    Index iteration;
    Index passes;
    /// Of a stochastic solver, as the batches of the epoch met the objective, each before its step.
    std::optional<double> running_objective;
    /// Where not, objective and loss are the running ones, and the two below of an earlier point.
    bool is_evaluated;
    double objective;
    double loss;           ///< the mean loss, without penalty
    double gradient_norm;  ///< largest entry, in the solver's variables; see optimality_violation
    Index nonzeros;        ///< coefficients that are not 0
    Index rows_wrong;
    double seconds;  ///< since process_start
    std::optional<ValidationScores> validation;
};

/// What the batches of a stochastic solver took in this process.
struct BatchFacts {
    Index steps = 0;               ///< one for each batch
    Index messages = 0;            ///< Allreduces among them
    double allreduce_seconds = 0;  ///< waiting included; maximum over ranks
};

/// What the model file itself says of the optimum, row by row in long double.
struct Verification {
    double objective = 0;
    /// By how much the conditions of an optimum fail, in the solver's variables.
    double violation = 0;
    /// What the rounding of margins in double may have done to objective and violation.
    double objective_rounding = 0;
    double violation_rounding = 0;
    bool is_consistent = false;  ///< with what the run says of itself
};

/// The model with the best validation metric of all iterations.
struct BestModel {
    Index iteration = 0;
    ValidationScores scores;
    Model model;
    std::string model_sha256;
};

struct TrainOutcome {
    optim::StopReason reason;
    IterationFacts last;
    double l1 = 0;  ///< as numbers
    double l2 = 0;
    double first_objective = 0;  ///< where this process began or resumed
    Model model;
    std::string model_sha256;
    std::optional<BestModel> best;  ///< with validation rows
    /// When it was asked for, and the run ended with a model that has statistics.
    std::optional<InferenceReport> inference;
    std::optional<Verification> verification;
    std::vector<std::string> diagnosis;  ///< what is wrong with data or options, in words
    std::string data_fingerprint;
    PhaseSeconds seconds;          ///< of each phase the largest of all ranks
    std::vector<RankTimes> ranks;  ///< what they were, in the order of ranks
    double gradient_gbytes_per_second = 0;
    Index bytes_read = 0;  ///< of its data, on all ranks, unpacked: when loaded and in each pass
    std::optional<BatchFacts> batches;
    Index hessians = 0;            ///< that Newton's method used
    Index hessian_products = 0;    ///< that newton-cg used
    bool has_soft_labels = false;  ///< so that rows have no side
    /// No finite optimum exists: parameters that no penalty or bound holds separate the classes.
    bool is_separable = false;
    /// And only because all rows are of one class, which the intercept alone tells.
    bool has_one_class = false;
    std::filesystem::path checkpoint;
};

/// Hears of events, on every rank; a console prints them on rank 0.
class TrainObserver {
  public:
    virtual ~TrainObserver() = default;
    virtual void on_loaded(const RunFacts& facts) = 0;
    virtual void on_resumed(const CheckpointStore::Found& found, Index iteration) = 0;
    virtual void on_iteration(const IterationFacts& facts) = 0;
    virtual void on_checkpoint(Index iteration, const std::filesystem::path& path) = 0;
    virtual void on_warning(const std::string& text) = 0;
};

/// The whole run: output directory, data, variables, start or resume, iterations with checkpoints,
/// model and reports. Throws Error, the same on all ranks; what earlier runs left is then as it
/// was, unless the run had begun to iterate. A signal that a comm::StopSignals of the caller notes
/// on any rank stops the run after the pass that it is in, with a checkpoint. @collective
TrainOutcome train(const comm::Communicator& comm, const TrainOptions& options,
                   TrainObserver& observer);

/// A run that was stopped half-way, or went astray, has no model to offer.
bool has_model(optim::StopReason reason);

/// Whether the steps of a run, or of what is resumed of one, led up. Decay beside the steps has an
/// optimum of its own, at which only the loss is sure to be lower.
bool ends_above_its_start(const TrainOutcome& outcome, const TrainOptions& options);

/// What the process returns for a run that ended for this reason.
ExitCode exit_code_of(optim::StopReason reason);

}  // namespace paralogit::train
