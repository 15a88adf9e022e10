#include <gmock/gmock.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "h5_files.hpp"
#include "paralogit/h5/chunks.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::h5 {
namespace {

using test::failure_of;
using test::RawFile;
using test::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// Bytes without a pattern that a wrong order or length could keep.
std::vector<std::byte> some_bytes(std::size_t count) {
    std::vector<std::byte> bytes(count);
    std::uint64_t state = 88172645463325252U;
    for (std::byte& byte : bytes) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        byte = static_cast<std::byte>(state >> 32);
    }
    return bytes;
}

std::vector<std::byte> with_swapped_elements(std::vector<std::byte> bytes, std::size_t size) {
    for (std::size_t begin = 0; begin < bytes.size(); begin += size) {
        std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                     bytes.begin() + static_cast<std::ptrdiff_t>(begin + size));
    }
    return bytes;
}

/// Half precision as h5py makes it, in the order of `order`.
hid_t half_type(H5T_order_t order) {
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    test::must(H5Tset_fields(type, 15, 10, 5, 0, 10));
    test::must(H5Tset_size(type, 2));
    test::must(H5Tset_ebias(type, 15));
    test::must(H5Tset_order(type, order));
    return type;
}

std::vector<std::uint16_t> all_halves() {
    std::vector<std::uint16_t> patterns(65536);
    std::iota(patterns.begin(), patterns.end(), std::uint16_t{0});
    return patterns;
}

struct TypeCase {
    hid_t little;
    hid_t big;
    ElementType type;
};

TEST(Numbers, OfEveryTypeAndByteOrderComeBackBitByBit) {
    const TemporaryFolder folder;
    const std::array<TypeCase, 10> cases{{
        {H5T_IEEE_F32LE, H5T_IEEE_F32BE, ElementType::float32},
        {H5T_IEEE_F64LE, H5T_IEEE_F64BE, ElementType::float64},
        {H5T_STD_I8LE, H5T_STD_I8BE, ElementType::int8},
        {H5T_STD_I16LE, H5T_STD_I16BE, ElementType::int16},
        {H5T_STD_I32LE, H5T_STD_I32BE, ElementType::int32},
        {H5T_STD_I64LE, H5T_STD_I64BE, ElementType::int64},
        {H5T_STD_U8LE, H5T_STD_U8BE, ElementType::uint8},
        {H5T_STD_U16LE, H5T_STD_U16BE, ElementType::uint16},
        {H5T_STD_U32LE, H5T_STD_U32BE, ElementType::uint32},
        {H5T_STD_U64LE, H5T_STD_U64BE, ElementType::uint64},
    }};
    for (const TypeCase& each : cases) {
        SCOPED_TRACE(name_of(each.type));
        const std::size_t size = size_of(each.type);
        const auto path = folder.file(std::string(name_of(each.type)) + ".h5");
        const std::vector<std::byte> native = some_bytes(60 * size);
        {
            const RawFile raw(path);
            raw.dataset("little", each.little, {20, 3}, native.data());
            raw.dataset("big", each.big, {20, 3}, with_swapped_elements(native, size).data());
        }
        const File file = File::open(path);
        for (const std::string name : {"little", "big"}) {
            SCOPED_TRACE(name);
            const Dataset dataset = file.dataset(name);
            std::vector<std::byte> values(native.size());

            dataset.read(std::array<Index, 2>{0, 0}, std::array<Index, 2>{20, 3}, each.type,
                         values);

            EXPECT_EQ(values, native);
            EXPECT_EQ(dataset.info().element_type, each.type);
            EXPECT_THAT(dataset.info().shape, ElementsAre(20, 3));
            EXPECT_EQ(dataset.info().values_per_row(), 3);
            const bool is_native = name == "little" || size == 1;
            EXPECT_EQ(dataset.info().file_offset.has_value(), is_native);
            EXPECT_EQ(dataset.info().type_text,
                      std::string(name_of(each.type)) + (is_native ? "" : ", big-endian"));
        }
    }
}

