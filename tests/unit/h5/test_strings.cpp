#include <gmock/gmock.h>

#include <array>

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

hid_t string_type(std::size_t size, H5T_str_t padding) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    test::must(H5Tset_size(type, size));
    test::must(H5Tset_strpad(type, padding));
    return type;
}

hid_t enumeration(hid_t base, const std::vector<std::pair<std::string, std::int64_t>>& members) {
    const hid_t type = H5Tenum_create(base);
    for (const auto& [name, value] : members) {
        std::int64_t converted = value;
        test::must(H5Tconvert(H5T_NATIVE_INT64, base, 1, &converted, nullptr, H5P_DEFAULT));
        test::must(H5Tenum_insert(type, name.c_str(), &converted));
    }
    return type;
}

TEST(Strings, OfFixedLengthComeBackWithoutTheirPadding) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    {
        const RawFile raw(path);
        raw.dataset("zeros", string_type(4, H5T_STR_NULLPAD), {4}, "ab\0\0abcd\0\0\0\0a\0b\0");
        raw.dataset("terminated", string_type(4, H5T_STR_NULLTERM), {3}, "ab\0xabc\0\0xyz");
        raw.dataset("spaces", string_type(4, H5T_STR_SPACEPAD), {3, 1}, "ab   abcd   ");
    }
    const File file = File::open(path);

    EXPECT_THAT(file.dataset("zeros").read_strings(0, 4),
                ElementsAre("ab", "abcd", "", std::string("a\0b", 3)));
    EXPECT_THAT(file.dataset("terminated").read_strings(0, 3), ElementsAre("ab", "abc", ""));
    EXPECT_THAT(file.dataset("spaces").read_strings(0, 3), ElementsAre("ab", " abc", "d"));
    EXPECT_EQ(file.describe("zeros").kind, ValueKind::string);
    EXPECT_EQ(file.describe("zeros").element_type, std::nullopt);
    EXPECT_EQ(file.describe("zeros").type_text, "strings of 4 bytes");
}

TEST(Strings, MayBeOneInNoDimension) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const char* pointer = "text";
    {
        const RawFile raw(path);
        raw.dataset("fixed", string_type(3, H5T_STR_NULLPAD), {}, "csr");
        raw.dataset("variable", string_type(H5T_VARIABLE, H5T_STR_NULLTERM), {},
                    static_cast<const void*>(&pointer));
    }
    const File file = File::open(path);

    EXPECT_THAT(file.dataset("fixed").read_strings(0, 1), ElementsAre("csr"));
    EXPECT_THAT(file.dataset("variable").read_strings(0, 1), ElementsAre("text"));
    EXPECT_THAT(failure_of([&] { file.dataset("fixed").read_strings(0, 2); }).text,
                HasSubstr("one value per row is needed"));
}

TEST(Strings, OfVariableLengthComeBackAsTheyAre) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    std::vector<std::string> strings;
    std::vector<const char*> pointers;
    strings.reserve(3000);
    pointers.reserve(3000);
    for (int i = 0; i < 3000; ++i) {
        strings.push_back(i % 5 == 0 ? ""
                                     : std::string(static_cast<std::size_t>(i % 40), 'x') +
                                           std::to_string(i));
    }
    for (const std::string& text : strings) {
        pointers.push_back(text.c_str());
    }
    for (const H5T_cset_t characters : {H5T_CSET_ASCII, H5T_CSET_UTF8}) {
        const hid_t type = string_type(H5T_VARIABLE, H5T_STR_NULLTERM);
        H5Tset_cset(type, characters);
        {
            const RawFile raw(path);
            raw.dataset("flat", type, {3000}, static_cast<const void*>(pointers.data()));
            raw.dataset("chunked", type, {3000}, static_cast<const void*>(pointers.data()),
                        test::chunked({700}));
        }
        const File file = File::open(path);

        EXPECT_EQ(file.dataset("flat").read_strings(0, 3000), strings);
        EXPECT_EQ(file.dataset("chunked").read_strings(1, 2998),
                  std::vector<std::string>(strings.begin() + 1, strings.end() - 1));
        EXPECT_EQ(file.describe("flat").type_text, "strings of variable length");
        EXPECT_EQ(file.describe("flat").problem, "");
        EXPECT_EQ(file.describe("flat").file_offset, std::nullopt);
    }
}

TEST(Strings, OfAbsurdLengthAreRefused) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::size_t absurd = (std::size_t{1} << 20) + 1;
    const std::string text(absurd, 'x');
    const char* pointer = text.c_str();
    {
        const RawFile raw(path);
        raw.dataset("fixed", string_type(absurd, H5T_STR_NULLPAD), {1}, text.data());
        raw.dataset("variable", string_type(H5T_VARIABLE, H5T_STR_NULLTERM), {1},
                    static_cast<const void*>(&pointer));
    }
    const File file = File::open(path);
    for (const std::string name : {"fixed", "variable"}) {
        EXPECT_THAT(failure_of([&] { file.dataset(name).read_strings(0, 1); }).text,
                    HasSubstr("more than 1048576 are not read"));
    }
}

