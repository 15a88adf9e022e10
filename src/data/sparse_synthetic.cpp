#include "paralogit/data/sparse_synthetic.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "paralogit/base/checked.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/model/column_scan.hpp"
#include "paralogit/model/math.hpp"
#include "synthetic_values.hpp"

namespace paralogit::data {

namespace {

/// x^-0.1 for x >= 1: the part of the features that lie beyond x, but for a constant factor.
double tail(double x) {
    return model::exp_of_nonpositive(-0.1 * model::log_of_positive(x));
}

/// Draws distinct features, feature j with weight tail(j + 1) - tail(j + 2): Zipf's law with the
/// exponent 1.1. The tenth root was chosen because its inverse takes multiplications only: no table
/// is needed, and every machine draws the same.
class ColumnSampler {
  public:
    ColumnSampler(std::uint64_t seed, Index features, Index most_entries)
        : seed_(seed), features_(features), beyond_(tail(static_cast<double>(features) + 1)) {
        if (is_large(most_entries)) {
            for (Index j = 0; j < features; ++j) {
                const auto x = static_cast<double>(j);
                weights_.push_back(tail(x + 1) - tail(x + 2));
            }
        }
        is_drawn_.resize(narrow<std::size_t>(features));
    }

    /// Fills `columns` with distinct features, rising.
    void draw(Index row, std::span<std::int32_t> columns) {
        if (is_large(narrow<Index>(columns.size()))) {
            draw_by_keys(row, columns);
        } else {
            draw_one_by_one(row, columns);
        }
        std::ranges::sort(columns);
    }

  private:
    /// Whether a row has so many entries that most draws would hit a feature that it has already.
    bool is_large(Index entries) const { return entries > features_ / 8; }

    Index column_at(double uniform) const {
        const double y = 1 - uniform * (1 - beyond_);
        const double y2 = y * y;
        const double y4 = y2 * y2;
        const double x = 1 / (y4 * y4 * y2);
        return std::clamp<Index>(static_cast<Index>(x) - 1, 0, features_ - 1);
    }

    void draw_one_by_one(Index row, std::span<std::int32_t> columns) {
        std::size_t drawn = 0;
        for (Index pair = 0; drawn < columns.size(); ++pair) {
            for (const double uniform : uniforms(seed_, row, pair, Purpose::column)) {
                const Index column = column_at(uniform);
                const auto at = static_cast<std::size_t>(column);
                if (drawn < columns.size() && !is_drawn_[at]) {
                    is_drawn_[at] = true;
                    columns[drawn++] = static_cast<std::int32_t>(column);
                }
            }
        }
        for (const std::int32_t column : columns) {
            is_drawn_[static_cast<std::size_t>(column)] = false;
        }
    }

    /// The same distribution at a cost that the number of entries does not change: those features
    /// come first whose exponential waiting times, at rates as their weights, end first.
    /// Source: P. S. Efraimidis, P. G. Spirakis, "Weighted random sampling with a reservoir",
    /// Information Processing Letters 97 (2006).
    void draw_by_keys(Index row, std::span<std::int32_t> columns) {
        keys_.clear();
        for (Index j = 0; j < features_; ++j) {
            const auto pair = uniforms(seed_, row, j / 2, Purpose::column);
            const double uniform = pair[static_cast<std::size_t>(j % 2)];
            keys_.emplace_back(
                -model::log_of_positive(uniform) / weights_[static_cast<std::size_t>(j)],
                static_cast<std::int32_t>(j));
        }
        const auto last = static_cast<std::ptrdiff_t>(columns.size()) - 1;
        std::ranges::nth_element(keys_, keys_.begin() + last);
        for (std::size_t i = 0; i < columns.size(); ++i) {
            columns[i] = keys_[i].second;
        }
    }

