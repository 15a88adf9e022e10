#include "paralogit/train/run_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "checkpoint_names.hpp"
#include "directory_lock.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/base/output_file.hpp"

namespace paralogit::train {

namespace {

constexpr const char* lock_name = "lock";
constexpr const char* checkpoints_name = "checkpoints";
constexpr std::array<std::string_view, 8> result_names{
    "model.h5",    "best_model.h5",  "metrics.jsonl", "summary.json",
    "config.used", "inference.json", "inference.csv", "trace.json"};

/// What a directory holds beside the lock and an empty `checkpoints`.
struct Contents {
    std::vector<std::filesystem::path> of_a_run;  ///< files that a run wrote
    std::vector<std::filesystem::path> foreign;   ///< files and directories that no run writes
    bool empty() const { return of_a_run.empty() && foreign.empty(); }
};

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view action,
                       const std::error_code& cause) {
    throw Error(ExitCode::cannot_write,
                fmt::format("{}: cannot {}: {}", path.string(), action, cause.message()));
}

std::vector<std::filesystem::directory_entry> entries_of(const std::filesystem::path& directory) {
    std::vector<std::filesystem::directory_entry> entries;
    std::error_code status;
    for (std::filesystem::directory_iterator entry(directory, status), end; !status && entry != end;
         entry.increment(status)) {
        entries.push_back(*entry);
    }
    if (status) {
        fail(directory, "read the directory", status);
    }
    std::sort(entries.begin(), entries.end());
    return entries;
}

/// A file itself, no link to one elsewhere.
bool is_file(const std::filesystem::directory_entry& entry) {
    std::error_code ignored;
    return entry.symlink_status(ignored).type() == std::filesystem::file_type::regular;
}

bool is_leftover(std::string_view name) {
    return std::any_of(result_names.begin(), result_names.end(),
                       [&](std::string_view target) { return is_leftover_of(target, name); });
}

bool is_result(std::string_view name) {
    return std::find(result_names.begin(), result_names.end(), name) != result_names.end() ||
           is_leftover(name);
}

bool is_checkpoint(std::string_view name) {
    return parse_checkpoint_name(name).has_value() || is_leftover_of_checkpoint(name);
}

Contents contents_of(const std::filesystem::path& directory) {
    Contents contents;
    for (const auto& entry : entries_of(directory)) {
        const std::string name = entry.path().filename().string();
        std::error_code ignored;
        if (name == checkpoints_name &&
            entry.symlink_status(ignored).type() == std::filesystem::file_type::directory) {
            for (const auto& inner : entries_of(entry.path())) {
                const bool is_known =
                    is_file(inner) && is_checkpoint(inner.path().filename().string());
                (is_known ? contents.of_a_run : contents.foreign).push_back(inner.path());
            }
        } else if (name != lock_name || !is_file(entry)) {
            const bool is_known = is_file(entry) && is_result(name);
            (is_known ? contents.of_a_run : contents.foreign).push_back(entry.path());
        }
    }
    return contents;
}

/// Throws Error (usage) unless a run may go into the directory.
void check_contents(const std::filesystem::path& directory, ExistingRun existing) {
    if (existing == ExistingRun::resume) {
        return;
    }
    const Contents contents = contents_of(directory);
    if (existing == ExistingRun::refuse && !contents.empty()) {
        throw Error(ExitCode::usage,
                    fmt::format("{}: the output directory exists and is not empty; give another "
                                "--out, go on with --resume, or replace it with --overwrite",
                                directory.string()));
    }
    if (existing == ExistingRun::overwrite && !contents.foreign.empty()) {
        throw Error(ExitCode::usage,
                    fmt::format("{}: --overwrite removes nothing but what a run wrote, and {} is "
                                "something else; remove it yourself or give another --out",
                                directory.string(), contents.foreign.front().string()));
    }
}

/// Throws Error (usage) where an input is a file that the run removes or writes anew.
void check_inputs(const std::filesystem::path& directory, std::span<const std::string> inputs) {
    for (const std::filesystem::path& file : contents_of(directory).of_a_run) {
        for (const std::string& input : inputs) {
            std::error_code ignored;  // what is not there is no other file's double
            if (std::filesystem::equivalent(file, input, ignored)) {
                throw Error(ExitCode::usage,
                            fmt::format("{}: the run would replace its input {}; give another "
                                        "--out, or move the input elsewhere",
                                        directory.string(), input));
            }
        }
    }
}

void make_directories(const std::filesystem::path& directory) {
    std::error_code status;
    std::filesystem::create_directories(directory, status);
    if (status) {
        fail(directory, "make the directory", status);
    }
}

void remove_file(const std::filesystem::path& file) {
    std::error_code status;
    std::filesystem::remove(file, status);
    if (status) {
        fail(file, "remove", status);
    }
}

/// Throws unless some bytes can be written beside `file`; they vanish at once. A full disk may
/// still take names.
void try_to_write(const std::filesystem::path& file) {
    constexpr std::size_t bytes = 4096;
    OutputFile trial(file);
    trial.append(std::string(bytes, ' '));
}

/// The iteration of a line of metrics; nothing when the line is torn.
std::optional<Index> iteration_of(std::string_view line) {
    const auto object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) {
        return std::nullopt;
    }
    const auto iteration = object.find("iteration");
    if (iteration == object.end() || !iteration->is_number_integer()) {
        return std::nullopt;
    }
    return iteration->get<Index>();
}

}  // namespace

