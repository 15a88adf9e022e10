#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <numeric>
#include <random>
#include <string>

#include "h5_files.hpp"
#include "paralogit/h5/chunks.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::h5 {
namespace {

using test::failure_of;
using test::must;
using test::RawFile;
using test::TemporaryFolder;
using testing::AllOf;
using testing::HasSubstr;

/// Values that deflate can do something with, and none of whose bytes repeat their neighbours.
std::vector<std::byte> some_bytes(std::size_t count) {
    std::mt19937 random(7);
    std::vector<std::byte> bytes(count);
    for (std::byte& byte : bytes) {
        byte = static_cast<std::byte>(random() % 23);
    }
    return bytes;
}

std::size_t bytes_of(const std::vector<hsize_t>& shape, hid_t type) {
    return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>()) *
           H5Tget_size(type);
}

/// The rows as the direct path gives them, chunk by chunk as a loader would ask for them.
std::vector<std::byte> read_direct(const Dataset& dataset, Range rows) {
    const ChunkReader chunks = dataset.chunks().value();
    const DatasetInfo& info = dataset.info();
    const auto row_bytes =
        static_cast<std::size_t>(info.values_per_row()) * size_of(*info.element_type);
    std::vector<std::byte> out(static_cast<std::size_t>(rows.size()) * row_bytes);
    ChunkScratch scratch;
    const Index per_row = chunks.chunks_per_row();
    for (Index number = rows.first / chunks.rows_per_chunk() * per_row;
         number < ((rows.end - 1) / chunks.rows_per_chunk() + 1) * per_row; ++number) {
        std::vector<std::byte> stored(static_cast<std::size_t>(chunks.stored_bytes(number)));
        const std::uint32_t skipped = chunks.read_stored(number, stored);
        chunks.decode(number, stored, skipped, rows, out.data(), scratch);
    }
    return out;
}

std::vector<std::byte> read_by_library(const Dataset& dataset, Range rows) {
    const DatasetInfo& info = dataset.info();
    std::vector<Index> first(info.shape.size(), 0);
    std::vector<Index> count = info.shape;
    first[0] = rows.first;
    count[0] = rows.size();
    std::vector<std::byte> out(static_cast<std::size_t>(rows.size() * info.values_per_row()) *
                               size_of(*info.element_type));
    dataset.read(first, count, *info.element_type, out);
    return out;
}

/// Sets filters by their letters, in that order.
void set_filters(hid_t creation, const std::string& letters) {
    for (const char letter : letters) {
        must(letter == 'd'   ? H5Pset_deflate(creation, 4)
             : letter == 's' ? H5Pset_shuffle(creation)
                             : H5Pset_fletcher32(creation));
    }
}

struct Form {
    std::vector<hsize_t> shape;
    std::vector<hsize_t> chunk;
};

const std::vector<Form> forms{
    {{40, 6}, {10, 6}},       // whole rows
    {{41, 7}, {10, 3}},       // columns split, both edges
    {{41, 7}, {41, 7}},       // one chunk
    {{41, 7}, {1, 7}},        // a row each
    {{20, 3, 4}, {6, 3, 4}},  // rank 3, whole rows
    {{20, 3, 5}, {6, 2, 5}},  // rank 3, the middle axis split
    {{20, 3, 5, 2}, {7, 3, 2, 2}},
};

class DirectChunksThrough : public testing::TestWithParam<std::string> {};

