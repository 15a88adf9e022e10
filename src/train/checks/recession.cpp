#include "recession.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "../objective/widened_rows.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/comm/agreement.hpp"
#include "rounding.hpp"

namespace paralogit::train {

namespace {

std::string_view bytes_of(const Matrix& matrix) {
    return {reinterpret_cast<const char*>(matrix.data()),
            static_cast<std::size_t>(matrix.size()) * sizeof(double)};
}

/// Joins what the ranks found, in their order, to what all know.
RowSpan joined(const comm::Communicator& comm, RowSpan known, const RowSpan& own, Index dimension) {
    const Matrix basis = own.basis();
    for (const std::string& bytes : comm.all_gather(bytes_of(basis))) {
        const auto count = narrow<Index>(bytes.size() / sizeof(double));
        Matrix of_rank(dimension, count / dimension);
        std::memcpy(of_rank.data(), bytes.data(), bytes.size());
        known.add(of_rank);
    }
    return known;
}

struct Tally {
    Index apart = 0;
    Index border = 0;
    Index blurred = 0;     ///< so near to the border that rounding might have put them there
    Index exceptions = 0;  ///< on the wrong side, or off the border with a soft label
};

Tally sum_of(const comm::Communicator& comm, const std::vector<Tally>& parts) {
    std::array<Index, 4> counts{};
    for (const Tally& part : parts) {
        counts[0] += part.apart;
        counts[1] += part.border;
        counts[2] += part.blurred;
        counts[3] += part.exceptions;
    }
    comm.sum(std::span<Index>(counts));
    return {.apart = counts[0], .border = counts[1], .blurred = counts[2], .exceptions = counts[3]};
}

}  // namespace

bool is_small_enough_for_directions(Index features) {
    constexpr Index most_features = 1000;
    return features <= most_features;
}

Recession::Recession(const comm::Communicator& comm, const DataSet& data,
                     const optim::ChangeOfVariables& change, const std::vector<Held>& held)
    : comm_(comm),
      data_(data),
      change_(change),
      held_(held),
      dimension_(data.shard.features + (change.has_intercept ? 1 : 0)),
      value_rounding_(4 * rounding_of(data.manifest.type)) {}

double Recession::Standardised::border() const {
    constexpr double of_arithmetic = 1e-9;
    return of_arithmetic * values.norm() + rounding;
}

void Recession::standardise(std::span<const double> row, Standardised& standardised) const {
    Vector& values = standardised.values;
    values.resize(dimension_);
    double squares = 0;
    for (Index j = 0; j < data_.shard.features; ++j) {
        const double scale = change_.scale[j];
        const double value = row[static_cast<std::size_t>(j)];
        values[j] = scale == 0 ? 0.0 : (value - change_.centre[j]) / scale;
        const double part = scale == 0 ? 0.0 : value / scale;
        squares += part * part;
    }
    if (change_.has_intercept) {
        values[dimension_ - 1] = 1;
    }
    standardised.rounding = value_rounding_ * std::sqrt(squares);
}

double Recession::Glance::margin(std::span<const double> row) const {
    return constant + factors.dot(Eigen::Map<const Vector>(row.data(), std::ssize(row)));
}

Recession::Glance Recession::glance_along(const Vector& direction, double of_length,
                                          double roundings) const {
    Glance glance{.factors = Vector::Zero(data_.shard.features)};
    // Squares of what no row of the data is longer than, in the variables and without the centre.
    double length = 0;
    double length_of_values = 0;
    if (change_.has_intercept) {
        glance.constant = direction[dimension_ - 1];
        length = 1;
    }
    for (Index j = 0; j < data_.shard.features; ++j) {
        const double scale = change_.scale[j];
        if (scale == 0) {
            continue;
        }
        const double largest =
            std::ldexp(1.0, data_.bounds.value_exponents[static_cast<std::size_t>(j)]) / scale;
        const double centre = change_.centre[j] / scale;
        glance.factors[j] = direction[j] / scale;
        glance.constant -= direction[j] * centre;
        length += (largest + std::abs(centre)) * (largest + std::abs(centre));
        length_of_values += largest * largest;
    }
    // Twice as far: the two ways to compute a margin round otherwise.
    glance.reach = 2 * (of_length * std::sqrt(length) +
                        roundings * value_rounding_ * std::sqrt(length_of_values));
    if (!glance.factors.allFinite() || !std::isfinite(glance.constant)) {
        glance.reach = std::numeric_limits<double>::infinity();
    }
    return glance;
}

/// By single columns: exact.
bool Recession::is_left(std::span<const double> row) const {
    return std::ranges::all_of(separators_, [&](const Separator& separator) {
        return !separator.is_complete &&
               row[static_cast<std::size_t>(separator.feature)] == separator.threshold;
    });
}

bool Recession::is_left(std::span<const double> row, const Standardised& standardised) const {
    return is_left(row) && std::ranges::all_of(directions_, [&](const Vector& direction) {
               return std::abs(standardised.values.dot(direction)) <= standardised.border();
           });
}

template <typename IsLookedAt, typename IsChosen>
RowSpan Recession::span_of(RowSpan start, const IsLookedAt& is_looked_at,
                           const IsChosen& is_chosen) const {
    const RowSpan own = comm::together(comm_, [&] {
        const auto threads = static_cast<std::size_t>(data_.execution.threads);
        std::vector<RowSpan> parts(threads, start);
        std::vector<Standardised> rows(threads);
        visit_rows(data_, [&](int thread, std::span<const double> row, double /*label*/, double) {
            if (!is_looked_at(row)) {
                return;
            }
            const auto at = static_cast<std::size_t>(thread);
            standardise(row, rows[at]);
            if (is_chosen(row, rows[at])) {
                parts[at].add(rows[at].values, rows[at].rounding);
            }
        });
        RowSpan all = std::move(parts.front());
        for (std::size_t k = 1; k < threads; ++k) {
            all.add(parts[k].basis());
        }
        return all;
    });
    return joined(comm_, std::move(start), own, dimension_);
}

bool Recession::is_held(Index feature, double towards) const {
    const Held& held = held_[static_cast<std::size_t>(feature)];
    return held.both() || (towards > 0 && held.above) || (towards < 0 && held.below);
}

RowSpan Recession::span_of_held(const Vector& towards) const {
    RowSpan span(dimension_);
    for (Index j = 0; j < data_.shard.features; ++j) {
        if (is_held(j, towards[j])) {
            span.add(Vector(Vector::Unit(dimension_, j)), 0);
        }
    }
    return span;
}

std::vector<Separator> Recession::add_separators() {
    std::vector<Standardised> rows(static_cast<std::size_t>(data_.execution.threads));
    std::vector<Separator> found = find_separators(
        comm_, data_, change_.has_intercept, [&](int thread, std::span<const double> row) {
            if (directions_.empty()) {
                return is_left(row);
            }
            Standardised& standardised = rows[static_cast<std::size_t>(thread)];
            standardise(row, standardised);
            return is_left(row, standardised);
        });
    std::erase_if(found, [&](const Separator& separator) {
        return is_held(separator.feature, separator.is_positive_above ? 1 : -1);
    });
    separators_.insert(separators_.end(), found.begin(), found.end());
    return found;
}

bool Recession::add_direction(const Vector& parameters) {
    Vector direction = change_.to_point(parameters);
    const RowSpan held = span_of_held(direction);
    for (Index j = 0; j < data_.shard.features; ++j) {
        if (is_held(j, direction[j])) {
            direction[j] = 0;
        }
    }
    if (!direction.allFinite() || direction.isZero(0)) {
        return false;
    }
    direction.normalize();

    // What next to the border has a part along the direction makes it what it has to be.
    constexpr double near = 1e-6;
    const Glance to_border = glance_along(direction, near, 1);
    const RowSpan border = span_of(
        held,
        [&](std::span<const double> row) {
            return !(std::abs(to_border.margin(row)) > to_border.reach);
        },
        [&](std::span<const double> row, const Standardised& standardised) {
            return is_left(row, standardised) &&
                   std::abs(standardised.values.dot(direction)) <=
                       near * standardised.values.norm() + standardised.rounding;
        });
    direction = border.across(std::move(direction));
    constexpr double least_left = 1e-3;
    if (!(direction.norm() > least_left)) {
        return false;
    }
    direction.normalize();
    direction = border.across(std::move(direction));

    std::vector<Tally> parts(static_cast<std::size_t>(data_.execution.threads));
    comm::together(comm_, [&] {
        std::vector<Standardised> rows(parts.size());
        visit_rows(data_, [&](int thread, std::span<const double> row, double label, double) {
            const auto at = static_cast<std::size_t>(thread);
            standardise(row, rows[at]);
            if (!is_left(row, rows[at])) {
                return true;
            }
            constexpr double far = 30;
            const double margin = rows[at].values.dot(direction);
            const double border_of_row = rows[at].border();
            Tally& part = parts[at];
            if (std::abs(margin) <= border_of_row) {
                ++part.border;
            } else if (std::abs(margin) <= far * border_of_row) {
                ++part.blurred;
            } else if (margin > 0 ? label == 1 : label == 0) {
                ++part.apart;
            } else {
                ++part.exceptions;
            }
            return part.blurred == 0 && part.exceptions == 0;
        });
    });
    const Tally tally = sum_of(comm_, parts);
    if (tally.apart == 0 || tally.exceptions > 0 || tally.blurred > 0) {
        return false;
    }
    directions_.push_back(std::move(direction));
    return true;
}

Recession::Rows Recession::count_rows() const {
    std::vector<Tally> parts(static_cast<std::size_t>(data_.execution.threads));
    comm::together(comm_, [&] {
        std::vector<Standardised> rows(parts.size());
        visit_rows(data_, [&](int thread, std::span<const double> row, double /*label*/, double) {
            const auto at = static_cast<std::size_t>(thread);
            standardise(row, rows[at]);
            ++(is_left(row, rows[at]) ? parts[at].border : parts[at].apart);
        });
    });
    const Tally tally = sum_of(comm_, parts);
    return {.apart = tally.apart, .border = tally.border};
}

Vector Recession::moves() const {
    const auto every_row = [](std::span<const double> /*row*/) { return true; };
    const RowSpan left =
        span_of(span_of_held(Vector::Zero(dimension_)), every_row,
                [&](std::span<const double> row, const Standardised& standardised) {
                    return is_left(row, standardised);
                });
    const RowSpan all = span_of(
        left, every_row, [](std::span<const double> /*row*/, const Standardised&) { return true; });
    const Matrix free = all.basis().rightCols(all.rank() - left.rank());

    constexpr double negligible = 1e-6;
    Vector moves = free.rowwise().norm();
    if (change_.has_intercept) {
        // b = a - sum_j v_j centre_j / scale_j.
        Vector of_intercept = free.row(dimension_ - 1).transpose();
        double magnitude = of_intercept.norm();
        for (Index j = 0; j < data_.shard.features; ++j) {
            if (change_.scale[j] != 0) {
                const double factor = change_.centre[j] / change_.scale[j];
                of_intercept -= factor * free.row(j).transpose();
                magnitude = std::max(magnitude, std::abs(factor) * moves[j]);
            }
        }
        const double move = of_intercept.norm();
        moves[dimension_ - 1] = move > negligible * std::max(1.0, magnitude) ? move : 0.0;
    }
    for (Index j = 0; j < data_.shard.features; ++j) {
        moves[j] = moves[j] > negligible ? moves[j] : 0.0;
    }
    return moves;
}

}  // namespace paralogit::train
