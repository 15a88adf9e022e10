#include "paralogit/data/shard_walk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "data_files.hpp"
#include "paralogit/base/threads.hpp"
#include "paralogit/data/holding.hpp"
#include "paralogit/data/row_copies.hpp"

namespace paralogit::data {
namespace {

using testing::Each;
using testing::HasSubstr;

/// Features 0, 1, 2, ... over all rows, in files of several kinds.
class ShardWalks : public WithFolder {
  protected:
    /// [rows x features] float32 in files that end after these rows.
    Manifest contiguous(const std::vector<Index>& ends, Index features) {
        const std::vector<float> all = counting<float>(ends.back() * features);
        std::vector<std::string> names;
        Index first = 0;
        for (const Index end : ends) {
            names.push_back(path("part-" + std::to_string(names.size()) + ".h5"));
            TestFile file(names.back());
            file.values("/X",
                        std::vector<float>(all.begin() + first * features,
                                           all.begin() + end * features),
                        {end - first, features})
                .values("/y", alternating(end - first), {end - first});
            file.close();
            first = end;
        }
        return describe(names, {});
    }

    /// [rows x features] float64 in chunks with checksums.
    Manifest chunked(Index rows, Index features) {
        h5::Writer writer(path("chunked.h5"));
        writer.dataset("/X", counting<double>(rows * features), rows, features);
        writer.dataset("/y", alternating(rows));
        writer.close();
        return describe(std::vector{path("chunked.h5")}, {});
    }

