#include "paralogit/train/solver_choice.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "../objective/row_picker.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/base/error.hpp"
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
            .reason = fmt::format("a Hessian costs as much as {:.2g} passes", passes)};
}

Index solver_bytes(const SolverOptions& options, const DataShape& shape, Index own_rows,
                   int threads) {
    constexpr Index number_bytes = sizeof(double);
    const auto times = [](Index a, Index b) {
        return checked_multiply(a, b, "the bytes of the solver");
    };
    // Sums, exponents and moments, the points of the solver; measured. Of dense rows every thread
    // has sums of its own, of sparse ones the threads share them when they are long.
    const bool is_sparse = shape.entries.has_value();
    Index vectors = is_sparse ? 12 : 64 + 24 * Index{threads};
    Index beside = is_sparse ? 2 * own_rows : 0;
    Index matrix_side = 0;
    const std::string solver = choose_solver(options, shape).name;
    if (solver == "newton") {
        matrix_side = shape.dimension;
    } else if (solver == "prox-newton") {
        matrix_side = std::min(shape.dimension, options.prox_newton.most_variables);
    } else if (solver == "lbfgs" || solver == "owl-qn") {
        vectors += Index{2} * options.lbfgs.history;
    } else if (solver == "newton-cg") {
        vectors += is_sparse ? 3 : 0;
        beside += is_sparse ? 0 : own_rows;
    } else if (is_stochastic(solver) && !is_sparse) {
        // Where rows are streamed they pass through a window of their own.
        constexpr Index most_numbers = RowPicker::window_bytes / number_bytes;
        beside += own_rows == 0 || shape.dimension > most_numbers / own_rows
                      ? most_numbers
                      : own_rows * shape.dimension;
    }
    // Threads have matrices of their own as long as these are small.
    const Index matrices =
        6 + (matrix_side <= Curvature::most_variables_apart ? Index{threads} : 1);
    const Index of_matrices = times(times(matrices * number_bytes, matrix_side), matrix_side);
    return times(times(vectors, number_bytes), shape.dimension) + of_matrices +
           beside * number_bytes;
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
