#include "paralogit/model/sparse_scan.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "paralogit/model/scattered_sums.hpp"
#include "row_hash.hpp"
#include "widen.hpp"

namespace paralogit::model {

namespace {

/// exponent_above(value) of a value that is not 0; beyond every bound for what is not finite.
std::int16_t exponent_of(double value) {
    constexpr int bias = 1022;
    const auto field = static_cast<int>((std::bit_cast<std::uint64_t>(value) >> 52U) & 0x7ffU);
    return static_cast<std::int16_t>(std::max<int>(field - bias, ScatterScale::lowest_exponent));
}

void raise(std::int16_t& exponent, std::int16_t to) {
    const std::atomic_ref<std::int16_t> shared(exponent);
    std::int16_t present = shared.load(std::memory_order_relaxed);
    while (present < to && !shared.compare_exchange_weak(present, to, std::memory_order_relaxed)) {
    }
}

}  // namespace

SparseScan::SparseScan(Index features, bool is_weighted, std::int32_t weight_exponent)
    : is_weighted_(is_weighted),
      weight_exponent_(weight_exponent),
      value_exponents_(static_cast<std::size_t>(features), no_entry),
      sum_exponents_(is_weighted ? static_cast<std::size_t>(features) : 0,
                     ScatterScale::lowest_exponent) {}

void SparseScan::add(const SparseBlock& block, SparseTally& tally) {
    const auto rows = static_cast<std::size_t>(block.rows);
    const auto weight = [&](std::size_t i) {
        return block.row_weights.empty() ? 1.0 : block.row_weights[i];
    };
    const auto label = [&](std::size_t i) { return block.labels.empty() ? 0.0 : block.labels[i]; };
    with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        const Elements<ElementType::uint32> indices(block.indices);
        for (std::size_t i = 0; i < rows; ++i) {
            const Index row = block.first_global_row + static_cast<Index>(i);
            const double s = weight(i);
            std::uint64_t features = 0;
            for (Index k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
                const double x = values[k];
                const auto j = static_cast<std::size_t>(indices[k]);
                if (x == 0) {
                    raise(value_exponents_[j], ScatterScale::lowest_exponent);
                    continue;
                }
                if (!std::isfinite(x)) {
                    if (!tally.bad_value) {
                        tally.bad_value = {
                            .global_row = row, .feature = static_cast<Index>(j), .value = x};
                    }
                    return;
                }
                features += mixed((j + 1) * golden_ratio ^ std::bit_cast<std::uint64_t>(x));
                raise(value_exponents_[j],
                      s > 0 ? exponent_of(x) : std::int16_t{ScatterScale::lowest_exponent});
                if (is_weighted_ && s > 0) {
                    raise(sum_exponents_[j], exponent_of(s * x));
                }
            }
            tally.hash += row_hash(static_cast<std::uint64_t>(row), features, s, label(i));
        }
    });
    const double weights =
        block.row_weights.empty() ? static_cast<double>(rows) : spread_sum(rows, weight);
    const double labels = spread_sum(rows, [&](std::size_t i) { return weight(i) * label(i); });
    // Their bound is that of the weights themselves; a bad weight is found, and named, elsewhere.
    static_cast<void>(tally.sums.add(0, weights) && tally.sums.add(1, labels));
}

std::vector<bool> SparseScan::used_features() const {
    std::vector<bool> is_used;
    is_used.reserve(value_exponents_.size());
    for (const std::int16_t exponent : value_exponents_) {
        is_used.push_back(exponent != no_entry);
    }
    return is_used;
}

ColumnBounds SparseScan::take_bounds() {
    for (std::int16_t& exponent : value_exponents_) {
        exponent = std::max<std::int16_t>(exponent, ScatterScale::lowest_exponent);
    }
    ColumnBounds bounds{.sum_exponents = sum_exponents(),
                        .value_exponents = std::move(value_exponents_),
                        .weight_exponent = weight_exponent_};
    value_exponents_.clear();
    sum_exponents_.clear();
    return bounds;
}

}  // namespace paralogit::model
