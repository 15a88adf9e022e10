#include "paralogit/comm/agreement.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace paralogit::comm {
namespace {

struct Outcome {
    bool has_error = false;
    ExitCode code = ExitCode::done;
    std::string text;
    Index row = Error::no_row;
};

/// What a rank gets from the agreement.
template <class Action>
Outcome outcome_of(Action&& action) {
    try {
        action();
        return {};
    } catch (const AgreedError& error) {
        return {true, error.code(), error.what(), error.global_row()};
    }
}

/// Whether all ranks got the same.
bool is_shared(const Communicator& comm, const Outcome& own) {
    const std::string line =
        fmt::format("{} {} {} {}", own.has_error, static_cast<int>(own.code), own.text, own.row);
    const std::vector<std::string> lines = comm.all_gather(line);
    return std::count(lines.begin(), lines.end(), line) == comm.size();
}

TEST(Agreement, GoesOnWhenNoRankHasAnError) {
    const Communicator comm = Communicator::world();

    EXPECT_NO_THROW(agree(comm, std::nullopt));
    EXPECT_EQ(comm.sum(Index{1}), comm.size());
}

TEST(Agreement, GivesTheErrorOfAnyOneRankToAll) {
    const Communicator comm = Communicator::world();
    for (int failing = 0; failing < comm.size(); ++failing) {
        std::optional<Error> own;
        if (comm.rank() == failing) {
            own.emplace(ExitCode::input_data, fmt::format("file {} is missing", failing));
        }

        const Outcome outcome = outcome_of([&] { agree(comm, own); });

        const std::string prefix =
            comm.size() == 1 ? "" : fmt::format("rank {} of {}: ", failing, comm.size());
        EXPECT_TRUE(outcome.has_error);
        EXPECT_EQ(outcome.code, ExitCode::input_data);
        EXPECT_EQ(outcome.text, fmt::format("{}file {} is missing", prefix, failing));
        EXPECT_EQ(outcome.row, Error::no_row);
    }
}

TEST(Agreement, TakesTheLowestRankAmongErrorsWithoutARow) {
    const Communicator comm = Communicator::world();
    const int lowest = comm.size() / 2;
    std::optional<Error> own;
    if (comm.rank() >= lowest) {
        const ExitCode code = comm.rank() == lowest ? ExitCode::model_file : ExitCode::usage;
        own.emplace(code, fmt::format("failure {}", comm.rank()));
    }

    const Outcome outcome = outcome_of([&] { agree(comm, own); });

    EXPECT_EQ(outcome.code, ExitCode::model_file);
    EXPECT_THAT(outcome.text, testing::EndsWith(fmt::format("failure {}", lowest)));
    EXPECT_TRUE(is_shared(comm, outcome));
}

TEST(Agreement, TakesTheLowestRowWhateverRankHasIt) {
    const Communicator comm = Communicator::world();
    // Rows fall with the rank, so the last rank has the lowest.
    const Index row = 100 - comm.rank();
    const Error own(ExitCode::input_data, fmt::format("row {}: label 2", row), row);

    const Outcome outcome = outcome_of([&] { agree(comm, own); });

    const Index lowest = 100 - (comm.size() - 1);
    EXPECT_EQ(outcome.row, lowest);
    EXPECT_EQ(outcome.text, fmt::format("row {}: label 2", lowest)) << "a row needs no rank";
    EXPECT_EQ(outcome.code, ExitCode::input_data);
}

TEST(Agreement, PrefersAnErrorWithARowToOneWithout) {
    const Communicator comm = Communicator::world();
    const int last = comm.size() - 1;
    const Error own = comm.rank() == last ? Error(ExitCode::input_data, "row 0: not finite", 0)
                                          : Error(ExitCode::internal, "elsewhere");

    const Outcome outcome = outcome_of([&] { agree(comm, own); });

    EXPECT_EQ(outcome.text, "row 0: not finite");
    EXPECT_EQ(outcome.row, 0);
    EXPECT_EQ(outcome.code, ExitCode::input_data);
}

TEST(Agreement, PrintsWhatAllRanksSayWithoutARank) {
    const Communicator comm = Communicator::world();
    const Error own(ExitCode::usage, "--l2 is negative");

    const Outcome outcome = outcome_of([&] { agree(comm, own); });

    EXPECT_EQ(outcome.text, "--l2 is negative");
}

TEST(Agreement, NamesTheRankWhenAllFailWithDifferentTexts) {
    const Communicator comm = Communicator::world();
    const Error own(ExitCode::internal, fmt::format("cause {}", comm.rank()));

    const Outcome outcome = outcome_of([&] { agree(comm, own); });

    EXPECT_EQ(outcome.text,
              comm.size() == 1 ? "cause 0" : fmt::format("rank 0 of {}: cause 0", comm.size()));
}

TEST(Agreement, CarriesLongAndEmptyTexts) {
    const Communicator comm = Communicator::world();
    const std::string text(100000, 'a');
    const Error own(ExitCode::cannot_write, comm.is_root() ? text : "");

    const Outcome outcome = outcome_of([&] { agree(comm, own, NameRank::never); });

    EXPECT_EQ(outcome.text, text);
}

TEST(Together, ReturnsEachRanksOwnResult) {
    const Communicator comm = Communicator::world();

    const auto result = together(comm, [&] { return std::make_unique<int>(comm.rank() * 3); });

    EXPECT_EQ(*result, comm.rank() * 3);
}

TEST(Together, ThrowsOnAllRanksWhenOneThrows) {
    const Communicator comm = Communicator::world();
    const int failing = comm.size() - 1;

    const Outcome outcome = outcome_of([&] {
        together(comm, [&] {
            if (comm.rank() == failing) {
                throw Error(ExitCode::diverged, "not finite");
            }
            return 1;
        });
    });

    EXPECT_EQ(outcome.code, ExitCode::diverged);
    EXPECT_TRUE(is_shared(comm, outcome));
}

TEST(Together, MakesAnErrorOfEveryException) {
    const Communicator comm = Communicator::world();
    const auto text_of = [&](auto exception) {
        const Outcome outcome = outcome_of([&] { together(comm, [&] { throw exception; }); });
        EXPECT_EQ(outcome.code, ExitCode::internal);
        return outcome.text;
    };

    EXPECT_THAT(text_of(std::bad_alloc()), testing::HasSubstr("out of memory; use more nodes"));
    EXPECT_THAT(text_of(std::runtime_error("strange")), testing::HasSubstr("strange"));
    EXPECT_THAT(text_of(42), testing::HasSubstr("unknown type"));
}

TEST(Difference, IsNoneWhenAllRanksHaveTheSameText) {
    const Communicator comm = Communicator::world();

    EXPECT_FALSE(find_difference(comm, "the same"));
    EXPECT_FALSE(find_difference(comm, ""));
}

TEST(Difference, IsOfTheLowestRankThatIsNotLikeRankZero) {
    const Communicator comm = Communicator::world();
    for (int other = 1; other < comm.size(); ++other) {
        const std::string own = comm.rank() < other ? "first" : std::to_string(comm.rank());

        const std::optional<Difference> difference = find_difference(comm, own);

        ASSERT_TRUE(difference);
        EXPECT_EQ(difference->rank, other);
        EXPECT_EQ(difference->text_of_root, "first");
        EXPECT_EQ(difference->text, std::to_string(other));
        EXPECT_EQ(difference->host_of_root, host_name());
        EXPECT_EQ(difference->host, host_name());
    }
}

TEST(OnRoot, RunsOnRankZeroOnly) {
    const Communicator comm = Communicator::world();
    Index runs = 0;

    on_root(comm, [&] { ++runs; });

    EXPECT_EQ(runs, comm.is_root() ? 1 : 0);
}

TEST(OnRoot, GivesItsErrorToAllWithoutNamingRankZero) {
    const Communicator comm = Communicator::world();

    const Outcome outcome = outcome_of(
        [&] { on_root(comm, [] { throw Error(ExitCode::cannot_write, "run: no space left"); }); });

    EXPECT_EQ(outcome.code, ExitCode::cannot_write);
    EXPECT_EQ(outcome.text, "run: no space left");
    EXPECT_TRUE(is_shared(comm, outcome));
}

}  // namespace
}  // namespace paralogit::comm
