#include "../../../src/data/mapped_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
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
        survey_ = std::make_unique<PageSurvey>(mapped_->size());
    }

    using Look = std::function<Pages(Index page)>;

    /// Where huge pages are said to be as `look` has them, and to stay huge unless `again` says
    /// something else. Notes which were asked for.
    MappedRows open(const Look& look, double most_speed_of_disks = 0, Range own = mapped,
                    const Look& again = huge, Reading reading = Reading::all) {
        looked_at_.clear();
        brought_.clear();
        const MappingRule rule{.most_speed_of_disks = most_speed_of_disks,
                               .look_at_pages =
                                   [this, look, own](const MappedFile& /*file*/, Range bytes) {
                                       EXPECT_LE(bytes.end, (own.end - mapped.first) * row_bytes);
                                       looked_at_.push_back(page_of(bytes.first));
                                       EXPECT_EQ(looked_at_.back(), page_of(bytes.end - 1));
                                       return look(looked_at_.back());
                                   },
                               .bring_huge_page =
                                   [this, again](const MappedFile& /*file*/, Range bytes) {
                                       brought_.push_back(page_of(bytes.first));
                                       return again(brought_.back());
                                   }};
        return {{.file = mapped_, .rows = mapped, .survey = survey_.get()},
                part_,
                own,
                row_bytes,
                window_bytes,
                reading,
                copies_,
                rule};
    }

    /// Goes through rows in blocks; one letter for each: whether it was looked at (v) or copied
    /// (c), or had other values than it should (X).
    std::string walk(MappedRows& source, Range rows = mapped, Index step = 1) {
        std::string met;
        for (Index row = rows.first; row < rows.end; row += step * rows_of_block) {
            const Range block{.first = row, .end = std::min(row + rows_of_block, rows.end)};
            const std::byte* const there = source.view(block);
            met += !is_counting(there, block) ? 'X' : is_mapped(there) ? 'v' : 'c';
        }
        return met;
    }

    /// Of blocks: copied are those that touch certain pages.
    std::string expected(const std::function<bool(Index page)>& is_copied) const {
        std::string letters;
        for (Index row = mapped.first; row < mapped.end; row += rows_of_block) {
            const Index first = (row - mapped.first) * row_bytes;
            const Index end =
                (std::min(row + rows_of_block, mapped.end) - mapped.first) * row_bytes;
            letters += is_copied(page_of(first)) || is_copied(page_of(end - 1)) ? 'c' : 'v';
        }
        return letters;
    }

    /// Of a position in what is mapped.
    Index page_of(Index position) const {
        const auto address = reinterpret_cast<std::uintptr_t>(mapped_->data());
        return (static_cast<Index>(address % std::uintptr_t{huge_page_bytes}) + position) /
               huge_page_bytes;
    }
    std::vector<Index> all_pages() const {
        std::vector<Index> pages;
        for (Index page = 0; page <= page_of(mapped_->size() - 1); ++page) {
            pages.push_back(page);
        }
        return pages;
    }

    static Pages huge(Index /*page*/) { return Pages::huge; }
    static Pages small(Index /*page*/) { return Pages::small; }
    static Pages on_disk(Index /*page*/) { return Pages::on_disk; }
    static Pages small_where_odd(Index page) { return page % 2 == 1 ? Pages::small : Pages::huge; }

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

    static constexpr Index rows_of_file = 100 * rows_of_block - 3;
    static constexpr Range mapped{.first = 7, .end = rows_of_file};

    std::vector<Index> looked_at_;
    std::vector<Index> brought_;
    Buffer copies_;

  private:
    bool is_mapped(const std::byte* there) const {
        return !std::less<>()(there, mapped_->data()) &&
               std::less<>()(there, mapped_->data() + mapped_->size());
    }

    FeatureFile part_;
    std::shared_ptr<const MappedFile> mapped_;
    std::unique_ptr<PageSurvey> survey_;
};

std::string blocks_of(char kind, Index count) {
    return std::string(static_cast<std::size_t>(count), kind);
}

TEST_F(MapsRows, AndLooksAtAllOfThemInHugePagesWhichItRemembers) {
    {
        MappedRows source = open(huge);
        EXPECT_EQ(walk(source), blocks_of('v', 100));
        EXPECT_EQ(looked_at_, all_pages());
        EXPECT_TRUE(brought_.empty());
    }
    MappedRows source = open(huge);
    EXPECT_EQ(walk(source), blocks_of('v', 100));
    EXPECT_TRUE(looked_at_.empty());
    EXPECT_EQ(brought_, all_pages());
}

