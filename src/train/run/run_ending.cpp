#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

bool has_model(optim::StopReason reason) {
    return reason != optim::StopReason::signal && reason != optim::StopReason::diverged;
}

ExitCode exit_code_of(optim::StopReason reason) {
    switch (reason) {
        case optim::StopReason::diverged:
            return ExitCode::diverged;
        case optim::StopReason::signal:
            return ExitCode::stopped_by_signal;
        default:
            return ExitCode::done;
    }
}

}  // namespace paralogit::train
