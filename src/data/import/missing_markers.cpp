#include "missing_markers.hpp"

#include <algorithm>
#include <cctype>

#include "decimal.hpp"
#include "paralogit/data/import/csv.hpp"

namespace paralogit::data {

namespace {

char lower(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

}  // namespace

bool spells_number(const std::string& text, double& value) {
    // read_decimal() wants a character behind the number that no number has.
    const std::string ended = text + '\n';
    return read_decimal(ended.data(), value) == ended.data() + text.size();
}

std::vector<std::string> usual_markers() {
    std::vector<std::string> markers;
    for (std::size_t begin = 0; begin < usual_missing_markers.size();) {
        const std::size_t end =
            std::min(usual_missing_markers.find(',', begin), usual_missing_markers.size());
        markers.emplace_back(usual_missing_markers.substr(begin, end - begin));
        begin = end + 1;
    }
    return markers;
}

MissingMarkers::MissingMarkers(std::span<const std::string> markers) {
    for (const std::string& marker : markers) {
        if (marker.empty()) {
            continue;
        }
        std::string& own = markers_.emplace_back(marker);
        std::ranges::transform(own, own.begin(), lower);
        const char first = own.front();
        begins_one_[static_cast<unsigned char>(first)] = true;
        begins_one_[static_cast<unsigned char>(std::toupper(static_cast<unsigned char>(first)))] =
            true;
        double number = 0;
        if (spells_number(marker, number)) {
            numbers_.push_back(number);
        }
    }
}

bool MissingMarkers::is_spelled_like_one(std::string_view text) const {
    return std::ranges::any_of(markers_, [&](const std::string& marker) {
        return marker.size() == text.size() && std::ranges::equal(marker, text, {}, {}, lower);
    });
}

bool MissingMarkers::is_missing_number(double value) const {
    return std::ranges::find(numbers_, value) != numbers_.end();
}

bool MissingMarkers::is_missing_field(const std::string& text) const {
    double value = 0;
    return is_missing_text(text) ||
           (has_numbers() && spells_number(text, value) && is_missing_number(value));
}

}  // namespace paralogit::data
