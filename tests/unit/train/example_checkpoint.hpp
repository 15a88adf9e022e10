#pragma once

#include <string>

#include "paralogit/train/checkpoint.hpp"

namespace paralogit::test {

/// Two features and an intercept; every kind of number and text that may occur.
train::Checkpoint example_checkpoint(Index iteration = 7);

/// All numbers, shapes and texts of a checkpoint as one string of bytes: equal strings, equal
/// checkpoints, bit for bit.
std::string image_of(const train::Checkpoint& checkpoint);

}  // namespace paralogit::test
