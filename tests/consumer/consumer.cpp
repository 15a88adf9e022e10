#include <cstdio>

#include "paralogit/model/loss.hpp"
#include "paralogit/optim/lbfgs.hpp"

namespace {

/// log(1 + e^w) - w/4 has its minimum at w = log(1/3).
class OneParameter : public paralogit::optim::Objective {
  public:
    paralogit::Index dimension() const override { return 1; }
    paralogit::optim::Evaluation evaluate(const paralogit::Vector& point) override {
        const auto [loss, slope] = paralogit::model::binary_cross_entropy(0.25, point[0]);
        return {loss, paralogit::Vector::Constant(1, slope)};
    }
};

}  // namespace

int main() {
    OneParameter objective;
    const paralogit::optim::Lbfgs solver({});
    auto state = solver.start(objective, paralogit::Vector::Zero(1));
    while (std::abs(state.at_point.gradient[0]) > 1e-9 &&
           solver.step(objective, state) == paralogit::optim::StepResult::moved) {
    }
    const double error = std::abs(state.point[0] - std::log(1.0 / 3.0));
    std::printf("consumer: error %g after %lld steps\n", error,
                static_cast<long long>(state.iteration));
    return error < 1e-8 ? 0 : 1;
}
