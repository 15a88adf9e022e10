#include "paralogit/data/data_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string_view>

#include "data_files.hpp"

namespace paralogit::data {
namespace {

using namespace std::string_view_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class OpeningADataFile : public WithFolder {
  protected:
    std::string error_for(const std::string& name, std::string_view bytes) {
        std::ofstream(path(name), std::ios::binary) << bytes;
        try {
            open_data_file(path(name));
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::input_data);
            return error.what();
        }
        return "no error";
    }
};

TEST_F(OpeningADataFile, TellsTheCommandThatMakesADataSetOfAText) {
    const std::string error = error_for("rows.csv", "a,y\n1,0\n");

    EXPECT_THAT(error, HasSubstr(path("rows.csv") + ": is a text, not an HDF5 file"));
    EXPECT_THAT(error,
                HasSubstr("paralogit convert " + path("rows.csv") + " " + path("rows.h5") + " ("));
}

TEST_F(OpeningADataFile, WritesTheCommandSoThatAShellTakesIt) {
    EXPECT_THAT(error_for("it's $HOME.csv", "a,y\n1,0\n"),
                HasSubstr("convert '" + path("it'\\''s $HOME.csv") + "' '" +
                          path("it'\\''s $HOME.h5") + "'"));
}

TEST_F(OpeningADataFile, GivesTheDataSetAnotherNameThanTheText) {
    EXPECT_THAT(error_for("rows.h5", "1 1:1\n"), HasSubstr(path("rows.h5") + " OUT.h5 ("));
}

TEST_F(OpeningADataFile, KnowsTextsOfOtherAlphabets) {
    EXPECT_THAT(error_for("a.csv",
                          "gr\xc3\xb6\xc3\x9f"
                          "e,y\n1,0\n"),
                HasSubstr("is a text"));
    EXPECT_THAT(error_for("b.csv",
                          "\xff\xfe"
                          "a\0,\0y\0\n\0"sv),
                HasSubstr("is a text"));
}

TEST_F(OpeningADataFile, LooksIntoCompressedFiles) {
    // "a,y\n1,0\n" and the signature of HDF5, by gzip -9n.
    EXPECT_THAT(error_for("rows.csv.gz",
                          "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\xd4\xa9\xe4\x32\xd4\x31"
                          "\xe0\x02\x00\xa1\x97\xb0\x51\x08\x00\x00\x00"sv),
                HasSubstr("is a text compressed with gzip, not an HDF5 file; make a data set of it "
                          "first: paralogit convert " +
                          path("rows.csv.gz") + " " + path("rows.h5")));
    EXPECT_THAT(error_for("rows.h5.gz",
                          "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xeb\xf4\x70\x71\xe3\xe5\x92"
                          "\xe2\x02\x00\xdb\xd1\xcd\xb2\x08\x00\x00\x00"sv),
                HasSubstr("is an HDF5 file compressed with gzip; uncompress it first: gzip -d -k " +
                          path("rows.h5.gz")));
}

TEST_F(OpeningADataFile, NamesWhatConvertCannotReadEither) {
    EXPECT_THAT(error_for("rows.parquet", "PAR1\x15\x04"), HasSubstr("is a Parquet file"));
    const std::string error = error_for("noise.bin", "\x01\x02\x03\x04\x05\x06\x07\x08");
    EXPECT_THAT(error, HasSubstr("is not an HDF5 file"));
    EXPECT_THAT(error, Not(HasSubstr("convert")));
}

TEST_F(OpeningADataFile, SaysWhatToDoWithKindsThatAreKnown) {
    EXPECT_THAT(
        error_for("a b.nc", "CDF\x01\0\0\0\0"sv),
        AllOf(HasSubstr("is a netCDF-3 file, not an HDF5 file"),
              HasSubstr("nccopy -k nc4 '" + path("a b.nc") + "' '" + path("a b.h5") + "'")));
    EXPECT_THAT(error_for("big.nc", "CDF\x02\0\0\0\0"sv), HasSubstr("is a netCDF-3 file"));
    EXPECT_THAT(error_for("lfs.h5", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
                AllOf(HasSubstr("is the pointer that git-lfs left"), HasSubstr("git lfs pull")));
    EXPECT_THAT(error_for("page.h5", "<!DOCTYPE HTML><html>login</html>"),
                AllOf(HasSubstr("is a web page"), HasSubstr("download that again")));
    EXPECT_THAT(error_for("old.mat", "MATLAB 5.0 MAT-file, Platform: GLNXA64\0\1IM"sv),
                AllOf(HasSubstr("is a MATLAB file of the old format"), HasSubstr("-v7.3"),
                      HasSubstr("loadmat('" + path("old.mat") + "')")));
    EXPECT_THAT(error_for("rows.zip", "PK\x03\x04" + std::string(22, '\0') + "\x08" +
                                          std::string(3, '\0') + "rows.csv"),
                HasSubstr("is a zip archive"));
    EXPECT_THAT(error_for("cdf.csv", "CDF,y\n1,0\n"), HasSubstr("is a text"));
}

TEST_F(OpeningADataFile, LeavesTheOtherErrorsAsTheyAre) {
    EXPECT_THAT(error_for("empty.h5", ""), HasSubstr("is empty (0 bytes)"));
    EXPECT_THAT(error_for("folder/absent.h5", ""), HasSubstr("there is no such file"));
}

TEST_F(OpeningADataFile, OpensAnHdf5FileWithATextBeforeItsBeginning) {
    TestFile file(path("plain.h5"));
    file.values("/X", counting<float>(8), {4, 2});
    const std::string plain = file.close();
    std::ifstream source(plain, std::ios::binary);
    std::ofstream target(path("user_block.h5"), std::ios::binary);
    target << std::string(512, '\n') << source.rdbuf();
    target.close();

    EXPECT_TRUE(open_data_file(path("user_block.h5")).has("X"));
}

}  // namespace
}  // namespace paralogit::data
