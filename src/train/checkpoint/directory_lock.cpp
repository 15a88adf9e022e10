#include "directory_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "paralogit/base/error.hpp"

namespace paralogit::train {

namespace {

std::string this_process() {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) {
        return fmt::format("an unknown host, process {}", ::getpid());
    }
    return fmt::format("{}, process {}", host.data(), ::getpid());
}

std::string holder_of(int descriptor) {
    std::array<char, 512> text{};
    const ssize_t length = ::pread(descriptor, text.data(), text.size(), 0);
    // The holder may be between taking the lock and writing its name.
    return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length))
                      : "another process";
}

[[noreturn]] void fail(int descriptor, const std::string& text) {
    ::close(descriptor);
    throw Error(ExitCode::cannot_write, text);
}

std::string text_of(int cause) {
    return std::generic_category().message(cause);
}

/// Whether the file system cannot lock at all (Lustre mounted without flock, some network file
/// systems). Better to train without a lock there than not to train.
bool is_without_locks(int cause) {
    return cause == ENOSYS || cause == EOPNOTSUPP || cause == ENOLCK;
}

/// The lock file, open and locked. Throws Error (cannot_write).
int open_locked(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        throw Error(ExitCode::cannot_write,
                    fmt::format("{}: cannot create: {}", file.string(), text_of(errno)));
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        const int cause = errno;
        if (cause == EWOULDBLOCK) {
            fail(descriptor,
                 fmt::format("{}: another run is using this directory ({}); wait for its end or "
                             "give another --out",
                             file.parent_path().string(), holder_of(descriptor)));
        }
        if (!is_without_locks(cause)) {
            fail(descriptor, fmt::format("{}: cannot lock: {}", file.string(), text_of(cause)));
        }
    }
    return descriptor;
}

/// Whether the file of that name is still the one that was opened.
bool is_still_there(int descriptor, const std::filesystem::path& file) {
    struct stat opened {};
    struct stat named {};
    return ::fstat(descriptor, &opened) == 0 && ::stat(file.c_str(), &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& file) : descriptor_(open_locked(file)) {
    // A run that ends before it begins removes its lock file. Who has opened that one in time must
    // not take it for the lock.
    while (!is_still_there(descriptor_, file)) {
        ::close(descriptor_);
        std::filesystem::create_directories(file.parent_path());
        descriptor_ = open_locked(file);
    }
    const std::string holder = this_process();
    if (::ftruncate(descriptor_, 0) != 0 ||
        ::pwrite(descriptor_, holder.data(), holder.size(), 0) != std::ssize(holder)) {
        // The lock holds without a name. Whether there is space to write is for its owner to try.
    }
}

DirectoryLock::~DirectoryLock() {
    // The name goes before the lock, so that nobody reads a holder of the past. The file stays:
    // removing it could remove the lock of a run that has just opened it.
    if (::ftruncate(descriptor_, 0) != 0) {
        // A stale name does no harm while nobody holds the lock.
    }
    ::close(descriptor_);
}

}  // namespace paralogit::train
