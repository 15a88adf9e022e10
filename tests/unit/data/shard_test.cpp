#include "paralogit/data/shard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data_files.hpp"

namespace paralogit::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LoadShard : public WithFolder {};

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
    Index bytes_read = 0;
};

template <class T>
Gathered<T> gather(const Manifest& manifest, int ranks) {
    const ShardPlan plan(manifest.rows, manifest.features);
    Gathered<T> all;
    for (int rank = 0; rank < ranks; ++rank) {
        const LoadedShard loaded = load_shard(manifest, plan, rank, ranks);
        append(all.values, values_of<T>(loaded.shard));
        append(all.labels, loaded.raw_labels.values);
        append(all.row_weights, loaded.shard.row_weights);
        all.bytes_read += loaded.bytes_read;
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
        const auto all = gather<float>(manifest, ranks);
        EXPECT_EQ(all.values, values) << ranks << " ranks";
        EXPECT_EQ(all.labels, labels) << ranks << " ranks";
        EXPECT_EQ(all.row_weights, weights) << ranks << " ranks";
        EXPECT_EQ(all.bytes_read, rows * (features * 4 + 16)) << ranks << " ranks";
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
    EXPECT_EQ(gather<T>(manifest, 3).values, values);
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

    EXPECT_EQ(gather<double>(describe_all({file.close()}, options), 2).values, values);
}

TEST_F(LoadShard, ReadsChunkedFeaturesInBandsOfWholeChunks) {
    // The writer's own datasets are chunked; 24 MB are more than one band.
    const Index rows = 100'000;
    const Index features = 30;
    const std::vector<double> values = counting<double>(rows * features);
    h5::Writer writer(path("a.h5"));
    writer.dataset("/X", values, rows, features);
    writer.dataset("/y", alternating(rows));
    writer.close();

    const Manifest manifest = describe_all({path("a.h5")});

    EXPECT_GT(manifest.files[0].rows_per_chunk, 0);
    EXPECT_EQ(gather<double>(manifest, 3).values, values);
}

TEST_F(LoadShard, ReadsTextLabelsByOrderOfAppearance) {
    TestFile file(path("a.h5"));
    file.values("/X", counting<float>(8), {4, 2}).texts("/y", {"h", "g", "h", "x"});
    const Manifest manifest = describe_all({file.close()});

    const LoadedShard loaded = load_shard(manifest, ShardPlan(4, 2), 0, 1);

    EXPECT_TRUE(manifest.files[0].are_labels_text);
    EXPECT_THAT(loaded.raw_labels.texts, ElementsAre("h", "g", "x"));
    EXPECT_THAT(loaded.raw_labels.values, ElementsAre(0, 1, 0, 2));
}

TEST_F(LoadShard, LeavesARankWithoutBlocksEmpty) {
    TestFile file(path("a.h5"));
    file.values("/X", counting<float>(8), {4, 2}).values("/y", alternating(4), {4});
    const Manifest manifest = describe_all({file.close()});

    const LoadedShard loaded = load_shard(manifest, ShardPlan(4, 2), 1, 2);

    EXPECT_EQ(loaded.shard.rows.size(), 0);
    EXPECT_EQ(loaded.shard.blocks.size(), 0);
    EXPECT_EQ(loaded.bytes_read, 0);
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
    const ShardPlan plan(rows, features);
    ASSERT_EQ(plan.rows_per_block(), 32);
    LoadedShard loaded = load_shard(manifest, plan, 1, 2);
    loaded.shard.labels = loaded.raw_labels.values;

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

TEST_F(LoadShard, ScansTheColumnsWithTheirRowWeights) {
    TestFile file(path("a.h5"));
    file.values("/X", std::vector<double>{1, -8, 3, 2}, {2, 2});
    file.values("/y", alternating(2), {2}).values("/s", std::vector<double>{100, 0}, {2});
    SourceOptions options;
    options.weights_name = "s";

    const auto scan = load_shard(describe_all({file.close()}, options), ShardPlan(2, 2), 0, 1).scan;

    EXPECT_THAT(scan.value_exponents, ElementsAre(1, 4));  // not of the row of weight 0
    EXPECT_GE(scan.block_sum_exponents[1], 10);            // 800 < 2^10
    EXPECT_GE(scan.weight_exponent, 7);
}

/// X [rows x 100] float64 with a value that is not finite, and row weights with a bad one.
std::string spoiled_file(const std::string& name, Index bad_value_row, Index bad_weight_row,
                         double bad_weight) {
    const Index rows = 1500;
    std::vector<double> values = counting<double>(rows * 100);
    std::vector<double> weights(static_cast<std::size_t>(rows), 1.0);
    if (bad_value_row >= 0) {
        values[static_cast<std::size_t>(bad_value_row * 100 + 3)] =
            std::numeric_limits<double>::quiet_NaN();
    }
    if (bad_weight_row >= 0) {
        weights[static_cast<std::size_t>(bad_weight_row)] = bad_weight;
    }
    TestFile file(name);
    file.values("/X", values, {rows, 100});
    file.values("/y", alternating(rows), {rows}).values("/s", weights, {rows});
    return file.close();
}

/// The error in the lowest row among those of all ranks.
Error first_error(const Manifest& manifest, int ranks) {
    const ShardPlan plan(manifest.rows, manifest.features);
    std::optional<Error> first;
    for (int rank = 0; rank < ranks; ++rank) {
        try {
            load_shard(manifest, plan, rank, ranks);
        } catch (const Error& error) {
            if (!first || error.global_row() < first->global_row()) {
                first = error;
            }
        }
    }
    EXPECT_TRUE(first.has_value());
    return first.value_or(Error(ExitCode::done, ""));
}

TEST_F(LoadShard, NamesFileRowAndColumnOfABadValue) {
    const std::vector<std::string> names{spoiled_file(path("a.h5"), -1, -1, 0),
                                         spoiled_file(path("b.h5"), 17, -1, 0)};
    const Manifest manifest = describe_all(names);

    for (const int ranks : {1, 2, 3}) {
        const Error error = first_error(manifest, ranks);
        EXPECT_EQ(error.what(), names[1] +
                                    ":/X row 17, column 3: the value is nan; features must be "
                                    "finite; remove the row or impute the value");
        EXPECT_EQ(error.global_row(), 1517);
        EXPECT_EQ(error.code(), ExitCode::input_data);
    }
}

TEST_F(LoadShard, NamesTheRowOfABadWeight) {
    SourceOptions options;
    options.weights_name = "s";
    const double inf = std::numeric_limits<double>::infinity();
    for (const double bad : {-1.0, std::nan(""), inf}) {
        const std::string name = spoiled_file(path("a.h5"), -1, 700, bad);
        const Error error = first_error(describe_all({name}, options), 2);
        EXPECT_THAT(error.what(), HasSubstr(name + ":/s row 700: the row weight is "));
        EXPECT_EQ(error.global_row(), 700);
    }
}

TEST_F(LoadShard, ReportsTheLowestRowAmongValuesAndWeights) {
    SourceOptions options;
    options.weights_name = "s";
    const std::string value_first = spoiled_file(path("a.h5"), 20, 1400, -1);
    const std::string weight_first = spoiled_file(path("b.h5"), 1400, 20, -1);

    for (const int ranks : {1, 2}) {
        EXPECT_THAT(first_error(describe_all({value_first}, options), ranks).what(),
                    HasSubstr(":/X row 20"));
        EXPECT_THAT(first_error(describe_all({weight_first}, options), ranks).what(),
                    HasSubstr(":/s row 20"));
    }
}

TEST_F(LoadShard, RefusesAFileThatHasChanged) {
    const std::string name = spoiled_file(path("a.h5"), -1, -1, 0);
    const Manifest manifest = describe_all({name});
    check_unchanged(manifest);

    Manifest older = manifest;
    older.files[0].modified_nanoseconds -= 1;
    std::ofstream(name, std::ios::app) << "more";

    const ShardPlan plan(manifest.rows, manifest.features);
    EXPECT_THAT(error_of([&] { load_shard(manifest, plan, 0, 1); }).what(),
                HasSubstr("a.h5: the file has changed"));
    EXPECT_THAT(error_of([&] { check_unchanged(manifest); }).what(), HasSubstr("bytes"));
    older.files[0].file_bytes += 4;
    EXPECT_THAT(error_of([&] { check_unchanged(older); }).what(), HasSubstr("modification"));
    std::filesystem::remove(name);
    EXPECT_EQ(error_of([&] { check_unchanged(manifest); }).code(), ExitCode::input_data);
}

TEST_F(LoadShard, OpensOnlyTheFilesThatHoldItsRows) {
    const std::vector<std::string> names{spoiled_file(path("a.h5"), -1, -1, 0),
                                         spoiled_file(path("b.h5"), -1, -1, 0)};
    const Manifest manifest = describe_all(names);
    const ShardPlan plan(manifest.rows, manifest.features);
    std::filesystem::remove(names[1]);

    EXPECT_EQ(load_shard(manifest, plan, 0, 3).shard.rows.first, 0);
    EXPECT_THAT(error_of([&] { load_shard(manifest, plan, 2, 3); }).what(), HasSubstr("b.h5"));
}

TEST_F(LoadShard, TellsItsBytesBeforehand) {
    const Manifest manifest = describe_all({spoiled_file(path("a.h5"), -1, -1, 0)});
    const ShardPlan plan(manifest.rows, manifest.features);

    const Index rows = plan.rows_of(0, 2).size();

    EXPECT_EQ(bytes_of_shard(manifest, plan, 0, 2), rows * (100 * 8 + 16));
}

TEST(Buffer, IsAlignedForVectorsAndMayBeEmpty) {
    const Buffer buffer(1000);

    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0U);
    EXPECT_EQ(buffer.size(), 1000);
    EXPECT_EQ(Buffer(0).size(), 0);
}

}  // namespace
}  // namespace paralogit::data
