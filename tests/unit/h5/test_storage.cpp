#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <numeric>

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

constexpr int absent_filter = 307;

std::size_t pass_through(unsigned /*flags*/, std::size_t /*count*/, const unsigned* /*values*/,
                         std::size_t bytes, std::size_t* /*size*/, void** /*buffer*/) {
    return bytes;
}

constexpr int counting_filter = 308;
int inflations = 0;

/// Leaves the bytes as they are and counts how often a chunk is read.
std::size_t count_inflations(unsigned flags, std::size_t /*count*/, const unsigned* /*values*/,
                             std::size_t bytes, std::size_t* /*size*/, void** /*buffer*/) {
    inflations += (flags & H5Z_FLAG_REVERSE) != 0 ? 1 : 0;
    return bytes;
}

const std::vector<double> some_values{1.5, -2.0, 3.25, 0.0, 5.0, 6.0, 7.0, 8.0};

/// The problem that is described is the one that keeps the dataset from being opened.
std::string problem_of(const std::filesystem::path& path, const std::string& name) {
    const File file = File::open(path);
    std::string problem = file.describe(name).problem;
    if (!problem.empty()) {
        const test::Failure failure = failure_of([&] { file.dataset(name); });
        EXPECT_EQ(failure.text, path.string() + ":/" + name + ": " + problem);
        EXPECT_EQ(failure.code, ExitCode::input_data);
    }
    return problem;
}

TEST(Storage, OfAnOrdinaryDatasetHasNoProblem) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const hid_t compact = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(compact, H5D_COMPACT);
    const hid_t early = test::chunked({3});
    H5Pset_alloc_time(early, H5D_ALLOC_TIME_EARLY);
    {
        const RawFile raw(path);
        raw.dataset("contiguous", H5T_IEEE_F64LE, {8}, some_values.data());
        raw.dataset("chunked", H5T_IEEE_F64LE, {4, 2}, some_values.data(), test::chunked({3, 1}));
        raw.dataset("early", H5T_IEEE_F64LE, {8}, some_values.data(), early);
        raw.dataset("compact", H5T_IEEE_F64LE, {8}, some_values.data(), compact);
        raw.dataset("scalar", H5T_IEEE_F64LE, {}, some_values.data());
        raw.dataset("empty", H5T_IEEE_F64LE, {0, 3}, nullptr);
        raw.dataset("empty_chunked", H5T_IEEE_F64LE, {0, 3}, nullptr, test::chunked({2, 3}));
    }
    for (const std::string name :
         {"contiguous", "chunked", "early", "compact", "scalar", "empty", "empty_chunked"}) {
        EXPECT_EQ(problem_of(path, name), "") << name;
    }
    const File file = File::open(path);
    EXPECT_EQ(file.describe("contiguous").stored_bytes, 64);
    EXPECT_THAT(file.describe("scalar").shape, ElementsAre());
    EXPECT_EQ(file.describe("scalar").rows(), 0);
    double scalar = 0;
    file.dataset("scalar").read({}, {}, ElementType::float64,
                                std::as_writable_bytes(std::span(&scalar, 1)));
    EXPECT_EQ(scalar, 1.5);
    EXPECT_EQ(file.dataset("compact").read_doubles(0, 8), some_values);
}

TEST(Storage, OfANullDataspaceIsAProblem) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    {
        const RawFile raw(path);
        const hid_t space = H5Screate(H5S_NULL);
        test::must(H5Dclose(test::must(H5Dcreate2(raw.id(), "X", H5T_IEEE_F64LE, space, H5P_DEFAULT,
                                                  H5P_DEFAULT, H5P_DEFAULT))));
        H5Sclose(space);
    }

    EXPECT_THAT(problem_of(path, "X"), HasSubstr("null dataspace"));
}

TEST(Storage, OfAVirtualDatasetIsAProblem) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const hsize_t eight = 8;
    const hid_t space = H5Screate_simple(1, &eight, nullptr);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    test::must(H5Pset_virtual(creation, space, folder.file("b.h5").c_str(), "X", space));
    {
        const RawFile source(folder.file("b.h5"));
        source.dataset("X", H5T_IEEE_F64LE, {8}, some_values.data());
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {8}, nullptr, creation);
    }

    EXPECT_THAT(problem_of(path, "X"), HasSubstr("virtual"));
    EXPECT_THAT(File::open(path).describe("X").shape, ElementsAre(8));
}

