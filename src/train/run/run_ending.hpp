#pragma once

#include <optional>
#include <string>

#include "paralogit/train/objective.hpp"
#include "run_data.hpp"

namespace paralogit::train {

/// Whether the parameters that nothing holds back could grow for ever: they alone put every row
/// strictly on its own side, or all rows are of one class, and the intercept could. `rows_wrong` is
/// that of all parameters. One pass where all rows are on their side, and what a penalty or a bound
/// holds may have helped. @collective
bool has_no_finite_optimum(const RunData& data, const Vector& parameters, Index rows_wrong,
                           bool has_intercept, DistributedObjective& objective);

/// Why the parameters that a run ended with have no standard errors, in words that follow "no
/// standard errors: "; empty when they can have some.
std::optional<std::string> obstacle_to_inference(const RunData& data, const Vector& parameters,
                                                 bool is_separable, optim::StopReason reason,
                                                 const StopRequests& requests);

}  // namespace paralogit::train
