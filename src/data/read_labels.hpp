#pragma once

#include <string>
#include <unordered_map>

#include "column.hpp"
#include "paralogit/data/labels.hpp"
#include "paralogit/data/shard_plan.hpp"

namespace paralogit::data {

/// Gathers labels of one or more files, in their order.
class LabelReader {
  public:
    /// Appends the rows (counted within the file) of a column.
    void read(const ColumnReader& column, Range rows);

    RawLabels take();

  private:
    void read_texts(const ColumnReader& column, Range rows);

    RawLabels labels_;
    std::unordered_map<std::string, double> positions_;  ///< of texts
};

}  // namespace paralogit::data
