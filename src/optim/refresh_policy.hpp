#pragma once

#include "paralogit/base/types.hpp"

// When Newton's method computes a new Hessian, and from how many rows: the choice that promises the
// least cost to the end of the run. A contraction is the factor by which a step shrinks the
// gradient in the norm of the inverse Hessian.

namespace paralogit::optim {

struct HessianCosts {
    Index rows;           ///< that the objective is a mean of
    Index dimension;      ///< of the point
    double hessian_cost;  ///< of a Hessian of all rows, in evaluations
    /// How much worse than sampling_contraction says the choice of rows has been found to be.
    double excess_noise = 1;
};

/// What the next steps are expected to do.
struct Outlook {
    double contraction;         ///< by a step with the present Hessian
    double newton_contraction;  ///< by a step with a new one of all rows
};

/// Both ends included; powers of two.
struct ThinningRange {
    Index least;
    Index most;
};

struct HessianChoice {
    bool is_new;
    Index thinning;  ///< of the new one
};

/// The largest power of two up to `most` that leaves 16 rows for each variable, and 4000.
Index first_thinning(const HessianCosts& costs, Index most);

/// The contraction by a step whose Hessian comes from one of `thinning` rows, as far as the choice
/// of rows limits it: sqrt(dimension (thinning - 1) / rows), the relative deviation of the
/// eigenvalues of a sampled second moment (Marchenko & Pastur 1967), and the rate of conjugate
/// directions on such a spectrum.
double sampling_contraction(const HessianCosts& costs, Index thinning);

/// Whether a step made next to no progress and the choice of rows, not nonlinearity alone, has to
/// be the reason.
bool is_starved(double contraction, double noise);

/// What a step with a new Hessian tells, which expected `expected` of all rows and is limited to
/// `noise` by the choice of rows. Near the optimum the next Newton step contracts by the square,
/// and a step with this Hessian by twice as much as this one did (Kantorovich 1948: the chord
/// method errs twice as much); unless it was the choice of rows that limited the step.
Outlook outlook_after_new(double contraction, double expected, double noise);

/// Looks two Hessians ahead, until `bits_to_go` bits of the gradient are gained.
HessianChoice choose_hessian(const HessianCosts& costs, const Outlook& outlook, double bits_to_go,
                             const ThinningRange& range);

/// log2(x), within 0.09: exponent and mantissa, joined linearly. Unlike the library's logarithm it
/// has the same bits on every machine, and decisions rest on it.
double rough_log2(double x);

}  // namespace paralogit::optim