TEST(HalfFloats, ComeBackBitByBitInBothByteOrders) {
    const TemporaryFolder folder;
    const auto path = folder.file("half.h5");
    const std::vector<std::uint16_t> patterns = all_halves();
    std::vector<std::byte> bytes(2 * patterns.size());
    std::memcpy(bytes.data(), patterns.data(), bytes.size());
    {
        const RawFile raw(path);
        raw.dataset("little", half_type(H5T_ORDER_LE), {65536}, bytes.data());
        raw.dataset("big", half_type(H5T_ORDER_BE), {65536},
                    with_swapped_elements(bytes, 2).data());
    }
    const File file = File::open(path);
    for (const std::string name : {"little", "big"}) {
        SCOPED_TRACE(name);
        const Dataset dataset = file.dataset(name);
        std::vector<std::uint16_t> values(patterns.size());

        dataset.read(std::array<Index, 1>{0}, std::array<Index, 1>{65536}, ElementType::float16,
                     std::as_writable_bytes(std::span(values)));

        EXPECT_EQ(values, patterns);
        EXPECT_EQ(dataset.info().element_type, ElementType::float16);
        EXPECT_EQ(dataset.info().file_offset.has_value(), name == "little");
    }
}

TEST(HalfFloats, WidenToTheirExactValues) {
    const TemporaryFolder folder;
    const auto path = folder.file("half.h5");
    const std::vector<std::uint16_t> patterns = all_halves();
    {
        const RawFile raw(path);
        raw.dataset("X", half_type(H5T_ORDER_LE), {65536}, patterns.data());
    }

    const std::vector<double> values = File::open(path).dataset("X").read_doubles(0, 65536);

    for (std::size_t i = 0; i < patterns.size(); ++i) {
        const int exponent = (patterns[i] >> 10) & 31;
        const int fraction = patterns[i] & 1023;
        double expected =
            exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
        if (exponent == 31) {
            expected = fraction == 0 ? std::numeric_limits<double>::infinity()
                                     : std::numeric_limits<double>::quiet_NaN();
        }
        if ((patterns[i] & 0x8000) != 0) {
            expected = -expected;
        }
        if (std::isnan(expected)) {
            ASSERT_TRUE(std::isnan(values[i])) << patterns[i];
        } else {
            ASSERT_EQ(std::bit_cast<std::uint64_t>(values[i]),
                      std::bit_cast<std::uint64_t>(expected))
                << patterns[i];
        }
    }
}

TEST(UnusualFloats, GoIntoTheNextTypeThatHoldsThem) {
    const TemporaryFolder folder;
    const auto path = folder.file("odd.h5");
    // bfloat16: the upper half of a float32.
    const hid_t brain = H5Tcopy(H5T_IEEE_F32LE);
    test::must(H5Tset_fields(brain, 15, 7, 8, 0, 7));
    test::must(H5Tset_size(brain, 2));
    test::must(H5Tset_ebias(brain, 127));
    const std::vector<std::uint16_t> patterns{0x3f80, 0xc049, 0x0001, 0x7f80};
    const std::vector<long double> wide{1.5L, -0.25L};
    {
        const RawFile raw(path);
        raw.dataset("brain", brain, {4}, patterns.data());
        raw.dataset("wide", H5T_NATIVE_LDOUBLE, {2}, wide.data());
    }
    const File file = File::open(path);

    EXPECT_EQ(file.describe("brain").element_type, ElementType::float32);
    EXPECT_EQ(file.describe("brain").file_offset, std::nullopt);
    EXPECT_EQ(file.describe("wide").element_type, ElementType::float64);
    EXPECT_THAT(file.dataset("wide").read_doubles(0, 2), ElementsAre(1.5, -0.25));
    const std::vector<double> values = file.dataset("brain").read_doubles(0, 4);
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        const auto pattern = static_cast<std::uint32_t>(patterns[i]) << 16;
        EXPECT_EQ(values[i], static_cast<double>(std::bit_cast<float>(pattern)));
    }
}

