#pragma once

#include <span>
#include <string>
#include <vector>

#include "paralogit/base/types.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::train {

// Reading back what h5::Writer wrote: exactly the type and rank that was written, or Error
// (model_file) that names file and dataset.

std::vector<double> read_doubles(const h5::File& file, const std::string& dataset);
Vector read_vector(const h5::File& file, const std::string& dataset);
/// Whether a dataset has just these values, to the bit, without a copy of all of them.
bool holds(const h5::File& file, const std::string& dataset, std::span<const double> values);
bool holds(const h5::File& file, const std::string& dataset, std::span<const Index> values);
std::vector<Index> read_integers(const h5::File& file, const std::string& dataset);
std::vector<std::string> read_strings(const h5::File& file, const std::string& dataset);

std::string required_text(const h5::File& file, const std::string& attribute);
Index required_integer(const h5::File& file, const std::string& attribute);
double required_number(const h5::File& file, const std::string& attribute);

/// Throws Error (model_file): "<file>: <text>".
[[noreturn]] void fail_at(const h5::File& file, const std::string& text);

std::span<const double> span_of(const Vector& vector);
std::span<const double> span_of(const Matrix& matrix);

/// Whether two numbers have the same bits: tells -0.0 from 0.0, and a NaN is like itself.
bool has_same_bits(double a, double b);
bool has_same_bits(std::span<const double> a, std::span<const double> b);

}  // namespace paralogit::train
