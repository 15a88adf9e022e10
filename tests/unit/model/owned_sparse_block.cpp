#include "owned_sparse_block.hpp"

#include <random>
#include <set>
#include <span>

namespace paralogit::model::testing {

void OwnedSparseBlock::add_row(const std::vector<std::pair<std::uint32_t, double>>& entries,
                               double label) {
    for (const auto& [index, value] : entries) {
        indices.push_back(index);
        values.push_back(value);
    }
    offsets.push_back(static_cast<Index>(indices.size()));
    labels.push_back(label);
    store(type);
}

void OwnedSparseBlock::store(ElementType as) {
    type = as;
    stored = stored_as(as, values);
}

SparseBlock OwnedSparseBlock::rows_of(Range range) const {
    const auto first = static_cast<std::size_t>(range.first);
    const auto count = static_cast<std::size_t>(range.size());
    return {.type = type,
            .values = stored.data(),
            .indices = reinterpret_cast<const std::byte*>(indices.data()),
            .offsets = std::span(offsets).subspan(first, count + 1),
            .rows = range.size(),
            .features = features,
            .labels = std::span<const double>(labels).subspan(first, count),
            .row_weights = row_weights.empty()
                               ? std::span<const double>()
                               : std::span<const double>(row_weights).subspan(first, count),
            .first_global_row = first_global_row + range.first};
}

OwnedBlock OwnedSparseBlock::dense() const {
    OwnedBlock block;
    block.features = features;
    block.values.assign(static_cast<std::size_t>(rows() * features), 0.0);
    for (std::size_t i = 0; i < labels.size(); ++i) {
        for (Index k = offsets[i]; k < offsets[i + 1]; ++k) {
            const auto at = static_cast<std::size_t>(k);
            block.values[i * static_cast<std::size_t>(features) + indices[at]] = values[at];
        }
    }
    block.labels = labels;
    block.row_weights = row_weights;
    block.first_global_row = first_global_row;
    return block;
}

OwnedSparseBlock random_sparse_block(Index rows, Index features, Index most_entries,
                                     bool is_weighted, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    OwnedSparseBlock block;
    block.features = features;
    for (Index i = 0; i < rows; ++i) {
        std::set<std::uint32_t> chosen;
        const auto wanted = random() % static_cast<std::uint64_t>(most_entries + 1);
        for (std::uint64_t k = 0; k < wanted; ++k) {
            chosen.insert(
                static_cast<std::uint32_t>(random() % static_cast<std::uint64_t>(features)));
        }
        for (const std::uint32_t index : chosen) {
            block.indices.push_back(index);
            block.values.push_back(static_cast<double>(1 + random() % 100));
        }
        block.offsets.push_back(static_cast<Index>(block.indices.size()));
        block.labels.push_back(static_cast<double>(random() % 2));
        if (is_weighted) {
            // Some rows of weight 0, most of another.
            block.row_weights.push_back(static_cast<double>(random() % 8) / 4);
        }
    }
    block.store(ElementType::float64);
    return block;
}

}  // namespace paralogit::model::testing
