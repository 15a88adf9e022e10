#pragma once

namespace paralogit::train {

/// What some rank asks of all; agreed on in the message of each evaluation, Hessian and product.
struct StopRequests {
    bool signal = false;
    bool time_limit = false;

    bool any() const { return signal || time_limit; }
};

}  // namespace paralogit::train
