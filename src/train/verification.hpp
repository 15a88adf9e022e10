#pragma once

#include "paralogit/model/loss.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// The mean loss and its gradient by the parameters, row by row in long double: by another way than
/// that of a pass, without blocks' kernels, exact sums and standardised variables.
struct PlainEvaluation {
    double loss = 0;
    Vector gradient;
};

/// Cost: 4 d flops in long double for each row. Throws Error (usage) for sparse rows of more
/// features than such a loop is for. @collective
PlainEvaluation evaluate_plainly(const comm::Communicator& comm, const DataSet& data,
                                 const Vector& parameters, const model::Loss& loss = model::Loss());

}  // namespace paralogit::train
