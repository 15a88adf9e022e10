#include "file_state.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace paralogit::data {

namespace {

FileState state_from(int result, const struct stat& status, const std::string& path) {
    if (result != 0 && errno == ENOENT) {
        throw Error(ExitCode::input_data, path + ": there is no such file");
    }
    if (result != 0) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}: cannot read its size and time: {}", path,
                                std::error_code(errno, std::generic_category()).message()));
    }
    constexpr Index nanoseconds = 1'000'000'000;
    return {.bytes = status.st_size,
            .modified_nanoseconds = status.st_mtim.tv_sec * nanoseconds + status.st_mtim.tv_nsec};
}

}  // namespace

FileState state_of(const std::string& path) {
    struct stat status {};
    return state_from(::stat(path.c_str(), &status), status, path);
}

FileState state_of(int descriptor, const std::string& path) {
    struct stat status {};
    return state_from(::fstat(descriptor, &status), status, path);
}

}  // namespace paralogit::data
