#include "paralogit/base/buffer.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace paralogit {
namespace {

TEST(Buffer, IsAlignedForVectorsAndMayBeEmpty) {
    for (const Index bytes : {Index{1}, Index{1000}, Index{5'000'001}}) {
        Buffer buffer(bytes);
        buffer.data()[bytes - 1] = std::byte{1};

        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0U);
        EXPECT_EQ(buffer.size(), bytes);
    }
    EXPECT_EQ(Buffer(0).size(), 0);
    EXPECT_EQ(Buffer().size(), 0);
}

TEST(Buffer, GrowsOnlyWhenItIsTooSmall) {
    Buffer buffer(100);
    const std::byte* const before = buffer.data();

    buffer.reserve(50);

    EXPECT_EQ(buffer.data(), before);
    buffer.reserve(200);
    EXPECT_EQ(buffer.size(), 200);
}

}  // namespace
}  // namespace paralogit
