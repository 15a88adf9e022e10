#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "paralogit/base/types.hpp"
#include "paralogit/data/synthetic.hpp"

namespace paralogit::data {

/// What random bits are for, so that no two uses share a counter.
enum class Purpose : std::uint32_t { feature, factor, noise, coefficient, entry_count, column };

/// Two numbers in (0, 1), a function of the arguments alone; rows below 2^62, pairs below 2^32.
std::array<double, 2> uniforms(std::uint64_t seed, Index row, Index pair, Purpose purpose);

/// Standard normals [values.size()].
void fill_normals(std::uint64_t seed, Index row, Purpose purpose, std::span<double> values);

/// Logistic noise with a standard deviation of 1.
double standard_logistic(double uniform);

/// How standardised values lie in the stored type: value * scale_j + shift, and for integers
/// rounded and cut to [lowest, highest].
struct Storage {
    std::vector<double> scales;
    double shift = 0;
    bool is_integer = false;
    double lowest = 0;
    double highest = 0;
};

bool is_float(ElementType type);

Storage storage_of(const SyntheticOptions& options);

void store(ElementType type, double value, std::byte* out);

}  // namespace paralogit::data
