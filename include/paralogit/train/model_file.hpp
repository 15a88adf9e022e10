#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "paralogit/base/types.hpp"

namespace paralogit::train {

/// A trained model as it lies in model.h5: /coefficients [d], /intercept [1], /feature_names [d]
/// when known, and attributes of the root group: what is needed to predict and to reproduce. The
/// names format, model_sha256, has_intercept and attribute_names are the file's own.
struct Model {
    Vector coefficients;
    double intercept = 0;
    bool has_intercept = true;
    std::vector<std::string> feature_names;
    std::map<std::string, std::string> attributes;

    /// SHA-256 over the bits of coefficients and intercept.
    std::string sha256() const;
};

/// Written whole or not at all, and read back before it gets its name. Throws Error (cannot_write),
/// or Error (internal) for a model that read_model would refuse.
void write_model(const std::filesystem::path& path, const Model& model);

/// Throws Error (model_file): not a model, shapes that do not fit, numbers that are not finite,
/// bits that differ from the recorded model_sha256.
Model read_model(const std::filesystem::path& path);

/// Whether it is an HDF5 file that says that it is a model, of whatever version. Throws Error
/// (input_data) when it cannot be opened.
bool is_model_file(const std::filesystem::path& path);

}  // namespace paralogit::train
