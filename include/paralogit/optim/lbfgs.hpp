#pragma once

#include "paralogit/optim/line_search.hpp"
#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

struct LbfgsOptions {
    int history = 50;  ///< pairs kept, >= 1; 2 * history vectors of memory, and about ten more
    LineSearchOptions line_search{};
};

/// Limited-memory BFGS (Liu & Nocedal 1989; two-loop recursion, Nocedal & Wright 2006, algorithm
/// 7.4) with a strong-Wolfe search. A pair with s.y too small to be trusted is left out. A search
/// that fails forgets the history and tries steepest descent once; if that fails too there is no
/// progress to be made. Nor is there after 100 steps in a row of which none made the value or the
/// gradient smaller than it had ever been.
/// Memory: "s", "y" [dimension x pairs], oldest pair first until there are `history` of them, then
/// a ring, with the column of the oldest one in "oldest" [1 x 1]; "stall" [3 x 1], the least value
/// and the least gradient norm (maximum) so far, and the number of steps since. Cost of an
/// iteration: mostly one evaluation, and 10 * history * dimension flops.
class Lbfgs : public Solver {
  public:
    /// Throws Error (usage) that names the option, its value and its range.
    explicit Lbfgs(const LbfgsOptions& options);

    std::string_view name() const override { return "lbfgs"; }
    StepResult step(Objective& objective, State& state) const override;

  private:
    LbfgsOptions options_;
};

}  // namespace paralogit::optim
