#include "paralogit/data/mapped_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

// Linux 5.14; earlier C libraries lack the name.
#ifdef MADV_POPULATE_READ
constexpr int populate_read = MADV_POPULATE_READ;
#else
constexpr int populate_read = 22;
#endif

Index page_bytes() {
    return ::sysconf(_SC_PAGESIZE);
}

// A handler of signals is given an address and nothing else, so what it needs to know lies at file
// scope: a few mapped ranges with the line to write for each. `end` is set last and cleared first.
struct Guard {
    std::atomic<bool> is_taken = false;
    std::atomic<std::uintptr_t> begin = 0;
    std::atomic<std::uintptr_t> end = 0;
    std::array<char, 4352> line{};
    std::size_t line_bytes = 0;
};
std::array<Guard, 16> guards;
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free);

struct sigaction earlier_action {};

extern "C" void explain_bus_error(int /*signal*/, siginfo_t* info, void* /*context*/) {
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    // Of a signal that another process sent there is no address.
    const bool is_of_an_access = info->si_code > 0;
    for (const Guard& guard : guards) {
        if (is_of_an_access && address < guard.end && address >= guard.begin) {
            const ssize_t ignored = ::write(STDERR_FILENO, guard.line.data(), guard.line_bytes);
            static_cast<void>(ignored);
            ::_exit(static_cast<int>(ExitCode::input_data));
        }
    }
    // Not ours: the access is repeated and meets whoever was there before.
    ::sigaction(SIGBUS, &earlier_action, nullptr);
}

/// Returns the number of the guard, or -1 when all are taken: then the message is the system's.
int guard_range(const std::byte* base, Index bytes, const std::string& path) {
    for (std::size_t i = 0; i < guards.size(); ++i) {
        Guard& guard = guards[i];
        if (guard.is_taken.exchange(true)) {
            continue;
        }
        const std::string line = "paralogit: error: " + path.substr(0, 4096) +
                                 ": the file was cut short while it was in use; start again with "
                                 "a whole file\n";
        guard.line_bytes = std::min(line.size(), guard.line.size());
        std::memcpy(guard.line.data(), line.data(), guard.line_bytes);
        guard.begin = reinterpret_cast<std::uintptr_t>(base);
        guard.end = guard.begin + narrow<std::uintptr_t>(bytes);
        return static_cast<int>(i);
    }
    return -1;
}

void release_guard(int number) {
    if (number >= 0) {
        Guard& guard = guards[static_cast<std::size_t>(number)];
        guard.end = 0;
        guard.is_taken = false;
    }
}

}  // namespace

MappedFile::MappedFile(SourceFile file, Index offset, Index bytes) : file_(std::move(file)) {
    const Index before = offset % page_bytes();
    void* const base = ::mmap(nullptr, narrow<std::size_t>(before + bytes), PROT_READ, MAP_PRIVATE,
                              file_->descriptor(), offset - before);
    if (base == MAP_FAILED) {
        return;
    }
    base_ = static_cast<std::byte*>(base);
    data_ = base_ + before;
    size_ = bytes;
    guard_ = guard_range(base_, before + bytes, file_->path());
}

MappedFile::~MappedFile() {
    if (base_ != nullptr) {
        release_guard(guard_);
        ::munmap(base_, narrow<std::size_t>(data_ - base_ + size_));
    }
}

MappedFile::MappedFile(MappedFile&& other) noexcept {
    *this = std::move(other);
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(base_, other.base_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(guard_, other.guard_);
    return *this;
}

void MappedFile::populate(Index first, Index bytes) const {
    const Index begin = data_ - base_ + first;
    const Index page_begin = begin - begin % page_bytes();
    // An older kernel does not know the advice; then the pages come one fault at a time.
    if (::madvise(base_ + page_begin, narrow<std::size_t>(begin + bytes - page_begin),
                  populate_read) != 0 &&
        errno == EFAULT) {
        file_->check_unchanged();
    }
}

void MappedFile::read_in_order() const {
    // Then what comes from a disk comes in huge pages, which one entry of the page table maps.
    static_cast<void>(::madvise(base_, narrow<std::size_t>(data_ - base_ + size_), MADV_HUGEPAGE));
}

void MappedFile::release(Index first, Index bytes) const {
    const Index begin = data_ - base_ + first;
    const Index page_begin = begin - begin % page_bytes();
    // Of the last page what follows may still be in use.
    const Index page_end = (begin + bytes) - (begin + bytes) % page_bytes();
    if (page_end > page_begin) {
        static_cast<void>(::madvise(base_ + page_begin, narrow<std::size_t>(page_end - page_begin),
                                    MADV_DONTNEED));
    }
}

void prepare_mappings() {
    struct sigaction action {};
    action.sa_sigaction = explain_bus_error;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &earlier_action);
}

}  // namespace paralogit::data
