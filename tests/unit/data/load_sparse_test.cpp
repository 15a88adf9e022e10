#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_files.hpp"
#include "paralogit/data/shard.hpp"
#include "sparse_files.hpp"

namespace paralogit::data {
namespace {

using testing::ElementsAre;
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
Triplets load(const Manifest& manifest, int ranks, int threads) {
    const ShardPlan plan = manifest.plan();
    std::vector<Triplets> of_block(static_cast<std::size_t>(plan.blocks()));
    for (int rank = 0; rank < ranks; ++rank) {
        Shard shard = empty_shard(manifest, plan, rank, ranks);
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

TEST_F(LoadSparse, GivesAllEntriesWhateverTheRanksAndThreads) {
    const auto matrix = random_matrix<float>(3000, 50, 7);
    const std::string file =
        SparseFile(path("a.h5")).matrix("X", matrix).shape_attribute("X", matrix).close();

    const Manifest manifest = describe(std::vector<std::string>{file}, without_labels());

    EXPECT_TRUE(manifest.is_sparse);
    EXPECT_EQ(manifest.rows, 3000);
    EXPECT_EQ(manifest.features, 50);
    for (const int ranks : {1, 2, 5}) {
        for (const int threads : {1, 3}) {
            EXPECT_EQ(load<float>(manifest, ranks, threads), triplets_of(matrix));
        }
    }
}

}  // namespace
}  // namespace paralogit::data
