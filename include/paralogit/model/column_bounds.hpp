#pragma once

#include <cstdint>
#include <vector>

#include "paralogit/base/types.hpp"

namespace paralogit::model {

/// What bounds the sums over all rows, the same on all ranks and a function of the data alone.
/// Exponents from -900 on; what is smaller counts as that large.
struct ColumnBounds {
    /// 2^e is above whatever is added up of a feature with factors |r_i| <= s_i at a time: the sum
    /// of a block of dense rows, an entry of sparse ones.  [d]
    std::vector<std::int16_t> sum_exponents;
    /// max |x_ij| < 2^e over the rows of positive weight.  [d]
    std::vector<std::int16_t> value_exponents;
    /// Exponent of the largest block sum of row weights.
    std::int32_t weight_exponent = 0;
};

}  // namespace paralogit::model