    /// [features x rows] int32, which the HDF5 library reads.
    Manifest transposed(Index rows, Index features) {
        std::vector<std::int32_t> values(static_cast<std::size_t>(rows * features));
        for (Index i = 0; i < rows; ++i) {
            for (Index j = 0; j < features; ++j) {
                values[static_cast<std::size_t>(j * rows + i)] =
                    static_cast<std::int32_t>(i * features + j);
            }
        }
        TestFile file(path("transposed.h5"));
        file.values("/X", values, {features, rows}).values("/y", alternating(rows), {rows});
        SourceOptions options;
        options.is_transposed = true;
        return describe(std::vector{file.close()}, options);
    }
};

double value_at(const model::Block& block, Index position) {
    const auto get = [&](auto value) {
        std::memcpy(&value, block.values + position * static_cast<Index>(sizeof value),
                    sizeof value);
        return static_cast<double>(value);
    };
    switch (block.type) {
        case ElementType::float32:
            return get(float{});
        case ElementType::int32:
            return get(std::int32_t{});
        default:
            return get(double{});
    }
}

/// Whether a block holds the numbers that count on from its first row.
bool is_counting(const model::Block& block) {
    const Index first = block.first_global_row * block.features;
    for (Index i = 0; i < block.rows * block.features; ++i) {
        if (value_at(block, i) != static_cast<double>(first + i)) {
            return false;
        }
    }
    return true;
}

/// How often each block of a shard was met in a walk by all threads, with the values that it has.
std::vector<int> walk_all(const Shard& shard, const ShardPlan& plan, int threads,
                          Index block_step = 1) {
    std::vector<int> met(static_cast<std::size_t>(shard.blocks.size()));
    std::mutex guard;
    run_threads(threads, [&](int thread) {
        ShardWalk walk(shard, plan, thread, threads, block_step);
        while (walk.next()) {
            const model::Block block = walk.block();
            const bool is_right =
                block.first_global_row == plan.rows_of_block(walk.number()).first &&
                is_counting(block);
            const std::lock_guard lock(guard);
            met.at(static_cast<std::size_t>(walk.number() - shard.blocks.first)) +=
                is_right ? 1 : 1000;
        }
        EXPECT_FALSE(walk.next());
    });
    return met;
}

/// A shard that may take so many bytes, loaded; its blocks are counted while it is.
Shard load(const Manifest& manifest, Index bytes, int threads, int rank = 0, int ranks = 1) {
    const ShardPlan plan(manifest.rows);
    Shard shard = empty_shard(manifest, plan, rank, ranks);
    EXPECT_EQ(hold_within(bytes, manifest, plan, shard, threads), std::nullopt);
    std::vector<int> met(static_cast<std::size_t>(shard.blocks.size()));
    std::mutex guard;
    load_features(manifest, plan, shard, threads, [&](int, const model::Block& block) {
        const std::lock_guard lock(guard);
        const Index number = block.first_global_row / plan.rows_per_block();
        met.at(static_cast<std::size_t>(number - shard.blocks.first)) += is_counting(block) ? 1 : 9;
    });
    EXPECT_THAT(met, Each(1));
    return shard;
}

TEST_F(ShardWalks, MeetEveryBlockOnceWhereverItsRowsLie) {
    // Parts of 1500, 1, no, 12 000 and 6499 rows: blocks of 64 straddle the files.
    for (const Manifest& manifest : {contiguous({1500, 1501, 1501, 13'501, 20'000}, 7),
                                     chunked(20'000, 7), transposed(20'000, 7)}) {
        const ShardPlan plan(manifest.rows);
        const Index all_bytes = 20'000 * 7 * static_cast<Index>(size_of(manifest.type));
        for (const int threads : {1, 2, 4}) {
            for (int rank = 0; rank < 3; ++rank) {
                Shard none = empty_shard(manifest, plan, rank, 3);
                const Index least = hold_within(1, manifest, plan, none, threads).value();
                for (const Index bytes : {least, least + all_bytes / 6, Index{1} << 40}) {
                    const Shard shard = load(manifest, bytes, threads, rank, 3);

                    EXPECT_THAT(walk_all(shard, plan, threads), Each(1));
                    EXPECT_THAT(walk_all(shard, plan, threads), Each(1));
                    EXPECT_EQ(shard.streamed_bytes() + shard.values.size(),
                              shard.rows.size() * 7 * static_cast<Index>(size_of(manifest.type)));
                }
            }
        }
    }
}

TEST_F(ShardWalks, MeetAndReadTheMultiplesOfAStepAlone) {
    for (const Manifest& manifest :
         {contiguous({1500, 1501, 13'501, 20'000}, 7), chunked(20'000, 7), transposed(20'000, 7)}) {
        const ShardPlan plan(manifest.rows);
        const Index row_bytes = 7 * static_cast<Index>(size_of(manifest.type));
        for (const int threads : {1, 2, 4}) {
            for (const Index step : {2, 3, 32, 1000}) {
                Shard none = empty_shard(manifest, plan, 1, 3);
                const Index least = hold_within(1, manifest, plan, none, threads).value();
                for (const Index bytes : {least, least + 3000 * row_bytes, Index{1} << 40}) {
                    const Shard shard = load(manifest, bytes, threads, 1, 3);
                    const Index before = shard.bytes_streamed_so_far();
                    std::vector<int> expected;
                    Index expected_bytes = 0;
                    for (Index k = shard.blocks.first; k < shard.blocks.end; ++k) {
                        expected.push_back(k % step == 0 ? 1 : 0);
                        if (k % step == 0 && k >= shard.held().end) {
                            expected_bytes += plan.rows_of_block(k).size() * row_bytes;
                        }
                    }

                    EXPECT_EQ(walk_all(shard, plan, threads, step), expected) << step;
                    EXPECT_EQ(shard.bytes_streamed_so_far() - before, expected_bytes) << step;
                }
            }
        }
    }
}

TEST_F(ShardWalks, PassRowsToBeCopiedThatAreNotHeld) {
    const Manifest manifest = contiguous({700, 20'000}, 7);
    const ShardPlan plan(manifest.rows);
    Shard shard = empty_shard(manifest, plan, 1, 2);
    const Index least = hold_within(1, manifest, plan, shard, 2).value();
    ASSERT_EQ(hold_within(least + 100'000, manifest, plan, shard, 2), std::nullopt);
    ASSERT_GT(shard.streamed_bytes(), 0);
    ASSERT_GT(shard.held().size(), 0);
    std::vector<Index> rows;
    for (Index row = shard.rows.first + 5; row < shard.rows.end; row += 17 + row % 80) {
        rows.push_back(row);
    }

    RowCopies copies(shard, plan, rows, false);

    load_features(manifest, plan, shard, 2,
                  [&](int, const model::Block& block) { copies.take(block); });
    const SomeRows some = copies.finish(shard, 2);

    ASSERT_EQ(some.shard.values.size(), std::ssize(rows) * 7 * 4);
    std::vector<float> copied(rows.size() * 7);
    std::memcpy(copied.data(), some.shard.values.data(), copied.size() * sizeof(float));
    std::vector<float> expected;
    for (const Index row : rows) {
        for (Index j = 0; j < 7; ++j) {
            expected.push_back(static_cast<float>(row * 7 + j));
        }
    }
    EXPECT_EQ(copied, expected);
}

TEST_F(ShardWalks, HoldAsMuchAsTheLimitHasRoomFor) {
    const Manifest manifest = contiguous({40'000}, 16);
    constexpr Index all_bytes = 40'000 * 16 * 4;
    const Shard most = load(manifest, all_bytes / 2, 1);
    const Shard all = load(manifest, all_bytes, 1);

    EXPECT_GT(most.streamed_bytes(), all_bytes / 2);
    EXPECT_LT(most.streamed_bytes(), all_bytes * 3 / 4);
    EXPECT_EQ(most.bytes(), all.bytes());
    EXPECT_EQ(most.held().size() + most.streamed_bytes() / (128 * 16 * 4),
              most.blocks.size() - 1);  // the last block is half full
    EXPECT_EQ(all.streamed_bytes(), 0);
    EXPECT_EQ(all.stream, nullptr);
    EXPECT_EQ(all.passing_bytes(), 0);
    EXPECT_GT(most.passing_bytes(), 0);
    EXPECT_LE(most.values.size() + most.passing_bytes(), all_bytes / 2);
}

TEST_F(ShardWalks, CountWhatEachPassReads) {
    const Manifest manifest = contiguous({40'000}, 16);
    const ShardPlan plan(manifest.rows);
    const Shard shard = load(manifest, 1'000'000, 2);

    EXPECT_EQ(shard.bytes_streamed_so_far(), shard.streamed_bytes());
    walk_all(shard, plan, 2);
    walk_all(shard, plan, 2);

    EXPECT_EQ(shard.bytes_streamed_so_far(), 3 * shard.streamed_bytes());
}

TEST_F(ShardWalks, MayBeLeftBeforeTheyEnd) {
    const Manifest manifest = contiguous({40'000}, 16);
    const ShardPlan plan(manifest.rows);
    const Shard shard = load(manifest, 500'000, 1);
    {
        ShardWalk walk(shard, plan, 0, 1);
        EXPECT_TRUE(walk.next());
        ShardWalk never_begun = std::move(walk);
    }
    EXPECT_THAT(walk_all(shard, plan, 1), Each(1));
}

TEST_F(ShardWalks, TellTheLeastMemoryThatIsEnough) {
    const Manifest manifest = contiguous({40'000}, 16);
    const ShardPlan plan(manifest.rows);
    Shard shard = empty_shard(manifest, plan, 0, 1);
    constexpr Index block_bytes = 128 * 16 * 4;

    EXPECT_EQ(hold_within(1, manifest, plan, shard, 1), 2 * block_bytes);
    EXPECT_EQ(hold_within(1, manifest, plan, shard, 3), 6 * block_bytes);
    EXPECT_EQ(hold_within(2 * block_bytes - 1, manifest, plan, shard, 1), 2 * block_bytes);
    EXPECT_EQ(shard.stream, nullptr);
    EXPECT_EQ(hold_within(2 * block_bytes, manifest, plan, shard, 1), std::nullopt);
    EXPECT_LE(shard.held().size(), 1);
}

/// Beyond some megabytes a thread, rows are looked at where the system keeps them.
class MappedShardWalks : public ShardWalks {
  protected:
    static constexpr Index rows = 250'001;  // of 256 bytes
    static constexpr Index limit_of_thread = Index{26} << 20;

    Manifest files() { return contiguous({77, 40'000, 150'003, rows}, 64); }
};

TEST_F(MappedShardWalks, MeetEveryBlockOnceWhereverItsRowsLie) {
    const Manifest manifest = files();
    const ShardPlan plan(manifest.rows);
    for (const int threads : {1, 2}) {
        const Shard shard = load(manifest, threads * limit_of_thread, threads);
        const Index before = shard.bytes_streamed_so_far();

        EXPECT_EQ(before, shard.streamed_bytes());
        ASSERT_GT(shard.streamed_bytes(), 0);
        EXPECT_LE(shard.values.size() + shard.passing_bytes(), threads * limit_of_thread);
        EXPECT_THAT(walk_all(shard, plan, threads), Each(1));
        EXPECT_EQ(shard.bytes_streamed_so_far() - before, shard.streamed_bytes());
    }
}

TEST_F(MappedShardWalks, MeetTheMultiplesOfAStepAlone) {
    const Manifest manifest = files();
    const ShardPlan plan(manifest.rows);
    const Shard shard = load(manifest, limit_of_thread, 1);
    std::vector<int> expected;
    for (Index k = shard.blocks.first; k < shard.blocks.end; ++k) {
        expected.push_back(k % 7 == 0 ? 1 : 0);
    }

    EXPECT_EQ(walk_all(shard, plan, 1, 7), expected);
}

TEST_F(MappedShardWalks, FindThatAFileIsCutDuringThePass) {
    const Manifest manifest = contiguous({rows}, 64);
    const ShardPlan plan(manifest.rows);
    const Shard shard = load(manifest, limit_of_thread, 1);
    ShardWalk walk(shard, plan, 0, 1);
    while (walk.number() < shard.held().end) {
        ASSERT_TRUE(walk.next());
    }
    std::filesystem::resize_file(manifest.files.front().path, 30'000'000);

    // Blocks are not looked into: what was cut off is not there.
    const Error error = error_of([&] {
        while (walk.next()) {
        }
    });

    EXPECT_EQ(error.code(), ExitCode::input_data);
    EXPECT_THAT(error.what(), HasSubstr("the file has changed"));
}

TEST_F(ShardWalks, FindThatAFileWasWrittenToSinceTheLastPass) {
    for (const Manifest& manifest : {contiguous({30'000}, 8), chunked(30'000, 8)}) {
        const ShardPlan plan(manifest.rows);
        const std::string& name = manifest.files.front().path;
        Shard none = empty_shard(manifest, plan, 0, 1);
        const Shard shard = load(manifest, hold_within(1, manifest, plan, none, 2).value(), 2);
        ASSERT_GT(shard.streamed_bytes(), 0);
        shard.check_unchanged();
        const auto time = std::filesystem::last_write_time(name);
        std::filesystem::last_write_time(name, time + std::chrono::seconds(1));

        const Error error = error_of([&] { walk_all(shard, plan, 2); });

        EXPECT_EQ(error.code(), ExitCode::input_data);
        EXPECT_THAT(error.what(), HasSubstr(name + ": the file has changed"));
        EXPECT_THAT(error_of([&] { shard.check_unchanged(); }).what(), HasSubstr("has changed"));
        // No reader was left behind: the next walk gets as far.
        std::filesystem::last_write_time(name, time);
        EXPECT_THAT(walk_all(shard, plan, 2), Each(1));
    }
}

TEST_F(ShardWalks, FindThatAFileIsCutDuringThePass) {
    const Manifest manifest = contiguous({200'000}, 32);
    const ShardPlan plan(manifest.rows);
    const Shard shard = load(manifest, 2'000'000, 1);
    ShardWalk walk(shard, plan, 0, 1);
    ASSERT_TRUE(walk.next());
    std::filesystem::resize_file(manifest.files.front().path, 20'000'000);

    // Blocks are not looked into: what was cut off is not there.
    const Error error = error_of([&] {
        while (walk.next()) {
        }
    });

    EXPECT_EQ(error.code(), ExitCode::input_data);
    EXPECT_THAT(error.what(), HasSubstr("the file has changed"));
}

TEST_F(ShardWalks, TellThatAFileWasCutWhateverTheLibraryMeetsInIt) {
    for (const Manifest& manifest : {chunked(200'000, 8), transposed(200'000, 8)}) {
        const ShardPlan plan(manifest.rows);
        const std::string& name = manifest.files.front().path;
        Shard none = empty_shard(manifest, plan, 0, 1);
        const Shard shard = load(manifest, hold_within(1, manifest, plan, none, 1).value(), 1);
        ShardWalk walk(shard, plan, 0, 1);
        ASSERT_TRUE(walk.next());
        std::filesystem::resize_file(name, std::filesystem::file_size(name) / 2);

        const Error error = error_of([&] {
            while (walk.next()) {
            }
        });

        EXPECT_EQ(error.code(), ExitCode::input_data);
        EXPECT_THAT(error.what(), HasSubstr(name + ": the file has changed since the run began"));
    }
}

TEST_F(ShardWalks, FindThatAFileIsGone) {
    const Manifest manifest = contiguous({10'000, 20'000}, 8);
    const ShardPlan plan(manifest.rows);
    const Shard shard = load(manifest, 200'000, 2);
    std::filesystem::remove(manifest.files.back().path);

    EXPECT_THAT(error_of([&] { walk_all(shard, plan, 2); }).what(), HasSubstr("part-1.h5"));
}

}  // namespace
}  // namespace paralogit::data
