#include "paralogit/train/trace_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "paralogit/comm/agreement.hpp"

namespace paralogit::train {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// A path that all ranks know and nobody else has.
std::filesystem::path shared_path(const comm::Communicator& comm, const std::string& name) {
    std::string path = testing::TempDir() + "paralogit-" + std::to_string(::getpid()) + name;
    comm.broadcast(path);
    return path;
}

TraceFile::Options options_for(const std::filesystem::path& path) {
    return {.path = path,
            .replaces = false,
            .threads = 2,
            .process_start = TraceEvent::Clock::now() - std::chrono::milliseconds(5)};
}

TEST(TraceFile, HasTheEventsOfEachRankNestedAsTheyWere) {
    const comm::Communicator comm = comm::Communicator::world();
    const auto path = shared_path(comm, "-events.json");
    {
        TraceFile file(comm, options_for(path));
        {
            const TraceSpan outer(file.trace()->main(), "outer", comm.rank());
            comm.barrier();
            const TraceSpan inner(file.trace()->main(), "inner");
        }
        const TraceSpan other(file.trace()->thread(1), "other");
    }
    // Nothing is written unless it is asked for.
    EXPECT_FALSE(std::filesystem::exists(path));

    TraceFile file(comm, options_for(path));
    {
        const TraceSpan outer(file.trace()->main(), "outer", comm.rank());
        comm.barrier();
        const TraceSpan inner(file.trace()->main(), "inner");
    }
    TraceSpan other(file.trace()->thread(1), "other");
    other.end();
    file.write();
    comm.barrier();

    const json read = json::parse(std::ifstream(path));
    std::map<int, std::map<std::string, json>> of_rank;
    std::map<int, std::string> names;
    for (const json& event : read.at("traceEvents")) {
        const int rank = event.at("pid");
        if (event.at("ph") == "X") {
            EXPECT_GE(event.at("ts").get<double>(), 0);
            EXPECT_GE(event.at("dur").get<double>(), 0);
            of_rank[rank][event.at("name")] = event;
        } else if (event.at("name") == "process_name") {
            names[rank] = event.at("args").at("name");
        }
    }
    ASSERT_EQ(of_rank.size(), static_cast<std::size_t>(comm.size()));
    double latest_begin = 0;
    double earliest_end = 1e300;
    for (const auto& [rank, events] : of_rank) {
        EXPECT_EQ(names[rank], "rank " + std::to_string(rank) + " on " + comm::host_name());
        const json& outer = events.at("outer");
        const auto end_of = [](const json& event) {
            return event.at("ts").get<double>() + event.at("dur").get<double>();
        };
        EXPECT_EQ(outer.at("args").at("number"), rank);
        EXPECT_EQ(outer.at("tid"), 0);
        for (const char* within : {"MPI_Barrier", "inner"}) {
            EXPECT_GE(events.at(within).at("ts"), outer.at("ts"));
            EXPECT_LE(end_of(events.at(within)), end_of(outer) + 1e-6);
            EXPECT_EQ(events.at(within).at("tid"), 0);
        }
        EXPECT_EQ(events.at("other").at("tid"), 2);
        EXPECT_GE(events.at("startup").at("dur").get<double>(), 5000);
        latest_begin = std::max(latest_begin, events.at("MPI_Barrier").at("ts").get<double>());
        earliest_end = std::min(earliest_end, end_of(events.at("MPI_Barrier")));
    }
    // No rank leaves a barrier before the last one has come: the clocks are aligned.
    EXPECT_LE(latest_begin, earliest_end);
    comm.barrier();
    if (comm.is_root()) {
        std::filesystem::remove(path);
    }
}

TEST(TraceFile, ThatCannotBeWrittenIsToldBeforeTheWork) {
    const comm::Communicator comm = comm::Communicator::world();
    const auto path = shared_path(comm, "-nowhere") / "trace.json";

    try {
        const TraceFile file(comm, options_for(path));
        FAIL() << "a file in no folder";
    } catch (const comm::AgreedError& error) {
        EXPECT_EQ(error.code(), ExitCode::cannot_write);
        EXPECT_THAT(error.what(), HasSubstr("trace.json"));
    }
}

TEST(TraceFile, ReplacesATraceIfItMayAndNothingElse) {
    const comm::Communicator comm = comm::Communicator::world();
    const auto path = shared_path(comm, "-there.json");
    const auto precious = shared_path(comm, "-precious.json");
    comm::on_root(comm, [&] { std::ofstream(precious) << "{\"precious\": 1}\n"; });
    TraceFile::Options options = options_for(path);
    TraceFile(comm, options).write();

    EXPECT_THROW(TraceFile(comm, options), comm::AgreedError);
    options.replaces = true;
    TraceFile file(comm, options);
    file.write();
    options.path = precious;
    EXPECT_THROW(TraceFile(comm, options), comm::AgreedError);
    comm.barrier();

    EXPECT_TRUE(json::parse(std::ifstream(path)).contains("traceEvents"));
    EXPECT_TRUE(json::parse(std::ifstream(precious)).contains("precious"));
    comm.barrier();
    if (comm.is_root()) {
        std::filesystem::remove(path);
        std::filesystem::remove(precious);
    }
}

TEST(ExchangeSeconds, GrowByWhatARankWaitsForTheOthers) {
    const comm::Communicator comm = comm::Communicator::world();
    comm.barrier();
    const double before = comm.exchange_seconds();
    constexpr double seconds = 0.05;
    if (comm.is_root()) {
        ::usleep(static_cast<useconds_t>(seconds * 1e6));
    }

    const auto begin = TraceEvent::Clock::now();
    comm.barrier();
    const std::chrono::duration<double> in_barrier = TraceEvent::Clock::now() - begin;

    const double waited = comm.exchange_seconds() - before;
    EXPECT_GT(waited, 0);
    EXPECT_LE(waited, in_barrier.count());
    EXPECT_GE(waited, in_barrier.count() / 2);
}

}  // namespace
}  // namespace paralogit::train
