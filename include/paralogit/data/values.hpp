#pragma once

#include <utility>

#include "paralogit/base/buffer.hpp"
#include "paralogit/data/mapped_file.hpp"

namespace paralogit::data {

/// The features of a shard: memory of their own, or the file itself.
class Values {
  public:
    Values() = default;
    explicit Values(Buffer buffer) : buffer_(std::move(buffer)) {}
    explicit Values(MappedFile file) : mapped_(std::move(file)) {}

    /// Of any alignment when mapped.
    const std::byte* data() const { return is_mapped() ? mapped_.data() : buffer_.data(); }
    Index size() const { return is_mapped() ? mapped_.size() : buffer_.size(); }
    bool is_mapped() const { return mapped_.is_mapped(); }
    const MappedFile& mapped() const { return mapped_; }

    /// Throws Error (input_data) when they are mapped and the file was written to or cut since it
    /// was described: what was computed from them may then be of no data set at all.
    void check_unchanged() const {
        if (is_mapped()) {
            mapped_.file().check_unchanged();
        }
    }

  private:
    Buffer buffer_;
    MappedFile mapped_;
};

}  // namespace paralogit::data
