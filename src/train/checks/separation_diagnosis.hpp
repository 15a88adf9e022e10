#pragma once

#include "diagnosis.hpp"
#include "end_curvature.hpp"

namespace paralogit::train {

/// Names the features that tell the classes apart, alone or together, if nothing holds their
/// coefficients, and the parameters that go to infinity. Costs passes only where the end of the run
/// looks so. @collective
void add_separation(const RunEnd& run, const TrainOutcome& outcome, const EndCurvature& end,
                    Diagnosis& diagnosis);

}  // namespace paralogit::train
