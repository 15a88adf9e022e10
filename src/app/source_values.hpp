#pragma once

#include <fmt/format.h>

#include <string>

#include "paralogit/app/console.hpp"
#include "paralogit/app/options.hpp"
#include "paralogit/data/manifest.hpp"

namespace paralogit::app {

/// The options that say what the files hold, as far as the command has them.
inline data::SourceOptions source_of(
    const Options& options, bool needs_labels,
    data::SourceOptions::Use use = data::SourceOptions::Use::training) {
    data::SourceOptions source;
    source.features_name = options.optional_text("features-name");
    source.labels_name = options.optional_text("labels-name");
    source.weights_name = options.optional_text("weights-name");
    source.positive_label = options.optional_text("positive-label");
    source.is_transposed = options.is_set("transposed");
    source.needs_labels = needs_labels;
    source.use = use;
    return source;
}

/// For the user: which datasets were taken.
inline std::string taken_text(const data::Manifest& manifest) {
    const data::FilePart& first = manifest.files.front();
    std::string text = fmt::format("rows: {}:{}", first.path, first.features_path);
    if (!first.labels_path.empty()) {
        text += ", labels " + first.labels_path;
    }
    if (!first.names_path.empty()) {
        text += ", names of features " + first.names_path;
    }
    return manifest.files.size() == 1
               ? text
               : fmt::format("{}, and {} more files", text, manifest.files.size() - 1);
}

/// Remarks on rows that a model is held against, and on their names beside those of the model.
inline void warn_of_rows(const data::Manifest& manifest, const std::string& note_of_names,
                         Console& console) {
    for (const std::string& note : manifest.notes) {
        console.warning(note);
    }
    if (!note_of_names.empty()) {
        console.warning(note_of_names);
    }
}

}  // namespace paralogit::app
