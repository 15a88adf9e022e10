#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

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

std::vector<std::string> notes_on_repeated_files(std::span<const std::string> paths) {
    std::vector<std::string> notes;
    std::map<std::pair<dev_t, ino_t>, std::string> known;
    for (const std::string& path : paths) {
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) {
            continue;  // removed meanwhile, which the reading tells
        }
        const auto [place, is_new] = known.try_emplace({status.st_dev, status.st_ino}, path);
        if (!is_new) {
            notes.push_back(fmt::format(
                "{} is given twice{}: its rows count twice", path,
                place->second == path ? "" : fmt::format(" (the same file as {})", place->second)));
        }
    }
    return notes;
}

}  // namespace paralogit::data
