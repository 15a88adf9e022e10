#pragma once

#include <memory>
#include <optional>
#include <string>

#include "paralogit/optim/gradient_descent.hpp"
#include "paralogit/optim/lbfgs.hpp"
#include "paralogit/optim/newton.hpp"
#include "paralogit/optim/newton_cg.hpp"
#include "paralogit/optim/owl_qn.hpp"
#include "paralogit/optim/prox_newton.hpp"

namespace paralogit::train {

struct SolverOptions {
    /// "auto", "newton", "newton-cg", "lbfgs", "gd", "prox-newton" or "owl-qn"
    std::string name = "auto";
    /// Whether the objective has a part that is not smooth, which not every solver takes.
    bool has_kinks = false;
    optim::NewtonOptions newton;
    optim::NewtonCgOptions newton_cg;
    optim::LbfgsOptions lbfgs;
    optim::GradientDescentOptions gradient_descent;
    optim::ProxNewtonOptions prox_newton;
};

/// Never "auto", and why.
struct SolverChoice {
    std::string name;
    std::string reason;  ///< empty when the user chose
};

/// What the choice of a solver goes by.
struct DataShape {
    Index rows;
    Index dimension;  ///< of the parameters
    /// Of all sparse rows; empty when rows are dense.
    std::optional<Index> entries;
};

/// A function of the shape of the data and the options alone.
SolverChoice choose_solver(const SolverOptions& options, const DataShape& shape);

/// What one Hessian of all rows costs, in passes: from the operations for each row, for what is
/// stored and how fast the machine is must not change the path of the iteration.
double hessian_cost_in_passes(const DataShape& shape);

/// About what the solver that would be chosen for dense rows takes of a rank's memory, with all
/// that is as long as a gradient, and the curvatures of the rank's `own_rows`.
Index solver_bytes(const SolverOptions& options, Index rows, Index own_rows, Index dimension,
                   int threads);

/// `name` is that of a choice.
std::unique_ptr<optim::Solver> make_solver(const std::string& name, const SolverOptions& options,
                                           const DataShape& shape);

}  // namespace paralogit::train
