#pragma once

#include "paralogit/app/options.hpp"
#include "paralogit/data/manifest.hpp"

namespace paralogit::app {

/// The options that say what the files hold, as far as the command has them.
inline data::SourceOptions source_of(const Options& options, bool needs_labels) {
    data::SourceOptions source;
    source.features_name = options.optional_text("features-name");
    source.labels_name = options.optional_text("labels-name");
    source.weights_name = options.optional_text("weights-name");
    source.positive_label = options.optional_text("positive-label");
    source.is_transposed = options.is_set("transposed");
    source.needs_labels = needs_labels;
    return source;
}

}  // namespace paralogit::app
