#pragma once

#include <string>

#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

/// One line of metrics.jsonl, without the line's end. Numbers read back to the same bits.
std::string metrics_line(const IterationFacts& facts, const model::Loss& loss,
                         bool has_soft_labels);

/// The content of summary.json.
std::string summary_json(const TrainOutcome& outcome, const RunFacts& facts,
                         const TrainOptions& options);

}  // namespace paralogit::train
