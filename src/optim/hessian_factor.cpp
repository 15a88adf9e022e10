#include "hessian_factor.hpp"

namespace paralogit::optim {

namespace {

bool may_be_rough(Index thinning) {
    return thinning > 1;
}

}  // namespace

std::optional<Cholesky> factor_of_hessian(CurvedObjective& objective, const Vector& point,
                                          Index thinning) {
    // What a rough Hessian errs by, about 1e-7 of the diagonal, is next to nothing beside the
    // choice of rows in directions that are less flat than this.
    constexpr double least_part_left = 1e-4;
    if (may_be_rough(thinning)) {
        auto rough = Cholesky::factor(objective.rough_hessian(point, thinning));
        if (rough && rough->least_part_left() > least_part_left) {
            return rough;
        }
    }
    return Cholesky::factor_with_ridge(objective.hessian(point, thinning));
}

Evaluation evaluate_before_factor(CurvedObjective& objective, const Vector& point, Index thinning) {
    return may_be_rough(thinning) ? objective.evaluate_with_hessian(point, thinning)
                                  : objective.evaluate(point);
}

}  // namespace paralogit::optim
