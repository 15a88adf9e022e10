#include "paralogit/comm/communicator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../../src/comm/launch.hpp"

namespace paralogit::comm {
namespace {

using Environment = std::map<std::string, std::string>;

auto reader_of(const Environment& environment) {
    return [&environment](const char* variable) {
        const auto at = environment.find(variable);
        return at == environment.end() ? nullptr : at->second.c_str();
    };
}

TEST(TaskOfLauncher, IsWhatTheNearestLauncherSays) {
    const auto text = [](const Environment& environment) {
        const std::optional<Task> task = task_of_launcher(reader_of(environment));
        return task ? task->variable + " " + std::to_string(task->number) + "/" +
                          std::to_string(task->count)
                    : "none";
    };
    const Environment shell{{"SLURM_JOB_ID", "7"}, {"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}};
    Environment step = shell;
    step.insert({{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "3"}});
    Environment below_daemon = step;
    below_daemon.insert({{"OMPI_COMM_WORLD_SIZE", "8"}, {"OMPI_COMM_WORLD_RANK", "5"}});

    EXPECT_EQ(text({}), "none");
    EXPECT_EQ(text(shell), "none");
    EXPECT_EQ(text(step), "SLURM_STEP_NUM_TASKS 0/3");
    EXPECT_EQ(text(below_daemon), "OMPI_COMM_WORLD_SIZE 5/8");
    EXPECT_EQ(text({{"PMI_SIZE", "4"}, {"PMI_RANK", "2"}}), "PMI_SIZE 2/4");
    EXPECT_EQ(text({{"PMI_SIZE", "4"}}), "PMI_SIZE 0/4");
    EXPECT_EQ(text({{"PMI_SIZE", "four"}}), "none");
    EXPECT_EQ(text({{"PMI_SIZE", ""}, {"SLURM_STEP_NUM_TASKS", "2"}}), "SLURM_STEP_NUM_TASKS 0/2");
}

TEST(TaskOfLauncher, HasNoProcessManagerWhenSrunTellsOfNone) {
    const Environment step{{"SLURM_STEP_NUM_TASKS", "3"}, {"SLURM_PROCID", "1"}};
    const Task task = task_of_launcher(reader_of(step)).value();

    EXPECT_TRUE(is_without_process_manager(task, reader_of(step)));
    for (const char* const sign : {"PMIX_RANK", "PMIX_NAMESPACE", "PMI_FD", "PMI_RANK"}) {
        Environment managed = step;
        managed[sign] = "1";
        EXPECT_FALSE(is_without_process_manager(task, reader_of(managed))) << sign;
    }
    EXPECT_FALSE(is_without_process_manager({.variable = "PMI_SIZE", .count = 2, .number = 0},
                                            reader_of({})));
}

TEST(SettingsForStart, SpareTheSearchForNetworksOnOneHostAlone) {
    const auto names = [](const Environment& environment) {
        std::vector<std::string> found;
        for (const auto& [name, value] : settings_for_start(reader_of(environment))) {
            found.push_back(name);
        }
        return found;
    };
    using testing::ElementsAre;
    using testing::IsEmpty;
    EXPECT_THAT(names({}),
                ElementsAre("OMPI_MCA_pml", "OMPI_MCA_btl", "OMPI_MCA_ess_singleton_isolated",
                            "OMPI_MCA_orte_create_session_dirs"));
    EXPECT_THAT(names({{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"}}),
                ElementsAre("OMPI_MCA_pml", "OMPI_MCA_btl"));
    EXPECT_THAT(names({{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}}),
                IsEmpty());
    for (const char* const launcher : {"PMIX_RANK", "PMI_RANK", "PMI_FD", "SLURM_PROCID"}) {
        EXPECT_THAT(names({{launcher, "0"}}), IsEmpty());
    }
}

/// A value that tells rank and position.
Index value_of(int rank, std::size_t position) {
    return Index{1000} * (rank + 1) + static_cast<Index>(position);
}

/// A string of the length that tells rank and position by its bytes, zero bytes included.
std::string string_of(int rank, std::size_t length) {
    std::string text(length, '\0');
    for (std::size_t i = 0; i < length; ++i) {
        text[i] = static_cast<char>((static_cast<std::size_t>(rank) * 31 + i * 7) % 251);
    }
    return text;
}

/// The sums, maxima, ... are tried with messages in one piece, in pieces of which the last is
/// shorter, in pieces that fit exactly, and value by value.
class CommunicatorInPieces : public testing::TestWithParam<Index> {
  protected:
    Communicator comm_ = Communicator::world(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Lengths, CommunicatorInPieces,
                         testing::Values(Communicator::default_values_per_call, 4, 5, 1));

TEST_P(CommunicatorInPieces, SumsIntegersPlaceByPlace) {
    std::vector<std::int64_t> values(10);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = value_of(comm_.rank(), i);
    }

    comm_.sum(values);

    for (std::size_t i = 0; i < values.size(); ++i) {
        Index expected = 0;
        for (int rank = 0; rank < comm_.size(); ++rank) {
            expected += value_of(rank, i);
        }
        EXPECT_EQ(values[i], expected) << "at " << i;
    }
}

TEST_P(CommunicatorInPieces, SumsDoublesPlaceByPlace) {
    std::vector<double> values(10);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = 0.25 * static_cast<double>(value_of(comm_.rank(), i));
    }

    comm_.sum(std::span<double>(values));

    for (std::size_t i = 0; i < values.size(); ++i) {
        double expected = 0;
        for (int rank = 0; rank < comm_.size(); ++rank) {
            expected += 0.25 * static_cast<double>(value_of(rank, i));
        }
        EXPECT_EQ(values[i], expected) << "at " << i;
    }
}

TEST_P(CommunicatorInPieces, TakesMaximaPlaceByPlace) {
    std::vector<std::int32_t> values(10);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const bool is_chosen = static_cast<int>(i) % comm_.size() == comm_.rank();
        values[i] = is_chosen ? -static_cast<std::int32_t>(i) : -1000 - comm_.rank();
    }

    comm_.max(values);

    for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(values[i], -static_cast<std::int32_t>(i));
    }
}

TEST_P(CommunicatorInPieces, BroadcastsDoublesFromAnyRank) {
    for (int root = 0; root < comm_.size(); ++root) {
        std::vector<double> values(10, -1.0);
        if (comm_.rank() == root) {
            std::iota(values.begin(), values.end(), 100.0 * root);
        }

        comm_.broadcast(values, root);

        for (std::size_t i = 0; i < values.size(); ++i) {
            EXPECT_EQ(values[i], 100.0 * root + static_cast<double>(i));
        }
    }
}

TEST_P(CommunicatorInPieces, BroadcastsStringsWhateverLengthTheOthersHad) {
    for (const std::size_t length : {0U, 1U, 5U, 23U}) {
        for (int root = 0; root < comm_.size(); ++root) {
            std::string bytes = comm_.rank() == root
                                    ? string_of(root, length)
                                    : std::string(static_cast<std::size_t>(comm_.rank()) * 9, 'x');

            comm_.broadcast(bytes, root);

            EXPECT_EQ(bytes, string_of(root, length));
        }
    }
}

TEST_P(CommunicatorInPieces, GathersStringsOfDifferentLengths) {
    // Empty on rank 0 and 3, long on rank 1, and all empty.
    const std::array<std::size_t, 5> lengths{0, 37, 4, 0, 11};
    const auto length_of = [&](int rank) { return lengths[static_cast<std::size_t>(rank) % 5]; };

    const std::vector<std::string> gathered =
        comm_.all_gather(string_of(comm_.rank(), length_of(comm_.rank())));
    const std::vector<std::string> gathered_empty = comm_.all_gather("");

    ASSERT_EQ(std::ssize(gathered), comm_.size());
    for (int rank = 0; rank < comm_.size(); ++rank) {
        EXPECT_EQ(gathered[static_cast<std::size_t>(rank)], string_of(rank, length_of(rank)));
    }
    EXPECT_EQ(gathered_empty, std::vector<std::string>(static_cast<std::size_t>(comm_.size())));
}

TEST_P(CommunicatorInPieces, SumsOfLowerRanksPlaceByPlace) {
    std::vector<Index> values(10);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = value_of(comm_.rank(), i);
    }

    comm_.sum_of_lower_ranks(values);

    for (std::size_t i = 0; i < values.size(); ++i) {
        Index expected = 0;
        for (int rank = 0; rank < comm_.rank(); ++rank) {
            expected += value_of(rank, i);
        }
        EXPECT_EQ(values[i], expected) << "at " << i;
    }
}

TEST_P(CommunicatorInPieces, ExchangesPartsOfDifferentLengths) {
    // What rank `from` gives to rank `to`: nothing at times, also to itself.
    const auto part_of = [](int from, int to) {
        return string_of(7 * from + to, static_cast<std::size_t>((from * 5 + to * 3) % 13));
    };
    std::string sent;
    std::vector<Index> sent_bytes;
    std::string expected;
    std::vector<Index> expected_bytes;
    for (int other = 0; other < comm_.size(); ++other) {
        sent += part_of(comm_.rank(), other);
        sent_bytes.push_back(std::ssize(part_of(comm_.rank(), other)));
        expected += part_of(other, comm_.rank());
        expected_bytes.push_back(std::ssize(part_of(other, comm_.rank())));
    }

    const std::vector<Index> received_bytes = comm_.exchange(sent_bytes);
    std::string received(expected.size(), '\0');
    comm_.exchange(std::as_bytes(std::span(sent)), sent_bytes,
                   std::as_writable_bytes(std::span(received)), received_bytes);

    EXPECT_EQ(received_bytes, expected_bytes);
    EXPECT_EQ(received, expected);
}

TEST(Communicator, KnowsItsRankAndTheOneRoot) {
    const Communicator comm = Communicator::world();

    const Index roots = comm.sum(Index{comm.is_root() ? 1 : 0});
    const Index sum_of_ranks = comm.sum(Index{comm.rank()});

    EXPECT_EQ(roots, 1);
    EXPECT_EQ(sum_of_ranks, Index{comm.size()} * (comm.size() - 1) / 2);
    EXPECT_EQ(comm.is_root(), comm.rank() == 0);
}

TEST(Communicator, ReducesSingleIntegersOfFullWidth) {
    const Communicator comm = Communicator::world();
    const Index big = Index{1} << 60;

    EXPECT_EQ(comm.max(comm.is_root() ? big : -big), big);
    EXPECT_EQ(comm.min(comm.rank() == comm.size() - 1 ? -big : big), -big);
    EXPECT_EQ(comm.sum(comm.is_root() ? big : Index{1}), big + comm.size() - 1);
}

TEST(Communicator, SumsIntegersBeyondThePrecisionOfDoubles) {
    const Communicator comm = Communicator::world();
    std::vector<std::int64_t> values{(std::int64_t{1} << 53) + 1, -7};

    comm.sum(values);

    EXPECT_EQ(values[0], ((std::int64_t{1} << 53) + 1) * comm.size());
    EXPECT_EQ(values[1], -7 * comm.size());
}

TEST(Communicator, SumsOverTheLowerRanksOnly) {
    const Communicator comm = Communicator::world();

    const Index sum = comm.sum_of_lower_ranks(Index{10} + comm.rank());

    Index expected = 0;
    for (int rank = 0; rank < comm.rank(); ++rank) {
        expected += 10 + rank;
    }
    EXPECT_EQ(sum, expected);
}

TEST(Communicator, CountsAllRanksOfThisHost) {
    const Communicator comm = Communicator::world();

    // The tests run on one host.
    EXPECT_EQ(comm.sum_on_host(Index{3}), 3 * comm.size());
}

TEST(Communicator, TakesEmptyMessages) {
    const Communicator comm = Communicator::world();
    std::vector<std::int64_t> nothing;
    std::vector<double> no_doubles;

    comm.sum(nothing);
    comm.broadcast(no_doubles);
    comm.barrier();

    EXPECT_TRUE(nothing.empty());
    EXPECT_TRUE(no_doubles.empty());
}

TEST(Communicator, GoesOnAfterAMove) {
    Communicator first = Communicator::world();
    Communicator second = std::move(first);
    first = Communicator::world();

    EXPECT_EQ(second.sum(Index{1}), second.size());
    EXPECT_EQ(first.sum(Index{1}), second.size());
}

TEST(Communicator, RefusesPiecesThatMpiCannotCount) {
    for (const Index values : {Index{0}, Index{-1}, (Index{1} << 30) + 1}) {
        EXPECT_THROW(Communicator::world(values), Error) << values;
    }
}

TEST(Communicator, SumsMoreThanOneCallCarries) {
    const Communicator comm = Communicator::world();
    const auto count = static_cast<std::size_t>(Communicator::default_values_per_call) + 3;
    std::vector<std::int32_t> values(count, 0);
    values[0] = comm.rank();
    values[count - 1] = comm.rank();

    comm.max(values);

    EXPECT_EQ(values[0], comm.size() - 1);
    EXPECT_EQ(values[count - 1], comm.size() - 1);
}

}  // namespace
}  // namespace paralogit::comm
