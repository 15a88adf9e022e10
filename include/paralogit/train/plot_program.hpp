#pragma once

#include <filesystem>
#include <string>

namespace paralogit::train {

/// The program that draws pictures, as it is found on the PATH. Throws Error (usage), which says
/// what to install, when there is none.
std::filesystem::path find_gnuplot();

/// Has gnuplot run a script that writes a picture to stdout; the picture appears under its name
/// when it is whole. No display is needed. Throws Error (cannot_write).
void draw(const std::filesystem::path& gnuplot, const std::filesystem::path& script,
          const std::filesystem::path& picture);

}  // namespace paralogit::train
