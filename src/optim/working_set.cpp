#include "working_set.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ordered_sums.hpp"

namespace paralogit::optim {

namespace {

/// Whether variable j may go either way by as little as one likes at a smooth cost.
bool is_free(Index j, double p, const SeparableTerm& term) {
    return (p != 0 || term.l1[j] == 0) && p > term.lower[j] && p < term.upper[j];
}

}  // namespace

std::vector<Index> working_set(const Vector& point, const Vector& least_subgradient,
                               const SeparableTerm& term, Index always_all, Index most) {
    const Index dimension = point.size();
    std::vector<Index> set;
    if (dimension <= always_all) {
        set.resize(static_cast<std::size_t>(dimension));
        std::iota(set.begin(), set.end(), Index{0});
        return set;
    }
    std::vector<Index> violators;
    for (Index j = 0; j < dimension; ++j) {
        if (is_free(j, point[j], term)) {
            set.push_back(j);
        } else if (least_subgradient[j] != 0) {
            violators.push_back(j);
        }
    }
    const auto keep_the_worst = [&](std::vector<Index>& variables, Index count) {
        if (std::ssize(variables) > count) {
            std::ranges::sort(variables, [&](Index a, Index b) {
                const double size_a = std::abs(least_subgradient[a]);
                const double size_b = std::abs(least_subgradient[b]);
                return size_a != size_b ? size_a > size_b : a < b;
            });
            variables.resize(static_cast<std::size_t>(count));
        }
    };
    keep_the_worst(violators, std::max<Index>(always_all, std::ssize(set)));
    set.insert(set.end(), violators.begin(), violators.end());
    keep_the_worst(set, most);
    std::ranges::sort(set);
    return set;
}

bool misses_the_worst(const std::vector<Index>& set, const Vector& least_subgradient) {
    constexpr double nearly = 0.3;
    double outside = 0;
    auto next = set.begin();
    for (Index j = 0; j < least_subgradient.size(); ++j) {
        if (next != set.end() && *next == j) {
            ++next;
        } else {
            outside = std::max(outside, std::abs(least_subgradient[j]));
        }
    }
    return outside > nearly * max_norm(least_subgradient);
}

Vector of_set(const std::vector<Index>& set, const Vector& vector) {
    Vector part(std::ssize(set));
    for (Index a = 0; a < part.size(); ++a) {
        part[a] = vector[set[static_cast<std::size_t>(a)]];
    }
    return part;
}

SeparableTerm of_set(const std::vector<Index>& set, const SeparableTerm& term) {
    return {.l1 = of_set(set, term.l1),
            .lower = of_set(set, term.lower),
            .upper = of_set(set, term.upper)};
}

}  // namespace paralogit::optim
