#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "paralogit/optim/gradient_descent.hpp"
#include "paralogit/optim/lbfgs.hpp"
#include "paralogit/optim/newton.hpp"
#include "paralogit/optim/newton_cg.hpp"
#include "paralogit/optim/owl_qn.hpp"
#include "paralogit/optim/prox_newton.hpp"
#include "paralogit/optim/stochastic.hpp"

namespace paralogit::train {

/// How the rows of an epoch make batches.
struct BatchOptions {
    Index batch_rows = 256;     ///< of all ranks; of one where steps are local. >= 1
    bool shuffles = true;       ///< whether an epoch meets the rows in random order
    bool keeps_groups = false;  ///< whether 32 neighbours each stay together, of dense rows
    std::uint64_t seed = 1;     ///< of these orders
    Index local_steps = 0;      ///< that ranks take by themselves between two means; 0: none
};

struct SolverOptions {
    /// "auto", "newton", "newton-cg", "lbfgs", "gd", "prox-newton", "owl-qn", "sgd", "adam" or
    /// "adagrad"
    std::string name = "auto";
    /// Whether the objective has a part that is not smooth, which not every solver takes.
    bool has_kinks = false;
    optim::NewtonOptions newton;
    optim::NewtonCgOptions newton_cg;
    optim::LbfgsOptions lbfgs;
    optim::GradientDescentOptions gradient_descent;
    optim::ProxNewtonOptions prox_newton;
    optim::StochasticOptions stochastic;
    BatchOptions batches;
};

/// Never "auto", and why.
struct SolverChoice {
    std::string name;
    std::string reason;  ///< empty when the user chose
};

/// Whether a solver of that name takes steps after batches of rows.
bool is_stochastic(const std::string& solver);

/// Whether a solver of that name steps by the part of the objective that is not smooth.
bool is_proximal(const std::string& solver);

/// What the choice of a solver goes by.
struct DataShape {
    Index rows;
    Index dimension;  ///< of the parameters
    /// Of all sparse rows; empty when rows are dense.
    std::optional<Index> entries;
};

/// A function of the shape of the data and the options alone.
SolverChoice choose_solver(const SolverOptions& options, const DataShape& shape);

/// Of newton, which factors their matrix on one core of every rank: half a minute for so many.
inline constexpr Index most_newton_variables = 10'000;

/// Throws Error (usage) when the user chose newton for more variables than that.
void check_solver_size(const SolverOptions& options, const DataShape& shape);

/// What one Hessian of all rows costs, in passes: from the operations for each row, for what is
/// stored and how fast the machine is must not change the path of the iteration.
double hessian_cost_in_passes(const DataShape& shape);

/// What a rank has of the data.
struct RankShare {
    Index own_rows;
    int threads = 1;
    bool may_be_streamed = false;
};

/// About what the solver that would be chosen takes of a rank's memory, with all that is as long as
/// a gradient, and what it keeps of each of the rank's rows; no more matrices than those of
/// most_newton_variables. Throws Error (input_data) when that is more than 63 bits can count.
Index solver_bytes(const SolverOptions& options, const DataShape& shape, const RankShare& share);

/// What could be given instead for that solver to take less, as "--solver newton-cg or a smaller
/// --history"; empty where nothing like it does.
std::string ways_to_take_less(const SolverOptions& options, const DataShape& shape,
                              const RankShare& share);

/// `name` is that of a choice.
std::unique_ptr<optim::Solver> make_solver(const std::string& name, const SolverOptions& options,
                                           const DataShape& shape);

}  // namespace paralogit::train
