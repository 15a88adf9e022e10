#include "paralogit/base/buffer.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "paralogit/base/checked.hpp"

namespace paralogit {

namespace {

/// Of a cache line, and of the widest vector register.
constexpr std::size_t alignment = 64;

/// From this size on the system is asked for pages of 2 MiB: a fifth of the time to get them, and
/// fewer of them to look up in each pass.
constexpr std::size_t huge_page_bytes = std::size_t{2} << 20U;

std::byte* allocate(std::size_t bytes) {
    void* memory = nullptr;
    if (::posix_memalign(&memory, bytes >= huge_page_bytes ? huge_page_bytes : alignment, bytes) !=
        0) {
        throw std::bad_alloc();
    }
    if (bytes >= huge_page_bytes) {
        // Advice: where it is not taken, small pages do.
        static_cast<void>(::madvise(memory, bytes, MADV_HUGEPAGE));
    }
    return static_cast<std::byte*>(memory);
}

}  // namespace

Buffer::Buffer(Index bytes) : bytes_(allocate(narrow<std::size_t>(bytes))), size_(bytes) {}

void Buffer::Free::operator()(std::byte* bytes) const {
    std::free(bytes);
}

}  // namespace paralogit
