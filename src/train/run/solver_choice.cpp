#include "paralogit/train/solver_choice.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "../objective/row_picker.hpp"
#include "../objective/sparse_pass.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/model/block.hpp"
#include "paralogit/train/curvature.hpp"

namespace paralogit::train {

namespace {

/// The cost of a Hessian of some of the variables, all rows, in passes.
double cost_in_passes(const DataShape& shape, Index variables) {
    // Measured on one core with eight doubles in a register, in cycles: a pass takes about d/2 for
    // the arithmetic and the memory, or 8 for each entry of a sparse row, and 12 for the slope; a
    // row of the Hessian d^2/25 for the outer product and 4 d to get there.
    const auto d = static_cast<double>(variables);
    const double features =
        shape.entries ? 8 * static_cast<double>(*shape.entries) / static_cast<double>(shape.rows)
                      : static_cast<double>(shape.dimension) / 2;
    return (d * d / 25 + 4 * d + 20) / (features + 12);
}

/// The share of the rows that the first Hessian needs: those of 16 rows for each variable, and
/// 4000.
double first_fraction(Index rows, Index dimension) {
    const Index needed = std::max<Index>(16 * dimension, 4000);
    return std::min(1.0, static_cast<double>(needed) / static_cast<double>(rows));
}

/// Every rank holds the whole matrix, and factors it on one core.
constexpr Index most_variables = 4096;

/// What a Hessian costs, in passes, of the part of the rows that the user forces: who does so asks
/// for Hessians, so it is no matter of the choice. Empty where nothing is forced.
std::optional<double> forced_cost(const optim::NewtonOptions& newton, const DataShape& shape) {
    if (!newton.keeps_thinning) {
        return std::nullopt;
    }
    const Index thinning = std::min(newton.thinning, model::rows_per_block(shape.rows));
    return hessian_cost_in_passes(shape) / static_cast<double>(thinning);
}

SolverChoice choose_for_kinks(const DataShape& shape) {
    // A few rows make few coefficients that are not 0, and these are all that a Hessian is of.
    const Index likely = std::min(shape.dimension, std::max<Index>(shape.rows / 4, 1));
    if (likely > most_variables) {
        return {.name = "owl-qn",
                .reason = fmt::format("not smooth, and more than {} variables", most_variables)};
    }
    constexpr double most_passes = 60;
    const double passes = cost_in_passes(shape, likely) * first_fraction(shape.rows, likely);
    if (passes > most_passes) {
        return {.name = "owl-qn",
                .reason = fmt::format("not smooth, and a Hessian may cost as much as {:.0f} passes",
                                      passes)};
    }
    return {.name = "prox-newton", .reason = "not smooth"};
}

}  // namespace

bool is_stochastic(const std::string& solver) {
    return solver == "sgd" || solver == "adam" || solver == "adagrad";
}

bool is_proximal(const std::string& solver) {
    return solver == "prox-newton" || solver == "owl-qn";
}

double hessian_cost_in_passes(const DataShape& shape) {
    return cost_in_passes(shape, shape.dimension);
}

SolverChoice choose_solver(const SolverOptions& options, const DataShape& shape) {
    const auto [rows, dimension, entries] = shape;
    if (options.name != "auto") {
        return {.name = options.name, .reason = ""};
    }
    if (options.has_kinks) {
        return choose_for_kinks(shape);
    }
    if (rows < dimension) {
        return {.name = "newton-cg", .reason = "fewer rows than variables"};
    }
    if (dimension > most_variables) {
        return {.name = "lbfgs", .reason = fmt::format("more than {} variables", most_variables)};
    }
    // Newton's method needs about five Hessians. On data of the real world it saves hundreds of
    // passes (Fashion-MNIST: 41 instead of 911), on well-behaved columns some tens.
    constexpr double most_passes = 30;
    const double passes = hessian_cost_in_passes(shape) * first_fraction(rows, dimension);
    if (passes > most_passes) {
        return {.name = "lbfgs",
                .reason = fmt::format("a Hessian would cost as much as {:.0f} passes", passes)};
    }
    return {.name = "newton",
            .reason = fmt::format("a Hessian costs as much as {:.2g} passes",
                                  forced_cost(options.newton, shape).value_or(passes))};
}

void check_solver_size(const SolverOptions& options, const DataShape& shape) {
    if (options.name == "newton" && shape.dimension > most_newton_variables) {
        throw Error(
            ExitCode::usage,
            fmt::format("--solver newton: a model of {} parameters needs a matrix of {} x "
                        "{} numbers on every rank, which one core of each factors again "
                        "and again; at most {} parameters are taken: take --solver "
                        "newton-cg, which needs no matrix",
                        shape.dimension, shape.dimension, shape.dimension, most_newton_variables));
    }
}

namespace {

constexpr Index number_bytes = sizeof(double);

Index times(Index a, Index b) {
    return checked_multiply(a, b, "the bytes of the solver");
}

/// Both in one place while a new Hessian is added up, or is made of its sums; threads have sums of
/// their own as long as these are small.
Index bytes_of_matrices(Index side, int threads) {
    // Rows on their way into sums, and panels of a factorisation; measured.
    constexpr Index bytes_beside = number_bytes / 4;
    const Index matrices = 2 + (side <= Curvature::most_variables_apart ? Index{threads} - 1 : 0);
    return times(times(matrices * number_bytes + bytes_beside, side), side);
}

Index matrix_side(const std::string& solver, const SolverOptions& options, Index dimension) {
    if (solver == "newton") {
        return std::min(dimension, most_newton_variables);
    }
    return solver == "prox-newton" ? std::min(dimension, options.prox_newton.most_variables) : 0;
}

Index pairs_of(const std::string& solver, const SolverOptions& options) {
    return solver == "lbfgs" || solver == "owl-qn" ? Index{2} * options.lbfgs.history : 0;
}

Index bytes_for_dense(const std::string& solver, const SolverOptions& options,
                      const DataShape& shape, const RankShare& share) {
    // Sums, exponents and moments, the points of the solver; measured. Every thread has sums of its
    // own.
    const Index vectors = 64 + 24 * Index{share.threads} + pairs_of(solver, options);
    Index beside = solver == "newton-cg" ? share.own_rows : 0;
    if (is_stochastic(solver) && share.may_be_streamed) {
        // They pass through a window of their own.
        constexpr Index most_numbers = RowPicker::most_window_bytes / number_bytes;
        beside += share.own_rows == 0 || shape.dimension > most_numbers / share.own_rows
                      ? most_numbers
                      : share.own_rows * shape.dimension;
    }
    return times(times(vectors, number_bytes), shape.dimension) + beside * number_bytes;
}

/// What a stochastic solver takes along from one step to the next, as long as the parameters.
Index memories_of(const std::string& solver, const SolverOptions& options) {
    if (solver == "adam") {
        return 2;
    }
    return solver == "adagrad" || options.stochastic.momentum > 0 ? 1 : 0;
}

/// How many vectors as long as the parameters there are at most, the sums of a pass not counted in;
/// measured.
Index vectors_for_sparse(const std::string& solver, const SolverOptions& options) {
    if (is_stochastic(solver)) {
        const Index of_average = options.stochastic.averages_from ? 2 : 0;
        const Index kept = 3 * memories_of(solver, options) + of_average;
        // The message in which ranks join theirs.
        const Index joined = options.batches.local_steps > 0 ? 2 + kept : 0;
        return 15 + kept + joined;
    }
    if (is_proximal(solver)) {
        return 15 + pairs_of(solver, options);
    }
    return (solver == "newton-cg" ? 11 : 10) + pairs_of(solver, options);
}

Index bytes_for_sparse(const std::string& solver, const SolverOptions& options,
                       const DataShape& shape, const RankShare& share) {
    Index bytes = times(times(vectors_for_sparse(solver, options), number_bytes), shape.dimension) +
                  SparsePass::bytes(shape.dimension, share.own_rows, share.threads);
    if (solver == "newton-cg") {
        bytes += share.own_rows * number_bytes;
    }
    if (is_stochastic(solver) && share.may_be_streamed) {
        // Where they begin.
        bytes += share.own_rows * number_bytes;
    }
    return bytes;
}

}  // namespace

Index solver_bytes(const SolverOptions& options, const DataShape& shape, const RankShare& share) {
    const std::string solver = choose_solver(options, shape).name;
    const Index side = matrix_side(solver, options, shape.dimension);
    return bytes_of_matrices(side, share.threads) +
           (shape.entries ? bytes_for_sparse(solver, options, shape, share)
                          : bytes_for_dense(solver, options, shape, share));
}

std::string ways_to_take_less(const SolverOptions& options, const DataShape& shape,
                              const RankShare& share) {
    SolverOptions chosen = options;
    chosen.name = choose_solver(options, shape).name;
    const Index bytes = solver_bytes(chosen, shape, share);
    std::string ways;
    const auto add_if_less = [&](const char* way, const auto& change) {
        SolverOptions other = chosen;
        change(other);
        if (solver_bytes(other, shape, share) < bytes) {
            ways += (ways.empty() ? "" : " or ") + std::string(way);
        }
    };
    if (chosen.name == "newton" || chosen.name == "lbfgs") {
        add_if_less("--solver newton-cg", [](SolverOptions& o) { o.name = "newton-cg"; });
    } else if (chosen.name == "prox-newton") {
        add_if_less("--solver owl-qn", [](SolverOptions& o) { o.name = "owl-qn"; });
    } else if (is_stochastic(chosen.name)) {
        add_if_less("--solver sgd", [](SolverOptions& o) { o.name = "sgd"; });
        add_if_less("no --momentum", [](SolverOptions& o) { o.stochastic.momentum = 0; });
        add_if_less("no --average", [](SolverOptions& o) { o.stochastic.averages_from.reset(); });
        add_if_less("no --local-steps", [](SolverOptions& o) { o.batches.local_steps = 0; });
    }
    add_if_less("a smaller --history", [](SolverOptions& o) { o.lbfgs.history = 1; });
    return ways;
}

std::unique_ptr<optim::Solver> make_solver(const std::string& name, const SolverOptions& options,
                                           const DataShape& shape) {
    if (name == "newton") {
        optim::NewtonOptions newton = options.newton;
        newton.hessian_cost = hessian_cost_in_passes(shape);
        return std::make_unique<optim::Newton>(newton);
    }
    if (name == "prox-newton") {
        optim::ProxNewtonOptions prox_newton = options.prox_newton;
        prox_newton.hessian_cost = hessian_cost_in_passes(shape);
        return std::make_unique<optim::ProxNewton>(prox_newton);
    }
    if (name == "owl-qn") {
        return std::make_unique<optim::OwlQn>(
            optim::OwlQnOptions{.history = options.lbfgs.history});
    }
    if (name == "newton-cg") {
        return std::make_unique<optim::NewtonCg>(options.newton_cg);
    }
    if (name == "lbfgs") {
        return std::make_unique<optim::Lbfgs>(options.lbfgs);
    }
    if (name == "gd") {
        return std::make_unique<optim::GradientDescent>(options.gradient_descent);
    }
    if (is_stochastic(name)) {
        return std::make_unique<optim::Stochastic>(options.stochastic);
    }
    throw Error(ExitCode::internal, "internal error: there is no solver '" + name + "'");
}

}  // namespace paralogit::train
