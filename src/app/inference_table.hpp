#pragma once

#include <filesystem>
#include <string>

#include "paralogit/app/console.hpp"
#include "paralogit/train/inference_report.hpp"

namespace paralogit::app {

/// The statistics of a model as R's summary(glm) prints them, for the first some parameters; those
/// of all are in the files of the run directory, which it names.
std::string inference_table(const train::InferenceReport& report, const std::filesystem::path& out);

/// What keeps the statistics from meaning what they seem to.
void warn_of_inference(const train::InferenceReport& report, Console& console);

}  // namespace paralogit::app
