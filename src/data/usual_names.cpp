#include "usual_names.hpp"

#include <algorithm>
#include <cctype>

namespace paralogit::data {

std::string last_component(const std::string& path) {
    std::string name = path.substr(path.find_last_of('/') + 1);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name;
}

bool is_among(std::span<const std::string_view> names, const std::string& path) {
    return std::find(names.begin(), names.end(), last_component(path)) != names.end();
}

bool has_name_of_features(const std::string& path) {
    return is_among(names_of_features, path) || is_among(names_of_test_features, path);
}

}  // namespace paralogit::data
