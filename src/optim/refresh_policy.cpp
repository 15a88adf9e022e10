#include "refresh_policy.hpp"

#include <algorithm>
#include <cmath>

namespace paralogit::optim {

namespace {

/// Slower than this no forecast is meaningful; faster than this none is needed.
constexpr double slowest = 0.9;
constexpr double fastest = 1e-10;

double bits_gained(double contraction) {
    return -rough_log2(std::clamp(contraction, fastest, slowest));
}

double price(const HessianCosts& costs, Index thinning) {
    return costs.hessian_cost / static_cast<double>(thinning);
}

/// The outlook once a step has been made with a new Hessian, and the bits that the step gains.
struct Renewal {
    Outlook outlook;
    double bits;
};

Renewal renewal(const HessianCosts& costs, double newton_contraction, Index thinning) {
    const double noise = sampling_contraction(costs, thinning);
    const double first = std::min(slowest, std::max(newton_contraction, noise));
    return {.outlook = {.contraction = std::max(2 * newton_contraction, noise),
                        .newton_contraction = newton_contraction * first},
            .bits = bits_gained(first)};
}

/// Evaluations until the bits are gained at the rate of the outlook.
double evaluations(double bits, const Outlook& outlook) {
    return std::max(0.0, bits) / bits_gained(outlook.contraction);
}

/// The cost to the end with the present Hessian, or with one more.
double cost_to_end(const HessianCosts& costs, const Outlook& outlook, double bits,
                   const ThinningRange& range) {
    if (bits <= 0) {
        return 0;
    }
    double least = std::max(1.0, evaluations(bits, outlook));
    for (Index thinning = range.most; thinning >= range.least; thinning /= 2) {
        const Renewal next = renewal(costs, outlook.newton_contraction, thinning);
        least = std::min(least,
                         price(costs, thinning) + 1 + evaluations(bits - next.bits, next.outlook));
    }
    return least;
}

}  // namespace

double rough_log2(double x) {
    int exponent = 0;
    const double mantissa = std::frexp(x, &exponent);
    return exponent + 2 * mantissa - 2;
}

Index first_thinning(const HessianCosts& costs, Index most) {
    constexpr Index rows_per_variable = 16;
    constexpr Index least_rows = 4000;
    const Index needed = std::max(rows_per_variable * costs.dimension, least_rows);
    Index thinning = 1;
    while (thinning * 2 <= most && costs.rows / (thinning * 2) >= needed) {
        thinning *= 2;
    }
    return thinning;
}

double sampling_contraction(const HessianCosts& costs, Index thinning) {
    return costs.excess_noise *
           std::sqrt(static_cast<double>(costs.dimension) * static_cast<double>(thinning - 1) /
                     static_cast<double>(std::max<Index>(costs.rows, 1)));
}

bool is_starved(double contraction, double noise) {
    constexpr double poor = 0.5;
    constexpr double useless = 0.5;
    return contraction > poor && noise > useless;
}

Outlook outlook_after_new(double contraction, double expected, double noise) {
    constexpr double near_noise = 1.5;
    const double squared = std::min(contraction, 2 * contraction * contraction);
    if (contraction <= near_noise * noise) {
        return {.contraction = contraction,
                .newton_contraction = std::min(squared, expected * contraction)};
    }
    return {.contraction = 2 * contraction, .newton_contraction = squared};
}

HessianChoice choose_hessian(const HessianCosts& costs, const Outlook& outlook, double bits_to_go,
                             const ThinningRange& range) {
    HessianChoice best{.is_new = false, .thinning = range.most};
    const double kept_bits = bits_gained(outlook.contraction);
    const Outlook kept{
        .contraction = outlook.contraction,
        .newton_contraction = outlook.newton_contraction * std::min(slowest, outlook.contraction)};
    double least = 1 + cost_to_end(costs, kept, bits_to_go - kept_bits, range);
    for (Index thinning = range.most; thinning >= range.least; thinning /= 2) {
        const Renewal next = renewal(costs, outlook.newton_contraction, thinning);
        const double cost = price(costs, thinning) + 1 +
                            cost_to_end(costs, next.outlook, bits_to_go - next.bits, range);
        if (cost < least) {
            least = cost;
            best = {.is_new = true, .thinning = thinning};
        }
    }
    return best;
}

}  // namespace paralogit::optim
