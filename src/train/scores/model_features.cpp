#include "paralogit/train/model_features.hpp"

#include <algorithm>

namespace paralogit::train {

namespace {

constexpr const char* path_attribute = "features_path";
constexpr const char* storage_attribute = "features_stored_as";
constexpr const char* by_row = "rows x features";
constexpr const char* by_column = "features x rows";

std::string attribute_of(const Model& model, const char* name) {
    const auto found = model.attributes.find(name);
    return found == model.attributes.end() ? "" : found->second;
}

}  // namespace

void record_features(const data::Manifest& training, Model& model) {
    model.attributes[storage_attribute] = training.is_transposed ? by_column : by_row;
    const std::string* path = nullptr;
    for (const data::FilePart& part : training.files) {
        if (part.rows > 0 && path != nullptr && part.features_path != *path) {
            return;
        }
        path = part.rows > 0 ? &part.features_path : path;
    }
    if (path != nullptr) {
        model.attributes[path_attribute] = *path;
    }
}

bool was_transposed(const Model& model) {
    return attribute_of(model, storage_attribute) == by_column;
}

data::SourceOptions with_features_of(const Model& model, const std::string& model_path,
                                     data::SourceOptions source) {
    if (!attribute_of(model, storage_attribute).empty()) {
        source.known_features = {.model = model_path,
                                 .path = attribute_of(model, path_attribute),
                                 .is_transposed = was_transposed(model)};
    }
    return source;
}

}  // namespace paralogit::train