TEST_P(DirectChunksThrough, HoldTheValuesThatTheLibraryReads) {
    const TemporaryFolder folder;
    const std::vector<hid_t> types{H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_STD_I8LE,
                                   H5T_STD_U16LE,  H5T_STD_I32LE,  H5T_STD_U64LE};
    for (std::size_t i = 0; i < forms.size(); ++i) {
        for (std::size_t t = 0; t < types.size(); ++t) {
            const Form& form = forms[i];
            const auto path = folder.file("a.h5");
            const std::vector<std::byte> values = some_bytes(bytes_of(form.shape, types[t]));
            const hid_t creation = test::chunked(form.chunk);
            set_filters(creation, GetParam());
            RawFile(path).dataset("X", types[t], form.shape, values.data(), creation);
            H5Pclose(creation);
            const File file = File::open(path);
            const Dataset dataset = file.dataset("X");
            const auto rows = static_cast<Index>(form.shape[0]);

            for (const Range part : {Range{0, rows}, Range{3, rows - 2}, Range{11, 12}}) {
                EXPECT_EQ(read_direct(dataset, part), read_by_library(dataset, part))
                    << "form " << i << " type " << t;
            }
            EXPECT_EQ(read_direct(dataset, {0, rows}), values);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Filters, DirectChunksThrough,
                         testing::Values("", "d", "s", "f", "sd", "sdf", "fds", "ds", "df", "sf",
                                         "fsd", "dsf"));

TEST(DirectChunks, MayBeLongerThanTheDataset) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::vector<std::byte> values = some_bytes(6 * 5 * 4);
    const hid_t creation = test::chunked({64, 16});
    set_filters(creation, "sdf");
    {
        const RawFile raw(path);
        const std::array<hsize_t, 2> shape{6, 5};
        const std::array<hsize_t, 2> unlimited{H5S_UNLIMITED, H5S_UNLIMITED};
        const hid_t space = H5Screate_simple(2, shape.data(), unlimited.data());
        const hid_t dataset = must(
            H5Dcreate2(raw.id(), "X", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
        must(H5Dwrite(dataset, H5T_IEEE_F32LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
        H5Dclose(dataset);
        H5Sclose(space);
    }
    const File file = File::open(path);
    const Dataset dataset = file.dataset("X");

    EXPECT_EQ(read_direct(dataset, {0, 6}), values);
    EXPECT_EQ(read_direct(dataset, {2, 4}), read_by_library(dataset, {2, 4}));
}

TEST(DirectChunks, HaveTheChecksumOfTheLibraryWhateverTheirLengthAndBytes) {
    const TemporaryFolder folder;
    for (const hsize_t columns : {1U, 2U, 15U, 5759U, 5760U, 5763U, 100'001U}) {
        for (const int filling : {0, 0xff, 1}) {
            const auto path = folder.file("a.h5");
            std::vector<std::byte> values = some_bytes(3 * columns);
            if (filling != 1) {
                std::ranges::fill(values, static_cast<std::byte>(filling));
            }
            const hid_t creation = test::chunked({1, columns});
            set_filters(creation, "f");
            RawFile(path).dataset("X", H5T_STD_U8LE, {3, columns}, values.data(), creation);
            const File file = File::open(path);

            EXPECT_EQ(read_direct(file.dataset("X"), {0, 3}), values) << columns;
        }
    }
}

TEST(DirectChunks, OfBooleansAreTheirBytes) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const hid_t boolean = H5Tenum_create(H5T_STD_I8LE);
    const std::array<std::int8_t, 2> numbers{0, 1};
    must(H5Tenum_insert(boolean, "FALSE", &numbers[0]));
    must(H5Tenum_insert(boolean, "TRUE", &numbers[1]));
    const std::vector<std::int8_t> values{0, 1, 1, 0, 1, 1};
    const hid_t creation = test::chunked({2, 2});
    set_filters(creation, "sd");
    RawFile(path).dataset("X", boolean, {3, 2}, values.data(), creation);
    const File file = File::open(path);
    const Dataset dataset = file.dataset("X");

    EXPECT_EQ(read_direct(dataset, {0, 3}), read_by_library(dataset, {0, 3}));
}

TEST(DirectChunks, HonourTheFiltersThatAChunkWasStoredWithout) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::vector<std::byte> values = some_bytes(20 * 4 * 4);
    const hid_t creation = test::chunked({5, 4});
    set_filters(creation, "sdf");
    // Without shuffle and deflate, with the checksum: bits 0 and 1.
    const std::vector<std::byte> plain(values.begin() + 5 * 16, values.begin() + 10 * 16);
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F32LE, {20, 4}, values.data(), creation);
        raw.dataset("sum", H5T_IEEE_F32LE, {5, 4}, plain.data(), [] {
            const hid_t summed = test::chunked({5, 4});
            set_filters(summed, "f");
            return summed;
        }());
        const std::array<hsize_t, 2> origin{0, 0};
        std::vector<std::byte> summed(plain.size() + 4);
        std::uint32_t mask = 0;
        const hid_t sum = H5Dopen2(raw.id(), "sum", H5P_DEFAULT);
        must(H5Dread_chunk(sum, H5P_DEFAULT, origin.data(), &mask, summed.data()));
        H5Dclose(sum);
        const hid_t dataset = H5Dopen2(raw.id(), "X", H5P_DEFAULT);
        const std::array<hsize_t, 2> second{5, 0};
        must(H5Dwrite_chunk(dataset, H5P_DEFAULT, 3, second.data(), summed.size(), summed.data()));
        const std::array<hsize_t, 2> third{10, 0};
        must(H5Dwrite_chunk(dataset, H5P_DEFAULT, 7, third.data(), plain.size(), plain.data()));
        H5Dclose(dataset);
    }
    const File file = File::open(path);
    const Dataset dataset = file.dataset("X");

    EXPECT_EQ(read_direct(dataset, {0, 20}), read_by_library(dataset, {0, 20}));
}

TEST(DirectChunks, AreLeftToTheLibraryWhereTheyAreUnusual) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::vector<std::byte> values = some_bytes(std::size_t{8} * 4 * 4);
    const hid_t scaled = test::chunked({4, 4});
    must(H5Pset_scaleoffset(scaled, H5Z_SO_INT, 0));
    const hid_t twice = test::chunked({4, 4});
    set_filters(twice, "dd");
    const hid_t raw_edges = test::chunked({3, 3});
    set_filters(raw_edges, "d");
    must(H5Pset_chunk_opts(raw_edges, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS));
    {
        const RawFile raw(path);
        raw.dataset("contiguous", H5T_STD_I32LE, {8, 4}, values.data());
        raw.dataset("big_endian", H5T_STD_I32BE, {8, 4}, values.data(), test::chunked({4, 4}));
        raw.dataset("scaled", H5T_STD_I32LE, {8, 4}, values.data(), scaled);
        raw.dataset("twice", H5T_STD_I32LE, {8, 4}, values.data(), twice);
        raw.dataset("raw_edges", H5T_STD_I32LE, {8, 4}, values.data(), raw_edges);
    }
    const File file = File::open(path);

    for (const std::string name : {"contiguous", "big_endian", "scaled", "twice", "raw_edges"}) {
        EXPECT_FALSE(file.dataset(name).chunks().has_value()) << name;
    }
}

/// X [400 x 10] float32 in chunks of 100 rows; what is stored of the second chunk is changed.
template <typename Change>
test::Failure failure_after(const std::string& filters, const Change& change) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::vector<std::byte> values = some_bytes(std::size_t{400} * 10 * 4);
    const hid_t creation = test::chunked({100, 10});
    set_filters(creation, filters);
    std::vector<char> stored;
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F32LE, {400, 10}, values.data(), creation);
        const hid_t dataset = H5Dopen2(raw.id(), "X", H5P_DEFAULT);
        const std::array<hsize_t, 2> second{100, 0};
        hsize_t bytes = 0;
        must(H5Fflush(raw.id(), H5F_SCOPE_GLOBAL));
        must(H5Dget_chunk_storage_size(dataset, second.data(), &bytes));
        stored.resize(bytes);
        std::uint32_t mask = 0;
        must(H5Dread_chunk(dataset, H5P_DEFAULT, second.data(), &mask, stored.data()));
        change(stored);
        must(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, second.data(), stored.size(), stored.data()));
        H5Dclose(dataset);
    }
    const File file = File::open(path);
    const Dataset dataset = file.dataset("X");
    EXPECT_EQ(read_direct(dataset, {0, 100}).size(), 4000U);
    return failure_of([&] { read_direct(dataset, {0, 400}); });
}

