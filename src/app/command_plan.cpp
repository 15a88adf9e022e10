#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "paralogit/app/commands.hpp"
#include "paralogit/base/threads.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/memory.hpp"
#include "paralogit/train/pass_speed.hpp"
#include "paralogit/train/scaling_model.hpp"
#include "source_values.hpp"

namespace paralogit::app {

namespace {

using Json = nlohmann::ordered_json;

constexpr double infinity = std::numeric_limits<double>::infinity();

/// What the options say.
struct Wishes {
    train::Cluster cluster;
    int threads = 1;                        ///< of each rank
    std::optional<double> seconds_per_row;  ///< of a rank
    Index most_ranks = 1;
    double least_efficiency = 0;
};

train::Network network_of(const Options& options) {
    // Latencies as an exchange in an Allreduce sees them, fitted to simulated clusters.
    constexpr std::string_view names[] = {"100gbit", "10gbit"};
    train::Network network =
        options.choice("network", names) == "100gbit"
            ? train::Network{.latency_seconds = 1.5e-6, .bytes_per_second = 12.5e9}
            : train::Network{.latency_seconds = 60e-6, .bytes_per_second = 1.25e9};
    if (options.has("latency")) {
        network.latency_seconds = options.number("latency", {0, infinity});
    }
    if (options.has("bandwidth")) {
        constexpr double bytes_per_gigabit = 1e9 / 8;
        network.bytes_per_second =
            bytes_per_gigabit * options.number("bandwidth", {0, infinity, false});
    }
    return network;
}

Index memory_of_this_machine() {
    Index bytes = std::numeric_limits<Index>::max();
    for (const MemoryBound& bound : memory_bounds(MemorySurroundings::own())) {
        bytes = std::min(bytes, bound.bytes);
    }
    return bytes;
}

Wishes wishes_of(const Options& options) {
    constexpr Index most_ranks = Index{1} << 20U;
    constexpr Index most_on_node = 4096;
    Wishes wishes;
    wishes.cluster.network = network_of(options);
    wishes.cluster.ranks_per_node =
        static_cast<int>(options.integer("ranks-per-node", 1, most_on_node));
    wishes.cluster.node_bytes =
        options.has("node-memory") ? options.bytes("node-memory") : memory_of_this_machine();
    const auto cores = static_cast<int>(available_cores().size());
    wishes.threads = options.text("threads") == "auto"
                         ? std::max(1, cores / wishes.cluster.ranks_per_node)
                         : static_cast<int>(options.integer("threads", 1, most_on_node));
    if (options.has("seconds-per-row")) {
        wishes.seconds_per_row = options.number("seconds-per-row", {0, infinity, false});
    }
    wishes.most_ranks = options.integer("most-ranks", 1, most_ranks);
    wishes.least_efficiency = options.number("efficiency", {0, 1, false});
    return wishes;
}

/// Seconds that a rank takes for a row while its node is full, from a measurement with as many of
/// the node's threads as this machine has cores for. Says how it came to them.
std::string measure(const data::Manifest& manifest, Wishes& wishes) {
    if (manifest.is_sparse) {
        throw Error(ExitCode::usage,
                    manifest.files.front().path +
                        ": the pass over sparse rows is not measured; give --seconds-per-row, from "
                        "a short run: in its summary.json seconds.kernel / passes / rows, times "
                        "ranks");
    }
    const auto cores = static_cast<int>(available_cores().size());
    const train::PassSpeed speed = train::measure_pass(
        manifest, std::min(wishes.cluster.ranks_per_node * wishes.threads, cores));
    wishes.seconds_per_row = speed.seconds_per_row * speed.threads / wishes.threads;
    return fmt::format("measured here: {} thread{}, {} rows, shortest of {} passes", speed.threads,
                       speed.threads == 1 ? "" : "s", speed.rows, speed.passes);
}

std::string seconds_text(double seconds) {
    if (seconds >= 1) {
        return fmt::format("{:.2f} s", seconds);
    }
    return seconds >= 1e-3 ? fmt::format("{:.2f} ms", seconds * 1e3)
                           : fmt::format("{:.1f} us", seconds * 1e6);
}

std::string advice_text(const train::Advice& advice, const Wishes& wishes) {
    const auto counted = [](Index count, std::string_view what) {
        return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
    };
    const auto ranks = [&](Index count) { return counted(count, "rank"); };
    const auto nodes = [&](Index of_ranks) {
        const Index per_node = wishes.cluster.ranks_per_node;
        return counted((of_ranks + per_node - 1) / per_node, "node");
    };
    std::string text;
    if (advice.resident_ranks) {
        text += fmt::format("rows in memory    from {} on, {}\n", nodes(*advice.resident_ranks),
                            ranks(*advice.resident_ranks));
    } else {
        text += fmt::format(
            "rows in memory    not with {}; with fewer than it takes they are "
            "read again in each pass, which takes longer than said here\n",
            ranks(wishes.most_ranks));
    }
    text += fmt::format("{:3.0f} % efficient   up to {}, {}\n", 100 * wishes.least_efficiency,
                        ranks(advice.efficient_ranks), nodes(advice.efficient_ranks));
    text += fmt::format("shortest pass     {}, {}; more do not pay off at all",
                        ranks(advice.fastest_ranks), nodes(advice.fastest_ranks));
    if (advice.fastest_ranks * 2 > wishes.most_ranks) {
        text += fmt::format(" or lie beyond --most-ranks {}", wishes.most_ranks);
    }
    return text;
}

std::string text_of(const data::Manifest& manifest, const Wishes& wishes, const std::string& source,
                    std::span<const train::PredictedPass> passes) {
    const train::Cluster& cluster = wishes.cluster;
    std::string text = fmt::format(
        "{} rows x {} features, {}, {}\n"
        "network           {} a message, {:.4g} Gbit/s\n"
        "node              {} rank{} of {} thread{}, {} of memory\n"
        "a row             {:.4g} ns of a rank ({})\n\n"
        "{:>8} {:>7} {:>12} {:>10} {:>10} {:>10} {:>10}  {:<11} rows\n",
        manifest.rows, manifest.features, name_of(manifest.type),
        train::bytes_text(train::resident_bytes(manifest)),
        seconds_text(cluster.network.latency_seconds), cluster.network.bytes_per_second * 8e-9,
        cluster.ranks_per_node, cluster.ranks_per_node == 1 ? "" : "s", wishes.threads,
        wishes.threads == 1 ? "" : "s", train::bytes_text(cluster.node_bytes),
        cluster.seconds_per_row * 1e9, source, "ranks", "nodes", "rows of one", "pass", "compute",
        "Allreduce", "efficiency", "a rank");
    for (const train::PredictedPass& pass : passes) {
        text +=
            fmt::format("{:>8} {:>7} {:>12} {:>10} {:>10} {:>10} {:>8.1f} %  {:<11} {}\n",
                        pass.ranks, pass.nodes, pass.busiest_rows, seconds_text(pass.seconds),
                        seconds_text(pass.compute_seconds), seconds_text(pass.allreduce_seconds),
                        100 * pass.efficiency, train::bytes_text(pass.rank_bytes),
                        pass.is_resident ? "in memory" : "in files");
    }
    return text + "\n" + advice_text(train::advise(passes, wishes.least_efficiency), wishes);
}

std::string json_of(const data::Manifest& manifest, const Wishes& wishes,
                    std::span<const train::PredictedPass> passes) {
    const train::Cluster& cluster = wishes.cluster;
    const train::Advice advice = train::advise(passes, wishes.least_efficiency);
    Json points = Json::array();
    for (const train::PredictedPass& pass : passes) {
        points.push_back({{"ranks", pass.ranks},
                          {"nodes", pass.nodes},
                          {"busiest_rows", pass.busiest_rows},
                          {"seconds", pass.seconds},
                          {"compute_seconds", pass.compute_seconds},
                          {"allreduce_seconds", pass.allreduce_seconds},
                          {"efficiency", pass.efficiency},
                          {"rank_bytes", pass.rank_bytes},
                          {"is_resident", pass.is_resident}});
    }
    const Json json{
        {"rows", manifest.rows},
        {"features", manifest.features},
        {"type", name_of(manifest.type)},
        {"bytes", train::resident_bytes(manifest)},
        {"latency_seconds", cluster.network.latency_seconds},
        {"bytes_per_second", cluster.network.bytes_per_second},
        {"ranks_per_node", cluster.ranks_per_node},
        {"threads", wishes.threads},
        {"node_bytes", cluster.node_bytes},
        {"seconds_per_row", cluster.seconds_per_row},
        {"passes", points},
        {"efficient_ranks", advice.efficient_ranks},
        {"fastest_ranks", advice.fastest_ranks},
        {"resident_ranks", advice.resident_ranks ? Json(*advice.resident_ranks) : Json()}};
    return json.dump(2);
}

}  // namespace

ExitCode run_plan(const Context& context, const Options& options) {
    const Wishes read = comm::together(context.comm, [&] { return wishes_of(options); });
    const data::Manifest manifest =
        train::describe_files(context.comm, options.list("data"), source_of(options, false));
    // The others would disturb the measurement.
    comm::on_root(context.comm, [&] {
        Wishes wishes = read;
        const std::string source = wishes.seconds_per_row ? "as given" : measure(manifest, wishes);
        wishes.cluster.seconds_per_row = *wishes.seconds_per_row;
        const auto passes = train::predict_passes(manifest, wishes.cluster, wishes.most_ranks);
        context.console.result(options.is_set("json") ? json_of(manifest, wishes, passes)
                                                      : text_of(manifest, wishes, source, passes));
    });
    return ExitCode::done;
}

}  // namespace paralogit::app
