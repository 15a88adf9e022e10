#pragma once

#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include "paralogit/base/checked.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/base/types.hpp"

namespace paralogit {

/// Values one after the other, in the byte order of the machine: a message between ranks, which run
/// the same program.
class ByteWriter {
  public:
    template <class T>
    requires std::is_arithmetic_v<T>
    void put(T value) {
        char raw[sizeof(T)];
        std::memcpy(raw, &value, sizeof(T));
        bytes_.append(raw, sizeof(T));
    }
    void put(const std::string& text) {
        put(narrow<Index>(text.size()));
        bytes_ += text;
    }

    std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

/// Takes the values back in the same order. Throws Error (internal) when the bytes end too early or
/// too late.
class ByteReader {
  public:
    explicit ByteReader(const std::string& bytes) : bytes_(bytes) {}

    template <class T>
    requires std::is_arithmetic_v<T> T number() {
        need(sizeof(T));
        T value;
        std::memcpy(&value, bytes_.data() + position_, sizeof(T));
        position_ += sizeof(T);
        return value;
    }
    bool flag() { return number<unsigned char>() != 0; }
    std::string text() {
        const auto size = narrow<std::size_t>(number<Index>());
        need(size);
        const std::size_t first = position_;
        position_ += size;
        return bytes_.substr(first, size);
    }
    /// The length of a list whose entries take at least one byte each.
    std::size_t count() {
        const auto entries = narrow<std::size_t>(number<Index>());
        need(entries);
        return entries;
    }

    void expect_end() const {
        if (position_ != bytes_.size()) {
            fail();
        }
    }

  private:
    void need(std::size_t size) const {
        if (size > bytes_.size() - position_) {
            fail();
        }
    }
    [[noreturn]] static void fail() {
        throw Error(ExitCode::internal, "internal error: a message between ranks is damaged");
    }

    const std::string& bytes_;
    std::size_t position_ = 0;
};

}  // namespace paralogit
