#pragma once

#include <fmt/format.h>

#include <string_view>

#include "paralogit/base/error.hpp"

namespace paralogit::optim {

/// Throws Error (usage) unless the option's value is admissible. `range` completes the sentence
/// "expected ...".
template <typename Value>
void require_option(bool is_admissible, std::string_view option, Value value,
                    std::string_view range) {
    if (!is_admissible) {
        throw Error(ExitCode::usage, fmt::format("{} {}: expected {}", option, value, range));
    }
}

}  // namespace paralogit::optim