TEST(DirectChunks, WithAFlippedByteUnderAChecksumAreAnErrorThatNamesTheChunk) {
    const auto flip = [](std::vector<char>& stored) { stored[50] ^= 1; };

    const test::Failure failure = failure_after("sdf", flip);

    EXPECT_EQ(failure.code, ExitCode::input_data);
    EXPECT_THAT(failure.text, AllOf(HasSubstr("a.h5:/X: cannot read the chunk at [100, 0]"),
                                    HasSubstr("checksum"), HasSubstr("copy it again")));
}

TEST(DirectChunks, WithAWrongChecksumAreAnError) {
    const auto spoil = [](std::vector<char>& stored) { stored.back() ^= 4; };

    EXPECT_THAT(failure_after("f", spoil).text, HasSubstr("checksum (fletcher32) is wrong"));
}

TEST(DirectChunks, WithAnyFlippedByteOfTheirCompressedDataAreAnError) {
    for (const std::size_t position : {0U, 1U, 2U, 40U, 700U}) {
        const auto flip = [&](std::vector<char>& stored) {
            stored[position] = static_cast<char>(stored[position] ^ 0x10);
        };

        EXPECT_THAT(failure_after("sd", flip).text,
                    HasSubstr("cannot read the chunk at [100, 0]: its "));
    }
}