TEST(Booleans, AreNumbersAndNames) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::array<signed char, 3> values{1, 0, 1};
    {
        const RawFile raw(path);
        raw.dataset("y", enumeration(H5T_STD_I8LE, {{"FALSE", 0}, {"TRUE", 1}}), {3},
                    values.data());
    }
    const File file = File::open(path);
    const Dataset dataset = file.dataset("y");
    std::array<std::int8_t, 3> read{};
    dataset.read(std::array<Index, 1>{0}, std::array<Index, 1>{3}, ElementType::int8,
                 std::as_writable_bytes(std::span(read)));

    EXPECT_EQ(dataset.info().kind, ValueKind::boolean);
    EXPECT_EQ(dataset.info().element_type, ElementType::int8);
    EXPECT_EQ(dataset.info().type_text, "boolean");
    EXPECT_TRUE(dataset.info().file_offset.has_value());
    EXPECT_THAT(read, ElementsAre(1, 0, 1));
    EXPECT_THAT(dataset.read_doubles(0, 3), ElementsAre(1, 0, 1));
    EXPECT_THAT(dataset.read_strings(1, 2), ElementsAre("FALSE", "TRUE"));
}

TEST(Enumerations, AreNumbersAndNames) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::vector<unsigned char> big_endian{0xff, 0xfe, 0x01, 0x00, 0xff, 0xfe};
    const std::vector<std::uint64_t> large{0xffffffffffffffffU, 1};
    {
        const RawFile raw(path);
        raw.dataset("y", enumeration(H5T_STD_I16BE, {{"cat", -2}, {"dog", 256}}), {3},
                    big_endian.data());
        const hid_t wide = H5Tenum_create(H5T_STD_U64LE);
        test::must(H5Tenum_insert(wide, "all", &large[0]));
        test::must(H5Tenum_insert(wide, "one", &large[1]));
        raw.dataset("wide", wide, {2}, large.data());
        // The same numbers as a boolean's, but other names: no boolean.
        const std::array<signed char, 2> bits{0, 1};
        raw.dataset("bits", enumeration(H5T_STD_I8LE, {{"no", 0}, {"yes", 1}}), {2}, bits.data());
    }
    const File file = File::open(path);

    EXPECT_EQ(file.describe("y").kind, ValueKind::enumeration);
    EXPECT_EQ(file.describe("y").element_type, ElementType::int16);
    EXPECT_EQ(file.describe("y").type_text, "enumeration of 2 names over int16, big-endian");
    EXPECT_THAT(file.dataset("y").read_doubles(0, 3), ElementsAre(-2, 256, -2));
    EXPECT_THAT(file.dataset("y").read_strings(0, 3), ElementsAre("cat", "dog", "cat"));
    EXPECT_THAT(file.dataset("wide").read_strings(0, 2), ElementsAre("all", "one"));
    EXPECT_EQ(file.describe("bits").kind, ValueKind::enumeration);
}

TEST(Enumerations, WithAValueThatHasNoNameAreAnErrorWithItsRow) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::array<signed char, 3> values{1, 2, 5};
    {
        const RawFile raw(path);
        raw.dataset("y", enumeration(H5T_STD_I8LE, {{"one", 1}, {"two", 2}}), {3}, values.data());
    }
    const File file = File::open(path);

    EXPECT_THAT(failure_of([&] { file.dataset("y").read_strings(1, 2); }).text,
                HasSubstr("a.h5:/y: row 2: 5 is not among the names"));
}

TEST(OtherTypes, AreNeitherNumbersNorTexts) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::array<double, 2> values{1, 2};
    {
        const RawFile raw(path);
        const hid_t pair = H5Tcreate(H5T_COMPOUND, 8);
        H5Tinsert(pair, "a", 0, H5T_NATIVE_INT);
        H5Tinsert(pair, "b", 4, H5T_NATIVE_INT);
        raw.dataset("pairs", pair, {2}, values.data());
        raw.dataset("texts", string_type(8, H5T_STR_NULLPAD), {2}, values.data());
        raw.dataset("numbers", H5T_IEEE_F64LE, {2}, values.data());
    }
    const File file = File::open(path);

    EXPECT_EQ(file.describe("pairs").kind, ValueKind::other);
    EXPECT_EQ(file.describe("pairs").type_text, "compound");
    for (const std::string name : {"pairs", "texts"}) {
        EXPECT_THAT(failure_of([&] { file.dataset(name).read_doubles(0, 2); }).text,
                    AllOf(HasSubstr("a.h5:/" + name), HasSubstr("where numbers are needed")));
    }
    for (const std::string name : {"pairs", "numbers"}) {
        EXPECT_THAT(failure_of([&] { file.dataset(name).read_strings(0, 2); }).text,
                    AllOf(HasSubstr("a.h5:/" + name), HasSubstr("where texts are needed")));
    }
}

}  // namespace
}  // namespace paralogit::h5
