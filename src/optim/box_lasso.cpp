#include "box_lasso.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cholesky.hpp"
#include "ordered_sums.hpp"

namespace paralogit::optim {

namespace {

constexpr int most_rounds = 200;
constexpr Index least_sweeps = 8;
/// In multiplications, times three: some seconds.
constexpr double most_work = 3e10;

/// The point as it goes, and the gradient of the quadratic there.
class Descent {
  public:
    explicit Descent(const BoxLasso& problem)
        : problem_(problem), x_(problem.start), gradient_(problem.gradient) {}

    const Vector& point() const { return x_; }

    double violation() const { return max_norm(problem_.term.least_subgradient(x_, gradient_)); }

    /// Each variable in turn goes to its minimum; `only_in_use` passes over those that are 0.
    /// Returns the largest |slope| that was found on the way.
    double sweep(bool only_in_use) {
        double largest = 0;
        for (Index j = 0; j < x_.size(); ++j) {
            if (only_in_use && x_[j] == 0) {
                continue;
            }
            const double slope = problem_.term.least_subgradient(j, x_[j], gradient_[j]);
            if (slope == 0) {
                continue;
            }
            largest = std::max(largest, std::abs(slope));
            const double curvature = problem_.hessian(j, j);
            if (curvature > 0) {
                const double minimum = x_[j] - gradient_[j] / curvature;
                move(j, problem_.term.proximal(j, minimum, curvature));
            }
        }
        return largest;
    }

    /// What became of a step over the free variables.
    enum class Step {
        none,     ///< there is no way down
        whole,    ///< to the minimum over these variables
        blocked,  ///< to where the first of them became 0 or met a bound
    };

    /// `free` are the free variables.
    Step step_on_face(const std::vector<Index>& free) {
        const auto count = std::ssize(free);
        if (count == 0) {
            return Step::none;
        }
        Matrix among(count, count);
        Vector slope(count);
        for (Index a = 0; a < count; ++a) {
            const Index j = free[static_cast<std::size_t>(a)];
            slope[a] = problem_.term.least_subgradient(j, x_[j], gradient_[j]);
            for (Index b = 0; b < count; ++b) {
                among(b, a) = problem_.hessian(free[static_cast<std::size_t>(b)], j);
            }
        }
        const auto factor = Cholesky::factor_with_ridge(std::move(among));
        if (!factor) {
            return Step::none;
        }
        const Vector direction = -factor->solve(slope);
        if (!(dot(direction, slope) < 0) || !std::isfinite(max_norm(direction))) {
            return Step::none;
        }
        const auto [length, blocking] = reach(free, direction);
        for (Index a = 0; a < count; ++a) {
            const Index j = free[static_cast<std::size_t>(a)];
            const double step = length * direction[a];
            const double end = a == blocking ? end_of(j, direction[a]) : x_[j] + step;
            x_[j] = std::clamp(end, problem_.term.lower[j], problem_.term.upper[j]);
        }
        recompute_gradient();
        return blocking < 0 ? Step::whole : Step::blocked;
    }

    /// The variables near which the term is linear.
    std::vector<Index> free_variables() const {
        const SeparableTerm& term = problem_.term;
        std::vector<Index> free;
        for (Index j = 0; j < x_.size(); ++j) {
            if ((x_[j] != 0 || term.l1[j] == 0) && x_[j] > term.lower[j] && x_[j] < term.upper[j]) {
                free.push_back(j);
            }
        }
        return free;
    }

  private:
    void move(Index j, double to) {
        const double step = to - x_[j];
        x_[j] = to;
        if (step != 0) {
            gradient_ += step * problem_.hessian.col(j);
        }
    }

    void recompute_gradient() {
        gradient_ = problem_.gradient;
        for (Index j = 0; j < x_.size(); ++j) {
            const double step = x_[j] - problem_.start[j];
            if (step != 0) {
                gradient_ += step * problem_.hessian.col(j);
            }
        }
    }

    /// Where a free variable that goes this way ceases to be free.
    double end_of(Index j, double direction) const {
        const SeparableTerm& term = problem_.term;
        const double bound = direction > 0 ? term.upper[j] : term.lower[j];
        const bool comes_to_zero = term.l1[j] > 0 && x_[j] * direction < 0;
        if (!comes_to_zero) {
            return bound;
        }
        return direction > 0 ? std::min(bound, 0.0) : std::max(bound, 0.0);
    }

    /// The part of the direction, up to all of it, that leaves the variables free but one; which
    /// one, or -1.
    struct Reach {
        double length;
        Index blocking;
    };
    Reach reach(const std::vector<Index>& free, const Vector& direction) const {
        Reach reach{.length = 1, .blocking = -1};
        for (Index a = 0; a < direction.size(); ++a) {
            const Index j = free[static_cast<std::size_t>(a)];
            if (direction[a] == 0) {
                continue;
            }
            const double length = (end_of(j, direction[a]) - x_[j]) / direction[a];
            if (length < reach.length) {
                reach = {.length = length, .blocking = a};
            }
        }
        return reach;
    }

    const BoxLasso& problem_;
    Vector x_;
    Vector gradient_;
};

}  // namespace

Vector solve(const BoxLasso& problem, double tolerance) {
    Descent descent(problem);
    double work_left = most_work;
    for (int round = 0; round < most_rounds; ++round) {
        descent.sweep(/*only_in_use=*/false);
        // As many sweeps as cost about what a step does.
        const Index sweeps = least_sweeps + std::ssize(descent.free_variables()) / 4;
        for (Index sweep = 0; sweep < sweeps; ++sweep) {
            if (descent.sweep(/*only_in_use=*/true) <= tolerance) {
                break;
            }
        }
        // A step that is blocked lets go of one variable: there are no more of them than variables.
        Descent::Step last = Descent::Step::blocked;
        while (last == Descent::Step::blocked && descent.violation() > tolerance) {
            const std::vector<Index> free = descent.free_variables();
            const auto size = static_cast<double>(free.size());
            work_left -= size * size * size;
            last = work_left > 0 ? descent.step_on_face(free) : Descent::Step::none;
        }
        if (descent.violation() <= tolerance) {
            break;
        }
    }
    return descent.point();
}

}  // namespace paralogit::optim
