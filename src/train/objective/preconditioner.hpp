#pragma once

#include <algorithm>
#include <cmath>

#include "paralogit/base/chunks.hpp"

namespace paralogit::train {

/// Makes of the second derivatives of the loss [features, and the intercept's if there is one] a
/// positive diagonal that stands for the Hessian of sparse rows in conjugate gradients:
/// of_penalty(j) is the penalty's by feature j. Returns false, and leaves nothing of use, where
/// these are all 0 or not finite.
///
/// Where features are many, each is in few rows, and a row shares few features with other rows.
/// Along the gradient of such a row the Hessian is about the penalty plus the row's curvature times
/// its square, of all of its features together; along each feature alone it is little more than the
/// penalty, so that the diagonal says too little. The gradients of n rows share out what the loss
/// adds to the penalty, so the penalty is counted once more times sum_j loss_j / (loss_j +
/// penalty_j) / n: the features that the loss determines, for each row; or so many times that. With
/// many rows, or without a penalty, that is next to nothing. A hundredth of the mean of the loss's
/// is added too: where a feature's rows have no curvature here, they may have some a step further.
template <typename OfPenalty>
bool make_preconditioner(Vector& of_loss, Index features, Index rows, const OfPenalty& of_penalty,
                         int threads = 1, double times_determined = 1) {
    constexpr double least_part = 0.01;
    const double sum = sum_of_chunks(features, threads, [&](Range chunk) {
        double of_chunk = 0;
        for (Index j = chunk.first; j < chunk.end; ++j) {
            // max() the other way round would drop a NaN.
            of_loss[j] = of_loss[j] < 0 ? 0.0 : of_loss[j];
            of_chunk += of_loss[j];
        }
        return of_chunk;
    });
    const double determined = sum_of_chunks(features, threads, [&](Range chunk) {
        double of_chunk = 0;
        for (Index j = chunk.first; j < chunk.end; ++j) {
            of_chunk += of_loss[j] == 0 ? 0.0 : of_loss[j] / (of_loss[j] + of_penalty(j));
        }
        return of_chunk;
    });
    const double least = least_part * sum / static_cast<double>(features);
    if (!std::isnormal(least)) {
        return false;
    }
    const double times = 1 + times_determined * determined / static_cast<double>(rows);
    in_parts(features, threads, [&](Range part) {
        for (Index j = part.first; j < part.end; ++j) {
            of_loss[j] += least + times * of_penalty(j);
        }
    });
    for (Index j = features; j < of_loss.size(); ++j) {
        of_loss[j] = std::max(of_loss[j], least);
    }
    return true;
}

}  // namespace paralogit::train
