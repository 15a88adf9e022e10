#include "paralogit/train/checkpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <limits>
#include <thread>

#include "example_checkpoint.hpp"
#include "paralogit/base/digest.hpp"
#include "paralogit/base/error.hpp"
#include "support/files.hpp"

namespace paralogit::train {
namespace {

using test::example_checkpoint;
using test::FileSizeLimit;
using test::for_each_damage;
using test::image_of;
using test::OrdinaryUser;
using test::read_bytes;
using test::TemporaryFolder;
using test::write_bytes;
using testing::ElementsAre;
using testing::HasSubstr;

ExitCode code_of_write(const CheckpointStore& store, const Checkpoint& checkpoint) {
    try {
        store.write(checkpoint);
    } catch (const Error& error) {
        return error.code();
    }
    return ExitCode::done;
}

/// Puts a file into the folder under the name that its bytes and the iteration give.
void put_with_its_digest(const TemporaryFolder& folder, const std::string& bytes,
                         const std::string& iteration) {
    Sha256 sha256;
    sha256.add(bytes);
    write_bytes(
        folder.path() / ("iteration-" + iteration + "-" + sha256.hex().substr(0, 16) + ".h5"),
        bytes);
}

TEST(CheckpointStore, GivesBackEveryBit) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 3);
    const Checkpoint written = example_checkpoint();

    const std::filesystem::path path = store.write(written);
    const CheckpointStore::Found found = store.newest();

    ASSERT_TRUE(found.checkpoint.has_value());
    EXPECT_EQ(image_of(*found.checkpoint), image_of(written));
    EXPECT_EQ(found.path, path);
    EXPECT_TRUE(found.rejected.empty());
}

TEST(CheckpointStore, GivesBackARunWithoutInterceptMemoryAndOptions) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 1);
    Checkpoint written = example_checkpoint(0);
    written.state.memory.clear();
    written.path_options.clear();
    written.version.clear();
    written.data_fingerprint.clear();
    written.state.point = written.state.at_point.gradient = written.start_parameters =
        Vector::Ones(2);
    written.best.reset();

    store.write(written);
    const CheckpointStore::Found found = store.newest();

    ASSERT_TRUE(found.checkpoint.has_value());
    EXPECT_EQ(image_of(*found.checkpoint), image_of(written));
}

TEST(CheckpointStore, GivesBackAValidationLossThatIsInfinite) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 1);
    Checkpoint written = example_checkpoint();
    written.best->measure = std::numeric_limits<double>::infinity();

    store.write(written);

    EXPECT_EQ(image_of(*store.newest().checkpoint), image_of(written));
}

TEST(CheckpointStore, GivesBackMatricesOfManyChunks) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 1);
    Checkpoint written = example_checkpoint();
    written.state.memory["large"] = Matrix::Random(1000, 301);

    store.write(written);
    const CheckpointStore::Found found = store.newest();

    ASSERT_TRUE(found.checkpoint.has_value());
    EXPECT_EQ(image_of(*found.checkpoint), image_of(written));
}

TEST(CheckpointStore, NamesFilesByIterationAndDigest) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 1);

    const std::filesystem::path path = store.write(example_checkpoint(120));

    Sha256 sha256;
    sha256.add(read_bytes(path));
    EXPECT_EQ(path.filename().string(),
              "iteration-000000000120-" + sha256.hex().substr(0, 16) + ".h5");
    EXPECT_EQ(path.parent_path(), folder.path());
    EXPECT_THAT(folder.names(), ElementsAre(path.filename().string()));
}

TEST(CheckpointStore, WritesTheSameBytesForTheSameCheckpoint) {
    const TemporaryFolder folder;
    const TemporaryFolder other_folder;

    const auto path = CheckpointStore(folder.path(), 1).write(example_checkpoint());
    const auto other_path = CheckpointStore(other_folder.path(), 1).write(example_checkpoint());

    EXPECT_EQ(path.filename(), other_path.filename());
    EXPECT_EQ(read_bytes(path), read_bytes(other_path));
}

TEST(CheckpointStore, FindsNothingInAnEmptyDirectory) {
    const TemporaryFolder folder;

    const CheckpointStore::Found found = CheckpointStore(folder.path(), 1).newest();

    EXPECT_FALSE(found.checkpoint.has_value());
    EXPECT_TRUE(found.rejected.empty());
}

