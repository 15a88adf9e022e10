#include "paralogit/base/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <random>
#include <sstream>
#include <system_error>
#include <utility>

#include "paralogit/base/checked.hpp"
#include "temporary_files.hpp"

namespace paralogit {

namespace {

[[noreturn]] void fail(const std::filesystem::path& file, std::string_view action, int cause) {
    throw Error(ExitCode::cannot_write,
                fmt::format("{}: cannot {}: {}", file.string(), action,
                            std::error_code(cause, std::generic_category()).message()));
}

void write_fully(int descriptor, const char* bytes, std::size_t count, off_t offset, bool append,
                 const std::filesystem::path& file) {
    while (count > 0) {
        const ssize_t written =
            append ? ::write(descriptor, bytes, count) : ::pwrite(descriptor, bytes, count, offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            fail(file, "write", errno);
        }
        bytes += written;
        offset += written;
        count -= static_cast<std::size_t>(written);
    }
}

void sync_directory(const std::filesystem::path& file) {
    const std::filesystem::path parent = file.has_parent_path() ? file.parent_path() : ".";
    const int descriptor = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        fail(parent, "open the directory to sync it", errno);
    }
    const int status = ::fsync(descriptor);
    const int cause = errno;
    ::close(descriptor);
    // A file system without directory syncs says EINVAL; there is nothing to wait for then.
    if (status != 0 && cause != EINVAL) {
        fail(parent, "sync the directory", cause);
    }
}

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& target) : target_(target) {
    std::random_device random;
    do {
        // The target may be a bare name: the temporary must still lie in the same directory.
        temporary_ = target.parent_path() /
                     fmt::format(".{}.{:08x}.tmp", target.filename().string(), random());
        // Before it is there: a signal in between would leave it behind.
        note_temporary(temporary_);
        descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor_ < 0) {
            const int cause = errno;
            forget_temporary(temporary_);
            if (cause != EEXIST && cause != EINTR) {
                fail(target, "create", cause);
            }
        }
    } while (descriptor_ < 0);
}

OutputFile::~OutputFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
        ::unlink(temporary_.c_str());
        forget_temporary(temporary_);
    }
}

void OutputFile::append(std::string_view text) {
    write_fully(descriptor_, text.data(), text.size(), 0, true, target_);
}

void OutputFile::commit_as(const std::filesystem::path& target) {
    if (::fsync(descriptor_) != 0) {
        fail(target, "sync", errno);
    }
    if (::rename(temporary_.c_str(), target.c_str()) != 0) {
        fail(target, "rename the temporary file to", errno);
    }
    forget_temporary(temporary_);
    const int descriptor = std::exchange(descriptor_, -1);
    if (::close(descriptor) != 0) {
        fail(target, "close", errno);
    }
    sync_directory(target);
}

SharedFile::SharedFile(const std::filesystem::path& file, const std::filesystem::path& target)
    : shown_(target.empty() ? file : target),
      descriptor_(::open(file.c_str(), O_WRONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) {
        fail(shown_, "open to write", errno);
    }
}

SharedFile::~SharedFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

void SharedFile::write(Index offset, std::span<const std::byte> bytes) const {
    write_fully(descriptor_, reinterpret_cast<const char*>(bytes.data()), bytes.size(),
                narrow<off_t>(offset), false, shown_);
    // What is large begins its way to the disk at once, beside what is still to be computed; sync
    // asks for the outcome.
    constexpr std::size_t large_bytes = std::size_t{1} << 20;
    if (bytes.size() >= large_bytes) {
        static_cast<void>(::sync_file_range(descriptor_, narrow<off_t>(offset),
                                            narrow<off_t>(std::ssize(bytes)),
                                            SYNC_FILE_RANGE_WRITE));
    }
}

void SharedFile::sync() {
    // Another process commits the file; what this one wrote must be down before it does.
    const int status = ::fsync(descriptor_);
    const int cause = errno;
    if (::close(std::exchange(descriptor_, -1)) != 0 || status != 0) {
        fail(shown_, "sync", status != 0 ? cause : errno);
    }
}

void write_at(const std::filesystem::path& file, Index offset, std::span<const std::byte> bytes,
              const std::filesystem::path& target) {
    SharedFile shared(file, target);
    shared.write(offset, bytes);
    shared.sync();
}

std::string read_whole_file(const std::filesystem::path& file, ExitCode code) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream content;
    // An empty file would set failbit on content by itself.
    if (stream && stream.peek() != std::ifstream::traits_type::eof()) {
        content << stream.rdbuf();
    }
    if (!stream.is_open() || stream.bad() || content.fail()) {
        throw Error(code, fmt::format("{}: cannot read: {}", file.string(),
                                      std::error_code(errno, std::generic_category()).message()));
    }
    return std::move(content).str();
}

}  // namespace paralogit
