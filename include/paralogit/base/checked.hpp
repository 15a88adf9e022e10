#pragma once

#include <concepts>
#include <utility>

#include "paralogit/base/error.hpp"

namespace paralogit {

/// The one narrowing cast between integer types. Throws Error (internal) when the value does not
/// fit.
template <std::integral To, std::integral From>
To narrow(From value) {
    if (!std::in_range<To>(value)) {
        throw Error(ExitCode::internal, "internal error: the integer " + std::to_string(value) +
                                            " does not fit into the type that receives it");
    }
    return static_cast<To>(value);
}

/// `a * b`, or Error with `what` in its text and with `code` when the product exceeds 63 bits.
Index checked_multiply(Index a, Index b, const std::string& what,
                       ExitCode code = ExitCode::input_data);

}  // namespace paralogit