TEST(CheckpointStore, TakesTheHighestIterationWhateverTheOrderOfWriting) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 9);
    for (const Index iteration : {9, 100, 20}) {
        store.write(example_checkpoint(iteration));
    }

    const CheckpointStore::Found found = store.newest();

    ASSERT_TRUE(found.checkpoint.has_value());
    EXPECT_EQ(found.checkpoint->state.iteration, 100);
}

TEST(CheckpointStore, KeepsAsManyAsItIsTold) {
    for (const int keep : {1, 2, 3}) {
        const TemporaryFolder folder;
        const CheckpointStore store(folder.path(), keep);
        std::set<std::string> names;
        for (Index iteration = 10; iteration <= 50; iteration += 10) {
            const std::string name = store.write(example_checkpoint(iteration)).filename().string();
            if (iteration > 50 - 10 * keep) {
                names.insert(name);
            }
        }

        EXPECT_EQ(folder.names(), names) << "keeping " << keep;
    }
}

TEST(CheckpointStore, RefusesToKeepNone) {
    EXPECT_THROW(CheckpointStore("anywhere", 0), Error);
}

TEST(CheckpointStore, LeavesForeignFilesAlone) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 1);
    const std::set<std::string> foreign{"notes.h5",
                                        "iteration-1-0123456789abcdef.h5",
                                        "iteration-000000000001-short.h5",
                                        "iteration-00000000000x-0123456789abcdef.h5",
                                        "iteration-000000000001-0123456789abcdef.txt",
                                        "iteration-000000000001-0123456789ABCDEF.h5"};
    for (const std::string& name : foreign) {
        write_bytes(folder.path() / name, "mine");
    }

    std::set<std::string> expected = foreign;
    store.write(example_checkpoint(10));
    expected.insert(store.write(example_checkpoint(20)).filename().string());
    store.remove_leftovers();

    EXPECT_EQ(folder.names(), expected);
    EXPECT_TRUE(store.newest().rejected.empty());
}

TEST(CheckpointStore, FallsBackToAnOlderOneAndSaysWhatWasWrong) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 3);
    const Checkpoint oldest = example_checkpoint(10);
    store.write(oldest);
    const std::filesystem::path middle = store.write(example_checkpoint(20));
    const std::filesystem::path newest = store.write(example_checkpoint(30));
    std::string bytes = read_bytes(middle);
    bytes[bytes.size() / 2] ^= 1;
    write_bytes(middle, bytes);
    write_bytes(newest, "");

    const CheckpointStore::Found found = store.newest();

    ASSERT_TRUE(found.checkpoint.has_value());
    EXPECT_EQ(image_of(*found.checkpoint), image_of(oldest));
    ASSERT_EQ(found.rejected.size(), 2U);
    EXPECT_EQ(found.rejected[0].path, newest);
    EXPECT_EQ(found.rejected[1].path, middle);
    EXPECT_THAT(found.rejected[1].reason, HasSubstr("damaged"));
    EXPECT_THAT(found.rejected[1].reason, Not(HasSubstr(folder.path().string())));
}

TEST(CheckpointStore, ListsAllWhenAllAreDamaged) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 3);
    for (const Index iteration : {1, 2, 3}) {
        const std::filesystem::path path = store.write(example_checkpoint(iteration));
        write_bytes(path, read_bytes(path).substr(100));
    }

    const CheckpointStore::Found found = store.newest();

    EXPECT_FALSE(found.checkpoint.has_value());
    EXPECT_EQ(found.rejected.size(), 3U);
}

TEST(CheckpointStore, RejectsOtherFilesEvenWithTheirOwnDigest) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 3);
    put_with_its_digest(folder, "no HDF5 at all", "000000000009");

    const CheckpointStore::Found found = store.newest();

    EXPECT_FALSE(found.checkpoint.has_value());
    EXPECT_EQ(found.rejected.size(), 1U);
}

