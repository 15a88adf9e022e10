#include "paralogit/train/model_labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/data/labels.hpp"

namespace paralogit::train {

namespace {

/// Empty when the model does not tell, or what it tells is none of ours.
std::vector<std::string> known_labels_of(const Model& model) {
    const auto written = model.attributes.find("known_labels");
    if (written == model.attributes.end()) {
        return {};
    }
    const auto labels = nlohmann::json::parse(written->second, nullptr, false);
    const bool are_texts = labels.is_array() && std::ranges::all_of(labels, [](const auto& label) {
                               return label.is_string();
                           });
    return are_texts ? labels.get<std::vector<std::string>>() : std::vector<std::string>();
}

/// Of a kind whose labels are y themselves; empty for soft ones.
std::vector<std::string> labels_of_kind(const std::string& kind) {
    if (kind == "zero_one") {
        return {"0", "1"};
    }
    return kind == "minus_plus" ? std::vector<std::string>{"-1", "1"} : std::vector<std::string>();
}

}  // namespace

void record_labels(const DataSet& training, Model& model) {
    model.attributes["labels"] = training.label_description;
    if (training.label_rule) {
        model.attributes["label_kind"] = training.label_rule->kind_name();
        model.attributes["positive_label"] = training.label_rule->positive_label();
        if (const auto known = training.label_rule->known_labels(); !known.empty()) {
            model.attributes["known_labels"] = nlohmann::json(known).dump();
        }
    }
}

data::SourceOptions with_labels_of(const Model& model, const std::string& model_path,
                                   data::SourceOptions source) {
    const auto kind = model.attributes.find("label_kind");
    const auto positive = model.attributes.find("positive_label");
    if (kind == model.attributes.end() || positive == model.attributes.end()) {
        return source;  // of a version that did not write them
    }
    if (source.positive_label &&
        !data::is_same_positive_label(kind->second, positive->second, known_labels_of(model),
                                      *source.positive_label)) {
        const auto labels = model.attributes.find("labels");
        throw Error(
            ExitCode::usage,
            fmt::format("--positive-label {}: for {} the label {} is the positive one (it was "
                        "trained on labels {}); leave the option out",
                        *source.positive_label, model_path, positive->second,
                        labels == model.attributes.end() ? "of that kind" : labels->second));
    }
    if (kind->second == data::LabelRule::one_against_rest) {
        source.positive_label = positive->second;
        source.known_labels = {.model = model_path, .labels = known_labels_of(model)};
    } else {
        source.known_labels = {
            .model = model_path, .labels = labels_of_kind(kind->second), .are_targets = true};
    }
    return source;
}

}  // namespace paralogit::train
