#include "paralogit/train/run_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <optional>

#include "paralogit/base/error.hpp"
#include "support/files.hpp"

namespace paralogit::train {
namespace {

using test::FileSizeLimit;
using test::OrdinaryUser;
using test::read_bytes;
using test::TemporaryFolder;
using test::write_bytes;
using testing::HasSubstr;

struct Failure {
    ExitCode code = ExitCode::done;
    std::string text;
};

Failure failure_to_open(const std::filesystem::path& path, ExistingRun existing) {
    try {
        const RunDirectory directory(path, existing);
    } catch (const Error& error) {
        return {error.code(), error.what()};
    }
    return {};
}

/// What a finished run, and a killed one before it, leave.
void put_run(const std::filesystem::path& path) {
    std::filesystem::create_directories(path / "checkpoints");
    for (const char* name : {"model.h5", "metrics.jsonl", "summary.json", "config.used", "lock",
                             ".model.h5.abcdef.tmp", ".summary.json.abcdef.tmp",
                             "checkpoints/iteration-000000000010-0123456789abcdef.h5",
                             "checkpoints/.iteration-000000000020.h5.abcdef.tmp"}) {
        write_bytes(path / name, "old");
    }
}

TEST(RunDirectory, IsMadeWithItsParentsAndCheckpoints) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "a" / "b" / "run";

    const RunDirectory directory(path, ExistingRun::refuse);

    EXPECT_EQ(directory.path(), path);
    EXPECT_TRUE(std::filesystem::is_directory(path / "checkpoints"));
    EXPECT_EQ(TemporaryFolder::names_in(path), (std::set<std::string>{"checkpoints", "lock"}));
}

TEST(RunDirectory, MayExistWhenItIsEmpty) {
    const TemporaryFolder folder;

    EXPECT_EQ(failure_to_open(folder.path(), ExistingRun::refuse).code, ExitCode::done);
}

TEST(RunDirectory, CountsAsEmptyAfterARunThatNeverBegan) {
    const TemporaryFolder folder;
    { const RunDirectory directory(folder.path(), ExistingRun::refuse); }

    EXPECT_EQ(failure_to_open(folder.path(), ExistingRun::refuse).code, ExitCode::done);
}

TEST(RunDirectory, IsRefusedWhenItIsNotEmptyAndLeftAsItWas) {
    for (const char* name : {"notes.txt", "model.h5", "metrics.jsonl", "checkpoints/any",
                             "checkpoints/iteration-000000000010-0123456789abcdef.h5"}) {
        const TemporaryFolder folder;
        std::filesystem::create_directories((folder.path() / name).parent_path());
        write_bytes(folder.path() / name, "mine");
        const std::set<std::string> before = folder.names();

        const Failure failure = failure_to_open(folder.path(), ExistingRun::refuse);

        EXPECT_EQ(failure.code, ExitCode::usage) << name;
        EXPECT_THAT(failure.text, HasSubstr("--overwrite"));
        EXPECT_EQ(folder.names(), before);
        EXPECT_EQ(read_bytes(folder.path() / name), "mine");
    }
}

TEST(RunDirectory, IsAUsageErrorWhenItIsAFile) {
    const TemporaryFolder folder;
    write_bytes(folder.path() / "file", "mine");
    for (const ExistingRun existing :
         {ExistingRun::refuse, ExistingRun::overwrite, ExistingRun::resume}) {
        EXPECT_EQ(failure_to_open(folder.path() / "file", existing).code, ExitCode::usage);
    }
    EXPECT_EQ(read_bytes(folder.path() / "file"), "mine");
}

TEST(RunDirectory, IsEmptiedOfAnEarlierRunWhenTheNewOneBegins) {
    const TemporaryFolder folder;
    put_run(folder.path());

    RunDirectory directory(folder.path(), ExistingRun::overwrite);
    const bool was_there = std::filesystem::exists(directory.model());
    directory.begin();

    EXPECT_TRUE(was_there) << "what may still fail before the beginning loses nothing";
    EXPECT_EQ(folder.names(), (std::set<std::string>{"checkpoints", "lock"}));
    EXPECT_TRUE(std::filesystem::is_empty(directory.checkpoints()));
}

TEST(RunDirectory, IsNotOverwrittenWhenItHoldsAnythingForeign) {
    for (const char* name : {"thesis.txt", "checkpoints/thesis.txt", "other/file", "model.h5/file",
                             ".thesis.tmp", "lock/file"}) {
        const TemporaryFolder folder;
        std::filesystem::create_directories((folder.path() / name).parent_path());
        write_bytes(folder.path() / name, "mine");
        write_bytes(folder.path() / "summary.json", "old");

        const Failure failure = failure_to_open(folder.path(), ExistingRun::overwrite);

        EXPECT_EQ(failure.code, ExitCode::usage) << name;
        EXPECT_TRUE(std::filesystem::exists(folder.path() / "summary.json"));
        EXPECT_EQ(read_bytes(folder.path() / name), "mine");
    }
}

TEST(RunDirectory, FollowsNoLinkToWhatLiesElsewhereWhenItOverwrites) {
    const TemporaryFolder folder;
    const TemporaryFolder elsewhere;
    put_run(elsewhere.path());
    std::filesystem::create_directory_symlink(elsewhere.path() / "checkpoints",
                                              folder.path() / "checkpoints");

    EXPECT_EQ(failure_to_open(folder.path(), ExistingRun::overwrite).code, ExitCode::usage);
    EXPECT_FALSE(std::filesystem::is_empty(elsewhere.path() / "checkpoints"));
}

TEST(RunDirectory, IsKeptWhenTheRunIsResumedButForTemporaryFiles) {
    const TemporaryFolder folder;
    put_run(folder.path());
    write_bytes(folder.path() / "notes.txt", "mine");

    RunDirectory directory(folder.path(), ExistingRun::resume);
    directory.begin();

    EXPECT_EQ(folder.names(),
              (std::set<std::string>{"checkpoints", "config.used", "lock", "metrics.jsonl",
                                     "model.h5", "notes.txt", "summary.json"}));
    EXPECT_EQ(TemporaryFolder::names_in(directory.checkpoints()),
              (std::set<std::string>{"iteration-000000000010-0123456789abcdef.h5"}));
}

TEST(RunDirectory, IsMadeWhenThereIsNothingToResume) {
    const TemporaryFolder folder;

    EXPECT_EQ(failure_to_open(folder.path() / "new", ExistingRun::resume).code, ExitCode::done);
}

TEST(RunDirectory, CannotBeWrittenWithoutPermission) {
    const TemporaryFolder folder;
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
    Failure for_new;
    Failure for_existing;
    {
        const OrdinaryUser user;
        for_new = failure_to_open(folder.path() / "new", ExistingRun::refuse);
        for_existing = failure_to_open(folder.path(), ExistingRun::refuse);
    }

    EXPECT_EQ(for_new.code, ExitCode::cannot_write);
    EXPECT_EQ(for_existing.code, ExitCode::cannot_write);
    EXPECT_THAT(for_new.text, HasSubstr("Permission denied"));
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
}

TEST(RunDirectory, IsTriedForWritingBeforeTheRun) {
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder.path() / "checkpoints");
    write_bytes(folder.path() / "lock", "");
    std::filesystem::permissions(folder.path() / "lock", std::filesystem::perms(0666));
    std::filesystem::permissions(folder.path() / "checkpoints", std::filesystem::perms(0777));
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));

    const Failure failure = [&] {
        const OrdinaryUser user;
        return failure_to_open(folder.path(), ExistingRun::resume);
    }();

    EXPECT_EQ(failure.code, ExitCode::cannot_write);
    EXPECT_THAT(failure.text, HasSubstr("model.h5"));
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
}

