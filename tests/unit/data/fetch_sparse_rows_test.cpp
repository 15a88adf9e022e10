#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <random>
#include <vector>

#include "data_files.hpp"
#include "paralogit/data/fetch_rows.hpp"
#include "paralogit/data/holding.hpp"
#include "paralogit/data/sample.hpp"
#include "paralogit/data/shard.hpp"
#include "sparse_files.hpp"

namespace paralogit::data {
namespace {

using testing::HasSubstr;

/// Sparse rows that stay in their files, as a rank has them.
class FetchedSparseRows : public WithFolder {
  protected:
    template <class T>
    std::string write(const std::string& name, const SparseMatrix<T>& matrix,
                      const Storage& values = {}, const Storage& indices = {}) {
        return SparseFile(path(name))
            .matrix("X", matrix, values, indices)
            .shape_attribute("X", matrix)
            .close();
    }

    void describe_files(const std::vector<std::string>& files) {
        SourceOptions options;
        options.needs_labels = false;
        manifest_ = describe(files, options);
    }

    Shard streamed(int rank, int ranks) const {
        const ShardPlan plan = manifest_.plan();
        Shard shard = empty_shard(manifest_, plan, rank, ranks);
        EXPECT_EQ(hold_sparse_within(Index{1} << 30, manifest_, plan, shard, 1), std::nullopt);
        return shard;
    }

    /// About one row in `step`, of those of the shard.
    static std::vector<Index> some_rows(const Shard& shard, unsigned step) {
        std::mt19937 random(step);
        std::vector<Index> rows;
        for (Index row = shard.rows.first; row < shard.rows.end; ++row) {
            if (random() % step == 0) {
                rows.push_back(row);
            }
        }
        return rows;
    }

    Manifest manifest_;
};

template <class T>
struct Entries {
    std::vector<T> values;
    std::vector<std::uint32_t> indices;

