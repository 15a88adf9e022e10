#include "kept_hessian.hpp"

#include <utility>

namespace paralogit::optim {

namespace {

constexpr const char* hessian_point_key = "hessian_point";
constexpr const char* curvature_key = "curvature";

}  // namespace

std::optional<KeptHessian> KeptHessian::of(const State& state) {
    const auto found = state.memory.find(curvature_key);
    if (found == state.memory.end()) {
        return std::nullopt;
    }
    const Matrix& numbers = found->second;
    const auto count = [&](Index k) { return static_cast<Index>(numbers(k, 0)); };
    return KeptHessian{.point = state.memory.at(hessian_point_key).col(0),
                       .thinning = count(0),
                       .most_thinning = count(1),
                       .used = count(2),
                       .steps = count(3),
                       .newton_contraction = numbers(4, 0),
                       .excess_noise = numbers(5, 0)};
}

void KeptHessian::remember(std::map<std::string, Matrix>& memory) const {
    Matrix numbers(6, 1);
    numbers << static_cast<double>(thinning), static_cast<double>(most_thinning),
        static_cast<double>(used), static_cast<double>(steps), newton_contraction, excess_noise;
    memory.insert_or_assign(hessian_point_key, Matrix(point));
    memory.insert_or_assign(curvature_key, std::move(numbers));
}

Index hessians_used(const State& state) {
    const auto kept = KeptHessian::of(state);
    return kept ? kept->used : 0;
}

}  // namespace paralogit::optim