TEST(Storage, InAnotherFileIsAProblem) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    test::replace_bytes(folder.file("secret"), std::string(64, 's'));
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    test::must(H5Pset_external(creation, folder.file("secret").c_str(), 0, 64));
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {8}, nullptr, creation);
    }

    EXPECT_THAT(problem_of(path, "X"), HasSubstr("another file"));
}

TEST(Storage, ThatWasNeverWrittenIsAProblem) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    {
        const RawFile raw(path);
        raw.dataset("contiguous", H5T_IEEE_F64LE, {8}, nullptr);
        raw.dataset("chunked", H5T_IEEE_F64LE, {8}, nullptr, test::chunked({2}));
    }

    EXPECT_THAT(problem_of(path, "contiguous"),
                HasSubstr("needs 64 bytes, but its values were never written"));
    EXPECT_THAT(problem_of(path, "chunked"), HasSubstr("only 0 of its 4 chunks"));
}

TEST(Storage, OfEightPebibytesInASmallFileIsAProblem) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {hsize_t{1} << 50}, nullptr);
    }

    EXPECT_THAT(problem_of(path, "X"),
                HasSubstr("needs 9007199254740992 bytes, but its values were never"));
}

TEST(Storage, ThatInflatesBeyondMeasureIsAProblem) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const hid_t creation = test::chunked({1 << 20});
    H5Pset_deflate(creation, 9);
    const std::vector<double> zeros(1 << 20, 0.0);
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {hsize_t{1} << 40}, nullptr, creation);
        const hid_t dataset = H5Dopen2(raw.id(), "X", H5P_DEFAULT);
        const hid_t space = H5Dget_space(dataset);
        const hsize_t first = 0;
        const hsize_t count = zeros.size();
        const hid_t memory = H5Screate_simple(1, &count, nullptr);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, nullptr, &count, nullptr);
        test::must(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, zeros.data()));
        H5Sclose(memory);
        H5Sclose(space);
        H5Dclose(dataset);
    }

    EXPECT_THAT(problem_of(path, "X"), HasSubstr("more than 1000 times"));
}

TEST(Storage, WhoseBytesCannotBeCountedIsAProblem) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const hsize_t side = hsize_t{1} << 40;
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {side, side}, nullptr, test::chunked({1, 1024}));
    }

    EXPECT_THAT(problem_of(path, "X"), HasSubstr("more bytes than 63 bits can count"));
    const DatasetInfo info = File::open(path).describe("X");
    EXPECT_EQ(info.values_per_row(), Index{1} << 40);
}

TEST(ValuesPerRow, BeyondSixtyThreeBitsAreAnError) {
    DatasetInfo info;
    info.path = "/X";
    info.shape = {3, Index{1} << 40, Index{1} << 40};

    const test::Failure failure = failure_of([&] { info.values_per_row(); });

    EXPECT_EQ(failure.code, ExitCode::input_data);
    EXPECT_THAT(failure.text, HasSubstr("/X"));
}

TEST(Storage, WithoutSomeChunksIsAProblem) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const hid_t creation = test::chunked({2, 3});
    H5Pset_deflate(creation, 1);
    const std::array<hsize_t, 2> unlimited{H5S_UNLIMITED, 3};
    const std::array<hsize_t, 2> written{4, 3};
    const std::array<hsize_t, 2> extended{7, 3};
    const std::vector<double> values(12, 1.0);
    {
        const RawFile raw(path);
        const hid_t space = H5Screate_simple(2, written.data(), unlimited.data());
        const hid_t dataset =
            H5Dcreate2(raw.id(), "X", H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
        test::must(
            H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
        test::must(H5Dset_extent(dataset, extended.data()));
        H5Dclose(dataset);
        H5Sclose(space);
    }

    EXPECT_THAT(problem_of(path, "X"), HasSubstr("only 2 of its 4 chunks"));
}

TEST(Storage, WithAnAbsentFilterIsAProblemThatNamesIt) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const H5Z_class2_t filter{H5Z_CLASS_T_VERS, absent_filter, 1,       1,
                              "bzip2",          nullptr,       nullptr, pass_through};
    test::must(H5Zregister(&filter));
    const hid_t creation = test::chunked({8});
    test::must(H5Pset_filter(creation, absent_filter, H5Z_FLAG_MANDATORY, 0, nullptr));
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {8}, some_values.data(), creation);
    }
    H5Pclose(creation);
    test::must(H5Zunregister(absent_filter));

    EXPECT_THAT(problem_of(path, "X"),
                AllOf(HasSubstr("'bzip2' (number 307)"), HasSubstr("h5repack -f /X:GZIP=4")));
    EXPECT_THAT(File::open(path).describe("X").filters, ElementsAre("bzip2 (missing)"));
}

