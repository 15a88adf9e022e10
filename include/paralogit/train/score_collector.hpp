#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "paralogit/base/buffer.hpp"
#include "paralogit/model/block.hpp"
#include "paralogit/model/score_key.hpp"

namespace paralogit::train {

/// The scores of this rank's rows, by class, in no order: what a ranking is made of. Rows of weight
/// 0 are left out. A row with a soft label y is y of a positive and 1 - y of a negative row.
class ScoreCollector {
  public:
    /// How many bytes a row takes: 8 when every row is hard and weighs 1, else 16; twice that when
    /// labels are soft. The same on all ranks.
    struct Form {
        bool has_weights = false;  ///< row weights
        bool is_soft = false;      ///< labels other than 0 and 1

        bool is_weighted() const { return has_weights || is_soft; }
    };

    /// Room for that many rows, which takes no memory before it is written to.
    ScoreCollector(Index rows, Form form);

    /// The scores of some rows, none of them NaN where the weight is positive; `row_weights` is
    /// empty when every weight is 1. From any thread, many at a time. Throws Error (internal) when
    /// there are more rows than was said, or others than the form allows.
    void add(std::span<const double> scores, model::LabelView labels,
             std::span<const double> row_weights);

    const Form& form() const { return form_; }

    /// What is there, once all is added: positives from the begin of the buffer on, negatives up to
    /// its end. Row is std::uint64_t, a key, or model::WeightedKey where the form is weighted.
    template <class Row>
    std::span<Row> positives() {
        return all<Row>().first(static_cast<std::size_t>(positives_.load()));
    }
    template <class Row>
    std::span<Row> negatives() {
        return all<Row>().last(static_cast<std::size_t>(negatives_.load()));
    }

    /// The memory itself; the spans above are void afterwards.
    Buffer take_buffer() { return std::move(buffer_); }

  private:
    template <class Row>
    std::span<Row> all() {
        return {reinterpret_cast<Row*>(buffer_.data()), static_cast<std::size_t>(capacity_)};
    }
    template <class Row, class MakeRow>
    void add_rows(std::span<const double> scores, model::LabelView labels,
                  std::span<const double> row_weights, const MakeRow& make_row);

    Form form_;
    Index capacity_;
    Buffer buffer_;
    std::atomic<Index> used_ = 0;
    std::atomic<Index> positives_ = 0;
    std::atomic<Index> negatives_ = 0;
};

}  // namespace paralogit::train
