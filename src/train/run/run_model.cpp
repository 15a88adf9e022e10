#include "run_model.hpp"

#include <fmt/format.h>

#include "../load/used_features.hpp"
#include "paralogit/train/model_features.hpp"
#include "paralogit/train/model_labels.hpp"

namespace paralogit::train {

Model model_of_run(const RunDescription& run, const Vector& parameters, optim::StopReason reason) {
    const Index features = run.data.shard.features;
    Model model;
    model.coefficients = of_all_features(run.data, parameters.head(features));
    model.has_intercept = run.has_intercept;
    model.intercept = run.has_intercept ? parameters[features] : 0.0;
    model.feature_names = run.data.manifest.feature_names;
    model.attributes = run.checkpoint.path_options;
    record_labels(run.data, model);
    record_features(run.data.manifest, model);
    if (const data::FilePart* const file = run.data.manifest.file_with_index_base()) {
        model.attributes["index_base"] = fmt::format("{}", *file->index_base);
    }
    model.attributes["class_weights"] =
        fmt::format("{},{}", run.data.class_weights.negative, run.data.class_weights.positive);
    model.attributes["stop_reason"] = std::string(optim::name_of(reason));
    model.attributes["data_fingerprint"] = run.checkpoint.data_fingerprint;
    model.attributes["version"] = run.checkpoint.version;
    return model;
}

}  // namespace paralogit::train