TEST(Storage, WithTheFilterOfH5pyIsToBeRewrittenThere) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    constexpr H5Z_filter_t lzf = 32000;
    const H5Z_class2_t filter{H5Z_CLASS_T_VERS, lzf, 1, 1, "lzf", nullptr, nullptr, pass_through};
    test::must(H5Zregister(&filter));
    const hid_t creation = test::chunked({8});
    test::must(H5Pset_filter(creation, lzf, H5Z_FLAG_OPTIONAL, 0, nullptr));
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {8}, some_values.data(), creation);
    }
    H5Pclose(creation);
    test::must(H5Zunregister(lzf));

    EXPECT_THAT(problem_of(path, "X"), HasSubstr("h5py has it; rewrite it there: values = "
                                                 "f['/X'][()]"));
}

TEST(Storage, BeyondTheEndOfTheFileIsAProblem) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {8}, some_values.data());
    }
    const auto offset =
        static_cast<std::size_t>(File::open(path).describe("X").file_offset.value());
    std::string bytes = test::bytes_of(path);
    const std::size_t cut = offset + 24;
    ASSERT_LT(cut, bytes.size());
    bytes.resize(cut);
    // The old superblock records where the file ends at byte 40, and no checksum covers it.
    const std::uint64_t end = cut;
    std::memcpy(bytes.data() + 40, &end, sizeof end);
    test::replace_bytes(path, bytes);

    EXPECT_THAT(problem_of(path, "X"),
                HasSubstr("the file ends at " + std::to_string(cut) + "; it is truncated"));
}

TEST(Reading, InflatesEachChunkOnceThoughBandsCutThem) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const H5Z_class2_t filter{H5Z_CLASS_T_VERS, counting_filter, 1,       1,
                              "counter",        nullptr,         nullptr, count_inflations};
    test::must(H5Zregister(&filter));
    const hid_t creation = test::chunked({100, 500});
    test::must(H5Pset_filter(creation, counting_filter, H5Z_FLAG_MANDATORY, 0, nullptr));
    std::vector<double> values(std::size_t{400} * 4000);
    std::iota(values.begin(), values.end(), 0.0);
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {400, 4000}, values.data(), creation);
    }
    H5Pclose(creation);
    std::vector<double> read(values.size());
    inflations = 0;
    {
        const File file = File::open(path);
        const Dataset dataset = file.dataset("X");
        for (Index row = 0; row < 400; row += 30) {
            const Index rows = std::min<Index>(30, 400 - row);
            dataset.read(
                std::array<Index, 2>{row, 0}, std::array<Index, 2>{rows, 4000},
                ElementType::float64,
                std::as_writable_bytes(std::span(read).subspan(
                    static_cast<std::size_t>(row) * 4000, static_cast<std::size_t>(rows) * 4000)));
        }
    }
    test::must(H5Zunregister(counting_filter));

    EXPECT_EQ(read, values);
    EXPECT_EQ(inflations, 4 * 8);
}

TEST(Reading, FindsAFlippedByteUnderAChecksum) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const hid_t creation = test::chunked({8});
    H5Pset_fletcher32(creation);
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {8}, some_values.data(), creation);
    }
    std::string bytes = test::bytes_of(path);
    const std::size_t position =
        bytes.find(std::string(reinterpret_cast<const char*>(some_values.data()), 64));
    ASSERT_NE(position, std::string::npos);
    bytes[position + 7] = static_cast<char>(bytes[position + 7] ^ 1);
    test::replace_bytes(path, bytes);
    const File file = File::open(path);

    const test::Failure failure = failure_of([&] { file.dataset("X").read_doubles(0, 8); });

    EXPECT_THAT(failure.text, AllOf(HasSubstr("a.h5:/X: cannot read"), HasSubstr("checksum")));
}

TEST(Reading, FindsThatTheFileWasCutSinceItWasOpened) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    std::vector<double> values(100000);
    std::iota(values.begin(), values.end(), 1.0);
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {100000}, values.data());
    }
    const File file = File::open(path);
    const Dataset dataset = file.dataset("X");
    std::filesystem::resize_file(path, 400000);

    EXPECT_THAT(failure_of([&] { dataset.read_doubles(0, 100000); }).text,
                HasSubstr("to 400000 bytes while it was read"));
}

}  // namespace
}  // namespace paralogit::h5
