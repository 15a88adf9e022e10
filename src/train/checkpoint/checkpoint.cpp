#include "paralogit/train/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <span>
#include <system_error>
#include <tuple>
#include <utility>

#include "checkpoint_content.hpp"
#include "checkpoint_names.hpp"
#include "paralogit/base/digest.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/base/output_file.hpp"

namespace paralogit::train {

namespace {

struct Candidate {
    std::filesystem::path path;
    CheckpointName name;
};

/// The first 16 digits of the SHA-256 of a file's bytes. Throws Error with `code`.
std::string digest_of(const std::filesystem::path& file, ExitCode code) {
    constexpr std::size_t piece_bytes = std::size_t{1} << 16;
    std::ifstream stream(file, std::ios::binary);
    std::vector<char> piece(piece_bytes);
    Sha256 sha256;
    while (stream) {
        stream.read(piece.data(), std::ssize(piece));
        sha256.add(
            std::as_bytes(std::span(piece).first(static_cast<std::size_t>(stream.gcount()))));
    }
    if (!stream.is_open() || stream.bad()) {
        throw Error(code, fmt::format("{}: cannot read it", file.string()));
    }
    return sha256.hex().substr(0, 16);
}

/// The regular files of a directory. Throws Error (model_file) when it cannot be read.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    std::error_code status;
    for (std::filesystem::directory_iterator entry(directory, status), end; !status && entry != end;
         entry.increment(status)) {
        std::error_code ignored;
        if (entry->is_regular_file(ignored)) {
            files.push_back(entry->path());
        }
    }
    if (status) {
        throw Error(ExitCode::model_file, fmt::format("{}: cannot read the directory: {}",
                                                      directory.string(), status.message()));
    }
    return files;
}

/// Those of the directory, newest first.
std::vector<Candidate> candidates_in(const std::filesystem::path& directory) {
    std::vector<Candidate> candidates;
    for (const std::filesystem::path& file : files_in(directory)) {
        if (auto name = parse_checkpoint_name(file.filename().string())) {
            candidates.push_back({file, std::move(*name)});
        }
    }
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
        return std::tie(b.name.iteration, a.name.digest) <
               std::tie(a.name.iteration, b.name.digest);
    });
    return candidates;
}

Checkpoint read_whole(const Candidate& candidate) {
    const std::string digest = digest_of(candidate.path, ExitCode::model_file);
    if (digest != candidate.name.digest) {
        throw Error(ExitCode::model_file,
                    fmt::format("{}: it is damaged: the SHA-256 of its bytes starts with {}, not "
                                "with what its name says",
                                candidate.path.string(), digest));
    }
    Checkpoint checkpoint = read_content(candidate.path);
    if (checkpoint.state.iteration != candidate.name.iteration) {
        throw Error(ExitCode::model_file,
                    fmt::format("{}: it holds iteration {}, not the one that its name says",
                                candidate.path.string(), checkpoint.state.iteration));
    }
    return checkpoint;
}

/// The reason of a rejection stands beside the path, so the text need not repeat it.
std::string without_path(const std::string& text, const std::filesystem::path& path) {
    const std::string start = path.string() + ": ";
    return text.starts_with(start) ? text.substr(start.size()) : text;
}

/// The file system, the disk or the HDF5 library may have lost what they said to have written.
void check_written(const std::filesystem::path& file, const Checkpoint& checkpoint,
                   const std::filesystem::path& directory) {
    bool is_same = false;
    std::string cause = "other bits than were written";
    try {
        is_same = is_written(file, checkpoint);
    } catch (const Error& error) {
        cause = error.what();
    }
    if (!is_same) {
        throw Error(ExitCode::cannot_write,
                    fmt::format("{}: the checkpoint of iteration {} reads back wrong ({}); check "
                                "the disk, or write to another one",
                                directory.string(), checkpoint.state.iteration, cause));
    }
}

/// Leaves the newest `keep` among those up to and including `written`. Newer ones are damaged, or
/// the run would have gone on from them; they stay for who wants to look.
void remove_older(const std::filesystem::path& directory, const std::filesystem::path& written,
                  Index iteration, int keep) {
    int kept = 1;
    for (const Candidate& candidate : candidates_in(directory)) {
        if (candidate.name.iteration > iteration ||
            candidate.path.filename() == written.filename()) {
            continue;
        }
        if (kept < keep) {
            ++kept;
            continue;
        }
        std::error_code ignored;
        std::filesystem::remove(candidate.path, ignored);
    }
}

}  // namespace

CheckpointStore::CheckpointStore(std::filesystem::path directory, int keep)
    : directory_(std::move(directory)), keep_(keep) {
    if (keep < 1) {
        throw Error(ExitCode::internal,
                    fmt::format("internal error: {} checkpoints to keep; give at least 1", keep));
    }
}

std::filesystem::path CheckpointStore::write(const Checkpoint& checkpoint) const {
    const std::string fault = fault_of(checkpoint);
    if (!fault.empty()) {
        throw Error(
            ExitCode::internal,
            fmt::format("internal error: a checkpoint that could not be resumed: {}", fault));
    }
    const Index iteration = checkpoint.state.iteration;
    const std::filesystem::path target = directory_ / unfinished_checkpoint_name(iteration);
    OutputFile file(target);
    write_content(file.temporary_path(), checkpoint, target);
    check_written(file.temporary_path(), checkpoint, directory_);
    const std::string digest = digest_of(file.temporary_path(), ExitCode::cannot_write);

    // One rename commits content and digest together.
    std::filesystem::path path = directory_ / checkpoint_file_name({iteration, digest});
    file.commit_as(path);
    try {
        remove_older(directory_, path, iteration, keep_);
    } catch (const Error&) {
        // The new one is acknowledged: a file too many is no reason to fail.
    }
    return path;
}

CheckpointStore::Found CheckpointStore::newest() const {
    Found found;
    for (const Candidate& candidate : candidates_in(directory_)) {
        try {
            found.checkpoint = read_whole(candidate);
            found.path = candidate.path;
            return found;
        } catch (const std::exception& error) {
            found.rejected.push_back({candidate.path, without_path(error.what(), candidate.path)});
        }
    }
    return found;
}

void CheckpointStore::remove_leftovers() const {
    for (const std::filesystem::path& file : files_in(directory_)) {
        if (is_leftover_of_checkpoint(file.filename().string())) {
            std::error_code ignored;
            std::filesystem::remove(file, ignored);
        }
    }
}

}  // namespace paralogit::train