RunDirectory::RunDirectory(const std::filesystem::path& path, ExistingRun existing,
                           std::span<const std::string> inputs)
    : path_(path), existing_(existing) {
    std::error_code status;
    const auto type = std::filesystem::status(path, status).type();
    if (type == std::filesystem::file_type::directory) {
        // Whoever holds the lock of an earlier run explains more than what it has written so far.
        // A directory without one may be none of ours: nothing is put into it before a look.
        if (std::filesystem::symlink_status(path / lock_name, status).type() ==
            std::filesystem::file_type::regular) {
            lock_ = std::make_unique<DirectoryLock>(path / lock_name);
        }
        check_contents(path, existing);
        check_inputs(path, inputs);
    } else if (status == std::errc::permission_denied) {
        fail(path, "look at the directory", status);
    } else if (std::error_code ignored; type == std::filesystem::file_type::not_found &&
                                        std::filesystem::is_symlink(path, ignored)) {
        throw Error(
            ExitCode::usage,
            fmt::format("{}: the output must be a directory, but this is a link to nothing; "
                        "make what it leads to, or give another --out",
                        path.string()));
    } else if (type != std::filesystem::file_type::not_found) {
        throw Error(ExitCode::usage,
                    fmt::format("{}: the output must be a directory, but this is {}; give another "
                                "--out",
                                path.string(), status ? status.message() : "something else"));
    }
    is_temporary_ = type == std::filesystem::file_type::not_found;
    make_directories(path);
    try {
        if (!lock_) {
            lock_ = std::make_unique<DirectoryLock>(path / lock_name);
        }
        // Another run may have come and gone between the first look and the lock.
        check_contents(path, existing);
        make_directories(checkpoints());
        try_to_write(model());
        try_to_write(checkpoints() / unfinished_checkpoint_name(0));
    } catch (...) {
        remove_if_temporary();
        throw;
    }
}

RunDirectory::~RunDirectory() {
    remove_if_temporary();
}

void RunDirectory::remove_if_temporary() const {
    if (!is_temporary_) {
        return;
    }
    std::error_code ignored;
    // Without the lock another run is at work here: a directory that is not empty stays.
    if (lock_) {
        std::filesystem::remove(checkpoints(), ignored);
        std::filesystem::remove(path_ / lock_name, ignored);
    }
    std::filesystem::remove(path_, ignored);
}

void RunDirectory::begin() {
    is_temporary_ = false;
    for (const std::filesystem::path& file : contents_of(path_).of_a_run) {
        const std::string name = file.filename().string();
        if (existing_ == ExistingRun::overwrite || is_leftover(name) ||
            is_leftover_of_checkpoint(name)) {
            remove_file(file);
        }
    }
}

void RunDirectory::write_text(const std::filesystem::path& file, std::string_view text) const {
    OutputFile output(file);
    output.append(text);
    output.commit();
}

void RunDirectory::keep_metrics_up_to(Index iteration) const {
    std::error_code ignored;
    if (!std::filesystem::exists(metrics(), ignored)) {
        return;
    }
    const std::string text = read_whole_file(metrics(), ExitCode::cannot_write);
    std::string kept;
    for (std::size_t first = 0; first < text.size();) {
        const std::size_t end = std::min(text.find('\n', first), text.size());
        const std::string_view line = std::string_view(text).substr(first, end - first);
        const std::optional<Index> of_line = iteration_of(line);
        if (of_line && *of_line <= iteration) {
            kept.append(line).append("\n");
        }
        first = end + 1;
    }
    if (kept != text) {
        write_text(metrics(), kept);
    }
}

void RunDirectory::append_metrics(std::string_view line) const {
    const int descriptor =
        ::open(metrics().c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        fail(metrics(), "open to append", {errno, std::generic_category()});
    }
    const std::string text = fmt::format("{}\n", line);
    struct stat before {};
    int cause = ::fstat(descriptor, &before) == 0 ? 0 : errno;
    if (cause == 0) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written != std::ssize(text)) {
            // A disk that fills up takes the beginning of a line and says nothing.
            cause = written < 0 ? errno : ENOSPC;
            if (written > 0 && ::ftruncate(descriptor, before.st_size) != 0) {
                cause = errno;
            }
        }
    }
    if (::close(descriptor) != 0 && cause == 0) {
        cause = errno;
    }
    if (cause != 0) {
        fail(metrics(), "append to", {cause, std::generic_category()});
    }
}

}  // namespace paralogit::train
