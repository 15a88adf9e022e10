#include <glob.h>

#include <algorithm>
#include <filesystem>

#include "paralogit/data/manifest.hpp"

namespace paralogit::data {

namespace {

/// In the order of their bytes, whatever the locale.
std::vector<std::string> matches_of(const std::string& pattern) {
    glob_t found{};
    const int status = glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
    std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    globfree(&found);
    if (status != 0 && status != GLOB_NOMATCH) {
        throw Error(ExitCode::input_data, pattern + ": the pattern cannot be expanded");
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

}  // namespace

std::vector<std::string> expand_paths(std::span<const std::string> paths) {
    std::vector<std::string> result;
    for (const std::string& path : paths) {
        std::error_code ignored;
        const bool is_pattern = path.find_first_of("*?[") != std::string::npos;
        if (!is_pattern || std::filesystem::exists(path, ignored)) {
            result.push_back(path);
            continue;
        }
        const std::vector<std::string> matches = matches_of(path);
        if (matches.empty()) {
            throw Error(ExitCode::input_data, path + ": no file matches this pattern");
        }
        result.insert(result.end(), matches.begin(), matches.end());
    }
    return result;
}

}  // namespace paralogit::data
