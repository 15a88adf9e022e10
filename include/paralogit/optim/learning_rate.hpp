#pragma once

#include "paralogit/base/types.hpp"

namespace paralogit::optim {

enum class Schedule {
    constant,
    inverse,  ///< rate / (1 + decay e)
    step,     ///< rate decay^floor(e / period)
    cosine,   ///< rate (1 + cos(pi min(e / horizon, 1))) / 2
};

/// The rate of a stochastic solver, as a function of the epochs e done so far, parts of them
/// included: e = steps / steps of an epoch.
struct LearningRateOptions {
    double rate = 0.1;  ///< > 0
    Schedule schedule = Schedule::constant;
    double decay = 1;   ///< of inverse, >= 0; of step, in (0, 1]
    Index period = 10;  ///< of step, epochs, >= 1
    Index horizon = 1;  ///< of cosine, epochs, >= 1; beyond it the rate is 0
    /// The first epochs, in which the rate rises to what the schedule says: the k-th step, from 1
    /// on, takes k / (warmup steps) of it. >= 0
    double warmup = 0;
};

/// Throws Error (usage) that names the option, its value and its range.
void require_learning_rate(const LearningRateOptions& options);

/// The rate of step `step`, counted from 0 over the whole run. The same bits on every machine.
double learning_rate(const LearningRateOptions& options, Index step, Index steps_of_epoch);

}  // namespace paralogit::optim
