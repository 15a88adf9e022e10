#include "paralogit/model/batch_sums.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernel_rows.hpp"
#include "paralogit/base/error.hpp"
#include "widen.hpp"

namespace paralogit::model {

namespace {

constexpr Index group = 8;
constexpr Index index_bytes = 4;

/// Sparse rows that are copied side by side before they are added.
constexpr Index sparse_rows_at_once = 64;

/// The smallest k with 2^k >= count.
int bits_of(Index count) {
    return static_cast<int>(
        std::bit_width(static_cast<std::uint64_t>(std::max<Index>(count, 1) - 1)));
}

template <typename T>
void make_room(std::vector<T>& memory, std::size_t size) {
    if (memory.size() < size) {
        memory.resize(size);
    }
}

}  // namespace

void PickedRows::clear() {
    values.clear();
    next_values.clear();
    group_ends.clear();
    labels.clear();
    hard_labels.clear();
    row_weights.clear();
    indices.clear();
    entries.clear();
}

BatchSums::BatchSums(std::span<const std::int16_t> exponents, std::int32_t weight_exponent,
                     Index rows, Index words, Isa isa, const Loss& loss)
    : features_(std::ssize(exponents)),
      padded_((features_ + group - 1) / group * group),
      bits_of_rows_(std::max(bits_of(rows), 2)),
      isa_(isa),
      loss_(loss),
      slopes_at_(2 * static_cast<std::size_t>(padded_)),
      first_shift_(static_cast<std::size_t>(padded_) + 2),
      second_shift_(first_shift_.size()),
      message_(slopes_at_ + 4 + static_cast<std::size_t>(words)) {
    const std::int32_t highest = 1022 - bits_of_rows_;
    for (std::size_t j = 0; j < first_shift_.size(); ++j) {
        const std::int32_t exponent = j < exponents.size() ? exponents[j] : 0;
        if (exponent > highest) {
            throw Error(ExitCode::input_data,
                        fmt::format("feature {} has values beyond 2^{}, for which sums of batches "
                                    "have no room; scale it, or use another --solver",
                                    j + 1, highest));
        }
        set_shifts(exponent, first_shift_[j], second_shift_[j]);
    }
    const auto of_slopes = static_cast<std::size_t>(padded_);
    set_shifts(std::min(weight_exponent, highest), first_shift_[of_slopes],
               second_shift_[of_slopes]);
}

void BatchSums::set_shifts(std::int32_t exponent, double& first, double& second) const {
    const std::int32_t first_unit = exponent + bits_of_rows_ - 51;
    const std::int32_t second_unit = first_unit - 1 + bits_of_rows_ - 51;
    first = std::ldexp(1.5, 52 + first_unit);
    second = std::ldexp(1.5, 52 + second_unit);
}

KernelBins BatchSums::bins_at(std::size_t shift, std::size_t first, std::size_t distance) {
    return {.first_shift = first_shift_.data() + shift,
            .second_shift = second_shift_.data() + shift,
            .first = message_.data() + first,
            .second = message_.data() + first + distance};
}

KernelBins BatchSums::bins_of_slopes() {
    return bins_at(static_cast<std::size_t>(padded_), slopes_at_, 1);
}

KernelBins BatchSums::bins_of_losses() {
    return bins_at(static_cast<std::size_t>(padded_) + 1, slopes_at_ + 2, 1);
}

void BatchSums::clear(std::int32_t loss_exponent) {
    std::ranges::fill(message_, 0.0);
    set_shifts(std::min(loss_exponent, 1022 - bits_of_rows_), first_shift_.back(),
               second_shift_.back());
}

std::span<double> BatchSums::words() {
    return std::span(message_).subspan(slopes_at_ + 4);
}

double BatchSums::slopes_times_feature(Index feature) const {
    const auto j = static_cast<std::size_t>(feature);
    return message_[j] + message_[static_cast<std::size_t>(padded_) + j];
}

void BatchSums::add(const BatchSums& other) {
    for (std::size_t i = 0; i < message_.size(); ++i) {
        message_[i] += other.message_[i];
    }
}

void BatchSums::add(const PickedRows& rows, std::span<const double> coefficients,
                    double intercept) {
    if (rows.size() == 0) {
        return;
    }
    if (rows.entries.empty()) {
        add_dense(rows, coefficients, intercept);
    } else {
        for (Index begin = 0; begin < rows.size(); begin += sparse_rows_at_once) {
            add_sparse(rows, static_cast<std::size_t>(begin),
                       std::min(sparse_rows_at_once, rows.size() - begin), coefficients, intercept);
        }
    }
    // What lies behind the rows' features was added to sums that nobody asks for.
    for (Index j = features_; j < padded_; ++j) {
        message_[static_cast<std::size_t>(j)] = 0;
        message_[static_cast<std::size_t>(padded_ + j)] = 0;
    }
}

void BatchSums::add_dense(const PickedRows& rows, std::span<const double> coefficients,
                          double intercept) {
    // The kernel looks at so many more: at those of the next batch, or at any.
    constexpr std::size_t more = places_ahead;
    places_.assign(rows.values.begin(), rows.values.end());
    const std::size_t next = std::min(rows.next_values.size(), more);
    places_.insert(places_.end(), rows.next_values.begin(),
                   rows.next_values.begin() + static_cast<std::ptrdiff_t>(next));
    places_.resize(rows.values.size() + more, rows.values.back());
    const KernelRows kernel_rows{
        .type = rows.type,
        .values = nullptr,
        .rows = rows.size(),
        .features = features_,
        .hard = rows.hard_labels.empty() ? nullptr : rows.hard_labels.data(),
        .soft = rows.labels.data(),
        .row_weights = rows.row_weights.empty() ? nullptr : rows.row_weights.data(),
        .focal = kernel_focal(loss_)};
    const LinearFunction margin{.coefficients = coefficients.data(), .intercept = intercept};
    const KernelBins bins = bins_at(0, 0, static_cast<std::size_t>(padded_));
    if (rows.group_ends.empty()) {
        kernels_for(isa_).add_batch(kernel_rows, places_.data(), margin, bins, bins_of_slopes(),
                                    bins_of_losses());
        return;
    }
    make_room(scratch_, static_cast<std::size_t>(padded_ + group));
    kernels_for(isa_).add_groups(kernel_rows, places_.data(), rows.group_ends.data(), margin,
                                 scratch_.data(), bins, bins_of_slopes(), bins_of_losses());
}

void BatchSums::add_sparse(const PickedRows& rows, std::size_t begin, Index count,
                           std::span<const double> coefficients, double intercept) {
    const std::size_t element_bytes = size_of(rows.type);
    const auto own = static_cast<std::size_t>(count);
    offsets_.assign(1, 0);
    for (std::size_t i = 0; i < own; ++i) {
        offsets_.push_back(offsets_.back() + rows.entries[begin + i]);
    }
    const auto entries = static_cast<std::size_t>(offsets_.back());
    make_room(values_, entries * element_bytes);
    make_room(indices_, entries * index_bytes);
    make_room(margins_, (own + group - 1) / group * group);
    for (std::size_t i = 0; i < own; ++i) {
        const auto at = static_cast<std::size_t>(offsets_[i]);
        const auto in_row = static_cast<std::size_t>(rows.entries[begin + i]);
        if (in_row > 0) {
            std::memcpy(values_.data() + at * element_bytes, rows.values[begin + i],
                        in_row * element_bytes);
            std::memcpy(indices_.data() + at * index_bytes, rows.indices[begin + i],
                        in_row * index_bytes);
        }
    }
    const KernelSparseRows kernel_rows{
        .rows = {.type = rows.type,
                 .values = values_.data(),
                 .rows = count,
                 .features = features_,
                 .hard = nullptr,
                 .soft = rows.labels.data() + begin,
                 .row_weights =
                     rows.row_weights.empty() ? nullptr : rows.row_weights.data() + begin,
                 .focal = kernel_focal(loss_)},
        .indices = indices_.data(),
        .offsets = offsets_.data(),
        .step = 1,
        .give = nullptr};
    kernels_for(isa_).sparse_margins(kernel_rows,
                                     {.coefficients = coefficients.data(), .intercept = intercept},
                                     margins_.data());
    std::fill(margins_.begin() + count, margins_.begin() + (count + group - 1) / group * group,
              0.0);
    kernels_for(isa_).batch_slopes(kernel_rows.rows, margins_.data(), bins_of_slopes(),
                                   bins_of_losses());
    scatter(rows.type, count);
}

/// Adds the weighted slopes in margins_ times the entries of the rows at work.
void BatchSums::scatter(ElementType type, Index count) {
    double* const first = message_.data();
    double* const second = message_.data() + padded_;
    with_element_type(type, [&](auto element_type) {
        const Elements<element_type.value> values(values_.data());
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
            const double factor = margins_[i];
            for (Index e = offsets_[i]; e < offsets_[i + 1]; ++e) {
                std::uint32_t j;
                std::memcpy(&j, indices_.data() + e * index_bytes, sizeof j);
                const double term = factor * values[e];
                const double whole = (term + first_shift_[j]) - first_shift_[j];
                first[j] += whole;
                second[j] += ((term - whole) + second_shift_[j]) - second_shift_[j];
            }
        }
    });
}

}  // namespace paralogit::model
