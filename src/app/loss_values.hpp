#pragma once

#include <map>
#include <string>

#include "paralogit/app/options.hpp"
#include "paralogit/model/loss.hpp"

namespace paralogit::app {

/// What the options say of the loss. Throws Error (usage).
model::Loss read_loss(const Options& options);

/// "BCE", or "focal loss (gamma 2, alpha 0.25)".
std::string loss_text(const model::Loss& loss);

/// What a run that is resumed has to have the same, by option.
std::map<std::string, std::string> path_options_of(const model::Loss& loss);

}  // namespace paralogit::app
