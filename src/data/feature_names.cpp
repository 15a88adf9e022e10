#include "feature_names.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "text.hpp"
#include "usual_names.hpp"

namespace paralogit::data {

namespace {

using h5::DatasetInfo;

constexpr std::array<std::string_view, 5> names_of_feature_names{
    "feature_names", "features_names", "column_names", "columns", "names"};

}  // namespace

std::optional<DatasetInfo> find_feature_names(const Contents& contents,
                                              const std::string& features_path, Index features) {
    const auto are_names = [&](const DatasetInfo& info) {
        return info.kind == h5::ValueKind::string && info.problem.empty() &&
               vector_length(info) == features;
    };
    if (contents.is_anndata && features_path == "/X") {
        const std::string names = index_of_table(contents.file, "/var");
        if (!names.empty()) {
            const DatasetInfo info = contents.file.describe(names);
            if (are_names(info)) {
                return info;
            }
        }
    }
    // Of 10x Genomics the identifiers, for its gene names repeat; new files and old ones.
    for (const char* const name : {"/features/id", "/genes"}) {
        const DatasetInfo* const info = find_dataset(contents.listing, features_path + name);
        if (info != nullptr && are_names(*info)) {
            return *info;
        }
    }
    for (const std::string_view name : names_of_feature_names) {
        for (const DatasetInfo& info : contents.listing.datasets) {
            if (last_component(info.path) == name && are_names(info)) {
                return info;
            }
        }
    }
    return std::nullopt;
}

std::string note_of_feature_names(const Contents& contents, Index features) {
    for (const std::string_view name : names_of_feature_names) {
        for (const DatasetInfo& info : contents.listing.datasets) {
            const auto length = vector_length(info);
            // "names" alone may be those of anything.
            if (last_component(info.path) == name && name != "names" && length &&
                info.kind == h5::ValueKind::string && contents.is_searched(info.path)) {
                return fmt::format(
                    "{}:{} has {} name{}, but there are {} features: the names are not used, and "
                    "columns in another order are not noticed",
                    contents.file.path().string(), printable(info.path), *length,
                    *length == 1 ? "" : "s", features);
            }
        }
    }
    return {};
}

}  // namespace paralogit::data
