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

Ranges own_ranges(const DataSet& data) {
    const auto features = static_cast<std::size_t>(data.shard.features);
    std::vector<Ranges> parts(static_cast<std::size_t>(data.execution.threads), Ranges(features));
    visit_rows(data, [&](int thread, std::span<const double> row, double label, double /*weight*/) {
        Ranges& part = parts[static_cast<std::size_t>(thread)];
        for (std::size_t j = 0; j < features; ++j) {
            if (label < 1) {
                part[j].add(0, row[j], row[j]);
            }
            if (label > 0) {
                part[j].add(1, row[j], row[j]);
            }
        }
    });
    Ranges all(features);
    for (const Ranges& part : parts) {
        merge(all, part);
    }
    return all;
}

}  // namespace

std::vector<Separator> find_separators(const comm::Communicator& comm, const DataSet& data) {
    Ranges ranges = comm::together(comm, [&] { return own_ranges(data); });
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
            if (low <= high) {
                separators.push_back({.feature = static_cast<Index>(j),
                                      .threshold = low + (high - low) / 2,
                                      .is_complete = low < high,
                                      .is_positive_above = above == 1});
                break;
            }
        }
    }
    return separators;
}

Vector without_rounding(const DataSet& data, Vector direction) {
    constexpr double rounding = 1e-6;
    const auto most = [&](Index j) {
        const auto& exponents = data.bounds.value_exponents;
        return std::abs(direction[j]) *
               (j < data.shard.features ? std::ldexp(1.0, exponents[static_cast<std::size_t>(j)])
                                        : 1.0);
    };
    double largest = 0;
    for (Index j = 0; j < direction.size(); ++j) {
        largest = std::max(largest, most(j));
    }
    for (Index j = 0; j < direction.size(); ++j) {
        if (most(j) < rounding * largest) {
            direction[j] = 0;
        }
    }
    return direction;
}

Apart tell_apart(const comm::Communicator& comm, const DataSet& data, const Vector& direction) {
    constexpr double rounding = 1e-6;
    const Index features = data.shard.features;
    const double constant = direction.size() > features ? direction[features] : 0.0;
    std::array<Index, 3> counts{};
    comm::together(comm, [&] {
        std::vector<Apart> parts(static_cast<std::size_t>(data.execution.threads));
        visit_rows(data, [&](int thread, std::span<const double> row, double label, double) {
            double margin = constant;
            double magnitude = std::abs(constant);
            for (Index j = 0; j < features; ++j) {
                const double term = direction[j] * row[static_cast<std::size_t>(j)];
                margin += term;
                magnitude = std::max(magnitude, std::abs(term));
            }
            Apart& part = parts[static_cast<std::size_t>(thread)];
            if (std::abs(margin) <= rounding * magnitude) {
                ++part.border;
            } else if (margin > 0 ? label == 1 : label == 0) {
                ++part.rows;
            } else {
                ++part.exceptions;
            }
        });
        for (const Apart& part : parts) {
            counts[0] += part.rows;
            counts[1] += part.border;
            counts[2] += part.exceptions;
        }
    });
    comm.sum(std::span<Index>(counts));
    return {.rows = counts[0], .border = counts[1], .exceptions = counts[2]};
}

}  // namespace paralogit::train
