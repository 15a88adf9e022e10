#include "paralogit/train/trace_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "../gather.hpp"
#include "paralogit/base/output_file.hpp"
#include "paralogit/comm/agreement.hpp"

namespace paralogit::train {

namespace {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::nanoseconds;

/// So that a viewer can open the files of large jobs, too.
Index events_of_lane(int ranks, int threads) {
    constexpr Index most_events = 2'000'000;
    constexpr Index least_of_lane = 1000;
    const Index lanes = Index{ranks} * (2 * Index{threads} + 1);
    return std::clamp(most_events / lanes, least_of_lane, Trace::usual_events_of_lane);
}

std::int64_t nanoseconds_of(Clock::time_point time) {
    return std::chrono::duration_cast<Nanoseconds>(time.time_since_epoch()).count();
}

/// Equal where clocks are: the kernel counts from its start.
std::string clock_identity() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string identity;
    std::getline(file, identity);
    return identity.empty() ? comm::host_name() : identity;
}

/// Nanoseconds that this rank's clock is ahead of that of rank 0. All leave a barrier at about the
/// same moment; the median over some barriers, and over all ranks with the same clock, leaves out
/// those that were held up.
std::int64_t find_clock_offset(const comm::Communicator& comm) {
    constexpr int barriers = 9;
    std::vector<std::int64_t> own;
    for (int i = 0; i < barriers; ++i) {
        comm.barrier();
        own.push_back(nanoseconds_of(Clock::now()));
    }
    const auto times = gather_lists<std::int64_t>(comm, own);
    const std::vector<std::string> clocks = comm.all_gather(clock_identity());
    const std::string& own_clock = clocks[static_cast<std::size_t>(comm.rank())];
    if (own_clock == clocks.front()) {
        return 0;
    }
    std::vector<std::int64_t> offsets;
    for (std::size_t r = 0; r < clocks.size(); ++r) {
        for (std::size_t i = 0; clocks[r] == own_clock && i < times[r].size(); ++i) {
            offsets.push_back(times[r][i] - times.front()[i]);
        }
    }
    const auto middle = offsets.begin() + std::ssize(offsets) / 2;
    std::ranges::nth_element(offsets, middle);
    return *middle;
}

/// As JSON writes it, with its quotes.
std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The events of one rank as JSON objects, with a comma and a line's end before each.
class RankText {
  public:
    RankText(int rank, Clock::time_point origin) : rank_(rank), origin_(origin) {}

    void name_process(const std::string& host) {
        put_name("process_name", 0, quoted(fmt::format("rank {} on {}", rank_, host)));
        fmt::format_to(std::back_inserter(text_),
                       ",\n{{\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":{},\"tid\":0,"
                       "\"args\":{{\"sort_index\":{}}}}}",
                       rank_, rank_);
    }

    void add(const TraceLane& lane, int number) {
        std::vector<TraceEvent> events(lane.events().begin(), lane.events().end());
        if (events.empty()) {
            return;
        }
        put_name("thread_name", number, quoted(lane.name()));
        // What is around others comes before them.
        std::ranges::sort(events, [](const TraceEvent& a, const TraceEvent& b) {
            return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
        });
        for (const TraceEvent& event : events) {
            put(event, number);
        }
        if (lane.dropped() > 0) {
            put({.name = "shorter events were dropped here",
                 .begin = events.front().begin,
                 .end = events.front().begin,
                 .number = lane.dropped()},
                number);
        }
    }

    const std::string& text() const { return text_; }

  private:
    void put_name(const char* kind, int lane, const std::string& name) {
        fmt::format_to(
            std::back_inserter(text_),
            ",\n{{\"ph\":\"M\",\"name\":\"{}\",\"pid\":{},\"tid\":{},\"args\":{{\"name\":{}}}}}",
            kind, rank_, lane, name);
    }

    void put(const TraceEvent& event, int lane) {
        // Both ends are rounded alike, so that what is within another stays there.
        const std::int64_t begin = since_origin(event.begin);
        const std::int64_t duration = since_origin(event.end) - begin;
        fmt::format_to(std::back_inserter(text_),
                       ",\n{{\"ph\":\"X\",\"name\":\"{}\",\"pid\":{},\"tid\":{},\"ts\":{}.{:03},"
                       "\"dur\":{}.{:03}",
                       event.name, rank_, lane, begin / 1000, begin % 1000, duration / 1000,
                       duration % 1000);
        if (event.number >= 0) {
            fmt::format_to(std::back_inserter(text_), ",\"args\":{{\"number\":{}}}", event.number);
        }
        text_ += '}';
    }

