#include "paralogit/train/phase_times.hpp"

#include <algorithm>

#include "../gather.hpp"

namespace paralogit::train {

namespace {

double median_of(std::vector<double> values) {
    std::ranges::sort(values);
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::vector<double> seconds_of(std::span<const RankTimes> ranks, double PhaseSeconds::*phase) {
    std::vector<double> seconds;
    for (const RankTimes& rank : ranks) {
        seconds.push_back(rank.seconds.*phase);
    }
    return seconds;
}

}  // namespace

std::span<const Phase> phases() {
    static constexpr Phase all[] = {
        {"startup", &PhaseSeconds::startup},
        {"load", &PhaseSeconds::load},
        {"read", &PhaseSeconds::read},
        {"train", &PhaseSeconds::train},
        {"compute", &PhaseSeconds::compute},
        {"kernel", &PhaseSeconds::kernel},
        {"curvature", &PhaseSeconds::curvature},
        {"batches", &PhaseSeconds::batches},
        {"allreduce", &PhaseSeconds::allreduce},
        {"validation", &PhaseSeconds::validation},
        {"inference", &PhaseSeconds::inference},
        {"diagnosis", &PhaseSeconds::diagnosis},
        {"checkpoint", &PhaseSeconds::checkpoint},
        {"total", &PhaseSeconds::total},
    };
    return all;
}

std::vector<RankTimes> gather_times(const comm::Communicator& comm, const PhaseSeconds& own) {
    const std::vector<PhaseSeconds> seconds = gather(comm, own);
    std::vector<std::string> hosts = comm.all_gather(comm::host_name());
    std::vector<RankTimes> ranks;
    for (std::size_t r = 0; r < seconds.size(); ++r) {
        ranks.push_back({.host = std::move(hosts[r]), .seconds = seconds[r]});
    }
    return ranks;
}

PhaseSeconds largest_of(std::span<const RankTimes> ranks) {
    PhaseSeconds largest;
    for (const Phase& phase : phases()) {
        largest.*phase.seconds = std::ranges::max(seconds_of(ranks, phase.seconds));
    }
    return largest;
}

Spread spread_of(std::span<const RankTimes> ranks, double PhaseSeconds::*phase) {
    const std::vector<double> seconds = seconds_of(ranks, phase);
    const auto slowest = std::ranges::max_element(seconds);
    return {.smallest = std::ranges::min(seconds),
            .median = median_of(seconds),
            .largest = *slowest,
            .slowest_rank = static_cast<int>(slowest - seconds.begin())};
}

std::optional<Imbalance> find_imbalance(std::span<const RankTimes> ranks) {
    constexpr double share_that_matters = 0.05;
    constexpr double seconds_that_matter = 0.1;
    if (ranks.size() < 2) {
        return std::nullopt;
    }
    const Spread compute = spread_of(ranks, &PhaseSeconds::compute);
    std::vector<double> others = seconds_of(ranks, &PhaseSeconds::compute);
    others.erase(others.begin() + compute.slowest_rank);
    const double usual = median_of(others);
    const double waited = compute.largest - usual;
    const double train = spread_of(ranks, &PhaseSeconds::train).largest;
    if (waited < seconds_that_matter || waited < share_that_matters * train) {
        return std::nullopt;
    }
    return Imbalance{.rank = compute.slowest_rank,
                     .seconds = compute.largest,
                     .usual_seconds = usual,
                     .share_of_train = waited / train};
}

}  // namespace paralogit::train
