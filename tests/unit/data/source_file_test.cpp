#include "paralogit/data/source_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "data_files.hpp"

namespace paralogit::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class SourceFileTest : public WithFolder {
  protected:
    FilePart part() {
        TestFile file(path("a.h5"));
        file.values("/X", counting<float>(8), {4, 2}).values("/y", alternating(4), {4});
        return describe(std::vector<std::string>{file.close()}, {}).files.front();
    }
};

TEST_F(SourceFileTest, ThatWasChangedIsToldInPlaceOfWhatItsReaderMet) {
    const FilePart file = part();
    const auto fail = [] { throw Error(ExitCode::input_data, "wrong B-tree signature"); };

    EXPECT_NO_THROW(tell_change_first(file, [] {}));
    EXPECT_THAT(error_of([&] { tell_change_first(file, fail); }).what(),
                HasSubstr("wrong B-tree signature"));
    std::filesystem::resize_file(file.path, 100);
    EXPECT_THAT(error_of([&] { tell_change_first(file, fail); }).what(),
                AllOf(HasSubstr("a.h5: the file has changed since the run began"),
                      HasSubstr("and has 100")));
}

TEST_F(SourceFileTest, ThatIsNoLongerThereIsToldWithWhatItIsNeededFor) {
    const FilePart file = part();
    std::filesystem::rename(file.path, path("b.h5"));

    for (const Error& error : {error_of([&] { check_unchanged(file); }),
                               error_of([&] { const SourceFile opened(file); })}) {
        EXPECT_EQ(error.code(), ExitCode::input_data);
        EXPECT_THAT(error.what(), AllOf(HasSubstr("a.h5: there is no such file any more"),
                                        HasSubstr("leave it where it is until the run has ended")));
    }
}

}  // namespace
}  // namespace paralogit::data
