#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "paralogit/base/types.hpp"
#include "paralogit/model/block.hpp"

namespace paralogit::model {

/// Which rows of a block a thinning t leaves: one of each t neighbours. Which one, a hash of their
/// place in the data set draws, so that a period in the order of the rows (hours of a day,
/// alternating classes) does not choose for us. A function of the data set alone; t = 1 leaves all.
class ThinnedRows {
  public:
    ThinnedRows(Index first_global_row, Index rows, Index thinning)
        : first_(first_global_row), rows_(rows), thinning_(thinning) {}

    Index size() const { return (rows_ + thinning_ - 1) / thinning_; }

    /// Of the i-th row that is left, its place in the block. Rises with i.
    Index operator[](Index i) const { return thinning_ == 1 ? i : drawn(i * thinning_); }

    /// What of a value for each row of the block is left, into memory that is kept.
    template <typename Value>
    void take(std::span<const Value> values, std::vector<Value>& left) const {
        left.clear();
        for (Index i = 0; i < size(); ++i) {
            left.push_back(values[static_cast<std::size_t>((*this)[i])]);
        }
    }

  private:
    /// One of the neighbours from this one on.
    Index drawn(Index neighbours) const;

    Index first_;
    Index rows_;
    Index thinning_;
};

/// The features of the rows that are left, side by side as they are stored, into memory that is
/// kept.
void copy_rows(const Block& block, const ThinnedRows& rows, std::vector<std::byte>& values);

}  // namespace paralogit::model