TEST(RunDirectory, EmptiesNoFileThatItsLockIsALinkTo) {
    for (const ExistingRun existing :
         {ExistingRun::refuse, ExistingRun::overwrite, ExistingRun::resume}) {
        const TemporaryFolder folder;
        const TemporaryFolder elsewhere;
        write_bytes(elsewhere.path() / "thesis", "mine");
        std::filesystem::create_symlink(elsewhere.path() / "thesis", folder.path() / "lock");

        EXPECT_NE(failure_to_open(folder.path(), existing).code, ExitCode::done);
        EXPECT_EQ(read_bytes(elsewhere.path() / "thesis"), "mine");
    }
}

/// A process that holds a run directory until it is killed.
class Holder {
  public:
    explicit Holder(const std::filesystem::path& path) {
        std::array<int, 2> ready{};
        EXPECT_EQ(::pipe(ready.data()), 0);
        process_ = ::fork();
        if (process_ == 0) {
            std::optional<RunDirectory> directory;
            try {
                directory.emplace(path, ExistingRun::refuse);
            } catch (const Error&) {
                std::_Exit(1);
            }
            const char sign = 'x';
            if (::write(ready[1], &sign, 1) != 1) {
                std::_Exit(2);
            }
            while (true) {
                ::pause();
            }
        }
        ::close(ready[1]);
        char sign = 0;
        EXPECT_EQ(::read(ready[0], &sign, 1), 1) << "the holder could not open the directory";
        ::close(ready[0]);
    }
    ~Holder() { kill(); }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    pid_t process() const { return process_; }

