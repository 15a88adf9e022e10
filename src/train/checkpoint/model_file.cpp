#include "paralogit/train/model_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <string_view>

#include "paralogit/base/digest.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/base/output_file.hpp"
#include "paralogit/data/data_file.hpp"
#include "paralogit/h5/file.hpp"
#include "paralogit/h5/writer.hpp"
#include "stored_arrays.hpp"

namespace paralogit::train {

namespace {

constexpr std::string_view format_and_schema = "paralogit model 1";
constexpr std::array<std::string_view, 4> own_attributes{"format", "model_sha256", "has_intercept",
                                                         "attribute_names"};

/// What is wrong with a model; empty when nothing is.
std::string fault_of(const Model& model) {
    if (model.coefficients.size() == 0) {
        return "there are no coefficients";
    }
    for (Index j = 0; j < model.coefficients.size(); ++j) {
        if (!std::isfinite(model.coefficients[j])) {
            return fmt::format("coefficient {} is not finite", j);
        }
    }
    if (!std::isfinite(model.intercept)) {
        return "the intercept is not finite";
    }
    if (!model.feature_names.empty() &&
        std::ssize(model.feature_names) != model.coefficients.size()) {
        return fmt::format("{} feature names, but {} coefficients", model.feature_names.size(),
                           model.coefficients.size());
    }
    return "";
}

void check_attribute_name(const std::string& name) {
    const bool is_own =
        std::find(own_attributes.begin(), own_attributes.end(), name) != own_attributes.end();
    if (is_own || name.empty() || name.find('\n') != std::string::npos) {
        throw Error(ExitCode::internal,
                    fmt::format("internal error: '{}' cannot be an attribute of a model", name));
    }
}

void write_content(const std::filesystem::path& path, const std::filesystem::path& target,
                   const Model& model) {
    h5::Writer writer(path, target);
    writer.dataset("/coefficients", span_of(model.coefficients));
    writer.dataset("/intercept", std::span(&model.intercept, 1));
    if (!model.feature_names.empty()) {
        writer.dataset("/feature_names", model.feature_names);
    }
    writer.attribute("format", std::string(format_and_schema));
    writer.attribute("model_sha256", model.sha256());
    writer.attribute("has_intercept", Index{model.has_intercept ? 1 : 0});
    std::string names;
    for (const auto& [name, value] : model.attributes) {
        check_attribute_name(name);
        writer.attribute(name, value);
        names += name + "\n";
    }
    writer.attribute("attribute_names", names);
    writer.close();
}

/// Which attributes are the model's, one name a line: what others add to the file is none of them.
std::map<std::string, std::string> read_attributes(const h5::File& file) {
    std::map<std::string, std::string> attributes;
    std::istringstream names(required_text(file, "attribute_names"));
    for (std::string name; std::getline(names, name);) {
        attributes[name] = required_text(file, name);
    }
    return attributes;
}

bool are_same(const Model& a, const Model& b) {
    return has_same_bits(span_of(a.coefficients), span_of(b.coefficients)) &&
           has_same_bits(a.intercept, b.intercept) && a.has_intercept == b.has_intercept &&
           a.feature_names == b.feature_names && a.attributes == b.attributes;
}

/// The file system, the disk or the HDF5 library may have lost what they said to have written.
void check_written(const std::filesystem::path& file, const Model& model,
                   const std::filesystem::path& target) {
    bool is_same = false;
    std::string cause = "other bits than were written";
    try {
        is_same = are_same(read_model(file), model);
    } catch (const Error& error) {
        cause = error.what();
    }
    if (!is_same) {
        throw Error(ExitCode::cannot_write,
                    fmt::format("{}: the model reads back wrong ({}); check the disk, or write to "
                                "another one",
                                target.string(), cause));
    }
}

}  // namespace

std::string Model::sha256() const {
    Sha256 digest;
    digest.add(span_of(coefficients));
    digest.add(std::span<const double>(&intercept, 1));
    return digest.hex();
}

void write_model(const std::filesystem::path& path, const Model& model) {
    const std::string fault = fault_of(model);
    if (!fault.empty()) {
        throw Error(ExitCode::internal,
                    fmt::format("internal error: a model that could not be read: {}", fault));
    }
    OutputFile file(path);
    write_content(file.temporary_path(), path, model);
    check_written(file.temporary_path(), model, path);
    file.commit();
}

bool is_model_file(const std::filesystem::path& path) {
    const h5::File file = data::open_data_file(path.string());
    return file.text_attribute("format").value_or("").starts_with("paralogit model");
}

Model read_model(const std::filesystem::path& path) {
    const h5::File file = h5::File::open(path, ExitCode::model_file);
    const auto format = file.text_attribute("format");
    if (!format) {
        fail_at(file, fmt::format("is no model: the attribute 'format' is missing; a model that "
                                  "this program wrote has '{}' there",
                                  format_and_schema));
    }
    if (*format != format_and_schema) {
        fail_at(file, fmt::format("is of the format '{}'; this version reads '{}'", *format,
                                  format_and_schema));
    }
    Model model;
    model.coefficients = read_vector(file, "/coefficients");
    const std::vector<double> intercept = read_doubles(file, "/intercept");
    if (intercept.size() != 1) {
        fail_at(file, fmt::format("/intercept has {} entries; expected 1", intercept.size()));
    }
    model.intercept = intercept.front();
    model.has_intercept = required_integer(file, "has_intercept") != 0;
    if (file.has("/feature_names")) {
        model.feature_names = read_strings(file, "/feature_names");
    }
    model.attributes = read_attributes(file);

    const std::string fault = fault_of(model);
    if (!fault.empty()) {
        fail_at(file, fault);
    }
    const std::string recorded = required_text(file, "model_sha256");
    if (recorded != model.sha256()) {
        fail_at(file, fmt::format("is damaged: the SHA-256 of its numbers is {}, but it was "
                                  "written with {}",
                                  model.sha256(), recorded));
    }
    return model;
}

}  // namespace paralogit::train
