#include "paralogit/train/memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paralogit::train {
namespace {

using testing::HasSubstr;

constexpr Index gibibyte = Index{1} << 30;

class ChooseMemoryLimit : public testing::Test {
  protected:
    MemoryLimit choose(const std::vector<MemoryBound>& bounds,
                       const std::optional<Index>& wanted = std::nullopt) const {
        return choose_memory_limit(comm_, wanted, bounds);
    }

    comm::Communicator comm_ = comm::Communicator::world();
};

TEST_F(ChooseMemoryLimit, IsAShareOfWhatRanksOfAHostShareLessASixteenth) {
    const MemoryLimit limit =
        choose({{.bytes = 64 * gibibyte, .source = "the host", .shared_as = "host"}});

    const Index share = 64 * gibibyte / comm_.size();
    EXPECT_EQ(limit.bytes, share - share / 16);
    EXPECT_THAT(limit.source, HasSubstr("the host"));
    EXPECT_EQ(limit.source.find("shared by") != std::string::npos, comm_.size() > 1);
}

TEST_F(ChooseMemoryLimit, IsTheNarrowestOfAllBounds) {
    const MemoryLimit limit = choose({
        {.bytes = 640 * gibibyte, .source = "the host", .shared_as = "host"},
        {.bytes = 16 * gibibyte, .source = "SLURM", .shared_as = ""},
        {.bytes = 17 * gibibyte, .source = "of each", .shared_as = ""},
    });

    EXPECT_EQ(limit.bytes, 15 * gibibyte);
    EXPECT_EQ(limit.source, "SLURM");
}

TEST_F(ChooseMemoryLimit, DividesACgroupAmongThoseAloneThatAreInIt) {
    const std::string own = "cgroup " + std::to_string(comm_.rank());

    const MemoryLimit limit = choose({{.bytes = 16 * gibibyte, .source = own, .shared_as = own},
                                      {.bytes = 32 * gibibyte, .source = own, .shared_as = own}});

    EXPECT_EQ(limit.bytes, 15 * gibibyte);
    EXPECT_EQ(limit.source, own);
}

TEST_F(ChooseMemoryLimit, LeavesTheProgramItsPartOfLittle) {
    const auto of = [&](Index bytes) {
        return choose({{.bytes = bytes, .source = "x", .shared_as = ""}}).bytes;
    };

    EXPECT_EQ(of(gibibyte), gibibyte - gibibyte / 16);
    EXPECT_EQ(of(gibibyte / 4), gibibyte / 4 - (Index{64} << 20));
    EXPECT_EQ(of(1000), 500);
    EXPECT_EQ(of(0), 0);
}

TEST_F(ChooseMemoryLimit, IsWhatTheUserSays) {
    const MemoryLimit limit = choose({{.bytes = 5, .source = "x", .shared_as = ""}}, 7);

    EXPECT_EQ(limit.bytes, 7);
    EXPECT_EQ(limit.source, "--memory-limit");
}

TEST_F(ChooseMemoryLimit, IsNoneWhereNothingIsKnown) {
    const MemoryLimit limit = choose({});

    EXPECT_EQ(limit.bytes, std::numeric_limits<Index>::max());
    EXPECT_EQ(limit.source, "");
}

TEST(BytesText, HasOneDigitAfterThePoint) {
    EXPECT_EQ(bytes_text(0), "0 bytes");
    EXPECT_EQ(bytes_text(999), "999 bytes");
    EXPECT_EQ(bytes_text(1000), "1.0 kB");
    EXPECT_EQ(bytes_text(2'560'000'000), "2.6 GB");
    EXPECT_EQ(bytes_text(7'000'000'000'000), "7.0 TB");
}

}  // namespace
}  // namespace paralogit::train
