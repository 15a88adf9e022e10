// How long the exact ROC AUC of many scores takes and how much memory, against std::sort of one
// rank's scores in the same run. Not a test: figures depend on the machine and on what else runs
// there.
//
//   cmake --build --preset release --target bench_auc
//   mpirun -n 2 build/release/tests/bench_auc [ROWS [THREADS]]
//
// ROWS scores (100 000 000 unless told otherwise) of all ranks together, logistic with a little
// signal, are handed to the collector block by block, as `evaluate` does. First all ranks sort
// theirs at the same time with std::sort, then the AUC and the average precision are computed; the
// times are those of the slowest rank. The memory is what the resident set of a rank has grown by
// at its peak, the collected scores included, against the bytes of its scores.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "paralogit/base/threads.hpp"
#include "paralogit/comm/communicator.hpp"
#include "paralogit/comm/session.hpp"
#include "paralogit/model/ranking.hpp"
#include "paralogit/train/ranked_scores.hpp"

namespace {

using namespace paralogit;

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// In [0, 1), a function of the row (splitmix64).
double uniform(std::uint64_t row) {
    std::uint64_t z = (row + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

std::uint8_t label_of(Index row) {
    return uniform(2 * static_cast<std::uint64_t>(row)) < 0.5 ? 1 : 0;
}

double score_of(Index row) {
    const double u = uniform(2 * static_cast<std::uint64_t>(row) + 1);
    return std::log((u + 1e-17) / (1 - u)) + label_of(row);
}

template <class Action>
void for_each_block(Range rows, const Action& action) {
    constexpr Index block = 1024;
    std::vector<double> scores;
    std::vector<std::uint8_t> labels;
    for (Index first = rows.first; first < rows.end; first += block) {
        scores.clear();
        labels.clear();
        for (Index row = first; row < std::min(first + block, rows.end); ++row) {
            scores.push_back(score_of(row));
            labels.push_back(label_of(row));
        }
        action(scores, labels);
    }
}

/// Of this process, in bytes: now, and the most since the last call of forget_peak.
Index resident(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        if (word == name) {
            Index kilobytes = 0;
            status >> kilobytes;
            return kilobytes * 1024;
        }
    }
    return 0;
}

void forget_peak() {
    std::ofstream("/proc/self/clear_refs") << 5;
}

double slowest(const comm::Communicator& comm, double seconds) {
    return static_cast<double>(comm.max(static_cast<Index>(seconds * 1e6))) * 1e-6;
}

void run(const comm::Communicator& comm, Index all_rows, int threads) {
    const Range rows = part_of({.first = 0, .end = all_rows}, comm.rank(), comm.size());
    double sort_seconds = 0;
    {
        std::vector<double> scores;
        scores.reserve(static_cast<std::size_t>(rows.size()));
        for_each_block(rows, [&](const auto& block, const auto&) {
            scores.insert(scores.end(), block.begin(), block.end());
        });
        comm.barrier();
        const auto begin = std::chrono::steady_clock::now();
        std::ranges::sort(scores);
        sort_seconds = slowest(comm, seconds_since(begin));
    }

    forget_peak();
    const Index before = resident("VmRSS:");
    train::ScoreCollector collector(rows.size(), {});
    for_each_block(rows, [&](const auto& scores, const auto& labels) {
        collector.add(scores, std::span(labels), {});
    });
    comm.barrier();
    const auto begin = std::chrono::steady_clock::now();
    const train::RankedScores ranked(comm, std::move(collector), threads);
    const double ranked_seconds = slowest(comm, seconds_since(begin));
    model::RankAreas areas(ranked.all());
    ranked.for_each_group([&](const model::ScoreGroup& group) { areas.add(group); });
    train::sum_over_ranks(comm, areas.totals());
    const double seconds = slowest(comm, seconds_since(begin));
    const Index grown = comm.max(resident("VmHWM:") - before);

    if (comm.is_root()) {
        fmt::print("{} rows, {} ranks, {} threads\n", all_rows, comm.size(), threads);
        fmt::print("std::sort of one rank's scores  {:8.3f} s\n", sort_seconds);
        fmt::print("ROC AUC of all                  {:8.3f} s  ({:.3f} s to order them)\n", seconds,
                   ranked_seconds);
        fmt::print("ratio                           {:8.3f}\n", seconds / sort_seconds);
        fmt::print("peak memory of a rank           {:8.3f} times its scores\n",
                   static_cast<double>(grown) /
                       (static_cast<double>(
                            part_of({.first = 0, .end = all_rows}, 0, comm.size()).size()) *
                        8));
        fmt::print("ROC AUC {:.17g}, average precision {:.17g}\n", areas.roc_auc(),
                   areas.average_precision());
    }
}

}  // namespace

int main(int argc, char** argv) {
    const comm::Session session(argc, argv);
    const comm::Communicator comm = comm::Communicator::world();
    const Index rows = argc > 1 ? std::atoll(argv[1]) : 100'000'000;
    const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
    run(comm, rows, threads);
}
