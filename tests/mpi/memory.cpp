#include "paralogit/train/memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paralogit::train {
namespace {

using testing::HasSubstr;

constexpr Index gibibyte = Index{1} << 30;

class ChooseMemoryLimit : public testing::Test {
  protected:
    MemoryLimit choose(const std::vector<MemoryBound>& bounds,
                       const std::optional<Index>& wanted = std::nullopt) const {
        return choose_memory_limit(comm_, wanted, bounds);
    }

    comm::Communicator comm_ = comm::Communicator::world();
};

TEST_F(ChooseMemoryLimit, IsAShareOfWhatRanksOfAHostShareLessASixteenth) {
    const MemoryLimit limit =
        choose({{.bytes = 64 * gibibyte, .source = "the host", .shared_as = "host"}});

    const Index share = 64 * gibibyte / comm_.size();
    EXPECT_EQ(limit.bytes, share - share / 16);
    EXPECT_THAT(limit.source, HasSubstr("the host"));
    EXPECT_EQ(limit.source.find("shared by") != std::string::npos, comm_.size() > 1);
}

TEST_F(ChooseMemoryLimit, IsTheNarrowestOfAllBounds) {
    const MemoryLimit limit = choose({
        {.bytes = 640 * gibibyte, .source = "the host", .shared_as = "host"},
        {.bytes = 16 * gibibyte, .source = "SLURM", .shared_as = ""},
        {.bytes = 17 * gibibyte, .source = "of each", .shared_as = ""},
    });

    EXPECT_EQ(limit.bytes, 15 * gibibyte);
    EXPECT_EQ(limit.source, "SLURM");
}

TEST_F(ChooseMemoryLimit, DividesACgroupAmongThoseAloneThatAreInIt) {
    const std::string own = "cgroup " + std::to_string(comm_.rank());

    const MemoryLimit limit = choose({{.bytes = 16 * gibibyte, .source = own, .shared_as = own},
                                      {.bytes = 32 * gibibyte, .source = own, .shared_as = own}});

    EXPECT_EQ(limit.bytes, 15 * gibibyte);
    EXPECT_EQ(limit.source, own);
}

TEST_F(ChooseMemoryLimit, LeavesTheProgramItsPartOfLittle) {
    const auto of = [&](Index bytes) {
        return choose({{.bytes = bytes, .source = "x", .shared_as = ""}}).bytes;
    };

    EXPECT_EQ(of(gibibyte), gibibyte - gibibyte / 16);
    EXPECT_EQ(of(gibibyte / 4), gibibyte / 4 - (Index{64} << 20));
    EXPECT_EQ(of(1000), 500);
    EXPECT_EQ(of(0), 0);
}

TEST_F(ChooseMemoryLimit, IsWhatTheUserSays) {
    const auto of = [&](Index wanted) {
        return choose({{.bytes = 5, .source = "x", .shared_as = ""}}, wanted);
    };

    EXPECT_EQ(of(7).bytes, 7);
    EXPECT_EQ(of(7).source, "--memory-limit 7");
    EXPECT_EQ(of(450 << 10).source, "--memory-limit 450k");
    EXPECT_EQ(of(gibibyte * 1024).source, "--memory-limit 1T");
}

TEST_F(ChooseMemoryLimit, IsNoneWhereNothingIsKnown) {
    const MemoryLimit limit = choose({});

    EXPECT_EQ(limit.bytes, std::numeric_limits<Index>::max());
    EXPECT_EQ(limit.source, "");
}

/// Rows that nobody reads.
data::Manifest dense(Index rows, Index features, ElementType type) {
    data::Manifest manifest;
    manifest.rows = rows;
    manifest.features = features;
    manifest.type = type;
    data::FilePart& file = manifest.files.emplace_back();
    file.path = "a.h5";
    file.labels_path = "/y";
    file.rows = rows;
    return manifest;
}

class PlanMemory : public testing::Test {
  protected:
    MemoryPlan plan(const MemoryLimit& limit, const RowUse& use = {}) const {
        const data::ShardPlan plan = manifest_.plan();
        data::Shard shard = data::empty_shard(manifest_, plan, comm_.rank(), comm_.size());
        return plan_memory(comm_, manifest_, plan, limit, 1, shard, use);
    }
    Index own_rows() const { return manifest_.plan().rows_of(comm_.rank(), comm_.size()).size(); }

