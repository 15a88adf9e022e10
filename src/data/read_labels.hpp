#pragma once

#include <string>
#include <unordered_map>

#include "paralogit/data/labels.hpp"
#include "paralogit/data/shard_plan.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// Gathers labels of one or more files, in their order.
class LabelReader {
  public:
    /// Appends the rows (counted within the file) of a dataset.
    void read(const h5::Dataset& dataset, Range rows);

    RawLabels take();

  private:
    void read_texts(const h5::Dataset& dataset, Range rows);

    RawLabels labels_;
    std::unordered_map<std::string, double> positions_;  ///< of texts
};

}  // namespace paralogit::data
