#include "paralogit/data/shard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "data_files.hpp"

namespace paralogit::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LoadShard : public WithFolder {};

struct LoadedShard {
    Shard shard;
    RawLabels raw_labels;
    std::vector<Index> blocks;  ///< that were called for
};

/// All that a rank loads; every block is called for once, complete, and by its thread.
LoadedShard load_shard(const Manifest& manifest, const ShardPlan& plan, int rank, int ranks,
                       int threads = 1) {
    LoadedShard loaded{empty_shard(manifest, plan, rank, ranks), {}, {}};
    Shard& shard = loaded.shard;
    RowColumns columns = load_row_columns(manifest, shard.rows);
    loaded.raw_labels = columns.labels;
    shard.labels = Labels(std::move(columns.labels.values));
    shard.row_weights = std::move(columns.row_weights);
    std::vector<std::vector<model::Block>> seen(static_cast<std::size_t>(threads));
    std::vector<std::vector<std::byte>> seen_bytes(seen.size());
    load_features(manifest, plan, shard, threads, [&](int thread, const model::Block& block) {
        const auto t = static_cast<std::size_t>(thread);
        const auto bytes =
            static_cast<std::size_t>(block.rows * block.features) * size_of(block.type);
        seen[t].push_back(block);
        seen_bytes[t].insert(seen_bytes[t].end(), block.values, block.values + bytes);
    });
    std::vector<std::byte> all_bytes;
    for (int thread = 0; thread < threads; ++thread) {
        const auto t = static_cast<std::size_t>(thread);
        Index expected = part_of(shard.blocks, thread, threads).first;
        for (const model::Block& block : seen[t]) {
            EXPECT_EQ(block.first_global_row, plan.rows_of_block(expected).first);
            EXPECT_EQ(block.labels.size(), shard.labels.empty() ? 0U : block.rows);
            loaded.blocks.push_back(expected++);
        }
        EXPECT_EQ(expected, part_of(shard.blocks, thread, threads).end);
        all_bytes.insert(all_bytes.end(), seen_bytes[t].begin(), seen_bytes[t].end());
    }
    EXPECT_EQ(all_bytes.size(), static_cast<std::size_t>(shard.values.size()));
    EXPECT_TRUE(std::equal(all_bytes.begin(), all_bytes.end(), shard.values.data()));
    return loaded;
}

template <class T>
std::vector<T> values_of(const Shard& shard) {
    std::vector<T> values(static_cast<std::size_t>(shard.values.size()) / sizeof(T));
    if (!values.empty()) {
        std::memcpy(values.data(), shard.values.data(), values.size() * sizeof(T));
    }
    return values;
}

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

/// What all ranks together hold.
template <class T>
struct Gathered {
    std::vector<T> values;
    std::vector<double> labels;
    std::vector<double> row_weights;
    Index bytes = 0;
};

template <class T>
Gathered<T> gather(const Manifest& manifest, int ranks, int threads = 1) {
    const ShardPlan plan(manifest.rows);
    Gathered<T> all;
    for (int rank = 0; rank < ranks; ++rank) {
        const LoadedShard loaded = load_shard(manifest, plan, rank, ranks, threads);
        append(all.values, values_of<T>(loaded.shard));
        append(all.labels, loaded.raw_labels.values);
        append(all.row_weights, loaded.shard.row_weights);
        all.bytes += loaded.shard.bytes();
    }
    return all;
}

/// The values of X [rows x features] as features x rows.
template <class T>
std::vector<T> transposed(const std::vector<T>& values, Index rows, Index features) {
    std::vector<T> result(values.size());
    for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < features; ++j) {
            result[static_cast<std::size_t>(j * rows + i)] =
                values[static_cast<std::size_t>(i * features + j)];
        }
    }
    return result;
}

Manifest describe_all(const std::vector<std::string>& paths, const SourceOptions& options = {}) {
    return describe(paths, options);
}

