#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/data/manifest.hpp"

namespace paralogit::train {

/// What a source of one number per feature may hold.
struct NumberRule {
    std::string option;  ///< that names the source, for errors
    double otherwise;    ///< of features that a text does not name
    double lowest;
    bool may_be_infinite;
};

/// Of a source that is a number for all features; empty for another.
std::optional<double> number_of(std::string_view source);

/// One number for each feature of the files: of `source`, a number for all of them; or an HDF5
/// dataset "FILE:NAME" with as many, in their order; or a text FILE with lines "NUMBER", as many,
/// or "FEATURE NUMBER", any of them, where '#' begins a comment and the name may have blanks. Read
/// by rank 0. Throws Error (usage) that says where and what was expected. @collective
Vector feature_numbers(const comm::Communicator& comm, const data::Manifest& manifest,
                       const std::string& source, const NumberRule& rule);

}  // namespace paralogit::train
