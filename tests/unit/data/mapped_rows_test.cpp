#include "../../../src/data/mapped_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "data_files.hpp"

namespace paralogit::data {
namespace {

constexpr double above_all = std::numeric_limits<double>::infinity();
constexpr Index features = 64;
constexpr Index row_bytes = features * 4;
constexpr Index rows_of_block = 256;
constexpr Index block_bytes = rows_of_block * row_bytes;
constexpr Index window_blocks = 8;
constexpr Index window_bytes = window_blocks * block_bytes;

/// Features 0, 1, 2, ... of one contiguous file, of which the first rows are not mapped.
class MapsRows : public WithFolder {
  protected:
    MapsRows() {
        TestFile file(path("data.h5"));
        file.values("/X", counting<float>(rows_of_file * features), {rows_of_file, features})
            .values("/y", alternating(rows_of_file), {rows_of_file});
        const Manifest manifest = describe(std::vector{file.close()}, {});
        part_ = find_features(manifest, manifest.files.front(), rows_of_file);
        mapped_ = std::make_shared<const MappedFile>(SourceFile(part_.part),
                                                     part_.offset + mapped.first * row_bytes,
                                                     mapped.size() * row_bytes);
    }

    MappedRows open(const MappingRule& rule, Range own = mapped) const {
        return {mapped_, part_, mapped, own, row_bytes, window_bytes, Reading::all, rule};
    }

    /// Goes through rows in blocks; one letter for each: whether it was looked at (v) or copied
    /// (c), or had other values than it should (X).
    static std::string walk(MappedRows& source, Range rows = mapped) {
        std::string met;
        std::vector<std::byte> copy(block_bytes);
        for (Index row = rows.first; row < rows.end; row += rows_of_block) {
            const Range block{.first = row, .end = std::min(row + rows_of_block, rows.end)};
            const std::byte* const there = source.view(block);
            if (there == nullptr) {
                source.read(block, copy.data());
            }
            met += is_counting(there == nullptr ? copy.data() : there, block) ? there ? 'v' : 'c'
                                                                              : 'X';
        }
        return met;
    }

    static constexpr Index rows_of_file = 100 * rows_of_block - 3;
    static constexpr Range mapped{.first = 7, .end = rows_of_file};

  private:
    static bool is_counting(const std::byte* values, Range rows) {
        for (Index i = 0; i < rows.size() * features; ++i) {
            float value = 0;
            std::memcpy(&value, values + i * 4, sizeof value);
            if (value != static_cast<float>(rows.first * features + i)) {
                return false;
            }
        }
        return true;
    }

    FeatureFile part_;
    std::shared_ptr<const MappedFile> mapped_;
};

std::string blocks_of(char kind, Index count) {
    return std::string(static_cast<std::size_t>(count), kind);
}

TEST_F(MapsRows, AndLooksAtAllOfThemWhereMappingIsFast) {
    MappedRows source = open({.least_speed_of_mapping = 0, .most_speed_of_disks = 0});

    EXPECT_EQ(walk(source), blocks_of('v', 100));
}

TEST_F(MapsRows, AndCopiesAfterSomeSlowWindowsInARow) {
    MappedRows source = open({.least_speed_of_mapping = above_all,
                              .most_speed_of_disks = 0,
                              .copied_bytes = 20 * block_bytes});

    // Three windows make it believe; then a single one is enough to go on.
    EXPECT_EQ(walk(source), blocks_of('v', 3 * window_blocks) + blocks_of('c', 20) +
                                blocks_of('v', window_blocks) + blocks_of('c', 20) +
                                blocks_of('v', window_blocks) + blocks_of('c', 20));
}

TEST_F(MapsRows, AndBringsWhatComesFromADiskAWindowAhead) {
    for (int pass = 0; pass < 2; ++pass) {
        MappedRows source =
            open({.least_speed_of_mapping = above_all, .most_speed_of_disks = above_all});

        EXPECT_EQ(walk(source), blocks_of('v', 100));
    }
}

TEST_F(MapsRows, AndMayBeLeftWhileAWindowIsOnItsWay) {
    const MappingRule from_disk{.most_speed_of_disks = above_all};
    for (const Index rows : {Index{1}, 3 * rows_of_block, 17 * rows_of_block}) {
        const Range some{.first = mapped.first, .end = mapped.first + rows};
        MappedRows source = open(from_disk);

        EXPECT_EQ(walk(source, some), blocks_of('v', (rows - 1) / rows_of_block + 1));
    }
}

TEST_F(MapsRows, OfOnePartThatEndsWithinAWindow) {
    const Range own{.first = 7 + 30 * rows_of_block, .end = 7 + 51 * rows_of_block};
    for (const double speed_of_disks : {0.0, above_all}) {
        MappedRows source = open({.most_speed_of_disks = speed_of_disks}, own);

        EXPECT_EQ(walk(source, own), blocks_of('v', 21));
    }
}

}  // namespace
}  // namespace paralogit::data