TEST_F(LoadShard, ReadsTheSameRowsForAnyNumberOfRanksAndFiles) {
    const Index features = 500;
    const Index rows = 1000;
    const std::vector<float> values = counting<float>(rows * features);
    const std::vector<double> labels = alternating(rows);
    const std::vector<double> weights = counting<double>(rows);
    std::vector<std::string> names;
    Index first = 0;
    for (const Index end : {Index{1}, Index{1}, Index{333}, Index{900}, rows}) {
        TestFile file(path("part" + std::to_string(names.size()) + ".h5"));
        const Index count = end - first;
        file.values(
            "/X",
            std::vector<float>(values.begin() + first * features, values.begin() + end * features),
            {count, features});
        file.values("/y", std::vector<double>(labels.begin() + first, labels.begin() + end),
                    {count, 1});
        file.values("/s", std::vector<double>(weights.begin() + first, weights.begin() + end),
                    {count});
        names.push_back(file.close());
        first = end;
    }
    SourceOptions options;
    options.weights_name = "s";
    const Manifest manifest = describe_all(names, options);

    for (const int ranks : {1, 2, 3, 5, 20}) {
        for (const int threads : {1, 2, 4}) {
            const auto all = gather<float>(manifest, ranks, threads);
            EXPECT_EQ(all.values, values) << ranks << " ranks";
            EXPECT_EQ(all.labels, labels) << ranks << " ranks";
            EXPECT_EQ(all.row_weights, weights) << ranks << " ranks";
            EXPECT_EQ(all.bytes, rows * (features * 4 + 16)) << ranks << " ranks";
        }
    }
}

template <class T>
void expect_transposed_rows(const std::string& name) {
    const Index rows = 1500;
    const Index features = 37;
    std::vector<T> values;
    for (Index i = 0; i < rows * features; ++i) {
        values.push_back(static_cast<T>((i * 7919) % 251 - 100));
    }
    TestFile file(name);
    file.values("/X", transposed(values, rows, features), {features, rows});
    file.values("/y", alternating(rows), {rows});
    SourceOptions options;
    options.is_transposed = true;
    const Manifest manifest = describe_all({file.close()}, options);

    EXPECT_EQ(gather<T>(manifest, 1).values, values);
    EXPECT_EQ(gather<T>(manifest, 3, 2).values, values);
}

TEST_F(LoadShard, TurnsTransposedFeaturesIntoRows) {
    expect_transposed_rows<std::int8_t>(path("a.h5"));
    expect_transposed_rows<std::int16_t>(path("b.h5"));
    expect_transposed_rows<float>(path("c.h5"));
    expect_transposed_rows<double>(path("d.h5"));
}

TEST_F(LoadShard, ReadsTransposedFeaturesInBandsOfBothDimensions) {
    // Beyond one band: 800 features of 6000 rows are 38 MB.
    const Index rows = 6000;
    const Index features = 800;
    const std::vector<double> values = counting<double>(rows * features);
    TestFile file(path("a.h5"));
    file.values("/X", transposed(values, rows, features), {features, rows});
    file.values("/y", alternating(rows), {rows});
    SourceOptions options;
    options.is_transposed = true;

    EXPECT_EQ(gather<double>(describe_all({file.close()}, options), 2, 2).values, values);
}

TEST_F(LoadShard, ReadsChunkedFeaturesWithAnyNumberOfThreads) {
    // The writer's own datasets are chunked; 48 MB are more than one round.
    const Index rows = 200'000;
    const Index features = 30;
    const std::vector<double> values = counting<double>(rows * features);
    h5::Writer writer(path("a.h5"));
    writer.dataset("/X", values, rows, features);
    writer.dataset("/y", alternating(rows));
    writer.close();

    const Manifest manifest = describe_all({path("a.h5")});

    EXPECT_GT(manifest.files[0].rows_per_chunk, 0);
    for (const int threads : {1, 2, 4}) {
        EXPECT_EQ(gather<double>(manifest, 1, threads).values, values);
    }
    EXPECT_EQ(gather<double>(manifest, 3, 2).values, values);
}

TEST_F(LoadShard, ReadsTextLabelsByOrderOfAppearance) {
    TestFile file(path("a.h5"));
    file.values("/X", counting<float>(8), {4, 2}).texts("/y", {"h", "g", "h", "x"});
    const Manifest manifest = describe_all({file.close()});

    const LoadedShard loaded = load_shard(manifest, ShardPlan(4), 0, 1);

    EXPECT_TRUE(manifest.files[0].are_labels_text);
    EXPECT_THAT(loaded.raw_labels.texts, ElementsAre("h", "g", "x"));
    EXPECT_THAT(loaded.raw_labels.values, ElementsAre(0, 1, 0, 2));
}

TEST_F(LoadShard, LeavesARankWithoutBlocksEmpty) {
    TestFile file(path("a.h5"));
    file.values("/X", counting<float>(8), {4, 2}).values("/y", alternating(4), {4});
    const Manifest manifest = describe_all({file.close()});

    const LoadedShard loaded = load_shard(manifest, ShardPlan(4), 1, 2);

    EXPECT_EQ(loaded.shard.rows.size(), 0);
    EXPECT_EQ(loaded.shard.blocks.size(), 0);
    EXPECT_EQ(loaded.shard.bytes(), 0);
    EXPECT_THAT(loaded.raw_labels.values, IsEmpty());
}

