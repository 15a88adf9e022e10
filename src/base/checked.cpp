#include "paralogit/base/checked.hpp"

namespace paralogit {

Index checked_multiply(Index a, Index b, const std::string& what, ExitCode code) {
    Index product = 0;
    if (__builtin_mul_overflow(a, b, &product)) {
        throw Error(code, what + ": " + std::to_string(a) + " times " + std::to_string(b) +
                              " is more than 63 bits can count");
    }
    return product;
}

}  // namespace paralogit
