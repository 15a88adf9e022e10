#include "paralogit/base/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "paralogit/base/error.hpp"

namespace paralogit {

namespace {

void check(int status) {
    if (status != 1) {
        throw Error(ExitCode::internal, "internal error: libcrypto could not compute a SHA-256");
    }
}

}  // namespace

struct Sha256::Context {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> evp{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
    check(EVP_DigestInit_ex(context_->evp.get(), EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::span<const std::byte> bytes) {
    check(EVP_DigestUpdate(context_->evp.get(), bytes.data(), bytes.size()));
}

std::string Sha256::hex() {
    std::array<unsigned char, 32> digest{};
    unsigned int length = 0;
    check(EVP_DigestFinal_ex(context_->evp.get(), digest.data(), &length));
    std::string text;
    for (const unsigned char byte : digest) {
        text += fmt::format("{:02x}", byte);
    }
    return text;
}

}  // namespace paralogit