TEST_F(LoadShard, ShowsItsBlocks) {
    const Index features = 3000;
    const Index rows = 100;
    TestFile file(path("a.h5"));
    file.values("/X", counting<double>(rows * features), {rows, features});
    file.values("/y", alternating(rows), {rows}).values("/s", counting<double>(rows), {rows});
    SourceOptions options;
    options.weights_name = "s";
    const Manifest manifest = describe_all({file.close()}, options);
    const ShardPlan plan(rows);
    ASSERT_EQ(plan.rows_per_block(), 32);
    const LoadedShard loaded = load_shard(manifest, plan, 1, 2);

    const model::Block block = loaded.shard.block(3, plan);
    double first_value = 0;
    std::memcpy(&first_value, block.values, sizeof(first_value));

    EXPECT_EQ(loaded.shard.rows.first, 64);
    EXPECT_EQ(block.first_global_row, 96);
    EXPECT_EQ(block.rows, 4);
    EXPECT_EQ(block.features, features);
    EXPECT_EQ(first_value, static_cast<double>(96 * features));
    EXPECT_EQ(block.labels.size(), 4U);
    EXPECT_EQ(block.row_weights.front(), 96);
}

/// X [1500 x 100] float64, and row weights of which one may be bad.
std::string plain_file(const std::string& name, Index bad_weight_row = -1, double bad_weight = 0) {
    const Index rows = 1500;
    std::vector<double> weights(static_cast<std::size_t>(rows), 1.0);
    if (bad_weight_row >= 0) {
        weights[static_cast<std::size_t>(bad_weight_row)] = bad_weight;
    }
    TestFile file(name);
    file.values("/X", counting<double>(rows * 100), {rows, 100});
    file.values("/y", alternating(rows), {rows}).values("/s", weights, {rows});
    return file.close();
}

TEST_F(LoadShard, NamesTheRowOfABadWeight) {
    SourceOptions options;
    options.weights_name = "s";
    const double inf = std::numeric_limits<double>::infinity();
    for (const double bad : {-1.0, std::nan(""), inf}) {
        const std::string name = plain_file(path("a.h5"), 700, bad);
        const Manifest manifest = describe_all({name}, options);
        const ShardPlan plan(manifest.rows);

        const auto error = find_bad_weight(load_shard(manifest, plan, 0, 1).shard, manifest);

        ASSERT_TRUE(error.has_value());
        EXPECT_THAT(error->what(), HasSubstr(name + ":/s row 700: the row weight is "));
        EXPECT_EQ(error->global_row(), 700);
    }
    const Manifest good = describe_all({plain_file(path("b.h5"))}, options);
    const LoadedShard loaded = load_shard(good, ShardPlan(good.rows), 0, 1);
    EXPECT_FALSE(find_bad_weight(loaded.shard, good).has_value());
}

TEST_F(LoadShard, RefusesAFileThatHasChanged) {
    const std::string name = plain_file(path("a.h5"));
    const Manifest manifest = describe_all({name});
    check_unchanged(manifest);

    Manifest older = manifest;
    older.files[0].modified_nanoseconds -= 1;
    std::ofstream(name, std::ios::app) << "more";

    const ShardPlan plan(manifest.rows);
    EXPECT_THAT(error_of([&] { load_shard(manifest, plan, 0, 1); }).what(),
                HasSubstr("a.h5: the file has changed"));
    EXPECT_THAT(error_of([&] { check_unchanged(manifest); }).what(), HasSubstr("bytes"));
    older.files[0].file_bytes += 4;
    EXPECT_THAT(error_of([&] { check_unchanged(older); }).what(), HasSubstr("modification"));
    std::filesystem::remove(name);
    EXPECT_EQ(error_of([&] { check_unchanged(manifest); }).code(), ExitCode::input_data);
}

TEST_F(LoadShard, OpensOnlyTheFilesThatHoldItsRows) {
    const std::vector<std::string> names{plain_file(path("a.h5")), plain_file(path("b.h5"))};
    const Manifest manifest = describe_all(names);
    const ShardPlan plan(manifest.rows);
    std::filesystem::remove(names[1]);

    EXPECT_EQ(load_shard(manifest, plan, 0, 3).shard.rows.first, 0);
    EXPECT_THAT(error_of([&] { load_shard(manifest, plan, 2, 3); }).what(), HasSubstr("b.h5"));
}

}  // namespace
}  // namespace paralogit::data
