#pragma once

#include <cstddef>
#include <memory>

#include "paralogit/base/types.hpp"

namespace paralogit {

/// Bytes aligned for vector loads, not initialised.
class Buffer {
  public:
    Buffer() = default;
    /// Throws std::bad_alloc.
    explicit Buffer(Index bytes);

    std::byte* data() { return bytes_.get(); }
    const std::byte* data() const { return bytes_.get(); }
    Index size() const { return size_; }

    /// Makes it at least that large; what it held is lost when it grows. Memory that was used
    /// before costs far less than new memory, which the system has to clear.
    void reserve(Index bytes) {
        if (bytes > size_) {
            *this = Buffer();
            *this = Buffer(bytes);
        }
    }

  private:
    struct Free {
        void operator()(std::byte* bytes) const;
    };
    std::unique_ptr<std::byte[], Free> bytes_;
    Index size_ = 0;
};

}  // namespace paralogit
