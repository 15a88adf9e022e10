#pragma once

#include <map>
#include <optional>
#include <string>

#include "paralogit/model/penalty.hpp"
#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/optim/separable_term.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/moments.hpp"

namespace paralogit::train {

/// What the user says of penalties and bounds.
struct PenaltyOptions {
    double l1 = 0;
    double l2 = 0;

    /// In place of both, a strength and the part of it that is l1: as glmnet's lambda, or as
    /// scikit-learn's C, which is 1 / (strength S), S the sum of the row weights.
    std::optional<double> lambda;
    std::optional<double> c;
    double l1_ratio = 0;

    /// Whether coefficients of standardised features are penalised, as glmnet does by itself.
    bool is_of_standardised = false;

    /// Sources of one number per feature (src/train/feature_numbers.hpp); empty for none.
    std::string factors;
    std::string lower;
    std::string upper;

    bool has_strength() const { return lambda || c; }
    bool is_penalised() const { return l1 > 0 || l2 > 0 || lambda.value_or(0) > 0 || c; }
    bool has_bounds() const { return !lower.empty() || !upper.empty(); }
    /// Whether bounds might not leave every coefficient the value 0.
    bool may_hold_off_zero() const;
    bool has_l1() const { return l1 > 0 || (has_strength() && l1_ratio > 0); }
    /// Whether the objective has a part that is not smooth.
    bool has_kinks() const { return has_l1() || has_bounds(); }
};

/// What holds the coefficients, feature by feature as the shards number them.
struct Penalties {
    model::Penalty penalty{0.0};
    Vector lower;  ///< [d]; empty when there are no bounds
    Vector upper;
    /// What changes the path of the iteration, as numbers or as digests of numbers.
    std::map<std::string, std::string> path_options;

    /// Whether nothing keeps a coefficient of this value from growing.
    bool let_grow(Index feature, double coefficient) const;
    /// Whether bounds leave a coefficient one value.
    bool is_fixed(Index feature) const {
        return lower.size() > 0 && lower[feature] == upper[feature];
    }
    /// The number nearest to 0 that the coefficient may be.
    double nearest_to_zero(Index feature) const;
};

/// Throws Error (usage) for bounds that contradict each other, and what feature_numbers throws.
/// @collective
Penalties make_penalties(const comm::Communicator& comm, const PenaltyOptions& options,
                         const DataSet& data, const Moments& moments);

/// Makes the scales of features that have a bound powers of two, so that a bound is the same number
/// in either variables.
void keep_bounds_exact(const Penalties& penalties, optim::ChangeOfVariables& change);

/// The part that is not smooth, in the solver's variables. When there is none it is empty, or, for
/// a solver that asks for the part of each variable, a term of zeros.
optim::SeparableTerm separable_term(const PenaltyOptions& options, const Penalties& penalties,
                                    const optim::ChangeOfVariables& change, bool is_always_whole);

}  // namespace paralogit::train
