#include <algorithm>

#include "chunks.hpp"
#include "kernel_table.hpp"
#include "paralogit/model/isa.hpp"

namespace paralogit::model {

Isa best_isa() {
    if (is_supported(Isa::avx512)) {
        return Isa::avx512;
    }
    return is_supported(Isa::avx2) ? Isa::avx2 : Isa::portable;
}

std::string_view name_of(Isa isa) {
    switch (isa) {
        case Isa::avx512:
            return "avx512";
        case Isa::avx2:
            return "avx2";
        case Isa::portable:
            break;
    }
    return "portable";
}

std::int64_t kernel_scratch(std::int64_t features) {
    // Values by row and by row and lane, sums and coefficients in whole groups of eight from a
    // line's beginning on, and copies of two chunks with room behind the last row.
    constexpr std::int64_t by_row = 10 * most_chunk_rows;
    constexpr std::int64_t several_groups =
        std::max(bytes_at_once, bytes_of_groups_in_cache / 3) / 8;
    return by_row + 2 * (features + 16) + 2 * (std::max(several_groups, 8 * features) + 16);
}

}  // namespace paralogit::model
