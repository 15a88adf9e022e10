#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <set>
#include <string>

#include "paralogit/base/checked.hpp"
#include "paralogit/base/digest.hpp"
#include "paralogit/base/output_file.hpp"
#include "paralogit/base/types.hpp"
#include "support/files.hpp"

namespace paralogit {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

class OutputFileTest : public ::testing::Test {
  protected:
    const test::TemporaryFolder folder_;
    const std::filesystem::path target_ = folder_.file("target.txt");
};

TEST(ElementTypes, KeepTheirNamesAndSizes) {
    for (const auto& [name, size] :
         {std::pair("float16", 2), std::pair("float32", 4), std::pair("float64", 8),
          std::pair("int8", 1), std::pair("uint16", 2), std::pair("uint64", 8)}) {
        const ElementType type = element_type_from_name(name);
        EXPECT_EQ(name_of(type), name);
        EXPECT_EQ(size_of(type), static_cast<std::size_t>(size));
    }
}

TEST(ElementTypes, AreJoinedInTheSmallestThatHoldsBoth) {
    const auto joined = [](const char* first, const char* second) {
        const auto type =
            common_type(element_type_from_name(first), element_type_from_name(second));
        const auto same =
            common_type(element_type_from_name(second), element_type_from_name(first));
        EXPECT_EQ(type, same);
        return std::string(type ? name_of(*type) : "none");
    };
    EXPECT_EQ(joined("float32", "int16"), "float32");
    EXPECT_EQ(joined("float32", "uint16"), "float32");
    EXPECT_EQ(joined("float32", "int32"), "float64");
    EXPECT_EQ(joined("float32", "float64"), "float64");
    EXPECT_EQ(joined("float16", "uint8"), "float16");
    EXPECT_EQ(joined("float16", "int16"), "float32");
    EXPECT_EQ(joined("uint8", "int8"), "int16");
    EXPECT_EQ(joined("uint16", "int8"), "int32");
    EXPECT_EQ(joined("uint32", "int32"), "int64");
    EXPECT_EQ(joined("uint32", "float16"), "float64");
    EXPECT_EQ(joined("uint8", "uint8"), "uint8");
    EXPECT_EQ(joined("int8", "uint64"), "none");
    EXPECT_EQ(joined("int64", "float64"), "none");
}

TEST(ElementTypes, AnUnknownNameIsAnErrorThatListsTheNames) {
    try {
        element_type_from_name("float8");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::usage);
        EXPECT_NE(std::string(error.what()).find("'float8'"), std::string::npos);
        EXPECT_NE(std::string(error.what()).find("float16, float32, float64"), std::string::npos);
    }
}

TEST(Narrow, PassesWhatFitsAndRefusesWhatDoesNot) {
    EXPECT_EQ(narrow<std::int8_t>(127), 127);
    EXPECT_EQ(narrow<std::uint32_t>(Index{4294967295}), 4294967295U);
    EXPECT_THROW(narrow<std::int8_t>(128), Error);
    EXPECT_THROW(narrow<std::uint64_t>(-1), Error);
}

TEST(CheckedMultiply, RefusesMoreThan63Bits) {
    constexpr Index half = Index{1} << 31;
    EXPECT_EQ(checked_multiply(half, half, "it"), Index{1} << 62);
    try {
        checked_multiply(half, Index{1} << 32, "data.h5:/X");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::input_data);
        EXPECT_NE(std::string(error.what()).find("data.h5:/X"), std::string::npos);
    }
}

TEST(Sha256, GivesTheDigestsOfTheStandard) {
    Sha256 empty;
    EXPECT_EQ(empty.hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    Sha256 abc;
    abc.add(bytes_of("a"));
    abc.add(bytes_of("bc"));
    EXPECT_EQ(abc.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, TellsMinusZeroFromZero) {
    Sha256 plus;
    plus.add(std::array{0.0});
    Sha256 minus;
    minus.add(std::array{-0.0});
    EXPECT_NE(plus.hex(), minus.hex());
}

TEST_F(OutputFileTest, AppearsWholeAtTheCommitAndNotBefore) {
    OutputFile file(target_);
    file.append("first ");
    file.append("second");
    EXPECT_FALSE(std::filesystem::exists(target_));
    EXPECT_EQ(file.temporary_path().parent_path(), folder_.path());
    file.commit();
    EXPECT_EQ(read_whole_file(target_, ExitCode::internal), "first second");
    EXPECT_EQ(folder_.names(), std::set<std::string>{"target.txt"});
}

TEST_F(OutputFileTest, LeavesNothingWhenItIsNotCommitted) {
    {
        OutputFile file(target_);
        file.append("lost");
    }
    EXPECT_TRUE(folder_.names().empty());
}

TEST_F(OutputFileTest, ReplacesAnOlderFileAndLeavesItUntilThen) {
    {
        OutputFile file(target_);
        file.append("old");
        file.commit();
    }
    OutputFile file(target_);
    file.append("new");
    EXPECT_EQ(read_whole_file(target_, ExitCode::internal), "old");
    file.commit();
    EXPECT_EQ(read_whole_file(target_, ExitCode::internal), "new");
}

TEST_F(OutputFileTest, TakesBytesAtAnyOffset) {
    OutputFile file(target_);
    write_at(file.temporary_path(), 3, bytes_of("def"));
    write_at(file.temporary_path(), 0, bytes_of("abc"));
    file.commit();
    EXPECT_EQ(read_whole_file(target_, ExitCode::internal), "abcdef");
}

TEST_F(OutputFileTest, AMissingDirectoryIsAnErrorThatNamesTheFile) {
    try {
        const OutputFile file(folder_.path() / "no" / "file");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::cannot_write);
        EXPECT_NE(std::string(error.what()).find("no/file"), std::string::npos);
    }
}

TEST(ReadWholeFile, ReadsAnEmptyFileAndNamesAMissingOne) {
    EXPECT_EQ(read_whole_file("/dev/null", ExitCode::usage), "");
    EXPECT_THROW(read_whole_file("/nowhere/config", ExitCode::usage), Error);
}

}  // namespace
}  // namespace paralogit
