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

h5::Dataset open_values(const h5::File& file, const std::string& name, ElementType type) {
    h5::Dataset dataset = file.dataset(name);
    const h5::DatasetInfo& info = dataset.info();
    if (info.element_type != type || info.shape.size() != 1) {
        fail_at(file, fmt::format("{} is of type {} with {} dimensions; expected {} with one", name,
                                  info.type_text, info.shape.size(), name_of(type)));
    }
    return dataset;
}

template <class Value>
void read_piece(const h5::Dataset& dataset, Index from, std::span<Value> out) {
    if (!out.empty()) {
        const std::array<Index, 1> first{from};
        const std::array<Index, 1> count{std::ssize(out)};
        dataset.read(first, count, dataset.info().element_type.value(),
                     std::as_writable_bytes(out));
    }
}

template <class Value>
std::vector<Value> read_values(const h5::File& file, const std::string& name, ElementType type) {
    const h5::Dataset dataset = open_values(file, name, type);
    std::vector<Value> values(narrow<std::size_t>(dataset.info().rows()));
    read_piece(dataset, 0, std::span(values));
    return values;
}

/// In pieces, since there may be no room for such a vector a second time.
template <class Value, class IsSame>
bool is_stored(const h5::File& file, const std::string& name, ElementType type,
               std::span<const Value> values, const IsSame& is_same) {
    // A chunk of what this program writes.
    constexpr std::size_t at_once = std::size_t{1} << 17U;
    const h5::Dataset dataset = open_values(file, name, type);
    bool is_all_same = dataset.info().rows() == std::ssize(values);
    std::vector<Value> piece;
    for (std::size_t first = 0; is_all_same && first < values.size(); first += at_once) {
        const auto expected = values.subspan(first, std::min(at_once, values.size() - first));
        piece.resize(expected.size());
        read_piece(dataset, narrow<Index>(first), std::span(piece));
        is_all_same = is_same(std::span<const Value>(piece), expected);
    }
    return is_all_same;
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
    const h5::Dataset opened = open_values(file, dataset, ElementType::float64);
    Vector vector(opened.info().rows());
    read_piece(opened, 0, std::span(vector.data(), narrow<std::size_t>(vector.size())));
    return vector;
}

bool holds(const h5::File& file, const std::string& dataset, std::span<const double> values) {
    return is_stored(
        file, dataset, ElementType::float64, values,
        [](std::span<const double> a, std::span<const double> b) { return has_same_bits(a, b); });
}

bool holds(const h5::File& file, const std::string& dataset, std::span<const Index> values) {
    return is_stored(file, dataset, ElementType::int64, values,
                     [](std::span<const Index> a, std::span<const Index> b) {
                         return std::ranges::equal(a, b);
                     });
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
