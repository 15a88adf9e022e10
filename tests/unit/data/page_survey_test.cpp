#include "../../../src/data/page_survey.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "../../../src/data/row_source.hpp"
#include "data_files.hpp"
#include "paralogit/base/output_file.hpp"

namespace paralogit::data {
namespace {

constexpr Range bytes{.first = 0, .end = huge_page_bytes};

/// The file once more, page by page from its end on, so that the system keeps it in small ones.
void write_in_small_pages(const std::string& name) {
    constexpr Index page_bytes = 4096;
    const std::string whole = read_whole_file(name, ExitCode::input_data);
    const std::string other = name + ".other";
    const int file = ::open(other.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    for (Index end = std::ssize(whole); end > 0;) {
        const Index begin = (end - 1) / page_bytes * page_bytes;
        EXPECT_EQ(
            ::pwrite(file, whole.data() + begin, static_cast<std::size_t>(end - begin), begin),
            end - begin);
        end = begin;
    }
    ::close(file);
    std::filesystem::rename(other, name);
}

/// Of this thread, without a disk.
long faults() {
    struct rusage usage {};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt;
}

class LooksAtPages : public WithFolder {
  protected:
    LooksAtPages() {
        constexpr Index features = 1024;
        constexpr Index rows = 1024;
        TestFile file(path("data.h5"));
        file.values("/X", counting<float>(rows * features), {rows, features})
            .values("/y", alternating(rows), {rows});
        const std::string name = file.close();
        write_in_small_pages(name);
        const Manifest manifest = describe(std::vector{name}, {});
        const FeatureFile part = find_features(manifest, manifest.files.front(), rows);
        mapped_ = MappedFile(SourceFile(part.part), part.offset, huge_page_bytes);
    }

    MappedFile mapped_;
};

TEST_F(LooksAtPages, ThatAreSmallAndFindsThemSoUntilTheyAreMapped) {
    for (int pass = 0; pass < 2; ++pass) {
        EXPECT_EQ(look_at_pages(mapped_, bytes), Pages::small);
        EXPECT_EQ(look_at_pages(mapped_, bytes), Pages::huge);
        mapped_.release(bytes.first, bytes.size());
    }
}

TEST_F(LooksAtPages, OnceWhereTheyWereHuge) {
    EXPECT_EQ(bring_huge_page(mapped_, bytes), Pages::huge);
    const long before = faults();
    mapped_.populate(bytes.first, 1);
    EXPECT_EQ(faults(), before);
}

TEST_F(LooksAtPages, OfWhichAnotherThreadHasMappedTheFirst) {
    mapped_.populate(bytes.first, 1);
    EXPECT_EQ(look_at_pages(mapped_, bytes), Pages::small);
}

TEST(PageSurvey, RemembersForSomePassesAndNotAllPagesAsLong) {
    constexpr Index pages = 6;
    PageSurvey survey(pages * huge_page_bytes);
    std::vector<int> passes;
    for (Index page = 0; page < pages; ++page) {
        const Pages kind = page % 2 == 0 ? Pages::huge : Pages::small;
        EXPECT_EQ(survey.recall(page), Pages::unknown);
        survey.note(page, kind);
        int count = 0;
        while (survey.recall(page) == kind) {
            ++count;
        }
        EXPECT_EQ(survey.recall(page), Pages::unknown);
        passes.push_back(count);
    }
    EXPECT_EQ(passes, (std::vector{8, 7, 6, 5, 8, 7}));
}

TEST(PageSurvey, KnowsNothingOfPagesThatWereOnDiskOrForgotten) {
    PageSurvey survey(huge_page_bytes);
    survey.note(0, Pages::small);
    survey.note(1, Pages::huge);
    survey.note(0, Pages::on_disk);
    survey.forget(1);
    EXPECT_EQ(survey.recall(0), Pages::unknown);
    EXPECT_EQ(survey.recall(1), Pages::unknown);
}

}  // namespace
}  // namespace paralogit::data
