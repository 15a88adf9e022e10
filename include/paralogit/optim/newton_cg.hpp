#pragma once

#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

struct NewtonCgOptions {
    /// One of `thinning` rows enters the first Hessian products, a power of two. What the objective
    /// has at most bounds it.
    Index thinning = 1;
    int max_products = 50;  ///< Hessian products in one iteration, >= 1
};

/// Newton's method for many variables: the step minimises the quadratic model within a radius, by
/// conjugate gradients that end at the border or along a direction without curvature (Steihaug
/// 1983; for logistic regression Lin, Weng & Keerthi 2008). The gradient of the model is reduced by
/// a factor that shrinks with the gradient itself (Eisenstat & Walker 1996, choice 2), so that
/// early steps cost few products and late ones converge superlinearly. The radius follows the ratio
/// of the true to the promised decrease (Lin & More 1999, algorithm 2.1, with their constants). A
/// trial that is not finite or does not lower the value enough shrinks the radius, and a shorter
/// part of the same step is tried, which costs no product. Where all of them fail a strong-Wolfe
/// search goes along the gradient. A model that promises to fall below 0, which no loss does, ends
/// the step there: that happens where the curvature vanishes. When it does in the first step, 0
/// takes its place if the value is lower there, else a search along the line to 0, if that leads
/// downhill: a start in other units is on such a line. The preconditioner, in whose norm steps
/// are measured, is the objective's own if it has one, else the diagonal of the Hessian at the
/// point, from about 16000 rows at least, with a hundredth of its mean added (LIBLINEAR mixes it
/// with the identity: Hsia, Chiang & Lin 2018).
/// Where a part of the rows leaves fewer of them than about four for each variable, and a step
/// makes hardly any progress, the next one takes its products from four times the rows.
/// Where the decrease is below what double arithmetic can tell, a step is taken if it makes the
/// gradient smaller; if not, there is no progress to be made.
/// Where variables follow others the first iteration only leads them to where they are best, at the
/// cost of one evaluation, so that a run begins with the value at its start as with any solver.
///
/// Memory: "radius" [1 x 1]; "products" [1 x 1], the Hessian products so far; "gradient_before" [1
/// x 1], the norm of the gradient one step earlier, as the preconditioner of that step measures it;
/// "thinning" [1 x 1]; "stall" [3 x 1] as in Lbfgs (all absent before the first step). The first
/// radius is the length of the first step. Cost of an iteration: mostly one evaluation, a diagonal,
/// and up to max_products products, each about as dear as an evaluation; ten vectors of memory, the
/// state's own two among them.
class NewtonCg : public Solver {
  public:
    /// Throws Error (usage) that names the option, its value and its range.
    explicit NewtonCg(const NewtonCgOptions& options);

    std::string_view name() const override { return "newton-cg"; }
    /// Throws Error (internal) unless the objective is a CurvedObjective.
    StepResult step(Objective& objective, State& state) const override;

  private:
    NewtonCgOptions options_;
};

/// The Hessian products that the run used to come to this state; 0 for other solvers.
Index products_used(const State& state);

}  // namespace paralogit::optim
