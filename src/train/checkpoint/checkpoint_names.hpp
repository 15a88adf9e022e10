#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "paralogit/base/types.hpp"

namespace paralogit::train {

/// What the name of a checkpoint says: "iteration-000000000120-0123456789abcdef.h5".
struct CheckpointName {
    Index iteration;
    std::string digest;  ///< the first 16 digits of the SHA-256 of the file
};

std::string checkpoint_file_name(const CheckpointName& name);

/// Nothing when the file is not named like a checkpoint.
std::optional<CheckpointName> parse_checkpoint_name(std::string_view file_name);

/// The name under which OutputFile is asked to make a checkpoint before its digest is known.
std::string unfinished_checkpoint_name(Index iteration);

/// Whether OutputFile made this name, for a target whose name starts with `target`, and a killed
/// run left it.
bool is_leftover_of(std::string_view target, std::string_view file_name);

/// The same for the target of any checkpoint.
bool is_leftover_of_checkpoint(std::string_view file_name);

}  // namespace paralogit::train
