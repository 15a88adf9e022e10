#include "feature_list.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "text.hpp"

namespace paralogit::data {

std::string feature_list(const h5::File& file, const Manifest& manifest) {
    const bool is_converted = manifest.files.front().is_converted;
    std::vector<double> fillings;
    if (is_converted && file.has("fillings") &&
        file.describe("fillings").shape == std::vector<Index>{manifest.features}) {
        fillings = file.dataset("fillings").read_doubles(0, manifest.features);
    }
    std::string text = "list of features:\n";
    for (Index j = 0; j < manifest.features; ++j) {
        text += fmt::format("  {}", manifest.name_of_feature(j));
        if (!fillings.empty()) {
            text += fmt::format(", missing ones filled in by {}",
                                shortest(fillings[static_cast<std::size_t>(j)]));
        }
        text += "\n";
    }
    constexpr std::string_view folder = "/dictionaries/";
    for (const h5::DatasetInfo& dataset : file.list().datasets) {
        if (!is_converted || !dataset.path.starts_with(folder)) {
            continue;
        }
        const auto reference = file.text_attribute_of(dataset.path, "reference");
        text += fmt::format("  {}: {} texts, {}\n", dataset.path, dataset.rows(),
                            reference ? fmt::format("of which {} is the reference and no feature",
                                                    in_quotes(*reference))
                                      : std::string("each a feature"));
    }
    return text;
}

}  // namespace paralogit::data
