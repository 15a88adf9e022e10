#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../../../src/data/mapped_rows.hpp"
#include "data_files.hpp"

namespace paralogit::data {
namespace {

constexpr Index features = 64;
constexpr Index row_bytes = features * 4;
constexpr Index rows_of_block = 256;
constexpr Index rows_of_file = 320 * rows_of_block;
constexpr Index window_bytes = MappedRows::least_window_bytes;
constexpr double above_all = std::numeric_limits<double>::infinity();

/// Which bytes of a mapping count as memory of this process, as the system says.
class MapsAWindow : public WithFolder {
  protected:
    MapsAWindow() {
        TestFile file(path("data.h5"));
        file.values("/X", counting<float>(rows_of_file * features), {rows_of_file, features})
            .values("/y", alternating(rows_of_file), {rows_of_file});
        const Manifest manifest = describe(std::vector{file.close()}, {});
        part_ = find_features(manifest, manifest.files.front(), rows_of_file);
        mapped_ = std::make_shared<const MappedFile>(SourceFile(part_.part), part_.offset,
                                                     rows_of_file * row_bytes);
    }

    void SetUp() override {
        if (::access("/proc/self/pagemap", R_OK) != 0) {
            GTEST_SKIP() << "this system does not tell which pages are mapped";
        }
    }

    std::vector<bool> pages_in_memory() const {
        const Index first = address() / page_bytes_;
        const Index end = (address() + mapped_->size() + page_bytes_ - 1) / page_bytes_;
        std::vector<std::uint64_t> entries(static_cast<std::size_t>(end - first));
        const auto size = static_cast<ssize_t>(entries.size() * sizeof(std::uint64_t));
        const int file = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
        EXPECT_EQ(::pread(file, entries.data(), static_cast<std::size_t>(size), first * 8), size);
        ::close(file);
        std::vector<bool> pages;
        for (const std::uint64_t entry : entries) {
            pages.push_back(entry >> 63U != 0);
        }
        return pages;
    }
    Index bytes_in_memory() const {
        Index bytes = 0;
        for (const bool is_there : pages_in_memory()) {
            bytes += is_there ? page_bytes_ : 0;
        }
        return bytes;
    }
    bool is_in_memory(Index position) const {
        return pages_in_memory().at(static_cast<std::size_t>((address() + position) / page_bytes_ -
                                                             address() / page_bytes_));
    }
    Index address() const {
        return static_cast<Index>(reinterpret_cast<std::uintptr_t>(mapped_->data()));
    }

    FeatureFile part_;
    std::shared_ptr<const MappedFile> mapped_;
    Index page_bytes_ = ::sysconf(_SC_PAGESIZE);
};

TEST_F(MapsAWindow, ThatHoldsNoMoreWhenAFileGoesOnFromADisk) {
    // The last huge page within the window comes from a disk, those before were there.
    const Index before = address() % huge_page_bytes;
    const Index on_disk = (window_bytes + before) / huge_page_bytes - 1;
    const Index begin_on_disk = on_disk * huge_page_bytes - before;
    const MappingRule rule{.most_speed_of_disks = above_all,
                           .look_at_pages =
                               [&](const MappedFile& /*file*/, Range bytes) {
                                   return bytes.end > begin_on_disk ? Pages::on_disk : Pages::huge;
                               },
                           .bring_huge_page = bring_huge_page};
    PageSurvey survey(mapped_->size());
    Buffer copies;
    const Range all{.first = 0, .end = rows_of_file};
    MappedRows source({.file = mapped_, .rows = all, .survey = &survey}, part_, all, row_bytes,
                      window_bytes, Reading::all, copies, rule);

    constexpr Index most = MappedRows::most_bytes(window_bytes) - MappedRows::copied_bytes;
    const Index last_ahead = begin_on_disk + huge_page_bytes + window_bytes / 4 * 3 - 1;
    double sum = 0;
    for (Index row = 0; row < rows_of_file; row += rows_of_block) {
        const auto* const values =
            reinterpret_cast<const float*>(source.view({.first = row, .end = row + rows_of_block}));
        for (Index i = 0; i < rows_of_block * features; ++i) {
            sum += values[i];
        }
        const Index end = (row + rows_of_block) * row_bytes;
        if (end > begin_on_disk && end <= begin_on_disk + rows_of_block * row_bytes) {
            for (int i = 0; i < 10000 && !is_in_memory(last_ahead); ++i) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        }
        ASSERT_LE(bytes_in_memory(), most) << "at byte " << end;
    }
    constexpr double count = static_cast<double>(rows_of_file) * features;
    EXPECT_EQ(sum, count * (count - 1) / 2);
}

}  // namespace
}  // namespace paralogit::data