TEST(CheckpointStore, RejectsAFileThatIsNamedForAnotherIteration) {
    const TemporaryFolder folder;
    const TemporaryFolder elsewhere;
    const std::string bytes =
        read_bytes(CheckpointStore(elsewhere.path(), 1).write(example_checkpoint(8)));
    put_with_its_digest(folder, bytes, "000000000009");

    const CheckpointStore::Found found = CheckpointStore(folder.path(), 3).newest();

    EXPECT_FALSE(found.checkpoint.has_value());
    ASSERT_EQ(found.rejected.size(), 1U);
    EXPECT_THAT(found.rejected[0].reason, HasSubstr("holds iteration 8"));
}

TEST(CheckpointStore, KeepsDamagedOnesOfLaterIterationsAndRemovesOlderOnes) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 1);
    const std::filesystem::path later = store.write(example_checkpoint(30));
    write_bytes(later, "damaged");

    store.write(example_checkpoint(10));
    const std::filesystem::path written = store.write(example_checkpoint(20));

    EXPECT_THAT(folder.names(),
                ElementsAre(written.filename().string(), later.filename().string()));
    EXPECT_EQ(store.newest().path, written);
}

TEST(CheckpointStore, DetectsEveryFlippedByteAndEveryTruncation) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 1);
    const std::filesystem::path path = store.write(example_checkpoint());
    const auto size = std::filesystem::file_size(path);
    int accepted = 0;

    const int damages =
        for_each_damage(path, [&] { accepted += store.newest().checkpoint ? 1 : 0; });

    RecordProperty("damages", damages);
    EXPECT_EQ(damages, static_cast<int>(2 * size));
    EXPECT_EQ(accepted, 0);
}

TEST(CheckpointStore, RefusesToWriteWhatItWouldReject) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 3);
    const auto spoilt = [](auto spoil) {
        Checkpoint checkpoint = example_checkpoint();
        spoil(checkpoint);
        return checkpoint;
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<Checkpoint> all{
        spoilt([&](Checkpoint& c) { c.state.point[1] = nan; }),
        spoilt([&](Checkpoint& c) { c.state.at_point.gradient[0] = nan; }),
        spoilt([&](Checkpoint& c) { c.state.at_point.value = nan; }),
        spoilt([&](Checkpoint& c) { c.centre[0] = nan; }),
        spoilt([&](Checkpoint& c) { c.scale[0] = -std::numeric_limits<double>::infinity(); }),
        spoilt([&](Checkpoint& c) { c.start_parameters[0] = nan; }),
        spoilt([&](Checkpoint& c) { c.state.point = Vector::Zero(4); }),
        spoilt([&](Checkpoint& c) { c.state.point = Vector::Zero(1); }),
        spoilt([&](Checkpoint& c) { c.state.at_point.gradient = Vector::Zero(2); }),
        spoilt([&](Checkpoint& c) { c.start_parameters = Vector::Zero(2); }),
        spoilt([&](Checkpoint& c) { c.centre = Vector::Zero(3); }),
        spoilt([&](Checkpoint& c) { c.scale = Vector::Zero(1); }),
        spoilt([&](Checkpoint& c) { c.exponents.pop_back(); }),
        spoilt([&](Checkpoint& c) { c.state.iteration = -1; }),
        spoilt([&](Checkpoint& c) { c.state.evaluations = -1; }),
        spoilt([&](Checkpoint& c) { c.state.at_point.rows_wrong = -1; }),
        spoilt([&](Checkpoint& c) { c.rows = -1; }),
        spoilt([&](Checkpoint& c) { c.blocks = -1; }),
        spoilt([&](Checkpoint& c) { c.best->iteration = -1; }),
        spoilt([&](Checkpoint& c) { c.best->iteration = 8; }),
        spoilt([&](Checkpoint& c) { c.best->measure = nan; }),
        spoilt([&](Checkpoint& c) { c.best->parameters[2] = nan; }),
        spoilt([&](Checkpoint& c) { c.best->parameters = Vector::Zero(2); })};

    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(code_of_write(store, all[i]), ExitCode::internal) << "spoilt in way " << i;
    }
    EXPECT_TRUE(folder.names().empty());
}

TEST(CheckpointStore, SaysThatItCannotWriteIntoADirectoryThatIsGone) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path() / "gone", 1);

    EXPECT_EQ(code_of_write(store, example_checkpoint()), ExitCode::cannot_write);
    EXPECT_THROW(store.newest(), Error);
}

