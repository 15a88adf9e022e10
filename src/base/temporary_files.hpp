#pragma once

#include <filesystem>

namespace paralogit {

/// The temporary files that a signal shall remove (remove_temporaries_on_signals); a path that is
/// too long, or one too many, is left out.
void note_temporary(const std::filesystem::path& path);
void forget_temporary(const std::filesystem::path& path);

}  // namespace paralogit
