#include "paralogit/model/block_kernel.hpp"

#include <array>
#include <cmath>

#include "paralogit/model/loss.hpp"
#include "widen.hpp"

namespace paralogit::model {

namespace {

constexpr Index lanes = 8;

template <ElementType type>
double margin_of(Elements<type> row, std::span<const double> coefficients, double intercept) {
    const auto features = static_cast<Index>(coefficients.size());
    const double* w = coefficients.data();
    std::array<double, lanes> lane{};
    Index j = 0;
    for (; j + lanes <= features; j += lanes) {
        for (Index l = 0; l < lanes; ++l) {
            double& sum = lane[static_cast<std::size_t>(l)];
            sum = std::fma(row[j + l], w[j + l], sum);
        }
    }
    for (Index l = 0; j + l < features; ++l) {
        double& sum = lane[static_cast<std::size_t>(l)];
        sum = std::fma(row[j + l], w[j + l], sum);
    }
    const double even = (lane[0] + lane[4]) + (lane[2] + lane[6]);
    const double odd = (lane[1] + lane[5]) + (lane[3] + lane[7]);
    return (even + odd) + intercept;
}

template <ElementType type>
void margins_of(Elements<type> values, std::span<const double> coefficients, double intercept,
                std::span<double> margins) {
    const auto features = static_cast<Index>(coefficients.size());
    Index first = 0;
    for (double& margin : margins) {
        margin = margin_of(values.from(first), coefficients, intercept);
        first += features;
    }
}

bool is_on_its_side(double label, double margin) {
    return (label == 1 && margin > 0) || (label == 0 && margin < 0);
}

// Turns the margins in sums.margins into weighted slopes and adds up all that needs no features.
void slopes_of(const Block& block, BlockSums& sums) {
    sums.slopes = 0;
    sums.loss = 0;
    sums.rows_wrong = 0;
    const bool is_weighted = !block.row_weights.empty();
    for (Index i = 0; i < block.rows; ++i) {
        const auto row = static_cast<std::size_t>(i);
        const double weight = is_weighted ? block.row_weights[row] : 1.0;
        const double label = block.labels[row];
        const double margin = sums.margins[i];
        const LossAndSlope at_margin = binary_cross_entropy(label, margin);

        const double slope = weight * at_margin.slope;
        sums.slopes += slope;
        sums.loss += weight * at_margin.loss;
        sums.rows_wrong += weight > 0 && !is_on_its_side(label, margin) ? 1 : 0;
        sums.margins[i] = slope;
    }
}

template <ElementType type>
void add_slopes_times_features(Elements<type> values, const Vector& slopes, Vector& sums) {
    const Index features = sums.size();
    double* sum = sums.data();
    for (Index i = 0; i < slopes.size(); ++i) {
        const Elements<type> row = values.from(i * features);
        const double slope = slopes[i];
        for (Index j = 0; j < features; ++j) {
            sum[j] = std::fma(slope, row[j], sum[j]);
        }
    }
}

}  // namespace

void evaluate_block(const Block& block, std::span<const double> coefficients, double intercept,
                    BlockSums& sums) {
    sums.margins.resize(block.rows);
    sums.slopes_times_features.setZero(block.features);
    with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        margins_of(values, coefficients, intercept,
                   {sums.margins.data(), static_cast<std::size_t>(block.rows)});
        slopes_of(block, sums);
        // The block was read a moment ago and still lies in the cache.
        add_slopes_times_features(values, sums.margins, sums.slopes_times_features);
    });
}

void block_margins(const Block& block, std::span<const double> coefficients, double intercept,
                   std::span<double> margins) {
    with_element_type(block.type, [&](auto type) {
        margins_of(Elements<type()>(block.values), coefficients, intercept, margins);
    });
}

}  // namespace paralogit::model
