#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <stdexcept>

namespace paralogit::model::testing {

/// A copy of some bytes that ends where memory ends: reading or writing one byte beyond it is a
/// segmentation fault. With `slack` bytes between, to shift the copy off its alignment.
class GuardedBytes {
  public:
    explicit GuardedBytes(std::span<const std::byte> bytes, std::size_t slack = 0) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        const std::size_t used = (bytes.size() + slack + page - 1) / page * page;
        mapped_ = used + page;
        memory_ = static_cast<std::byte*>(
            mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (memory_ == MAP_FAILED || mprotect(memory_ + used, page, PROT_NONE) != 0) {
            throw std::runtime_error("no guarded memory");
        }
        data_ = memory_ + used - slack - bytes.size();
        if (!bytes.empty()) {
            std::memcpy(data_, bytes.data(), bytes.size());
        }
    }
    ~GuardedBytes() { munmap(memory_, mapped_); }
    GuardedBytes(const GuardedBytes&) = delete;
    GuardedBytes& operator=(const GuardedBytes&) = delete;

    const std::byte* data() const { return data_; }

  private:
    std::byte* memory_ = nullptr;
    std::size_t mapped_ = 0;
    std::byte* data_ = nullptr;
};

/// Some numbers that end where memory ends.
template <typename Element>
class Guarded {
  public:
    explicit Guarded(std::span<const Element> elements)
        : bytes_(std::as_bytes(elements)), size_(elements.size()) {}

    std::span<const Element> span() const {
        return {reinterpret_cast<const Element*>(bytes_.data()), size_};
    }

  private:
    GuardedBytes bytes_;
    std::size_t size_;
};

}  // namespace paralogit::model::testing
