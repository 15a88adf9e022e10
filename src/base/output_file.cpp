#include "paralogit/base/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
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
    // The target may be a bare name: the temporary must still lie in the same directory.
    std::string pattern =
        (target.parent_path() / fmt::format(".{}.XXXXXX.tmp", target.filename().string())).string();
    descriptor_ = ::mkostemps(pattern.data(), 4, O_CLOEXEC);
    if (descriptor_ < 0) {
        fail(target, "create", errno);
    }
    temporary_ = pattern;
    // mkostemps makes the file private; give it the permissions of any other new file.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    if (::fchmod(descriptor_, 0666 & ~mask) != 0) {
        const int cause = errno;
        ::close(descriptor_);
        ::unlink(temporary_.c_str());
        fail(target, "set the permissions of", cause);
    }
    note_temporary(temporary_);
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