    void kill() {
        if (process_ > 0) {
            ::kill(process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
            process_ = 0;
        }
    }

  private:
    pid_t process_ = 0;
};

TEST(RunDirectory, IsHeldByOneProcessAtATimeAndFreeAfterItsKill) {
    const TemporaryFolder folder;
    Holder holder(folder.path());

    const std::string process = std::to_string(holder.process());
    for (const ExistingRun existing :
         {ExistingRun::refuse, ExistingRun::overwrite, ExistingRun::resume}) {
        const Failure failure = failure_to_open(folder.path(), existing);
        EXPECT_EQ(failure.code, ExitCode::cannot_write);
        EXPECT_THAT(failure.text, HasSubstr("another run is using this directory"));
        EXPECT_THAT(failure.text, HasSubstr("process " + process));
    }
    holder.kill();

    EXPECT_EQ(failure_to_open(folder.path(), ExistingRun::refuse).code, ExitCode::done);
}

TEST(RunDirectory, IsFreeAgainAfterAFailureToOpenIt) {
    const TemporaryFolder folder;
    write_bytes(folder.path() / "checkpoints", "a file in the place of a directory");

    EXPECT_EQ(failure_to_open(folder.path(), ExistingRun::resume).code, ExitCode::cannot_write);
    std::filesystem::remove(folder.path() / "checkpoints");

    EXPECT_EQ(failure_to_open(folder.path(), ExistingRun::resume).code, ExitCode::done);
}

TEST(RunDirectory, ReplacesTextsAsAWhole) {
    const TemporaryFolder folder;
    const RunDirectory directory(folder.path(), ExistingRun::refuse);

    directory.write_text(directory.summary(), "a longer first text");
    directory.write_text(directory.summary(), "second");

    EXPECT_EQ(read_bytes(folder.path() / "summary.json"), "second");
    EXPECT_EQ(folder.names(), (std::set<std::string>{"checkpoints", "lock", "summary.json"}));
}

TEST(Metrics, AreAppendedLineByLine) {
    const TemporaryFolder folder;
    const RunDirectory directory(folder.path(), ExistingRun::refuse);

    directory.append_metrics("{\"iteration\":0}");
    directory.append_metrics("{\"iteration\":1}");

    EXPECT_EQ(read_bytes(directory.metrics()), "{\"iteration\":0}\n{\"iteration\":1}\n");
}

TEST(Metrics, AreKeptUpToTheIterationOfTheCheckpoint) {
    const TemporaryFolder folder;
    const RunDirectory directory(folder.path(), ExistingRun::refuse);
    const std::string kept =
        "{\"iteration\":0,\"loss\":0.7}\n{\"loss\": 0.5, \"iteration\": 9}\n"
        "{\"iteration\":10,\"note\":\"\\\"iteration\\\":99\"}\n";
    write_bytes(directory.metrics(),
                kept + "{\"iteration\":11,\"of\":{\"iteration\":1}}\n{\"iteration\":100}\n");

    directory.keep_metrics_up_to(10);

    EXPECT_EQ(read_bytes(directory.metrics()), kept);
}

TEST(Metrics, LoseTornLinesOnly) {
    const TemporaryFolder folder;
    const RunDirectory directory(folder.path(), ExistingRun::refuse);
    write_bytes(directory.metrics(),
                "{\"iteration\":0}\n{\"iterat{\"iteration\":1}\n\n[1]\n{\"iteration\":\"1\"}\n"
                "{\"iteration\":2}\n{\"iteration\":3,\"lo");

    directory.keep_metrics_up_to(1000);

    EXPECT_EQ(read_bytes(directory.metrics()), "{\"iteration\":0}\n{\"iteration\":2}\n");
}

TEST(Metrics, GetTheLineEndThatAKillTookFromThem) {
    const TemporaryFolder folder;
    const RunDirectory directory(folder.path(), ExistingRun::refuse);
    write_bytes(directory.metrics(), "{\"iteration\":0}\n{\"iteration\":1}");

    directory.keep_metrics_up_to(1);
    directory.append_metrics("{\"iteration\":2}");

    EXPECT_EQ(read_bytes(directory.metrics()),
              "{\"iteration\":0}\n{\"iteration\":1}\n{\"iteration\":2}\n");
}

TEST(Metrics, AreEmptyForARunThatStartsAgainAndMayBeMissing) {
    const TemporaryFolder folder;
    const RunDirectory directory(folder.path(), ExistingRun::refuse);

    directory.keep_metrics_up_to(5);
    const bool is_made = std::filesystem::exists(directory.metrics());
    directory.append_metrics("{\"iteration\":0}");
    directory.keep_metrics_up_to(-1);

    EXPECT_FALSE(is_made);
    EXPECT_EQ(read_bytes(directory.metrics()), "");
}

TEST(Metrics, HaveNoHalfLineWhenTheDiskIsFull) {
    const TemporaryFolder folder;
    const RunDirectory directory(folder.path(), ExistingRun::refuse);
    directory.append_metrics("{\"iteration\":0}");
    ExitCode code = ExitCode::done;
    {
        const FileSizeLimit full(20);
        try {
            directory.append_metrics("{\"iteration\":1}");
        } catch (const Error& error) {
            code = error.code();
        }
    }

    EXPECT_EQ(code, ExitCode::cannot_write);
    EXPECT_EQ(read_bytes(directory.metrics()), "{\"iteration\":0}\n");
}

}  // namespace
}  // namespace paralogit::train