TEST(DirectChunks, ThatAreTooShortAreAnError) {
    const auto cut = [](std::size_t bytes) {
        return [bytes](std::vector<char>& stored) { stored.resize(bytes); };
    };

    EXPECT_THAT(failure_after("sd", cut(200)).text, HasSubstr("compressed data is wrong"));
    EXPECT_THAT(failure_after("sd", cut(2)).text, HasSubstr("cannot hold the 4000 of a chunk"));
    EXPECT_THAT(failure_after("f", cut(3)).text, HasSubstr("too few for a checksum"));
    EXPECT_THAT(failure_after("s", cut(3996)).text, HasSubstr("3996 bytes instead of 4000"));
}

TEST(DirectChunks, ThatInflateToAnotherSizeAreAnError) {
    const TemporaryFolder folder;
    for (const hsize_t rows : {50U, 200U}) {
        const auto path = folder.file("a.h5");
        const auto other = folder.file("b.h5");
        const std::vector<std::byte> values = some_bytes(std::size_t{200} * 10 * 4);
        const hid_t hundred = test::chunked({100, 10});
        const hid_t wrong = test::chunked({rows, 10});
        set_filters(hundred, "d");
        set_filters(wrong, "d");
        {
            const RawFile raw(path);
            raw.dataset("X", H5T_IEEE_F32LE, {200, 10}, values.data(), hundred);
            const RawFile source(other);
            source.dataset("X", H5T_IEEE_F32LE, {200, 10}, values.data(), wrong);
            std::vector<char> stored(10000);
            std::uint32_t mask = 0;
            hsize_t bytes = 0;
            const std::array<hsize_t, 2> origin{0, 0};
            const hid_t from = H5Dopen2(source.id(), "X", H5P_DEFAULT);
            must(H5Fflush(source.id(), H5F_SCOPE_GLOBAL));
            must(H5Dget_chunk_storage_size(from, origin.data(), &bytes));
            must(H5Dread_chunk(from, H5P_DEFAULT, origin.data(), &mask, stored.data()));
            H5Dclose(from);
            const hid_t to = H5Dopen2(raw.id(), "X", H5P_DEFAULT);
            must(H5Dwrite_chunk(to, H5P_DEFAULT, 0, origin.data(), bytes, stored.data()));
            H5Dclose(to);
        }
        const File file = File::open(path);
        const Dataset dataset = file.dataset("X");

        EXPECT_THAT(failure_of([&] {
                        read_direct(dataset, {0, 200});
                    }).text,
                    AllOf(HasSubstr("a.h5:/X: cannot read the chunk at [0, 0]"),
                          HasSubstr(rows == 50 ? "less than the 4000" : "more than the 4000")));
    }
}

TEST(DirectChunks, OfAFileThatWasCutAreAnError) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::vector<std::byte> values = some_bytes(std::size_t{4000} * 10 * 4);
    const hid_t creation = test::chunked({100, 10});
    set_filters(creation, "sd");
    RawFile(path).dataset("X", H5T_IEEE_F32LE, {4000, 10}, values.data(), creation);
    const File file = File::open(path);
    const Dataset dataset = file.dataset("X");
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);

    EXPECT_THAT(failure_of([&] {
                    read_direct(dataset, {0, 4000});
                }).text,
                HasSubstr("the file was cut from"));
}

}  // namespace
}  // namespace paralogit::h5
