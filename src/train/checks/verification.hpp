#pragma once

#include <filesystem>

#include "paralogit/model/loss.hpp"
#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

/// Throws Error (usage) for sparse rows of more features than a loop over all of them is for.
void check_verification_size(const DataSet& data);

/// The mean loss and its gradient by the parameters, row by row in long double: by another way than
/// that of a pass, without blocks' kernels, exact sums and standardised variables.
struct PlainEvaluation {
    double loss = 0;
    Vector gradient;
    double weight_sum = 0;
    /// What a pass in double may be off by, because its margins are: of the loss, and of the
    /// gradient by each of the solver's variables but the intercept's.
    double loss_rounding = 0;
    Vector gradient_rounding;
};

/// Cost: 7 d flops in long double for each row. Throws Error (usage) for sparse rows of more
/// features than such a loop is for. @collective
PlainEvaluation evaluate_plainly(const comm::Communicator& comm, const DataSet& data,
                                 const Vector& parameters, const optim::ChangeOfVariables& change,
                                 const model::Loss& loss = model::Loss());

/// What a run optimised.
struct VerifiedRun {
    const comm::Communicator& comm;
    const DataSet& data;
    const model::Loss& loss;
    const optim::ChangeOfVariables& change;
    const model::Penalty& penalty;
    const optim::SeparableTerm& separable;
};

/// Computes objective and conditions again at the parameters that the model file has, and compares
/// them with those of the run's end. @collective
Verification verify(const VerifiedRun& run, const std::filesystem::path& model_file,
                    const IterationFacts& end);

/// Whether a run that ended so may have written what was computed again.
bool are_consistent(const Verification& verification, const IterationFacts& end);

/// Throws Error (internal) unless the verification is consistent with the run's end. The same on
/// all ranks.
void require_consistent(const Verification& verification, const IterationFacts& end);

}  // namespace paralogit::train
