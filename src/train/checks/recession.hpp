#pragma once

#include <span>
#include <vector>

#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/train/data_set.hpp"
#include "row_span.hpp"
#include "separation.hpp"

namespace paralogit::train {

/// What keeps a coefficient from going to infinity on either side.
struct Held {
    bool above = false;
    bool below = false;
    bool both() const { return above && below; }
};

/// Whether a search for directions takes a part of a second: it costs features^3.
bool is_small_enough_for_directions(Index features);

/// Where the loss falls all the way to infinity. Each direction tells some rows apart without doubt
/// and leaves others on its border; rows on the border of all directions that are known may be told
/// apart by further ones, and what these rows do not tell has no finite value.
class Recession {
  public:
    /// All must outlive this.
    Recession(const comm::Communicator& comm, const DataSet& data,
              const optim::ChangeOfVariables& change, const std::vector<Held>& held);

    /// Those that are not held, of the rows that are left. They are known from now on. One pass.
    /// @collective
    std::vector<Separator> add_separators();

    /// A direction of the parameters that may tell rows apart together with rounding: it is made to
    /// be exactly across the rows next to its border, and is known from now on if it then tells
    /// rows apart and none wrongly, with all of the margins far above their rounding. Two passes,
    /// of which the second ends at the first row that is told wrongly. Returns whether it is.
    /// @collective
    bool add_direction(const Vector& parameters);

    /// Rows that some known direction tells apart, and others.
    struct Rows {
        Index apart = 0;
        Index border = 0;
    };
    /// One pass. @collective
    Rows count_rows() const;

    /// How much each parameter moves in the directions in which nothing holds the loss: 0 for those
    /// with a finite value, and for what no row tells. In units of standardised features; the
    /// intercept is the last if there is one. Two passes. @collective
    Vector moves() const;

  private:
    /// A row in the variables, and how far rounding of its values may move a margin of a direction
    /// of length 1.
    struct Standardised {
        Vector values;
        double rounding = 0;
        double border() const;
    };
    void standardise(std::span<const double> row, Standardised& standardised) const;

    /// Margins of a direction from the values as they are, for rows far from its border, which most
    /// are.
    struct Glance {
        Vector factors;  ///< [d]
        double constant = 0;
        /// A margin beyond it lies as far from 0 in the variables as was asked for, on that side.
        double reach = 0;
        double margin(std::span<const double> row) const;
    };
    /// Asked for are so much of the length of a row and so many times its rounding.
    Glance glance_along(const Vector& direction, double of_length, double roundings) const;

    bool is_left(std::span<const double> row) const;
    bool is_left(std::span<const double> row, const Standardised& standardised) const;

    /// Of the rows that are chosen, standardised, among those that are looked at, as they are.
    template <typename IsLookedAt, typename IsChosen>
    RowSpan span_of(RowSpan start, const IsLookedAt& is_looked_at, const IsChosen& is_chosen) const;
    /// What directions that point as this one does may have no part of.
    RowSpan span_of_held(const Vector& towards) const;
    bool is_held(Index feature, double towards) const;

    const comm::Communicator& comm_;
    const DataSet& data_;
    const optim::ChangeOfVariables& change_;
    const std::vector<Held>& held_;  ///< [d]
    Index dimension_;
    double value_rounding_;
    std::vector<Separator> separators_;
    std::vector<Vector> directions_;  ///< of length 1, in the variables
};

}  // namespace paralogit::train
