#include "paralogit/train/plot_program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "paralogit/base/output_file.hpp"

namespace paralogit::train {

namespace {

/// What the program reads and writes.
class Streams {
  public:
    Streams(const std::filesystem::path& input, const std::filesystem::path& output) {
        if (::posix_spawn_file_actions_init(&actions_) != 0) {
            throw std::bad_alloc();
        }
        open(STDIN_FILENO, input, O_RDONLY);
        open(STDOUT_FILENO, output, O_WRONLY | O_TRUNC);
    }
    ~Streams() { ::posix_spawn_file_actions_destroy(&actions_); }
    Streams(const Streams&) = delete;
    Streams& operator=(const Streams&) = delete;

    const posix_spawn_file_actions_t* actions() const { return &actions_; }

  private:
    void open(int stream, const std::filesystem::path& file, int flags) {
        if (::posix_spawn_file_actions_addopen(&actions_, stream, file.c_str(), flags, 0) != 0) {
            throw std::bad_alloc();
        }
    }

    posix_spawn_file_actions_t actions_{};
};

/// Starts the program and waits for its end: 0 when all went well.
int status_of(const std::filesystem::path& program, const Streams& streams) {
    std::string name = program.filename().string();
    std::string without_user_settings = "-d";
    char* arguments[] = {name.data(), without_user_settings.data(), nullptr};
    pid_t child = 0;
    const int cause =
        ::posix_spawn(&child, program.c_str(), streams.actions(), nullptr, arguments, ::environ);
    if (cause != 0) {
        throw Error(ExitCode::cannot_write, fmt::format("{}: cannot start: {}", program.string(),
                                                        std::generic_category().message(cause)));
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            throw Error(ExitCode::internal,
                        fmt::format("internal error: cannot wait for gnuplot: {}",
                                    std::generic_category().message(errno)));
        }
    }
    return status;
}

}  // namespace

std::filesystem::path find_gnuplot() {
    const char* const path = std::getenv("PATH");
    std::string_view folders = path == nullptr ? "" : path;
    while (!folders.empty()) {
        const std::size_t colon = std::min(folders.find(':'), folders.size());
        auto program = std::filesystem::path(folders.substr(0, colon)) / "gnuplot";
        std::error_code ignored;  // where nothing can be looked up there is no program either
        if (std::filesystem::is_regular_file(program, ignored) &&
            ::access(program.c_str(), X_OK) == 0) {
            return program;
        }
        folders.remove_prefix(std::min(colon + 1, folders.size()));
    }
    throw Error(ExitCode::usage,
                "--plots: pictures are drawn by gnuplot, and there is no such program on the PATH; "
                "install it (Debian: gnuplot-nox), or leave --plots out: --out writes the same "
                "curves as numbers");
}

void draw(const std::filesystem::path& gnuplot, const std::filesystem::path& script,
          const std::filesystem::path& picture) {
    OutputFile output(picture);
    const Streams streams(script, output.temporary_path());
    std::error_code unknown;
    if (status_of(gnuplot, streams) != 0 ||
        std::filesystem::file_size(output.temporary_path(), unknown) == 0) {
        throw Error(ExitCode::cannot_write,
                    fmt::format("{}: gnuplot did not draw it; what it says of {} stands above",
                                picture.string(), script.string()));
    }
    output.commit();
}

}  // namespace paralogit::train
