#include "collinearity.hpp"

#include <algorithm>
#include <cmath>

#include "../load/used_features.hpp"
#include "../objective/widened_rows.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/inference.hpp"
#include "paralogit/train/inference_report.hpp"
#include "rounding.hpp"

namespace paralogit::train {

namespace {

using Counts = std::vector<Index>;

/// An equation that says of a variable that it is a sum of others, mostly of a few.
class Equation {
  public:
    Equation(const model::Alias& alias, const optim::ChangeOfVariables& change) {
        const Index features = change.scale.size();
        // What the centres of features come to: it has to vanish too.
        add(change, features, alias.variable, 1);
        for (Index j = 0; j < alias.factors.size(); ++j) {
            if (alias.factors[j] != 0) {
                add(change, features, j, -alias.factors[j]);
            }
        }
    }

    /// Whether a row obeys it, but for the rounding of factors, which is next to what features vary
    /// by, and of values.
    bool holds(std::span<const double> row, double value_rounding) const {
        constexpr double rounding = 1e-6;
        double rest = of_centres_;
        double variation = 0;
        double magnitude = std::abs(of_centres_);
        for (const Term& term : terms_) {
            const double value = row[static_cast<std::size_t>(term.variable)];
            const double part = term.factor * (value - term.centre);
            rest += part;
            variation = std::max({variation, std::abs(part), std::abs(term.factor) * term.scale});
            magnitude = std::max(magnitude, std::abs(term.factor * value));
        }
        return std::abs(rest) <= rounding * variation + 4 * value_rounding * magnitude;
    }

  private:
    struct Term {
        Index variable;
        double factor;
        double centre;
        double scale;
    };

    void add(const optim::ChangeOfVariables& change, Index features, Index variable,
             double factor) {
        if (variable == features) {
            of_centres_ += factor;
            return;
        }
        terms_.push_back({.variable = variable,
                          .factor = factor,
                          .centre = change.centre[variable],
                          .scale = change.scale[variable]});
        of_centres_ += factor * change.centre[variable];
    }

    std::vector<Term> terms_;
    double of_centres_ = 0;
};

/// The rows of this rank that do not obey each of the equations.
Counts own_exceptions(const DataSet& data, const optim::ChangeOfVariables& change,
                      const std::vector<model::Alias>& aliases) {
    std::vector<Equation> equations;
    equations.reserve(aliases.size());
    for (const model::Alias& alias : aliases) {
        equations.emplace_back(alias, change);
    }
    const double value_rounding = rounding_of(data.manifest.type);
    std::vector<Counts> parts(static_cast<std::size_t>(data.execution.threads),
                              Counts(equations.size()));
    visit_rows(data, [&](int thread, std::span<const double> row, double, double) {
        Counts& part = parts[static_cast<std::size_t>(thread)];
        for (std::size_t k = 0; k < equations.size(); ++k) {
            // One row is enough to refute.
            if (part[k] == 0 && !equations[k].holds(row, value_rounding)) {
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
                                    const optim::ChangeOfVariables& change,
                                    const std::vector<model::Alias>& equations) {
    std::vector<bool> hold;
    if (equations.empty()) {
        return hold;
    }
    Counts exceptions =
        comm::together(comm, [&] { return own_exceptions(data, change, equations); });
    comm.sum(std::span<Index>(exceptions));
    for (const Index count : exceptions) {
        hold.push_back(count == 0);
    }
    return hold;
}

CollinearFeatures find_collinear(const comm::Communicator& comm, const DataSet& data,
                                 const Matrix& hessian, const optim::ChangeOfVariables& change) {
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
    const std::vector<bool> hold = hold_in_every_row(comm, data, change, aliases);
    InferenceReport names;
    names.names = data.manifest.feature_names;
    names.all_features = data.manifest.features;
    for (Index j = 0; j < data.shard.features; ++j) {
        names.features.push_back(number_in_files(data, j));
    }
    CollinearFeatures found;
    for (std::size_t k = 0; k < aliases.size(); ++k) {
        if (hold[k]) {
            found.equations.push_back(alias_text(names, aliases[k]));
            found.has_all_texts_of_a_column =
                found.has_all_texts_of_a_column || (data.manifest.files.front().is_converted &&
                                                    adds_up_texts_of_a_column(names, aliases[k]));
        }
    }
    return found;
}

}  // namespace paralogit::train
