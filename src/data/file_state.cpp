#include "file_state.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <system_error>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

FileState state_of(const std::string& path) {
    std::error_code failure;
    const std::uintmax_t bytes = std::filesystem::file_size(path, failure);
    if (!failure) {
        const auto modified = std::filesystem::last_write_time(path, failure);
        if (!failure) {
            return {.bytes = narrow<Index>(bytes),
                    .modified_nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                                modified.time_since_epoch())
                                                .count()};
        }
    }
    throw Error(ExitCode::input_data,
                fmt::format("{}: cannot read its size and time: {}", path, failure.message()));
}

}  // namespace paralogit::data
