#pragma once

#include "paralogit/base/element_type.hpp"

namespace paralogit::train {

/// The part of a value by which its type may have rounded it; that of doubles for integers, which
/// are exact themselves but not what is computed of them.
constexpr double rounding_of(ElementType type) {
    switch (type) {
        case ElementType::float16:
            return 0x1p-11;
        case ElementType::float32:
            return 0x1p-24;
        default:
            return 0x1p-53;
    }
}

}  // namespace paralogit::train
