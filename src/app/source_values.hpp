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

/// For the user: in how many files datasets of other names than in the first one were taken, and
/// in which file first; empty when in none.
inline std::string other_datasets_text(const data::Manifest& manifest) {
    const data::FilePart& first = manifest.files.front();
    const data::FilePart* differing = nullptr;
    std::size_t count = 0;
    for (const data::FilePart& part : manifest.files) {
        if (part.rows > 0 &&
            (part.features_path != first.features_path || part.labels_path != first.labels_path)) {
            differing = differing == nullptr ? &part : differing;
            ++count;
        }
    }
    if (differing == nullptr) {
        return "";
    }
    const std::string& labels = differing->labels_path;
    return fmt::format("{} of {} files gave others, {} {}{}", count, manifest.files.size(),
                       differing->path, differing->features_path,
                       labels.empty() ? "" : ", labels " + labels);
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
    if (manifest.files.size() > 1) {
        text += fmt::format(", and {} more files", manifest.files.size() - 1);
    }
    const std::string others = other_datasets_text(manifest);
    return others.empty() ? text : text + "; " + others;
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
