#include "hessian_factor.hpp"

namespace paralogit::optim {

std::optional<Cholesky> factor_of_hessian(CurvedObjective& objective, const Vector& point,
                                          Index thinning) {
    // What a rough Hessian errs by, about 1e-7 of the diagonal, is next to nothing beside the
    // choice of rows in directions that are less flat than this.
    constexpr double least_part_left = 1e-4;
    if (thinning > 1) {
        auto rough = Cholesky::factor(objective.rough_hessian(point, thinning));
        if (rough && rough->least_part_left() > least_part_left) {
            return rough;
        }
    }
    return Cholesky::factor_with_ridge(objective.hessian(point, thinning));
}

}  // namespace paralogit::optim