    std::int64_t since_origin(Clock::time_point time) const {
        return std::max<std::int64_t>(
            std::chrono::duration_cast<Nanoseconds>(time - origin_).count(), 0);
    }

    int rank_;
    Clock::time_point origin_;
    std::string text_;
};

constexpr std::string_view first_line = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";

bool is_in(const std::filesystem::path& directory, const std::filesystem::path& file) {
    const auto place_of = [](const std::filesystem::path& path) {
        std::error_code ignored;  // what has no absolute path is in no directory
        return std::filesystem::weakly_canonical(std::filesystem::absolute(path / "", ignored),
                                                 ignored);
    };
    return !directory.empty() &&
           place_of(directory) == place_of(file.has_parent_path() ? file.parent_path() : ".");
}

/// The other names there are those of results, which come after the trace has been looked for.
void require_own_name(const std::filesystem::path& directory, const std::filesystem::path& file) {
    if ((is_in(directory, file) && file.filename() != "trace.json") ||
        is_in(directory / "checkpoints", file)) {
        throw Error(
            ExitCode::usage,
            fmt::format("--trace {}: in the run directory a trace is called trace.json; give "
                        "that name, or another place",
                        file.string()));
    }
}

/// Whether the file begins as those do that this writes.
bool is_trace(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    return std::filesystem::is_regular_file(path) && std::getline(file, line) && line == first_line;
}

}  // namespace

TraceFile::TraceFile(const comm::Communicator& comm, const Options& options)
    : comm_(comm),
      path_(options.path),
      trace_(options.threads,
             events_of_lane(comm.size(), static_cast<int>(comm.max(Index{options.threads})))) {
    comm::on_root(comm_, [&] {
        if (!options.replaces && std::filesystem::exists(path_)) {
            throw Error(ExitCode::usage,
                        fmt::format("--trace {}: the file is there already; give --overwrite to "
                                    "replace it, or another name",
                                    path_.string()));
        }
        if (std::filesystem::exists(path_) && !is_trace(path_)) {
            throw Error(ExitCode::usage,
                        fmt::format("--trace {}: what is there already is no trace, and is not "
                                    "replaced; give another name",
                                    path_.string()));
        }
        require_own_name(options.run_directory, path_);
        // Gone at once: what cannot be written is told before the work, not after it.
        if (!is_in(options.run_directory, path_)) {
            const OutputFile attempt(path_);
        }
    });
    const std::int64_t offset = find_clock_offset(comm_);
    const std::int64_t first = comm_.min(nanoseconds_of(options.process_start) - offset);
    origin_ = Clock::time_point(Nanoseconds(first + offset));
    trace_.main()->add(
        {.name = "startup", .begin = options.process_start, .end = Clock::now(), .number = -1});
    comm_.note_exchanges_in(trace_.main());
}

TraceFile::~TraceFile() {
    comm_.note_exchanges_in(nullptr);
}

void TraceFile::write() {
    comm_.note_exchanges_in(nullptr);
    RankText own(comm_.rank(), origin_);
    own.name_process(comm::host_name());
    int number = 0;
    for (const TraceLane& lane : trace_.lanes()) {
        own.add(lane, number++);
    }

    std::unique_ptr<OutputFile> file;
    comm::on_root(comm_, [&] {
        file = std::make_unique<OutputFile>(path_);
        file->append(first_line);
        file->append(
            "\n{\"ph\":\"M\",\"name\":\"trace_format\",\"pid\":0,\"tid\":0,\"args\":"
            "{\"writer\":\"paralogit\"}}");
    });
    for (int rank = 0; rank < comm_.size(); ++rank) {
        // Memory for the events of one rank at a time is all that this takes.
        std::string text = comm_.rank() == rank ? own.text() : std::string();
        comm_.broadcast(text, rank);
        comm::on_root(comm_, [&] { file->append(text); });
    }
    comm::on_root(comm_, [&] {
        file->append("\n]}\n");
        file->commit();
    });
}

}  // namespace paralogit::train