    bool operator==(const Entries&) const = default;
};

template <class T>
Entries<T> fetch(const Shard& shard, const std::vector<Index>& rows) {
    const std::vector<Index> offsets = read_row_offsets(shard);
    std::size_t count = 0;
    for (const Index row : rows) {
        const auto at = static_cast<std::size_t>(row - shard.rows.first);
        count += static_cast<std::size_t>(offsets[at + 1] - offsets[at]);
    }
    Entries<T> entries{.values = std::vector<T>(count),
                       .indices = std::vector<std::uint32_t>(count)};
    fetch_sparse_rows(shard, offsets, rows,
                      std::as_writable_bytes(std::span(entries.values)).data(),
                      std::as_writable_bytes(std::span(entries.indices)).data());
    return entries;
}

/// Those of the matrices, one below the other.
template <class T>
Entries<T> expected(const std::vector<SparseMatrix<T>>& matrices, const std::vector<Index>& rows) {
    Entries<T> entries;
    for (Index row : rows) {
        const SparseMatrix<T>* matrix = matrices.data();
        while (row >= matrix->rows()) {
            row -= matrix->rows();
            ++matrix;
        }
        for (Index k = matrix->offsets[static_cast<std::size_t>(row)];
             k < matrix->offsets[static_cast<std::size_t>(row + 1)]; ++k) {
            entries.values.push_back(matrix->values[static_cast<std::size_t>(k)]);
            entries.indices.push_back(
                static_cast<std::uint32_t>(matrix->indices[static_cast<std::size_t>(k)]));
        }
    }
    return entries;
}

TEST_F(FetchedSparseRows, AreThoseOfTheFilesHoweverTheyAreStored) {
    const auto matrix = random_matrix<float>(3000, 50, 7);
    const Storage packed{.chunk = 333, .is_packed = true, .has_shuffle = true};
    const std::vector<Storage> ways{
        {},
        {.type = H5T_NATIVE_INT16},
        {.type = H5T_NATIVE_UINT8},
        {.type = H5T_NATIVE_INT64},
        packed,
        {.type = H5T_STD_I64BE, .chunk = 100, .is_packed = true},
        {.type = H5T_NATIVE_INT32, .chunk = 1'000'000, .is_packed = true}};
    for (std::size_t way = 0; way < ways.size(); ++way) {
        const Storage values = ways[way].chunk > 0 ? packed : Storage{};
        describe_files({write(std::to_string(way) + ".h5", matrix, values, ways[way])});
        for (int rank = 0; rank < 3; ++rank) {
            const Shard shard = streamed(rank, 3);
            for (const unsigned step : {1U, 3U, 200U}) {
                const std::vector<Index> rows = some_rows(shard, step);

                EXPECT_EQ(fetch<float>(shard, rows), expected<float>({matrix}, rows))
                    << "way " << way << ", one row in " << step;
            }
        }
    }
}

TEST_F(FetchedSparseRows, LieInManyFiles) {
    std::vector<SparseMatrix<double>> matrices;
    std::vector<std::string> files;
    for (const Index rows : {700, 0, 1, 1500, 40}) {
        matrices.push_back(random_matrix<double>(rows, 30, static_cast<unsigned>(rows)));
        files.push_back(write(std::to_string(rows) + ".h5", matrices.back()));
    }
    describe_files(files);
    for (const int ranks : {1, 2, 5}) {
        for (int rank = 0; rank < ranks; ++rank) {
            const Shard shard = streamed(rank, ranks);
            const std::vector<Index> rows = some_rows(shard, 2);

            EXPECT_EQ(fetch<double>(shard, rows), expected(matrices, rows)) << rank;
        }
    }
}

TEST_F(FetchedSparseRows, OfFarAwayPlacesAreReadWithoutWhatLiesBetween) {
    const auto matrix = random_matrix<double>(20'000, 40, 3);
    describe_files({write("a.h5", matrix)});
    const Shard shard = streamed(0, 1);
    const std::vector<Index> rows{5, 19'995};

    fetch<double>(shard, rows);

    EXPECT_LT(shard.bytes_streamed_so_far(), 2 * 40 * 12 + 1);
}

TEST_F(FetchedSparseRows, HaveTheNewNumbersOfTheirFeatures) {
    const auto matrix = random_matrix<float>(1000, 50, 5);
    describe_files({write("a.h5", matrix)});
    Shard shard = streamed(0, 1);
    std::vector<std::uint32_t> new_index(50);
    for (std::uint32_t j = 0; j < 50; ++j) {
        new_index[j] = j / 2;
    }
    renumber(shard, {.new_index = new_index}, 1);
    const std::vector<Index> rows = some_rows(shard, 4);

    Entries<float> renumbered = expected<float>({matrix}, rows);
    for (std::uint32_t& index : renumbered.indices) {
        index /= 2;
    }
    EXPECT_EQ(fetch<float>(shard, rows), renumbered);
}

TEST_F(FetchedSparseRows, TellHowManyFeaturesAreUsedAtLeast) {
    // Every third feature alone, in the second file every third but one.
    std::vector<std::string> files;
    for (const Index shift : {0, 1}) {
        auto matrix = random_matrix<float>(2000, 100, static_cast<unsigned>(shift));
        for (std::int64_t& index : matrix.indices) {
            index = 3 * index + shift;
        }
        matrix.features = 1000;
        files.push_back(write(std::to_string(shift) + ".h5", matrix, {},
                              {.type = H5T_NATIVE_INT16, .chunk = 700, .is_packed = shift == 1}));
    }
    describe_files(files);

    const CountOfFeatures counted = count_used_features_of_some(manifest_);
    EXPECT_EQ(counted.count, 200);
    EXPECT_TRUE(counted.is_of_all);
}

TEST_F(FetchedSparseRows, AreLookedAtHereAndThereWhereThereAreMany) {
    // Of two million entries each has a feature of its own.
    constexpr Index many = 2'000'000;
    SparseMatrix<std::uint8_t> matrix;
    matrix.features = many;
    matrix.values.assign(many, 1);
    matrix.indices.resize(many);
    std::iota(matrix.indices.begin(), matrix.indices.end(), 0);
    matrix.offsets = {0, many / 2, many};
    describe_files({write("a.h5", matrix)});

    const CountOfFeatures counted = count_used_features_of_some(manifest_);
    EXPECT_EQ(counted.count, Index{1} << 20);
    EXPECT_FALSE(counted.is_of_all);
}

TEST_F(FetchedSparseRows, AreNoneOfAFileThatHasChanged) {
    describe_files({write("a.h5", random_matrix<float>(1000, 50, 5))});
    const Shard shard = streamed(0, 1);
    const std::vector<Index> offsets = read_row_offsets(shard);
    fetch<float>(shard, {3});
    std::filesystem::last_write_time(
        path("a.h5"), std::filesystem::last_write_time(path("a.h5")) + std::chrono::seconds(5));
    try {
        std::vector<float> values(50);
        std::vector<std::uint32_t> indices(50);
        fetch_sparse_rows(shard, offsets, std::vector<Index>{4},
                          std::as_writable_bytes(std::span(values)).data(),
                          std::as_writable_bytes(std::span(indices)).data());
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("a.h5: the file has changed since the run began"));
    }
    EXPECT_THROW(read_row_offsets(shard), Error);
}

}  // namespace
}  // namespace paralogit::data