    comm::Communicator comm_ = comm::Communicator::world();
    data::Manifest manifest_ = dense(100'000, 10, ElementType::float32);
    RowsOfRank rows_{.manifest = manifest_, .own = 0, .features = 10};
};

TEST_F(PlanMemory, LeavesWhatRowsLabelsAndSolverDoNotTake) {
    const MemoryLimit limit{
        .bytes = gibibyte, .source = "x", .also_needed = [](const RowsOfRank& rows) {
            return rows.manifest.rows + 2 * rows.own + 3 * rows.features;
        }};
    const Index solver = 100'000 + 2 * own_rows() + 30;

    // 40 bytes of features, and room for two numbers; with weights for three.
    EXPECT_EQ(plan(limit).left_bytes, gibibyte - own_rows() * (40 + 16) - solver);
    EXPECT_EQ(plan(limit, {.balances_classes = true}).left_bytes,
              gibibyte - own_rows() * (40 + 24) - solver);
}

TEST_F(PlanMemory, CountsTheCopyOfRowsThatAreHeldOut) {
    const MemoryLimit limit{.bytes = gibibyte, .source = "x", .also_needed = nullptr};

    const MemoryPlan held_out = plan(limit, {.hold_out = data::HoldOut{.fraction = 0.25}});

    const Index copied = (own_rows() + 3) / 4;
    EXPECT_EQ(held_out.left_bytes, gibibyte - own_rows() * (40 + 24) - copied * (40 + 16));
}

TEST_F(PlanMemory, LeavesWhatSparseRowsDoNotTake) {
    manifest_.is_sparse = true;
    for (Index block = 0; block <= manifest_.plan().blocks(); ++block) {
        manifest_.entries_before_block.push_back(block * 1'000);
    }
    MemoryLimit limit{.bytes = gibibyte, .source = "x", .also_needed = nullptr};
    const data::ShardPlan blocks = manifest_.plan();
    const Index entries = 1'000 * blocks.blocks_of(comm_.rank(), comm_.size()).size();
    const Index rows = blocks.rows_of(comm_.rank(), comm_.size()).size();

    // The solver asks for its part when it is known which features have entries.
    limit.also_needed = [](const RowsOfRank&) { return gibibyte / 2; };

    EXPECT_EQ(plan(limit).left_bytes, gibibyte - entries * (4 + 4) - (rows + 1) * 8 - rows * 16);
}

TEST_F(PlanMemory, RefusesVectorsOfFeaturesThatDoNotFit) {
    manifest_.is_sparse = true;
    manifest_.features = 4'000'000'000;
    manifest_.entries_before_block.assign(static_cast<std::size_t>(manifest_.plan().blocks() + 1),
                                          0);

    try {
        plan({.bytes = 60 * gibibyte, .source = "x", .also_needed = nullptr});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::input_data);
        EXPECT_THAT(error.what(), HasSubstr("vectors as long as its 4000000000 features take "
                                            "128.0 GB of it"));
    }
    EXPECT_GT(plan({.bytes = 120 * gibibyte, .source = "x", .also_needed = nullptr}).left_bytes, 0);
}

TEST_F(PlanMemory, AdvisesALimitThatIsEnough) {
    manifest_.is_sparse = true;
    manifest_.features = 1'000'000;
    manifest_.entries_before_block.assign(static_cast<std::size_t>(manifest_.plan().blocks() + 1),
                                          0);
    constexpr Index of_solver = 300'000'000;
    // Of other rows, for which a quarter is set aside where that is less.
    for (const Index wanted_aside : {Index{0}, 5'000'000'000 / comm_.size()}) {
        const auto take_all = [&](Index bytes) {
            const MemoryLimit limit{.bytes = bytes,
                                    .source = "--memory-limit x",
                                    .also_needed = [](const RowsOfRank&) { return of_solver; },
                                    .set_aside_bytes = std::min(wanted_aside, bytes / 4)};
            MemoryPlan memory = plan(limit);
            take_of_what_is_left(comm_, rows_, limit, memory, of_solver, "vectors");
        };
        std::string text;
        try {
            take_all(10'000'000);
        } catch (const Error& error) {
            text = error.what();
        }
        const std::size_t at = text.find("(--memory-limit ", text.find("allow it more"));
        ASSERT_NE(at, std::string::npos) << text;
        const std::string advice = text.substr(at + std::string("(--memory-limit ").size());
        const Index unit = advice.find('M') < advice.find(')') ? Index{1} << 20 : Index{1} << 10;

        EXPECT_NO_THROW(take_all(std::stoll(advice) * unit)) << advice;
    }
}

TEST_F(PlanMemory, AdvisesOfRowsThatAreLoadedLaterWhatTheUserHasToGive) {
    const MemoryLimit whole{
        .bytes = gibibyte, .source = "--memory-limit 1G", .also_needed = nullptr};
    MemoryPlan training;
    training.left_bytes = 1'000'000;
    const MemoryLimit left = limit_of_what_is_left(whole, training);
    try {
        MemoryPlan all = training;
        take_of_what_is_left(comm_, rows_, left, all, 9'000'000, "parrots");
        FAIL();
    } catch (const Error& error) {
        // A gibibyte, and nine megabytes more.
        EXPECT_THAT(error.what(), HasSubstr("(--memory-limit 1033M)"));
        EXPECT_THAT(error.what(), testing::Not(HasSubstr("may take less")));
    }
}

TEST_F(PlanMemory, AsksWhetherTheRestHasRoomForMore) {
    MemoryLimit limit{.bytes = gibibyte, .source = "x", .also_needed = nullptr};
    limit.set_aside_bytes = gibibyte / 8;
    limit.ways_to_need_less = [](const RowsOfRank&) { return "fewer parrots"; };
    const MemoryPlan memory = plan(limit);
    const Index rest = comm_.min(memory.left_bytes - gibibyte / 8);
    const auto require = [&](Index bytes) {
        MemoryPlan with_more = memory;
        take_of_what_is_left(comm_, rows_, limit, with_more, bytes, "parrots");
        EXPECT_EQ(with_more.left_bytes, memory.left_bytes - bytes);
    };

    EXPECT_NO_THROW(require(rest));
    try {
        require(rest + 1);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::input_data);
        EXPECT_THAT(error.what(), HasSubstr("parrots take"));
        EXPECT_THAT(error.what(), HasSubstr("of it (fewer parrots may take less);"));
    }
    limit.source = "";
    EXPECT_NO_THROW(require(2 * gibibyte));
}

TEST_F(PlanMemory, LeavesWhatIsSetAsideToOtherRows) {
    MemoryLimit limit{.bytes = gibibyte, .source = "x", .also_needed = nullptr};
    const MemoryPlan without = plan(limit);

    limit.set_aside_bytes = gibibyte / 2;
    const MemoryPlan with = plan(limit);
    const MemoryLimit left = limit_of_what_is_left(limit, with);

    EXPECT_EQ(with.left_bytes, without.left_bytes);
    EXPECT_EQ(left.bytes, with.left_bytes);
    EXPECT_EQ(left.set_aside_bytes, 0);
    EXPECT_THAT(left.source, HasSubstr("x, less what"));
    EXPECT_EQ(limit_of_what_is_left({}, with).source, "");
}

TEST_F(PlanMemory, SetsAsideWhatRowsNeedUpToAQuarter) {
    const MemoryLimit limit{.bytes = gibibyte, .source = "x", .also_needed = nullptr};

    // Their features twice while chunks are decoded.
    EXPECT_EQ(bytes_to_set_aside(comm_, manifest_, limit), own_rows() * (2 * 40 + 16));
    EXPECT_EQ(bytes_to_set_aside(comm_, dense(100'000'000, 100, ElementType::float64), limit),
              gibibyte / 4);
}

TEST(BytesText, HasOneDigitAfterThePoint) {
    EXPECT_EQ(bytes_text(0), "0 bytes");
    EXPECT_EQ(bytes_text(999), "999 bytes");
    EXPECT_EQ(bytes_text(1000), "1.0 kB");
    EXPECT_EQ(bytes_text(2'560'000'000), "2.6 GB");
    EXPECT_EQ(bytes_text(7'000'000'000'000), "7.0 TB");
}

}  // namespace
}  // namespace paralogit::train
