#include "used_features.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "paralogit/base/buffer.hpp"
#include "paralogit/comm/agreement.hpp"

namespace paralogit::train {

namespace {

constexpr Index index_bytes = sizeof(std::uint32_t);

/// New indices take 4 bytes an entry; a solver holds some ten vectors of 8 bytes a feature.
constexpr Index entries_per_feature = 8;

bool is_worthwhile(const data::Manifest& manifest, Index unused) {
    return unused > 0 && manifest.entries_before_block.back() <= entries_per_feature * unused;
}

/// The indices of the shard among the features that are kept.
data::Values renumbered(const DataSet& data, const std::vector<std::uint32_t>& new_index) {
    const data::SparseValues& sparse = data.shard.sparse;
    const Index entries = sparse.indices.size() / index_bytes;
    Buffer indices(entries * index_bytes);
    run_threads(data.execution.threads, [&](int thread) {
        const Range part = part_of({.first = 0, .end = entries}, thread, data.execution.threads);
        for (Index k = part.first; k < part.end; ++k) {
            std::uint32_t index = 0;
            std::memcpy(&index, sparse.indices.data() + k * index_bytes, index_bytes);
            std::memcpy(indices.data() + k * index_bytes, &new_index[index], index_bytes);
        }
    });
    sparse.indices.check_unchanged();
    return data::Values(std::move(indices));
}

void keep(const std::vector<std::uint32_t>& used, std::vector<std::int16_t>& exponents) {
    for (std::size_t k = 0; k < used.size(); ++k) {
        exponents[k] = exponents[used[k]];
    }
    exponents.resize(used.size());
    exponents.shrink_to_fit();
}

}  // namespace

UsedFeatures features_to_be_used(const data::Manifest& manifest, bool leaves_out) {
    const Index entries = manifest.entries_before_block.back();
    const Index features = manifest.features;
    if (!leaves_out || !is_worthwhile(manifest, features)) {
        return {.least = features, .most = features};
    }
    // Where entries are as many, each may have a feature of its own.
    const Index most_unused = std::max<Index>(features - entries, 0);
    return {.least = 1,
            .most = is_worthwhile(manifest, most_unused) ? std::max<Index>(entries, 1) : features};
}

void keep_used_features(const comm::Communicator& comm, DataSet& data) {
    if (!data.sparse) {
        return;
    }
    comm::together(comm, [&] {
        std::vector<bool> is_used = std::move(data.sparse->is_used);
        // Rows without any entry still have a model of an intercept; one feature, which stays at 0,
        // tells it from one where all are kept.
        if (std::ranges::none_of(is_used, std::identity())) {
            is_used.front() = true;
        }
        const Index used_count = std::ranges::count(is_used, true);
        if (!is_worthwhile(data.manifest, std::ssize(is_used) - used_count)) {
            return;
        }
        std::vector<std::uint32_t> used;
        used.reserve(static_cast<std::size_t>(used_count));
        std::vector<std::uint32_t> new_index(is_used.size());
        for (std::size_t j = 0; j < is_used.size(); ++j) {
            new_index[j] = static_cast<std::uint32_t>(used.size());
            if (is_used[j]) {
                used.push_back(static_cast<std::uint32_t>(j));
            }
        }
        if (data.shard.sparse_stream != nullptr) {
            data::renumber_streamed(data.shard, std::move(new_index));
        } else {
            data.shard.sparse.indices = renumbered(data, new_index);
        }
        data.shard.features = used_count;
        keep(used, data.bounds.sum_exponents);
        keep(used, data.bounds.value_exponents);
        data.sparse->scale = model::ScatterScale(data.bounds.sum_exponents, data.manifest.rows);
        data.sparse->kept_features = std::move(used);
    });
}

Vector of_kept_features(const DataSet& data, const Vector& of_all) {
    if (!data.sparse || data.sparse->kept_features.empty()) {
        return of_all;
    }
    Vector of_kept(data.shard.features);
    for (Index k = 0; k < of_kept.size(); ++k) {
        of_kept[k] = of_all[number_in_files(data, k)];
    }
    return of_kept;
}

Vector of_all_features(const DataSet& data, const Vector& of_kept) {
    if (!data.sparse || data.sparse->kept_features.empty()) {
        return of_kept;
    }
    Vector of_all = Vector::Zero(data.manifest.features);
    for (Index k = 0; k < of_kept.size(); ++k) {
        of_all[number_in_files(data, k)] = of_kept[k];
    }
    return of_all;
}

Index number_in_files(const DataSet& data, Index feature) {
    return data.sparse && !data.sparse->kept_features.empty()
               ? Index{data.sparse->kept_features[static_cast<std::size_t>(feature)]}
               : feature;
}

std::string name_of(const DataSet& data, Index feature) {
    return data.manifest.name_of_feature(number_in_files(data, feature));
}

}  // namespace paralogit::train
