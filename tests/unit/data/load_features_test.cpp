#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "data_files.hpp"
#include "paralogit/data/shard.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {
namespace {

using testing::HasSubstr;

class LoadFeatures : public WithFolder {
  protected:
    // The threads of earlier tests do not live on in a fork.
    LoadFeatures() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

struct Loaded {
    Shard shard;
    std::vector<int> calls;  ///< per block of the shard
};

Loaded load(const Manifest& manifest, int rank = 0, int ranks = 1, int threads = 1) {
    const ShardPlan plan(manifest.rows);
    Loaded loaded{empty_shard(manifest, plan, rank, ranks), {}};
    loaded.calls.resize(static_cast<std::size_t>(loaded.shard.blocks.size()));
    std::mutex guard;
    load_features(manifest, plan, loaded.shard, threads, [&](int, const model::Block& block) {
        const std::lock_guard lock(guard);
        const Index number = block.first_global_row / plan.rows_per_block();
        ++loaded.calls.at(static_cast<std::size_t>(number - loaded.shard.blocks.first));
    });
    return loaded;
}

std::vector<float> floats_of(const Shard& shard) {
    std::vector<float> values(static_cast<std::size_t>(shard.values.size()) / sizeof(float));
    std::memcpy(values.data(), shard.values.data(), values.size() * sizeof(float));
    return values;
}

std::string contiguous_file(const std::string& name, const std::vector<float>& values,
                            Index features) {
    const auto rows = static_cast<Index>(values.size()) / features;
    TestFile file(name);
    file.values("/X", values, {rows, features}).values("/y", alternating(rows), {rows});
    return file.close();
}

Manifest describe_all(const std::vector<std::string>& paths) {
    return describe(paths, {});
}

TEST_F(LoadFeatures, MapsWhatLiesInOneContiguousDataset) {
    const std::vector<float> values = counting<float>(70'000 * 7);
    const Manifest manifest = describe_all({contiguous_file(path("a.h5"), values, 7)});

    for (const int threads : {1, 2, 4}) {
        const Loaded loaded = load(manifest, 0, 1, threads);

        EXPECT_TRUE(loaded.shard.values.is_mapped());
        EXPECT_EQ(floats_of(loaded.shard), values);
        EXPECT_THAT(loaded.calls, testing::Each(1));
    }
}

TEST_F(LoadFeatures, MapsEachRanksRowsFromAnyOffset) {
    // An offset of no alignment at all: as from a user block.
    const std::vector<float> values = counting<float>(5000 * 3);
    const std::string name = contiguous_file(path("a.h5"), values, 3);
    const Manifest manifest = describe_all({name});
    const std::string shifted = path("shifted");
    {
        std::ofstream out(shifted, std::ios::binary);
        out << std::string(13, 'x') << std::ifstream(name, std::ios::binary).rdbuf();
    }
    FilePart part = manifest.files[0];
    part.path = shifted;
    part.file_bytes += 13;
    part.modified_nanoseconds = describe_all({name}).files[0].modified_nanoseconds;
    std::filesystem::last_write_time(shifted, std::filesystem::last_write_time(name));
    const Index offset = h5::File::open(name).describe("/X").file_offset.value() + 13;

    const MappedFile mapped(SourceFile(part), offset, 5000 * 3 * 4);
    mapped.populate(0, mapped.size());
    mapped.populate(4099, 1);

    ASSERT_TRUE(mapped.is_mapped());
    EXPECT_NE(reinterpret_cast<std::uintptr_t>(mapped.data()) % 4, 0U);
    EXPECT_EQ(std::memcmp(mapped.data(), values.data(), 5000 * 3 * 4), 0);
    std::vector<float> all;
    for (int rank = 0; rank < 3; ++rank) {
        const Loaded loaded = load(manifest, rank, 3, 2);
        EXPECT_TRUE(loaded.shard.values.is_mapped());
        const std::vector<float> own = floats_of(loaded.shard);
        all.insert(all.end(), own.begin(), own.end());
    }
    EXPECT_EQ(all, values);
}

TEST_F(LoadFeatures, ReadsWhatLiesInSeveralFilesOfAnyKind) {
    // Blocks straddle the files: of 1024 rows, in parts of 1500 and 1 and 4000 and 2999.
    const Index features = 5;
    const std::vector<float> values = counting<float>(8500 * features);
    const auto part = [&](Index first, Index end) {
        return std::vector<float>(values.begin() + first * features,
                                  values.begin() + end * features);
    };
    h5::Writer writer(path("c.h5"));
    const std::vector<float> chunked = part(1501, 5501);
    writer.dataset("/X", std::vector<double>(chunked.begin(), chunked.end()), 4000, features);
    writer.dataset("/y", alternating(4000));
    writer.close();
    const Manifest floats =
        describe_all({contiguous_file(path("a.h5"), part(0, 1500), features),
                      contiguous_file(path("b.h5"), part(1500, 1501), features),
                      contiguous_file(path("d.h5"), part(5501, 8500), features)});
    for (const int threads : {1, 2, 4}) {
        const Loaded loaded = load(floats, 0, 1, threads);

        std::vector<float> expected = part(0, 1501);
        const std::vector<float> rest = part(5501, 8500);
        expected.insert(expected.end(), rest.begin(), rest.end());
        EXPECT_FALSE(loaded.shard.values.is_mapped());
        EXPECT_EQ(floats_of(loaded.shard), expected);
        EXPECT_THAT(loaded.calls, testing::Each(1));
    }
    const Loaded doubles = load(describe_all({path("c.h5")}), 0, 1, 2);
    std::vector<double> read(chunked.size());
    std::memcpy(read.data(), doubles.shard.values.data(), read.size() * sizeof(double));
    EXPECT_TRUE(std::equal(read.begin(), read.end(), chunked.begin(), chunked.end()));
}

TEST_F(LoadFeatures, ThrowsWhatACallThrows) {
    const Manifest manifest =
        describe_all({contiguous_file(path("a.h5"), counting<float>(30'000), 3)});
    const ShardPlan plan(manifest.rows);
    Shard shard = empty_shard(manifest, plan, 0, 1);

    EXPECT_THROW(load_features(manifest, plan, shard, 2,
                               [](int, const model::Block&) { throw std::bad_alloc(); }),
                 std::bad_alloc);
}

TEST_F(LoadFeatures, TellsThatAMappedFileWasWrittenToButNotThatItLostItsName) {
    const std::string name = contiguous_file(path("a.h5"), counting<float>(3000), 3);
    const Loaded loaded = load(describe_all({name}));
    loaded.shard.values.check_unchanged();

    std::filesystem::rename(name, path("b.h5"));
    loaded.shard.values.check_unchanged();
    const auto time = std::filesystem::last_write_time(path("b.h5"));
    std::fstream(path("b.h5"), std::ios::in | std::ios::out | std::ios::binary).put('\x89');
    std::filesystem::last_write_time(path("b.h5"), time + std::chrono::seconds(1));

    const Error error = error_of([&] { loaded.shard.values.check_unchanged(); });
    EXPECT_EQ(error.code(), ExitCode::input_data);
    EXPECT_THAT(error.what(), HasSubstr("a.h5: the file has changed"));
    Values().check_unchanged();
}

TEST_F(LoadFeatures, OfAFileThatIsCutWhileItIsMappedEndTheProcessWithAMessage) {
    const std::string name = contiguous_file(path("a.h5"), counting<float>(300'000), 3);
    const auto cut_and_read = [&] {
        prepare_mappings();
        const Loaded loaded = load(describe_all({name}));
        std::filesystem::resize_file(name, 4096);
        const volatile std::byte* const last =
            loaded.shard.values.data() + loaded.shard.values.size() - 1;
        static_cast<void>(*last);
    };

    EXPECT_EXIT(cut_and_read(), testing::ExitedWithCode(3),
                "paralogit: error: .*a.h5: the file was cut short while it was in use; start "
                "again with a whole file");
}

TEST_F(LoadFeatures, LeavesOtherBusErrorsToTheSystem) {
    const auto raise_it = [] {
        // A sanitizer has a handler of its own.
        static_cast<void>(std::signal(SIGBUS, SIG_DFL));
        prepare_mappings();
        std::raise(SIGBUS);
        std::raise(SIGBUS);
    };

    EXPECT_EXIT(raise_it(), testing::KilledBySignal(SIGBUS), "");
}

TEST_F(LoadFeatures, FindsThatAFileIsCutWhilePagesAreAskedFor) {
    const std::string name = contiguous_file(path("a.h5"), counting<float>(300'000), 3);
    const Manifest manifest = describe_all({name});
    const Index offset = h5::File::open(name).describe("/X").file_offset.value();
    const MappedFile mapped(SourceFile(manifest.files[0]), offset, 1'200'000);
    std::filesystem::resize_file(name, 100'000);

    EXPECT_THAT(error_of([&] { mapped.populate(0, mapped.size()); }).what(),
                HasSubstr("a.h5: the file has changed"));
    EXPECT_THAT(error_of([&] { SourceFile file(manifest.files[0]); }).what(), HasSubstr("changed"));
}

TEST_F(LoadFeatures, FindsThatAFileEndsWhileItIsRead) {
    const std::string name = contiguous_file(path("a.h5"), counting<float>(300'000), 3);
    const SourceFile file(describe_all({name}).files[0]);
    std::filesystem::resize_file(name, 100'000);
    std::vector<std::byte> bytes(200'000);

    EXPECT_THAT(error_of([&] { file.read(0, bytes); }).what(), HasSubstr("ends at byte 100000"));
}

}  // namespace
}  // namespace paralogit::data
