#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "paralogit/model/block.hpp"
#include "paralogit/model/isa.hpp"

namespace paralogit::model::testing {

/// The value of a binary16 pattern by the definition in IEEE 754.
double half_by_definition(std::uint16_t bits);

/// The pattern that has the value.
std::uint16_t half_pattern(double value);

template <typename Element>
void append_element(std::vector<std::byte>& bytes, Element element) {
    bytes.resize(bytes.size() + sizeof(element));
    std::memcpy(bytes.data() + bytes.size() - sizeof(element), &element, sizeof(element));
}

/// The values in the stored type, each of which must be representable in it.
std::vector<std::byte> stored_as(ElementType type, const std::vector<double>& values);

const std::vector<ElementType>& all_element_types();

/// The instruction sets that this machine has.
const std::vector<Isa>& supported_isas();

/// Rows that own their memory; `values` row-major.
struct OwnedBlock {
    Index features = 0;
    std::vector<double> values;
    std::vector<double> labels;
    std::vector<double> row_weights;
    Index first_global_row = 0;

    Index rows() const { return static_cast<Index>(labels.size()); }
    double at(Index row, Index feature) const {
        return values[static_cast<std::size_t>(row * features + feature)];
    }
    double weight(Index row) const {
        return row_weights.empty() ? 1.0 : row_weights[static_cast<std::size_t>(row)];
    }
    double label(Index row) const { return labels[static_cast<std::size_t>(row)]; }

    Block view() const {
        return view_of(ElementType::float64, reinterpret_cast<const std::byte*>(values.data()));
    }
    Block view_of(ElementType type, const std::byte* stored) const {
        return {type,        stored,          rows(), features, std::span<const double>(labels),
                row_weights, first_global_row};
    }
};

/// Values that every element type can hold in place of the block's.
void take_small_integers(OwnedBlock& block);

/// Normally distributed values, labels 0 and 1, weights in (0, 3] or none.
OwnedBlock random_block(Index rows, Index features, bool is_weighted, std::uint64_t seed);

std::vector<double> random_values(Index count, std::uint64_t seed);

}  // namespace paralogit::model::testing
