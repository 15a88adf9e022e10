#pragma once

#include <optional>
#include <string>

#include "paralogit/train/objective.hpp"
#include "run_data.hpp"

namespace paralogit::train {

/// Whether nothing holds back the coefficients that are not 0, so that they could grow for ever
/// where every row lies strictly on its own side; or all rows are of one class, and the intercept
/// could.
bool nothing_holds(const RunData& data, const Vector& parameters, bool has_intercept);

/// Why the parameters that a run ended with have no standard errors, in words that follow "no
/// standard errors: "; empty when they can have some.
std::optional<std::string> obstacle_to_inference(const RunData& data, const Vector& parameters,
                                                 bool is_separable, optim::StopReason reason,
                                                 const StopRequests& requests);

}  // namespace paralogit::train