TEST_F(MapsRows, AndCopiesBlocksThatTouchSmallPages) {
    const std::string some_copied = expected([](Index page) { return page % 2 == 1; });
    ASSERT_NE(some_copied.find('c'), std::string::npos);
    ASSERT_NE(some_copied.find('v'), std::string::npos);
    for (int pass = 0; pass < 2; ++pass) {
        MappedRows source = open(small_where_odd);

        EXPECT_EQ(walk(source), some_copied);
        EXPECT_EQ(looked_at_, pass == 0 ? all_pages() : std::vector<Index>{});
    }
    EXPECT_LE(copies_.size(), MappedRows::copied_bytes);
}

TEST_F(MapsRows, AndLooksAgainAtSmallPagesAfterSomePasses) {
    Index looks = 0;
    for (int pass = 0; pass <= PageSurvey::most_passes + 1; ++pass) {
        MappedRows source = open(pass == 0 ? small : huge);
        const std::string met = walk(source);
        EXPECT_EQ(met.find('X'), std::string::npos);
        looks += std::ssize(looked_at_);
        if (looks == std::ssize(all_pages())) {
            EXPECT_EQ(met, blocks_of('c', 100)) << pass;
        } else if (looks == 2 * std::ssize(all_pages())) {
            EXPECT_EQ(met, blocks_of('v', 100)) << pass;
        }
    }
    EXPECT_EQ(looks, 2 * std::ssize(all_pages()));
}

TEST_F(MapsRows, AndReadsIntoTheBufferOfItsCopies) {
    MappedRows source = open(small);
    const auto blocks = [](Index first, Index end) {
        return Range{.first = mapped.first + first * rows_of_block,
                     .end = mapped.first + end * rows_of_block};
    };
    EXPECT_TRUE(is_counting(source.view(blocks(0, 1)), blocks(0, 1)));
    source.read(blocks(9, 11), copies_.data());
    EXPECT_TRUE(is_counting(copies_.data(), blocks(9, 11)));
    EXPECT_TRUE(is_counting(source.view(blocks(1, 2)), blocks(1, 2)));
}

TEST_F(MapsRows, AndBringsWhatComesFromADiskSomePartsAhead) {
    for (int pass = 0; pass < 2; ++pass) {
        MappedRows source = open(on_disk, above_all);

        EXPECT_EQ(walk(source), blocks_of('v', 100));
        EXPECT_EQ(looked_at_, std::vector<Index>{0});
    }
}

TEST_F(MapsRows, AndLooksAtPagesAgainWhenTheyComeTooFastForADisk) {
    MappedRows source = open([](Index page) { return page == 0 ? Pages::on_disk : Pages::huge; });

    EXPECT_EQ(walk(source), blocks_of('v', 100));
    EXPECT_EQ(looked_at_, all_pages());
}

TEST_F(MapsRows, AndForgetsWhatItKnewOfPagesThatComeFromADisk) {
    {
        MappedRows source = open(small_where_odd);
        walk(source);
    }
    {
        MappedRows source = open(huge, above_all, mapped, on_disk);
        EXPECT_EQ(walk(source), blocks_of('v', 100));
        EXPECT_EQ(brought_, std::vector<Index>{0});
    }
    MappedRows source = open(huge);
    EXPECT_EQ(walk(source), blocks_of('v', 100));
    EXPECT_EQ(looked_at_.size() + 1, all_pages().size());
}

TEST_F(MapsRows, AndMayBeLeftWhilePartsAreOnTheirWay) {
    for (const Index rows : {Index{1}, 3 * rows_of_block, 17 * rows_of_block}) {
        const Range some{.first = mapped.first, .end = mapped.first + rows};
        MappedRows source = open(on_disk, above_all);

        EXPECT_EQ(walk(source, some), blocks_of('v', (rows - 1) / rows_of_block + 1));
    }
}

TEST_F(MapsRows, OfOnePartThatEndsWithinAWindow) {
    const Range own{.first = 7 + 30 * rows_of_block, .end = 7 + 51 * rows_of_block};
    for (const double speed_of_disks : {0.0, above_all}) {
        for (const Look& look : {Look(huge), Look(on_disk)}) {
            MappedRows source = open(look, speed_of_disks, own);

            EXPECT_EQ(walk(source, own), blocks_of('v', 21));
        }
    }
}

TEST_F(MapsRows, OfWhichSomeAreSkippedWithoutALook) {
    MappedRows source = open(on_disk, above_all, mapped, on_disk, Reading::some);

    EXPECT_EQ(walk(source, mapped, 7), blocks_of('v', 15));
    EXPECT_TRUE(looked_at_.empty());
}

}  // namespace
}  // namespace paralogit::data