TEST(UnusualIntegers, GoIntoTheNextTypeThatHoldsThem) {
    const TemporaryFolder folder;
    const auto path = folder.file("odd.h5");
    const hid_t three_bytes = H5Tcopy(H5T_STD_I32LE);
    test::must(H5Tset_precision(three_bytes, 24));
    test::must(H5Tset_size(three_bytes, 3));
    const hid_t twelve_bits = H5Tcopy(H5T_STD_U16LE);
    test::must(H5Tset_precision(twelve_bits, 12));
    const hid_t sixteen_bytes = H5Tcopy(H5T_STD_I64LE);
    test::must(H5Tset_size(sixteen_bytes, 16));
    test::must(H5Tset_precision(sixteen_bytes, 128));
    const std::array<unsigned char, 6> minus_two_and_65536{0xfe, 0xff, 0xff, 0, 0, 1};
    const std::array<std::uint16_t, 2> twelve{4095, 7};
    const std::array<std::uint64_t, 2> huge{1, 1};
    {
        const RawFile raw(path);
        raw.dataset("three", three_bytes, {2}, minus_two_and_65536.data());
        raw.dataset("twelve", twelve_bits, {2}, twelve.data());
        raw.dataset("huge", sixteen_bytes, {1}, huge.data());
    }
    const File file = File::open(path);

    EXPECT_EQ(file.describe("three").element_type, ElementType::int32);
    EXPECT_EQ(file.describe("twelve").element_type, ElementType::uint16);
    EXPECT_THAT(file.dataset("three").read_doubles(0, 2), ElementsAre(-2, 65536));
    EXPECT_THAT(file.dataset("twelve").read_doubles(0, 2), ElementsAre(4095, 7));
    EXPECT_THAT(file.describe("huge").problem, HasSubstr("128 bits"));
}

TEST(Integers, BecomeTheNearestDoubles) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::vector<std::int64_t> values{std::numeric_limits<std::int64_t>::min(),
                                           9007199254740993, 9007199254740995, -1};
    const std::vector<std::uint64_t> naturals{std::numeric_limits<std::uint64_t>::max()};
    {
        const RawFile raw(path);
        raw.dataset("signed", H5T_STD_I64LE, {1, 4}, values.data());
        raw.dataset("unsigned", H5T_STD_U64LE, {1}, naturals.data());
    }
    const File file = File::open(path);

    EXPECT_THAT(file.dataset("signed").read_doubles(0, 4),
                ElementsAre(-0x1p63, 9007199254740992.0, 9007199254740996.0, -1.0));
    EXPECT_THAT(file.dataset("unsigned").read_doubles(0, 1), ElementsAre(0x1p64));
}

TEST(Reading, RefusesAValueThatTheTypeCannotHold) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::vector<std::int32_t> integers{1, 300};
    const std::vector<double> reals{1.0, 0.1};
    {
        const RawFile raw(path);
        raw.dataset("integers", H5T_STD_I32LE, {2}, integers.data());
        raw.dataset("reals", H5T_IEEE_F64LE, {2}, reals.data());
    }
    const File file = File::open(path);
    const std::array<Index, 1> first{0};
    const std::array<Index, 1> count{2};
    std::array<float, 2> rounded{};
    std::array<std::uint8_t, 2> bytes{};

    file.dataset("reals").read(first, count, ElementType::float32,
                               std::as_writable_bytes(std::span(rounded)));

    EXPECT_THAT(rounded, ElementsAre(1.0F, 0.1F));
    for (const std::string name : {"integers", "reals"}) {
        EXPECT_THAT(failure_of([&] {
                        file.dataset(name).read(first, count, ElementType::uint8,
                                                std::as_writable_bytes(std::span(bytes)));
                    }).text,
                    AllOf(HasSubstr("a.h5:/" + name), HasSubstr("cannot read values as uint8")));
    }
}

TEST(Reading, TakesAnyPartOfACompressedDataset) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    std::vector<std::int32_t> values(std::size_t{101} * 17);
    std::iota(values.begin(), values.end(), -500);
    const hid_t creation = test::chunked({10, 5});
    H5Pset_shuffle(creation);
    H5Pset_deflate(creation, 6);
    H5Pset_fletcher32(creation);
    {
        const RawFile raw(path);
        raw.dataset(
            "X", H5T_STD_I32BE, {101, 17},
            with_swapped_elements({reinterpret_cast<std::byte*>(values.data()),
                                   reinterpret_cast<std::byte*>(values.data()) + 4 * values.size()},
                                  4)
                .data(),
            creation);
    }
    const File file = File::open(path);
    const Dataset dataset = file.dataset("X");

    EXPECT_EQ(dataset.info().problem, "");
    EXPECT_THAT(dataset.info().chunk, ElementsAre(10, 5));
    EXPECT_THAT(dataset.info().filters, ElementsAre("shuffle", "deflate 6", "fletcher32"));
    EXPECT_EQ(dataset.info().file_offset, std::nullopt);
    for (Index row = 0; row < 101; row += 7) {
        const Index rows = std::min<Index>(7, 101 - row);
        std::vector<std::int32_t> part(static_cast<std::size_t>(rows * 11));
        dataset.read(std::array<Index, 2>{row, 4}, std::array<Index, 2>{rows, 11},
                     ElementType::int32, std::as_writable_bytes(std::span(part)));
        for (Index i = 0; i < rows * 11; ++i) {
            ASSERT_EQ(part[static_cast<std::size_t>(i)], -500 + (row + i / 11) * 17 + 4 + i % 11);
        }
    }
}

