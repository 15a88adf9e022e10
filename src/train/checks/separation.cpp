#include "separation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "../objective/widened_rows.hpp"
#include "paralogit/comm/agreement.hpp"

namespace paralogit::train {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct ClassRanges {
    std::array<double, 2> least{infinity, infinity};
    std::array<double, 2> largest{-infinity, -infinity};

    void add(std::size_t label, double low, double high) {
        least[label] = std::min(least[label], low);
        largest[label] = std::max(largest[label], high);
    }
    /// Whatever else is added: no threshold has the classes on its two sides.
    bool overlap() const { return largest[0] > least[1] && largest[1] > least[0]; }
    void merge(const ClassRanges& other) {
        for (const std::size_t label : {0U, 1U}) {
            add(label, other.least[label], other.largest[label]);
        }
    }
};

using Ranges = std::vector<ClassRanges>;

void merge(Ranges& ranges, const Ranges& others) {
    for (std::size_t j = 0; j < ranges.size(); ++j) {
        ranges[j].merge(others[j]);
    }
}

Ranges own_ranges(const DataSet& data, const RowChoice& is_chosen) {
    const auto features = static_cast<std::size_t>(data.shard.features);
    struct Part {
        Ranges ranges;
        Index rows = 0;
    };
    std::vector<Part> parts(static_cast<std::size_t>(data.execution.threads),
                            Part{.ranges = Ranges(features)});
    visit_rows(data, [&](int thread, std::span<const double> row, double label, double /*weight*/) {
        if (!is_chosen(thread, row)) {
            return true;
        }
        auto& [part, rows] = parts[static_cast<std::size_t>(thread)];
        for (std::size_t j = 0; j < features; ++j) {
            if (label < 1) {
                part[j].add(0, row[j], row[j]);
            }
            if (label > 0) {
                part[j].add(1, row[j], row[j]);
            }
        }
        // Classes that are mixed are so in the first rows as a rule.
        constexpr Index often = 64;
        return ++rows % often != 0 || !std::ranges::all_of(part, &ClassRanges::overlap);
    });
    Ranges all(features);
    for (const Part& part : parts) {
        merge(all, part.ranges);
    }
    return all;
}

}  // namespace

std::vector<Separator> find_separators(const comm::Communicator& comm, const DataSet& data,
                                       bool has_intercept, const RowChoice& is_chosen) {
    Ranges ranges = comm::together(comm, [&] { return own_ranges(data, is_chosen); });
    const std::size_t bytes = ranges.size() * sizeof(ClassRanges);
    for (const std::string& others :
         comm.all_gather({reinterpret_cast<const char*>(ranges.data()), bytes})) {
        Ranges of_rank(ranges.size());
        std::memcpy(of_rank.data(), others.data(), bytes);
        merge(ranges, of_rank);
    }
    std::vector<Separator> separators;
    for (std::size_t j = 0; j < ranges.size(); ++j) {
        const auto& [least, largest] = ranges[j];
        // A class without rows, or a column that is constant, tells nothing apart.
        const bool has_both = least[0] <= largest[0] && least[1] <= largest[1];
        const bool is_constant = std::min(least[0], least[1]) == std::max(largest[0], largest[1]);
        if (!has_both || is_constant) {
            continue;
        }
        for (const std::size_t above : {1U, 0U}) {
            const double low = largest[1 - above];
            const double high = least[above];
            if (low <= high && (has_intercept || (low <= 0 && high >= 0))) {
                separators.push_back(
                    {.feature = static_cast<Index>(j),
                     .threshold = has_intercept ? low + (high - low) / 2 : 0.0,
                     .is_complete = has_intercept ? low < high : low < 0 && high > 0,
                     .is_positive_above = above == 1});
                break;
            }
        }
    }
    return separators;
}

}  // namespace paralogit::train
