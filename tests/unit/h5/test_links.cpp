#include <gmock/gmock.h>

#include "h5_files.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::h5 {
namespace {

using test::failure_of;
using test::RawFile;
using test::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<double> some_values{1.0, 2.0};

std::vector<std::string> paths_of(const Listing& listing) {
    std::vector<std::string> paths;
    paths.reserve(listing.datasets.size());
    for (const DatasetInfo& info : listing.datasets) {
        paths.push_back(info.path);
    }
    return paths;
}

std::vector<std::string> texts_of(const std::vector<SkippedLink>& links) {
    std::vector<std::string> texts;
    texts.reserve(links.size());
    for (const SkippedLink& link : links) {
        texts.push_back(link.path + ": " + link.reason);
    }
    return texts;
}

/// A file with a group, hard links, and every link that leads elsewhere.
class LinksInAFile : public testing::Test {
  protected:
    LinksInAFile() {
        const RawFile other(folder_.file("other.h5"));
        other.dataset("X", H5T_IEEE_F64LE, {2}, some_values.data());
        const RawFile raw(path_);
        raw.group("g");
        raw.group("g/inner");
        raw.dataset("g/inner/X", H5T_IEEE_F64LE, {2}, some_values.data());
        raw.dataset("b", H5T_IEEE_F64LE, {2}, some_values.data());
        test::must(H5Lcreate_hard(raw.id(), "/b", raw.id(), "/a", H5P_DEFAULT, H5P_DEFAULT));
        test::must(H5Lcreate_hard(raw.id(), "/", raw.id(), "/g/loop", H5P_DEFAULT, H5P_DEFAULT));
        test::must(H5Lcreate_soft("/b", raw.id(), "soft", H5P_DEFAULT, H5P_DEFAULT));
        test::must(H5Lcreate_soft("/g", raw.id(), "soft_group", H5P_DEFAULT, H5P_DEFAULT));
        test::must(H5Lcreate_external(folder_.file("other.h5").c_str(), "/X", raw.id(), "external",
                                      H5P_DEFAULT, H5P_DEFAULT));
        test::must(H5Lcreate_external(folder_.file("other.h5").c_str(), "/", raw.id(),
                                      "external_group", H5P_DEFAULT, H5P_DEFAULT));
    }

