#include "../../../src/data/parts_ahead.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "../../../src/data/row_source.hpp"
#include "data_files.hpp"

namespace paralogit::data {
namespace {

constexpr Index part_bytes = Index{64} << 10;
constexpr Index parts = 40;
constexpr Index bytes = parts * part_bytes;

class BringsParts : public WithFolder {
  protected:
    BringsParts() {
        constexpr Index features = part_bytes / 4;
        TestFile file(path("data.h5"));
        file.values("/X", counting<float>(parts * features), {parts, features})
            .values("/y", alternating(parts), {parts});
        name_ = file.close();
        const Manifest manifest = describe(std::vector{name_}, {});
        const FeatureFile part = find_features(manifest, manifest.files.front(), parts);
        mapped_ = MappedFile(SourceFile(part.part), part.offset, bytes);
    }

    std::unique_ptr<PartsAhead> from(Index begin) {
        return std::make_unique<PartsAhead>(
            mapped_, begin, [](Index first) { return std::min(first + part_bytes, bytes); });
    }

    std::string name_;
    MappedFile mapped_;
};

TEST_F(BringsParts, InOrderAsFarAsTheyAreAllowed) {
    const auto ahead = from(part_bytes / 2);
    Index end = part_bytes / 2;
    while (end < bytes) {
        ahead->allow(std::min(end + 3 * part_bytes, bytes));
        const PartsAhead::Part part = ahead->take();
        EXPECT_EQ(part.end, std::min(end + part_bytes, bytes));
        EXPECT_GT(part.speed, 0);
        end = part.end;
    }
    EXPECT_TRUE(ahead->is_empty());
    EXPECT_EQ(ahead->stop(), bytes);
}

TEST_F(BringsParts, AndNoneBeyond) {
    const auto ahead = from(0);
    ahead->allow(2 * part_bytes);
    for (Index k = 1; k <= 2; ++k) {
        EXPECT_EQ(ahead->take().end, k * part_bytes);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(ahead->is_empty());
    EXPECT_EQ(ahead->stop(), 2 * part_bytes);
}

TEST_F(BringsParts, UntilItIsStoppedWithSomeNotTaken) {
    const auto ahead = from(0);
    ahead->allow(bytes);
    EXPECT_EQ(ahead->take().end, part_bytes);
    const Index begun = ahead->stop();
    EXPECT_GE(begun, part_bytes);
    EXPECT_LE(begun, bytes);
    EXPECT_EQ(begun % part_bytes, 0);
}

TEST_F(BringsParts, AndSaysThatAFileWasCut) {
    const auto ahead = from(bytes / 2);
    std::filesystem::resize_file(name_, static_cast<std::uintmax_t>(bytes / 4));
    ahead->allow(bytes);
    EXPECT_THROW(ahead->take(), Error);
}

}  // namespace
}  // namespace paralogit::data