    std::uint64_t seed_;
    Index features_;
    double beyond_;
    std::vector<double> weights_;  ///< empty when no row is large
    std::vector<bool> is_drawn_;   ///< all false between two rows
    std::vector<std::pair<double, std::int32_t>> keys_;
};

}  // namespace

EntryCounts::EntryCounts(const SyntheticOptions& options)
    : seed_(options.seed),
      features_(options.features),
      mean_(options.density.value() * static_cast<double>(options.features)),
      spread_(std::min(mean_ / 2, static_cast<double>(options.features) - mean_)) {}

Index EntryCounts::of_row(Index row) const {
    const auto [place, rounding] = uniforms(seed_, row, 0, Purpose::entry_count);
    // Rounded up as often as the fraction says, so that few entries have the right mean too.
    const double count = std::floor(mean_ + spread_ * (2 * place - 1) + rounding);
    return std::clamp<Index>(static_cast<Index>(count), 1, features_);
}

Index EntryCounts::of_rows(Index first, Index end) const {
    Index sum = 0;
    for (Index row = first; row < end; ++row) {
        sum += of_row(row);
    }
    return sum;
}

Index EntryCounts::most() const {
    return std::min(features_, static_cast<Index>(mean_ + spread_) + 1);
}

struct SparseRowMaker::Impl {
    explicit Impl(const SyntheticOptions& the_options);

    std::uint8_t make_row(Index row, std::span<std::int32_t> columns, std::span<std::byte> values);

    SyntheticOptions options;
    Storage storage;
    ColumnSampler sampler;
    std::vector<double> coefficients;  ///< of the values divided by the feature's scale
    std::vector<double> row_values;
};

SparseRowMaker::Impl::Impl(const SyntheticOptions& the_options)
    : options(the_options),
      storage(storage_of(the_options)),
      sampler(the_options.seed, the_options.features, EntryCounts(the_options).most()),
      coefficients(narrow<std::size_t>(the_options.features)) {
    fill_normals(options.seed, 0, Purpose::coefficient, coefficients);
    // The values are independent, so that the variance of the signal is the mean sum of squared
    // coefficients of a row. Some rows tell it well enough.
    constexpr Index sample_rows = 200;
    const EntryCounts counts(options);
    std::vector<std::int32_t> columns;
    double sum_of_squares = 0;
    for (Index row = 0; row < sample_rows; ++row) {
        columns.resize(narrow<std::size_t>(counts.of_row(row)));
        sampler.draw(row, columns);
        for (const std::int32_t column : columns) {
            const double coefficient = coefficients[static_cast<std::size_t>(column)];
            sum_of_squares += coefficient * coefficient;
        }
    }
    const double deviation = std::sqrt(sum_of_squares / static_cast<double>(sample_rows));
    for (double& coefficient : coefficients) {
        coefficient /= deviation;
    }
}

std::uint8_t SparseRowMaker::Impl::make_row(Index row, std::span<std::int32_t> columns,
                                            std::span<std::byte> values) {
    sampler.draw(row, columns);
    row_values.resize(columns.size());
    fill_normals(options.seed, row, Purpose::feature, row_values);
    const std::size_t element_bytes = size_of(options.type);
    for (std::size_t i = 0; i < columns.size(); ++i) {
        double value = row_values[i] * storage.scales[static_cast<std::size_t>(columns[i])];
        if (storage.is_integer) {
            // A shift would make the values that are not stored differ from the rest, and an entry
            // of 0 would be none.
            value = std::nearbyint(storage.lowest == 0 ? std::abs(value) : value);
            value = value == 0 ? 1 : std::clamp(value, storage.lowest, storage.highest);
        }
        store(options.type, value, values.data() + i * element_bytes);
    }

    // As of dense rows, the label follows from the values as stored.
    model::widen_row(options.type, values.data(), row_values);
    double signal = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto column = static_cast<std::size_t>(columns[i]);
        signal += coefficients[column] * (row_values[i] / storage.scales[column]);
    }
    if (options.noise > 0) {
        const double uniform = uniforms(options.seed, row, 0, Purpose::noise)[0];
        signal += options.noise * standard_logistic(uniform);
    }
    return signal > 0 ? 1 : 0;
}

SparseRowMaker::SparseRowMaker(const SyntheticOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}

SparseRowMaker::~SparseRowMaker() = default;
SparseRowMaker::SparseRowMaker(SparseRowMaker&&) noexcept = default;
SparseRowMaker& SparseRowMaker::operator=(SparseRowMaker&&) noexcept = default;

std::uint8_t SparseRowMaker::make_row(Index row, std::span<std::int32_t> columns,
                                      std::span<std::byte> values) {
    if (values.size() != columns.size() * size_of(impl_->options.type)) {
        throw Error(ExitCode::internal, "internal error: make_row got buffers of the wrong size");
    }
    return impl_->make_row(row, columns, values);
}

}  // namespace paralogit::data
