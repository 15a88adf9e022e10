#include "learning_rate.hpp"

#include <algorithm>
#include <cmath>

namespace paralogit::train {

namespace {

/// In the order of the entries, whatever the instruction set.
double norm(const Vector& x) {
    double sum = 0;
    for (const double value : x) {
        sum += value * value;
    }
    return std::sqrt(sum);
}

/// The largest curvature of a row, in units of the smallest at margin 0.
double growth_of_curvature(const model::Loss& loss) {
    double largest = 0;
    constexpr double far = 40;
    for (double margin = -far; margin <= far; margin += 0.0625) {
        largest = std::max({largest, loss.at(0, margin).curvature, loss.at(1, margin).curvature});
    }
    return largest / std::min(loss.at(0, 0).curvature, loss.at(1, 0).curvature);
}

}  // namespace

double largest_curvature(optim::CurvedObjective& objective, Index features, const model::Loss& loss,
                         const Vector& left_out) {
    const Vector origin = Vector::Zero(objective.dimension());
    // Unequal entries: no eigenvector of a symmetric problem is orthogonal to all of it.
    Vector direction(objective.dimension());
    for (Index j = 0; j < direction.size(); ++j) {
        direction[j] = 1 + 0.3 * static_cast<double>(j % 7) / static_cast<double>(features + 1);
    }
    direction /= norm(direction);
    double largest = 0;
    Vector product;
    constexpr int products = 20;
    for (int i = 0; i < products; ++i) {
        objective.hessian_product(origin, direction, 1, product);
        product.head(left_out.size()) -= left_out.cwiseProduct(direction.head(left_out.size()));
        largest = norm(product);
        if (!(largest > 0) || !std::isfinite(largest)) {
            break;
        }
        direction = product / largest;
    }
    return largest * growth_of_curvature(loss);
}

}  // namespace paralogit::train
