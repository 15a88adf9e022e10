#include "paralogit/data/source_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "file_state.hpp"
#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

[[noreturn]] void fail_to_read(const FilePart& part) {
    if (errno == ENOENT) {
        throw Error(
            ExitCode::input_data,
            fmt::format("{}: there is no such file any more, or not on this host; a file is "
                        "opened again in each pass over rows that are streamed: leave it "
                        "where it is until the run has ended",
                        part.path));
    }
    throw Error(ExitCode::input_data,
                fmt::format("{}: cannot be read: {}", part.path,
                            std::error_code(errno, std::generic_category()).message()));
}

void check_state(const FilePart& part, const FileState& now) {
    if (now.bytes != part.file_bytes) {
        fail_changed(part, fmt::format("it had {} bytes and has {}", part.file_bytes, now.bytes));
    }
    if (now.modified_nanoseconds != part.modified_nanoseconds) {
        fail_changed(part, "its time of modification is another one");
    }
}

}  // namespace

SourceFile::SourceFile(const FilePart& part)
    : part_(part), descriptor_(::open(part.path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) {
        fail_to_read(part_);
    }
    try {
        check_unchanged();
    } catch (...) {
        ::close(descriptor_);
        throw;
    }
}

SourceFile::~SourceFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

SourceFile::SourceFile(SourceFile&& other) noexcept
    : part_(std::move(other.part_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

SourceFile& SourceFile::operator=(SourceFile&& other) noexcept {
    std::swap(part_, other.part_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

void SourceFile::read(Index offset, std::span<std::byte> out) const {
    while (!out.empty()) {
        const ssize_t got = ::pread(descriptor_, out.data(), out.size(), offset);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            fail_to_read(part_);
        }
        if (got == 0) {
            fail_changed(part_, fmt::format("it ends at byte {}, before its values do", offset));
        }
        out = out.subspan(static_cast<std::size_t>(got));
        offset += got;
    }
}

void SourceFile::check_unchanged() const {
    check_state(part_, state_of(descriptor_, part_.path));
}

void check_unchanged(const FilePart& part) {
    if (::access(part.path.c_str(), F_OK) != 0 && errno == ENOENT) {
        fail_to_read(part);
    }
    check_state(part, state_of(part.path));
}

void fail_changed(const FilePart& part, const std::string& what) {
    throw Error(ExitCode::input_data,
                fmt::format("{}: the file has changed since the run began, or is another one on "
                            "this host: {}; start again when nothing writes to it, and give copies "
                            "on several hosts the same time (cp -p)",
                            part.path, what));
}

}  // namespace paralogit::data