TEST(CheckpointStore, SaysThatItCannotWriteWithoutPermission) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 1);
    const std::filesystem::path older = store.write(example_checkpoint(1));
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));

    const ExitCode code = [&] {
        const OrdinaryUser user;
        return code_of_write(store, example_checkpoint(2));
    }();

    EXPECT_EQ(code, ExitCode::cannot_write);
    EXPECT_EQ(store.newest().path, older);
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
}

TEST(CheckpointStore, LeavesTheOlderOnesAsTheyAreWhenTheDiskFillsUpAtAnyByte) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 1);
    const std::filesystem::path older = store.write(example_checkpoint(1));
    const std::string name = older.filename().string();
    const auto size = std::filesystem::file_size(older);

    for (rlim_t limit = 0; limit < size; limit += 97) {
        ExitCode code = ExitCode::done;
        {
            const FileSizeLimit full(limit);
            code = code_of_write(store, example_checkpoint(2));
        }
        ASSERT_EQ(code, ExitCode::cannot_write) << "full at byte " << limit;
        ASSERT_THAT(folder.names(), ElementsAre(name)) << "full at byte " << limit;
    }

    EXPECT_EQ(image_of(*store.newest().checkpoint), image_of(example_checkpoint(1)));
    store.write(example_checkpoint(2));
    EXPECT_EQ(store.newest().checkpoint->state.iteration, 2) << "when there is room again";
}

TEST(CheckpointStore, IgnoresAndRemovesTemporaryFilesOfAKilledRun) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 3);
    const std::filesystem::path path = store.write(example_checkpoint(1));
    write_bytes(folder.path() / ".iteration-000000000002.h5.a1B2c3.tmp", "half a checkpoint");
    write_bytes(folder.path() / "notes.tmp", "mine");

    const CheckpointStore::Found found = store.newest();
    store.remove_leftovers();

    EXPECT_EQ(found.path, path);
    EXPECT_TRUE(found.rejected.empty());
    EXPECT_THAT(folder.names(), ElementsAre(path.filename().string(), "notes.tmp"));
}

/// Writes checkpoints and tells `acknowledge` each one that is safe, until it is killed.
[[noreturn]] void write_until_killed(const std::filesystem::path& folder, Index first,
                                     int acknowledge) {
    const CheckpointStore store(folder, 2);
    for (Index iteration = first;; ++iteration) {
        try {
            store.write(example_checkpoint(iteration));
        } catch (const Error&) {
            std::_Exit(1);
        }
        if (::write(acknowledge, &iteration, sizeof iteration) != sizeof iteration) {
            std::_Exit(2);
        }
    }
}

TEST(CheckpointStore, LosesNoAcknowledgedCheckpointToAKill) {
    const TemporaryFolder folder;
    const CheckpointStore store(folder.path(), 2);
    Index acknowledged = 0;
    // A busy disk may take longer for one than the last kill waits.
    const auto begin = std::chrono::steady_clock::now();
    store.write(example_checkpoint(acknowledged));
    const auto usual = std::chrono::steady_clock::now() - begin;

    for (int kill = 0; kill < 40; ++kill) {
        std::array<int, 2> pipe{};
        ASSERT_EQ(::pipe(pipe.data()), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            write_until_killed(folder.path(), acknowledged + 1, pipe[1]);
        }
        ::close(pipe[1]);
        const std::chrono::microseconds soon(2000 + 731 * kill);
        std::this_thread::sleep_for(std::max<std::chrono::nanoseconds>(soon, usual * kill / 8));
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        for (Index iteration = 0;
             ::read(pipe[0], &iteration, sizeof iteration) == sizeof iteration;) {
            acknowledged = iteration;
        }
        ::close(pipe[0]);

        const CheckpointStore::Found found = store.newest();

        EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
        ASSERT_TRUE(found.checkpoint.has_value());
        EXPECT_TRUE(found.rejected.empty());
        EXPECT_GE(found.checkpoint->state.iteration, acknowledged);
        EXPECT_EQ(image_of(*found.checkpoint),
                  image_of(example_checkpoint(found.checkpoint->state.iteration)));
        acknowledged = found.checkpoint->state.iteration;
    }
    EXPECT_GT(acknowledged, 0);
}

}  // namespace
}  // namespace paralogit::train
