#pragma once

#include <vector>

#include "diagnosis.hpp"
#include "recession.hpp"

namespace paralogit::train {

bool is_penalised(const RunEnd& run, Index feature);

/// What penalties and bounds hold, feature by feature, when features have these scales. A penalty
/// that is next to nothing holds nothing.
std::vector<Held> held_coefficients(const RunEnd& run, const Vector& scale);

/// Whether the penalty holds every coefficient.
bool is_held_altogether(const RunEnd& run);

}  // namespace paralogit::train
