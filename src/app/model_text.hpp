#pragma once

#include <string>

#include "paralogit/train/model_file.hpp"

namespace paralogit::app {

/// For people: the parameters of a model by name, and what it was trained on and by. A long list of
/// coefficients is cut unless all are wanted.
std::string model_text(const std::string& path, const train::Model& model, bool lists_all);

}  // namespace paralogit::app
