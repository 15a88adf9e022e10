#pragma once

#include <memory>
#include <span>
#include <string>

#include "paralogit/base/types.hpp"

namespace paralogit {

/// SHA-256 (FIPS 180-4) over bytes that arrive in pieces.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void add(std::span<const std::byte> bytes);
    /// The bit patterns of the values, in the byte order of the machine.
    void add(std::span<const double> values) { add(std::as_bytes(values)); }
    void add(std::span<const Index> values) { add(std::as_bytes(values)); }
    void add(const std::string& text) { add(std::as_bytes(std::span(text))); }

    /// 64 lower-case hexadecimal digits. Ends the digest.
    std::string hex();

  private:
    struct Context;
    std::unique_ptr<Context> context_;
};

}  // namespace paralogit
