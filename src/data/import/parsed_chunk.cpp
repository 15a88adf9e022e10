#include "paralogit/data/import/parsed_chunk.hpp"

namespace paralogit::data {

Index ParsedChunk::bytes() const {
    Index total = static_cast<Index>(
        (labels.size() + weights.size()) * sizeof(double) +
        label_codes.size() * sizeof(std::uint32_t) + row_ends.size() * sizeof(Index) +
        values.size() * sizeof(double) +
        (indices.size() + upper_halves.size() + codes.size()) * sizeof(std::uint32_t) +
        query_ids.size() * sizeof(std::int64_t));
    for (const std::vector<std::string>& dictionary : texts) {
        for (const std::string& text : dictionary) {
            total += static_cast<Index>(sizeof(std::string) + text.size());
        }
    }
    return total;
}

}  // namespace paralogit::data
