#include "stored_arrays.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include "paralogit/base/checked.hpp"

namespace paralogit::train {

namespace {

template <class Value>
std::vector<Value> read_values(const h5::File& file, const std::string& name, ElementType type) {
    const h5::Dataset dataset = file.dataset(name);
    const h5::DatasetInfo& info = dataset.info();
    if (info.element_type != type || info.shape.size() != 1) {
        fail_at(file, fmt::format("{} is of type {} with {} dimensions; expected {} with one", name,
                                  info.type_text, info.shape.size(), name_of(type)));
    }
    std::vector<Value> values(narrow<std::size_t>(info.rows()));
    if (!values.empty()) {
        const std::array<Index, 1> first{0};
        const std::array<Index, 1> count{info.rows()};
        dataset.read(first, count, type, std::as_writable_bytes(std::span(values)));
    }
    return values;
}

template <class Value>
Value required(const h5::File& file, const std::string& attribute,
               const std::optional<Value>& value) {
    if (!value) {
        fail_at(file, fmt::format("the attribute '{}' is missing", attribute));
    }
    return *value;
}

}  // namespace

std::vector<double> read_doubles(const h5::File& file, const std::string& dataset) {
    return read_values<double>(file, dataset, ElementType::float64);
}

Vector read_vector(const h5::File& file, const std::string& dataset) {
    const std::vector<double> values = read_doubles(file, dataset);
    return Eigen::Map<const Vector>(values.data(), std::ssize(values));
}

std::vector<Index> read_integers(const h5::File& file, const std::string& dataset) {
    return read_values<Index>(file, dataset, ElementType::int64);
}

std::vector<std::string> read_strings(const h5::File& file, const std::string& dataset) {
    const h5::Dataset opened = file.dataset(dataset);
    const h5::DatasetInfo& info = opened.info();
    if (info.kind != h5::ValueKind::string || info.shape.size() != 1) {
        fail_at(file, fmt::format("{} is of type {} with {} dimensions; expected strings with one",
                                  dataset, info.type_text, info.shape.size()));
    }
    return info.rows() == 0 ? std::vector<std::string>() : opened.read_strings(0, info.rows());
}

std::string required_text(const h5::File& file, const std::string& attribute) {
    return required(file, attribute, file.text_attribute(attribute));
}

Index required_integer(const h5::File& file, const std::string& attribute) {
    return required(file, attribute, file.integer_attribute(attribute));
}

double required_number(const h5::File& file, const std::string& attribute) {
    return required(file, attribute, file.number_attribute(attribute));
}

void fail_at(const h5::File& file, const std::string& text) {
    throw Error(ExitCode::model_file, fmt::format("{}: {}", file.path().string(), text));
}

std::span<const double> span_of(const Vector& vector) {
    return {vector.data(), narrow<std::size_t>(vector.size())};
}

std::span<const double> span_of(const Matrix& matrix) {
    return {matrix.data(), narrow<std::size_t>(matrix.size())};
}

bool has_same_bits(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool has_same_bits(std::span<const double> a, std::span<const double> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](double left, double right) { return has_same_bits(left, right); });
}

}  // namespace paralogit::train
