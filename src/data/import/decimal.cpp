#include "decimal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace paralogit::data {

bool is_other_integer(std::string_view text, double value) {
    if (text.starts_with('-') || text.starts_with('+')) {
        text.remove_prefix(1);
    }
    if (text.empty() || !std::ranges::all_of(text, is_digit)) {
        return false;
    }
    text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
    return fmt::format("{:.0f}", std::fabs(value)) != text;
}

}  // namespace paralogit::data
