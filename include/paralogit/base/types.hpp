#pragma once

#include <Eigen/Core>
#include <cstdint>

#include "paralogit/base/element_type.hpp"

namespace paralogit {

/// Counts and positions of rows, features, blocks and bytes. Signed, so that a difference is a
/// difference; 64 bits, so that 2^31 is no border.
using Index = std::int64_t;

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

}  // namespace paralogit
