#include <algorithm>
#include <mutex>
#include <vector>

#include "entry_vector.hpp"
#include "integers.hpp"
#include "paralogit/data/sample.hpp"
#include "sparse_layout.hpp"

namespace paralogit::data {

CountOfFeatures count_used_features_of_some(const Manifest& manifest) {
    constexpr Index stretches = 64;
    constexpr Index most_entries = Index{1} << 14;  // of a stretch
    const Index entries = manifest.entries_before_block.back();
    const Index apart = entries / stretches + 1;
    std::vector<bool> is_used(narrow<std::size_t>(manifest.features));
    std::mutex library;
    for (const FilePart& part : manifest.files) {
        std::vector<Range> in_file;
        for (Index first = 0; first < entries; first += apart) {
            const Index end = first + std::min(apart, most_entries) - part.first_entry;
            const Range own{.first = std::max<Index>(first - part.first_entry, 0),
                            .end = std::min(end, part.entries)};
            if (own.size() > 0) {
                in_file.push_back(own);
            }
        }
        if (in_file.empty()) {
            continue;
        }
        const EntryVector indices = find_entry_vector(part, path_of_indices(part.features_path));
        with_integer_type(indices.manifest.type, [&](auto zero) {
            using Integer = decltype(zero);
            read_stretches(indices, in_file, library, [&](const std::byte* from, Index count) {
                for (Index k = 0; k < count; ++k) {
                    const auto index =
                        load_as<Integer>(from + k * static_cast<Index>(sizeof(Integer)));
                    // What is no feature is found, and named, when the rows are loaded.
                    const auto at = static_cast<std::uint64_t>(static_cast<std::int64_t>(index));
                    if (at < is_used.size()) {
                        is_used[at] = true;
                    }
                }
            });
        });
    }
    return {.count = std::ranges::count(is_used, true), .is_of_all = apart <= most_entries};
}

}  // namespace paralogit::data
