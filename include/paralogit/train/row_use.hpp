#pragma once

#include <optional>

#include "paralogit/data/hold_out.hpp"

namespace paralogit::train {

/// What the row weights of each class are multiplied by.
struct ClassWeights {
    double negative = 1;
    double positive = 1;
};

/// How the rows of a data set are used in training, beside what its files say.
struct RowUse {
    std::optional<data::HoldOut> hold_out = std::nullopt;
    std::optional<ClassWeights> class_weights = std::nullopt;
    /// In place of given ones S / (2 S_class), from the sums of row weights of all training rows
    /// and of those of the class: both classes then weigh the same, and the sum of weights stays.
    /// (scikit-learn's "balanced", which counts row weights since its version 1.7.)
    bool balances_classes = false;

    bool changes_weights() const {
        return hold_out.has_value() || class_weights.has_value() || balances_classes;
    }
};

}  // namespace paralogit::train
