#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <tuple>

#include "data_files.hpp"
#include "paralogit/data/holding.hpp"
#include "paralogit/data/shard.hpp"
#include "sparse_files.hpp"

namespace paralogit::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using LoadSparse = WithFolder;

SourceOptions without_labels() {
    SourceOptions options;
    options.needs_labels = false;
    return options;
}

/// All entries of a data set as triplets of row, feature and value, as the blocks show them.
using Triplets = std::vector<std::tuple<Index, Index, double>>;

template <class T>
Triplets load(const Manifest& manifest, int ranks, int threads, bool is_streamed) {
    const ShardPlan plan = manifest.plan();
    std::vector<Triplets> of_block(static_cast<std::size_t>(plan.blocks()));
    for (int rank = 0; rank < ranks; ++rank) {
        Shard shard = empty_shard(manifest, plan, rank, ranks);
        if (is_streamed) {
            const auto least = hold_sparse_within(0, manifest, plan, shard, threads);
            EXPECT_EQ(least.has_value(), shard.blocks.size() > 0);
            EXPECT_EQ(hold_sparse_within(least.value_or(0), manifest, plan, shard, threads),
                      std::nullopt);
            EXPECT_LE(shard.passing_bytes(), least.value_or(0));
        }
        load_sparse_features(
            manifest, plan, shard, threads, [&](int /*thread*/, const model::SparseBlock& block) {
                Triplets& triplets = of_block.at(
                    static_cast<std::size_t>(block.first_global_row / plan.rows_per_block()));
                EXPECT_TRUE(triplets.empty()) << "a block came twice";
                for (Index i = 0; i < block.rows; ++i) {
                    for (Index k = block.offsets[static_cast<std::size_t>(i)];
                         k < block.offsets[static_cast<std::size_t>(i + 1)]; ++k) {
                        T value{};
                        std::memcpy(&value, block.values + k * Index{sizeof(T)}, sizeof(T));
                        std::uint32_t index = 0;
                        std::memcpy(&index, block.indices + 4 * k, sizeof index);
                        triplets.emplace_back(block.first_global_row + i, index, value);
                    }
                }
            });
    }
    Triplets all;
    for (const Triplets& some : of_block) {
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

template <class T>
Triplets triplets_of(const SparseMatrix<T>& matrix, Index first_row = 0) {
    Triplets all;
    for (std::size_t row = 0; row + 1 < matrix.offsets.size(); ++row) {
        for (Index k = matrix.offsets[row]; k < matrix.offsets[row + 1]; ++k) {
            const auto at = static_cast<std::size_t>(k);
            all.emplace_back(first_row + static_cast<Index>(row), matrix.indices[at],
                             matrix.values[at]);
        }
    }
    return all;
}

/// Whatever the ranks and threads.
template <class T>
void expect_entries(const std::vector<std::string>& files, const Triplets& expected) {
    const Manifest manifest = describe(files, without_labels());
    for (const int ranks : {1, 2, 5}) {
        for (const int threads : {1, 3}) {
            for (const bool is_streamed : {false, true}) {
                EXPECT_EQ(load<T>(manifest, ranks, threads, is_streamed), expected)
                    << ranks << " ranks, " << threads << " threads, streamed: " << is_streamed;
            }
        }
    }
}

template <class T>
std::string write(const std::string& path, const SparseMatrix<T>& matrix,
                  const Storage& values = {}, const Storage& indices = {},
                  const Storage& offsets = {}) {
    return SparseFile(path)
        .matrix("X", matrix, values, indices, offsets)
        .shape_attribute("X", matrix)
        .close();
}

TEST_F(LoadSparse, GivesAllEntriesInWhateverTypesTheyAreStored) {
    const auto matrix = random_matrix<float>(3000, 50, 7);
    const std::vector<hid_t> types{H5T_NATIVE_INT8,   H5T_NATIVE_INT16,  H5T_NATIVE_INT32,
                                   H5T_NATIVE_INT64,  H5T_NATIVE_UINT8,  H5T_NATIVE_UINT16,
                                   H5T_NATIVE_UINT32, H5T_NATIVE_UINT64, H5T_STD_I32BE};
    int number = 0;
    for (const hid_t type : types) {
        // Offsets go beyond what 16 bits can hold.
        const hid_t wide = H5Tget_size(type) < 4 ? H5T_NATIVE_INT32 : type;
        const std::string name = path(std::to_string(number++) + ".h5");
        expect_entries<float>({write(name, matrix, {}, {.type = type}, {.type = wide})},
                              triplets_of(matrix));
    }
    const auto bytes = random_matrix<std::uint8_t>(500, 9, 8);
    const auto reals = random_matrix<double>(500, 9, 9);
    expect_entries<std::uint8_t>({write(path("bytes.h5"), bytes)}, triplets_of(bytes));
    expect_entries<double>({write(path("reals.h5"), reals, {.type = H5T_IEEE_F64BE})},
                           triplets_of(reals));
}

TEST_F(LoadSparse, GivesAllEntriesHoweverTheyAreChunkedAndPacked) {
    const auto matrix = random_matrix<float>(3000, 50, 11);
    const Storage packed{.chunk = 333, .is_packed = true, .has_shuffle = true};
    const Storage packed_64{
        .type = H5T_NATIVE_INT64, .chunk = 1000, .is_packed = true, .has_shuffle = true};
    const Storage plain_chunks{.type = H5T_NATIVE_INT16, .chunk = 7919};
    const Storage swapped{.type = H5T_STD_I64BE, .chunk = 100, .is_packed = true};
    const Storage one_chunk{.type = H5T_NATIVE_INT32, .chunk = 1'000'000, .is_packed = true};
    int number = 0;
    for (const Storage& indices :
         {packed, packed_64, plain_chunks, swapped, one_chunk, Storage{}}) {
        const std::string name = path(std::to_string(number++) + ".h5");
        expect_entries<float>({write(name, matrix, packed, indices, packed_64)},
                              triplets_of(matrix));
    }
}

TEST_F(LoadSparse, JoinsUnevenAndEmptyFiles) {
    std::vector<std::string> files;
    Triplets expected;
    Index first_row = 0;
    for (const Index rows : {0, 100, 1, 0, 2500, 0, 31, 900}) {
        const auto matrix = random_matrix<float>(rows, 20, static_cast<unsigned>(rows) + 5);
        const Triplets some = triplets_of(matrix, first_row);
        expected.insert(expected.end(), some.begin(), some.end());
        const Storage narrow{.type = H5T_NATIVE_INT16};
        const std::string name = path(std::to_string(files.size()) + ".h5");
        files.push_back(write(name, matrix, {}, rows % 2 == 0 ? narrow : Storage{}));
        first_row += rows;
    }

    expect_entries<float>(files, expected);
}

TEST_F(LoadSparse, TakesRowsWithoutAnyEntriesAndOneGiantRow) {
    SparseMatrix<float> empty{.features = 3, .values = {}, .indices = {}};
    empty.offsets.assign(101, 0);
    SparseMatrix<float> giant = empty;
    giant.features = 300'000;
    giant.indices = counting<std::int64_t>(giant.features);
    giant.values.assign(300'000, 1);
    std::fill(giant.offsets.begin() + 51, giant.offsets.end(), giant.features);

    expect_entries<float>({write(path("a.h5"), empty)}, {});
    expect_entries<float>({write(path("b.h5"), giant)}, triplets_of(giant));
    expect_entries<float>({write(path("c.h5"), giant, {}, {.chunk = 1000, .is_packed = true})},
                          triplets_of(giant));
}

TEST_F(LoadSparse, MapsWhatHasThirtyTwoBitsAndLiesInOnePiece) {
    const auto matrix = random_matrix<float>(400, 20, 3);
    const std::string plain = write(path("a.h5"), matrix, {}, {.type = H5T_NATIVE_INT32});
    const std::string wide = write(path("b.h5"), matrix, {}, {.type = H5T_NATIVE_INT64});
    const auto load_shard = [](const std::vector<std::string>& files, int rank, int ranks) {
        const Manifest manifest = describe(files, without_labels());
        const ShardPlan plan = manifest.plan();
        Shard shard = empty_shard(manifest, plan, rank, ranks);
        load_sparse_features(manifest, plan, shard, 2, [](int, const model::SparseBlock&) {});
        // A value and an index of four bytes each, and an offset of eight.
        EXPECT_EQ(shard.bytes(), std::ssize(shard.sparse.offsets) * 8 +
                                     shard.sparse.offsets.back() * Index{4 + 4});
        return shard;
    };

    const Shard mapped = load_shard({plain}, 0, 1);
    EXPECT_TRUE(mapped.sparse.values.is_mapped());
    EXPECT_TRUE(mapped.sparse.indices.is_mapped());
    const Shard narrowed = load_shard({wide}, 0, 1);
    EXPECT_TRUE(narrowed.sparse.values.is_mapped());
    EXPECT_FALSE(narrowed.sparse.indices.is_mapped());
    EXPECT_EQ(narrowed.sparse.indices.size(), 4 * std::ssize(matrix.values));
    EXPECT_FALSE(load_shard({plain, wide}, 0, 1).sparse.values.is_mapped());
    EXPECT_TRUE(load_shard({plain, wide}, 1, 2).sparse.values.is_mapped());
}

/// The error that a data set gives: of several ranks that with the lowest row, as it is when they
/// agree.
Error error_of_load(const Manifest& manifest, int ranks, int threads) {
    const ShardPlan plan = manifest.plan();
    std::optional<Error> lowest;
    for (int rank = 0; rank < ranks; ++rank) {
        try {
            Shard shard = empty_shard(manifest, plan, rank, ranks);
            load_sparse_features(manifest, plan, shard, threads,
                                 [](int, const model::SparseBlock&) {});
        } catch (const Error& error) {
            if (!lowest || error.global_row() < lowest->global_row()) {
                lowest.emplace(error);
            }
        }
    }
    return lowest.value_or(Error(ExitCode::done, "nothing was thrown"));
}

/// Whatever the ranks, threads and storage: the row and the words of the error.
template <class Change>
void expect_error(const std::string& folder, Change&& change, Index row, const std::string& words,
                  Index features = 60) {
    SparseMatrix<float> matrix = random_matrix<float>(3000, 60, 13);
    matrix.features = features;
    std::forward<Change>(change)(matrix);
    const Storage packed{.chunk = 1000, .is_packed = true};
    const Storage narrow{.type = H5T_NATIVE_INT32};
    const Storage packed_narrow{.type = H5T_NATIVE_INT32, .chunk = 700};
    int number = 0;
    for (const Storage& indices : {Storage{}, narrow, packed, packed_narrow}) {
        if (indices.type >= 0 && words.find("8589934592") != std::string::npos) {
            continue;  // no number of 32 bits
        }
        const std::string name = folder + std::to_string(number++) + ".h5";
        const Manifest manifest =
            describe(std::vector<std::string>{write(name, matrix, {}, indices)}, without_labels());
        for (const int ranks : {1, 2, 5}) {
            for (const int threads : {1, 3}) {
                const Error error = error_of_load(manifest, ranks, threads);
                EXPECT_EQ(error.code(), ExitCode::input_data);
                EXPECT_EQ(error.global_row(), row) << error.what();
                EXPECT_THAT(error.what(),
                            AllOf(HasSubstr(words), HasSubstr(" row " + std::to_string(row))));
            }
        }
    }
}

/// The position of an entry of a row that has several.
std::size_t entry(const SparseMatrix<float>& matrix, std::size_t row) {
    EXPECT_GT(matrix.offsets[row + 1] - matrix.offsets[row], 2) << "choose another row";
    return static_cast<std::size_t>(matrix.offsets[row]) + 1;
}

/// The first row from one on that has several entries.
std::size_t full_row(std::size_t from) {
    const auto matrix = random_matrix<float>(3000, 60, 13);
    while (matrix.offsets[from + 1] - matrix.offsets[from] < 4) {
        ++from;
    }
    return from;
}

TEST_F(LoadSparse, TellsEachKindOfWrongIndex) {
    const std::size_t row = full_row(2100);
    const auto global_row = static_cast<Index>(row);

    expect_error(
        path("falling"),
        [&](auto& m) { std::swap(m.indices[entry(m, row)], m.indices[entry(m, row) + 1]); },
        global_row, "the indices of a row must rise; sort them, X.sort_indices()");
    expect_error(
        path("repeated"), [&](auto& m) { m.indices[entry(m, row)] = m.indices[entry(m, row) + 1]; },
        global_row, "occurs twice");
    expect_error(
        path("negative"), [&](auto& m) { m.indices[entry(m, row)] = -7; }, global_row,
        "the index -7 (entry ");
    expect_error(
        path("large"), [&](auto& m) { m.indices[entry(m, row) + 2] = 60; }, global_row,
        "the index 60 (entry ");
    expect_error(
        path("huge"), [&](auto& m) { m.indices[entry(m, row) + 2] = 8589934592; }, global_row,
        "the index 8589934592 (entry ");
    // A negative number of 32 bits looks like one of these features.
    expect_error(
        path("wide"), [&](auto& m) { m.indices[entry(m, row) + 2] = -2; }, global_row,
        "the index -2 (entry ", model::most_sparse_features - 1);
}

TEST_F(LoadSparse, ReportsTheLowestRowOfSeveralErrors) {
    const std::size_t low = full_row(700);
    const std::size_t high = full_row(2500);
    const auto fall_at = [](auto& m, std::size_t row) {
        std::swap(m.indices[entry(m, row)], m.indices[entry(m, row) + 1]);
    };

    expect_error(
        path("two"),
        [&](auto& m) {
            fall_at(m, high);
            m.indices[entry(m, low)] = -1;
        },
        static_cast<Index>(low), "is negative");
    expect_error(
        path("index"),
        [&](auto& m) {
            fall_at(m, low);
            m.offsets[high] = m.offsets[high + 1] + 1;
        },
        static_cast<Index>(low), "must rise");
    expect_error(
        path("offset"),
        [&](auto& m) {
            fall_at(m, high);
            m.offsets[low] = m.offsets[low - 1] - 1;
        },
        static_cast<Index>(low) - 1, "indptr must not decrease");
    // The row before ends too late, and so its indices fall; it may be another rank's.
    for (const std::size_t at : {high, std::size_t{1024}, std::size_t{2048}}) {
        expect_error(
            path("late" + std::to_string(at)),
            [&](auto& m) { m.offsets[at] = m.offsets[at + 1] + 5; }, static_cast<Index>(at),
            "indptr must not decrease");
    }
    expect_error(
        path("beyond"), [&](auto& m) { m.offsets[low] = 10'000'000; }, static_cast<Index>(low) - 1,
        "the row ends at entry 10000000, but /X/data has");
}

}  // namespace
}  // namespace paralogit::data