TEST(Reading, RefusesAPartOutsideTheDataset) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::vector<double> values(6, 1.0);
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {2, 3}, values.data());
        raw.dataset("y", H5T_IEEE_F64LE, {6}, values.data());
    }
    const File file = File::open(path);
    const Dataset matrix = file.dataset("X");
    std::vector<std::byte> out(24);

    for (const std::array<Index, 2> first : {std::array<Index, 2>{2, 0}, {1, 1}, {-1, 0}}) {
        EXPECT_THAT(failure_of([&] {
                        matrix.read(first, std::array<Index, 2>{1, 3}, ElementType::float64, out);
                    }).text,
                    HasSubstr("do not lie inside its shape [2, 3]"));
    }
    EXPECT_EQ(failure_of([&] {
                  matrix.read(std::array<Index, 2>{0, 0}, std::array<Index, 2>{2, 3},
                              ElementType::float64, out);
              }).code,
              ExitCode::internal);
    EXPECT_THAT(failure_of([&] { file.dataset("y").read_doubles(5, 2); }).text,
                HasSubstr("do not lie inside"));
    EXPECT_THAT(failure_of([&] { matrix.read_doubles(0, 2); }).text,
                HasSubstr("has the shape [2, 3]"));
}

TEST(LongVectors, MayLieInOneColumnOrOneRow) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    std::vector<double> values(70000);
    std::iota(values.begin(), values.end(), 0.5);
    {
        const RawFile raw(path);
        raw.dataset("flat", H5T_IEEE_F64LE, {70000}, values.data());
        raw.dataset("column", H5T_IEEE_F64LE, {70000, 1}, values.data());
        raw.dataset("row", H5T_IEEE_F64LE, {1, 70000}, values.data());
    }
    const File file = File::open(path);
    for (const std::string name : {"flat", "column", "row"}) {
        EXPECT_EQ(file.dataset(name).read_doubles(3, 69990),
                  std::vector<double>(values.begin() + 3, values.end() - 7))
            << name;
    }
}

TEST(Numbers, ReadsBytesOfBitsAsTheBooleansThatPyTablesWrites) {
    const TemporaryFolder folder;
    const auto path = folder.file("bits.h5");
    const std::vector<std::uint8_t> bits{1, 0, 1, 1, 0, 0};
    {
        const RawFile file(path);
        file.dataset("contiguous", H5T_STD_B8LE, {3, 2}, bits.data());
        file.dataset("chunked", H5T_STD_B8BE, {6}, bits.data(), test::chunked({4}));
        const hid_t records = test::must(H5Tcreate(H5T_COMPOUND, 1));
        test::must(H5Tinsert(records, "isSig", 0, H5T_STD_B8LE));
        file.dataset("events", records, {6}, bits.data());
        const hid_t bytes_of_two = H5T_STD_B16LE;
        file.dataset("flags", bytes_of_two, {3}, bits.data());
    }
    const File file = File::open(path);

    std::vector<std::uint8_t> read(4);
    file.dataset("/contiguous")
        .read(std::array<Index, 2>{1, 0}, std::array<Index, 2>{2, 2}, ElementType::uint8,
              std::as_writable_bytes(std::span(read)));
    EXPECT_THAT(read, ElementsAre(1, 1, 0, 0));
    EXPECT_EQ(file.describe("/contiguous").type_text, "bit field of 8 bits");
    EXPECT_TRUE(file.describe("/contiguous").file_offset);
    EXPECT_TRUE(file.dataset("/chunked").chunks());
    for (const char* const name : {"/chunked", "/events/isSig"}) {
        EXPECT_THAT(file.dataset(name).read_doubles(0, 6), ElementsAre(1, 0, 1, 1, 0, 0)) << name;
    }
    EXPECT_EQ(file.describe("/flags").kind, ValueKind::other);
    EXPECT_FALSE(file.describe("/flags").element_type);
}

}  // namespace
}  // namespace paralogit::h5
