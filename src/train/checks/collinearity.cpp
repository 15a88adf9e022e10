#include "collinearity.hpp"

#include <algorithm>
#include <cmath>

#include "../load/used_features.hpp"
#include "../objective/widened_rows.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/inference.hpp"
#include "paralogit/train/inference_report.hpp"

namespace paralogit::train {

namespace {

using Counts = std::vector<Index>;

/// An equation that says of a variable that it is a sum of others, mostly of a few.
class Equation {
  public:
    explicit Equation(const model::Alias& alias)
        : terms_{{.variable = alias.variable, .factor = 1}} {
        for (Index j = 0; j < alias.factors.size(); ++j) {
            if (alias.factors[j] != 0) {
                terms_.push_back({.variable = j, .factor = -alias.factors[j]});
            }
        }
    }

    /// Whether a row obeys it, but for the rounding of values and of factors.
    bool holds(std::span<const double> row) const {
        constexpr double rounding = 1e-6;
        double rest = 0;
        double magnitude = 0;
        for (const Term& term : terms_) {
            const auto j = static_cast<std::size_t>(term.variable);
            const double part = term.factor * (j < row.size() ? row[j] : 1.0);
            rest += part;
            magnitude = std::max(magnitude, std::abs(part));
        }
        return std::abs(rest) <= rounding * magnitude;
    }

  private:
    struct Term {
        Index variable;  ///< the intercept's is the number of features
        double factor;
    };
    std::vector<Term> terms_;
};

/// The rows of this rank that do not obey each of the equations.
Counts own_exceptions(const DataSet& data, const std::vector<model::Alias>& aliases) {
    const std::vector<Equation> equations(aliases.begin(), aliases.end());
    std::vector<Counts> parts(static_cast<std::size_t>(data.execution.threads),
                              Counts(equations.size()));
    visit_rows(data, [&](int thread, std::span<const double> row, double, double) {
        Counts& part = parts[static_cast<std::size_t>(thread)];
        for (std::size_t k = 0; k < equations.size(); ++k) {
            // One row is enough to refute.
            if (part[k] == 0 && !equations[k].holds(row)) {
                part[k] = 1;
            }
        }
    });
    Counts all(aliases.size());
    for (const Counts& part : parts) {
        for (std::size_t k = 0; k < all.size(); ++k) {
            all[k] += part[k];
        }
    }
    return all;
}

}  // namespace

bool is_small_enough_for_collinearity(Index features) {
    constexpr Index most_features = 2000;
    return features <= most_features;
}

std::vector<bool> hold_in_every_row(const comm::Communicator& comm, const DataSet& data,
                                    const std::vector<model::Alias>& equations) {
    std::vector<bool> hold;
    if (equations.empty()) {
        return hold;
    }
    Counts exceptions = comm::together(comm, [&] { return own_exceptions(data, equations); });
    comm.sum(std::span<Index>(exceptions));
    for (const Index count : exceptions) {
        hold.push_back(count == 0);
    }
    return hold;
}

std::vector<std::string> find_collinear(const comm::Communicator& comm, const DataSet& data,
                                        const Matrix& hessian,
                                        const optim::ChangeOfVariables& change) {
    if (hessian.size() == 0 || !hessian.allFinite()) {
        return {};
    }
    std::vector<model::Alias> aliases;
    for (const model::Alias& alias : model::AliasingCholesky::factor(hessian).aliases()) {
        constexpr std::size_t most = 20;
        if (aliases.size() < most && alias.factors.size() > 0) {
            aliases.push_back(model::in_units_of_features(alias, change.centre, change.scale,
                                                          change.has_intercept));
        }
    }
    const std::vector<bool> hold = hold_in_every_row(comm, data, aliases);
    InferenceReport names;
    names.names = data.manifest.feature_names;
    names.all_features = data.manifest.features;
    for (Index j = 0; j < data.shard.features; ++j) {
        names.features.push_back(number_in_files(data, j));
    }
    std::vector<std::string> texts;
    for (std::size_t k = 0; k < aliases.size(); ++k) {
        if (hold[k]) {
            texts.push_back(alias_text(names, aliases[k]));
        }
    }
    return texts;
}

}  // namespace paralogit::train