    TemporaryFolder folder_;
    std::filesystem::path path_ = folder_.file("a.h5");
};

TEST_F(LinksInAFile, AreFollowedWhenTheyAreHard) {
    const File file = File::open(path_);

    for (const std::string name : {"/g/inner/X", "g/inner/X", "g//./inner/X", "/g/loop/b", "a"}) {
        EXPECT_TRUE(file.has(name)) << name;
        EXPECT_EQ(file.dataset(name).read_doubles(0, 2), some_values) << name;
    }
    EXPECT_EQ(file.describe("g//./inner/X").path, "/g/inner/X");
}

TEST_F(LinksInAFile, AreRefusedWhenTheyLeadElsewhere) {
    const File file = File::open(path_);
    const std::string other = folder_.file("other.h5").string();
    const std::vector<std::pair<std::string, std::string>> expected{
        {"soft", "/soft is a link that is not followed: soft link to /b"},
        {"soft_group/inner/X", "/soft_group is a link that is not followed: soft link to /g"},
        {"external", "/external is a link that is not followed: external link to " + other + ":/X"},
        {"external_group/X", "/external_group is a link that is not followed: external link to"},
    };
    for (const auto& [name, text] : expected) {
        SCOPED_TRACE(name);
        EXPECT_FALSE(file.has(name));
        EXPECT_THAT(failure_of([&, &name = name] { file.describe(name); }).text,
                    HasSubstr("a.h5: " + text));
        EXPECT_THAT(failure_of([&, &name = name] { file.dataset(name); }).text, HasSubstr(text));
    }
}

TEST_F(LinksInAFile, AreErrorsWhenTheyAreMissingOrNoDatasets) {
    const File file = File::open(path_);

    EXPECT_FALSE(file.has("none"));
    EXPECT_FALSE(file.has("g/none/X"));
    EXPECT_FALSE(file.has("g"));
    EXPECT_FALSE(file.has("b/X"));
    EXPECT_THAT(failure_of([&] { file.describe("g/none/X"); }).text,
                HasSubstr("a.h5: there is no /g/none"));
    EXPECT_THAT(failure_of([&] { file.describe("/g"); }).text,
                HasSubstr("a.h5:/g: is a group; the name of a dataset is needed"));
    EXPECT_THAT(failure_of([&] { file.describe("/"); }).text, HasSubstr("is a group"));
    EXPECT_THAT(failure_of([&] { file.describe("b/X"); }).text, HasSubstr("/b is not a group"));
}

TEST_F(LinksInAFile, AreListedByNameWithThoseThatAreSkipped) {
    const std::string other = folder_.file("other.h5").string();

    const Listing listing = File::open(path_).list();

    EXPECT_TRUE(listing.is_complete);
    EXPECT_THAT(paths_of(listing), ElementsAre("/a", "/b", "/g/inner/X"));
    EXPECT_THAT(listing.groups, ElementsAre("/g", "/g/inner"));
    EXPECT_THAT(texts_of(listing.skipped),
                ElementsAre("/external: external link to " + other + ":/X",
                            "/external_group: external link to " + other + ":/",
                            "/g/loop: the same group as /", "/soft: soft link to /b",
                            "/soft_group: soft link to /g"));
}

TEST(Listing, StopsInTheDepth) {
    const TemporaryFolder folder;
    const auto path = folder.file("deep.h5");
    {
        const RawFile raw(path);
        std::string name;
        for (int depth = 0; depth < 70; ++depth) {
            name += "/g";
            raw.group(name);
        }
    }

    const Listing listing = File::open(path).list();

    EXPECT_FALSE(listing.is_complete);
    EXPECT_EQ(listing.groups.size(), 64U);
    EXPECT_THAT(listing.skipped.back().reason, HasSubstr("deeper than 64 groups"));
}

TEST(Listing, StopsAfterTenThousandObjects) {
    const TemporaryFolder folder;
    const auto path = folder.file("many.h5");
    const auto write = [&path](int groups) {
        const RawFile raw(path);
        raw.group("a");
        raw.group("b");
        for (int i = 0; i < groups; ++i) {
            raw.group((i % 2 == 0 ? "a/" : "b/") + std::to_string(i));
        }
    };

    write(9998);
    const Listing all = File::open(path).list();
    write(9999);
    const Listing some = File::open(path).list();

    EXPECT_TRUE(all.is_complete);
    EXPECT_EQ(all.groups.size(), 10000U);
    EXPECT_FALSE(some.is_complete);
    EXPECT_EQ(some.groups.size(), 10000U);
}

TEST_F(LinksInAFile, AreTheSameToAFileThatWasListedBefore) {
    const File fresh = File::open(path_);
    const File listed = File::open(path_);
    listed.list();
    const auto told = [](const File& file, const std::string& path) {
        std::string text = file.has(path) ? "there: " : "";
        try {
            text += file.describe(path).path;
            text += " " + std::to_string(file.dataset(path).read_doubles(1, 1).front());
        } catch (const Error& error) {
            text += error.what();
        }
        return text;
    };
    for (const char* const path : {"/a",
                                   "/b",
                                   "a",
                                   "//b",
                                   "/./b",
                                   "/b/",
                                   "/b/.",
                                   "/g",
                                   "/g/",
                                   "/g/inner/X",
                                   "/g/inner/Y",
                                   "/g/loop/b",
                                   "/g/loop/c",
                                   "/soft",
                                   "/soft_group/inner/X",
                                   "/external",
                                   "/external_group/X",
                                   "/none",
                                   "/none/X",
                                   "/b/field",
                                   "/",
                                   ""}) {
        EXPECT_EQ(told(listed, path), told(fresh, path)) << path;
    }
    EXPECT_EQ(told(listed, "/g/inner/X"), "there: /g/inner/X 2.000000");
}

TEST(Listing, ShowsOtherObjectsWhenOneIsDamaged) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    {
        const RawFile raw(path);
        raw.dataset("bad", H5T_STD_I32LE, {2}, some_values.data());
        raw.dataset("good", H5T_IEEE_F64LE, {2}, some_values.data());
    }
    H5O_info_t info{};
    const hid_t file = test::must(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
    test::must(H5Oget_info_by_name2(file, "bad", &info, H5O_INFO_BASIC, H5P_DEFAULT));
    H5Fclose(file);
    std::string bytes = test::bytes_of(path);
    bytes[info.addr] = '\x7f';  // the version of the object's header
    const auto damaged = folder.file("damaged.h5");
    test::replace_bytes(damaged, bytes);

    const Listing listing = File::open(damaged).list();

    EXPECT_THAT(paths_of(listing), ElementsAre("/good"));
    ASSERT_EQ(listing.skipped.size(), 1U);
    EXPECT_EQ(listing.skipped.front().path, "/bad");
    EXPECT_THAT(listing.skipped.front().reason, HasSubstr("cannot read the object (HDF5: "));
}

TEST(Names, WithControlCharactersDoNotReachATerminal) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    {
        const RawFile raw(path);
        test::must(H5Lcreate_soft("/\033[2J", raw.id(), "x\ny", H5P_DEFAULT, H5P_DEFAULT));
    }
    const File file = File::open(path);

    EXPECT_THAT(failure_of([&] { file.describe("x\ny"); }).text,
                AllOf(HasSubstr("/x?y is a link"), HasSubstr("soft link to /?[2J")));
}

}  // namespace
}  // namespace paralogit::h5
