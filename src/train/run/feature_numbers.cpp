#include "feature_numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <span>
#include <sstream>
#include <vector>

#include "paralogit/base/checked.hpp"
#include "paralogit/base/output_file.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::train {

namespace {

[[noreturn]] void fail(const NumberRule& rule, const std::string& where, const std::string& text) {
    throw Error(ExitCode::usage,
                fmt::format("--{}{}{}: {}", rule.option, where.empty() ? "" : " ", where, text));
}

double checked(double number, const NumberRule& rule, const std::string& where) {
    if (std::isnan(number) || number < rule.lowest ||
        (std::isinf(number) && !rule.may_be_infinite)) {
        fail(
            rule, where,
            fmt::format("expected a {}number{}, found {}", rule.may_be_infinite ? "" : "finite ",
                        std::isinf(rule.lowest) ? "" : fmt::format(" >= {}", rule.lowest), number));
    }
    return number;
}

std::vector<double> numbers_of_dataset(const std::string& file, const std::string& dataset,
                                       Index features, const NumberRule& rule) {
    const h5::File opened = h5::File::open(file, ExitCode::usage);
    const h5::Dataset numbers = opened.dataset(dataset);
    Index count = 1;
    for (const Index extent : numbers.info().shape) {
        count = checked_multiply(count, extent, "the numbers of --" + rule.option, ExitCode::usage);
    }
    if (count != features) {
        fail(rule, file + ":" + dataset,
             fmt::format("{} numbers, but the data has {} features; expected one for each", count,
                         features));
    }
    return numbers.read_doubles(0, features);
}

/// A line without its comment and without blanks at its ends, but for its last word, and that.
struct Line {
    std::string name;
    std::string number;
};

Line parts_of(std::string_view line) {
    constexpr std::string_view blanks = " \t\r\v\f";
    const auto without_end = [&](std::string_view text) {
        return text.substr(0, text.find_last_not_of(blanks) + 1);
    };
    line = without_end(line.substr(0, line.find('#')));
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    const std::size_t begin = line.find_last_of(blanks) + 1;
    return {.name = std::string(without_end(line.substr(0, begin))),
            .number = std::string(line.substr(begin))};
}

std::vector<double> numbers_of_text(const std::string& file, const data::Manifest& manifest,
                                    const NumberRule& rule) {
    std::istringstream text(read_whole_file(file, ExitCode::usage));
    const std::vector<std::string>& names = manifest.feature_names;
    std::vector<double> by_name(static_cast<std::size_t>(manifest.features), rule.otherwise);
    std::vector<double> by_place;
    std::vector<Index> line_of(by_name.size(), 0);  ///< that names a feature; 0 for none
    bool has_names = false;
    Index line_number = 0;
    for (std::string line; std::getline(text, line);) {
        const std::string where = fmt::format("{} line {}", file, ++line_number);
        const Line parts = parts_of(line);
        if (parts.number.empty()) {
            continue;
        }
        const auto number = number_of(parts.number);
        if (!number) {
            fail(rule, where, "expected a number, or the name of a feature and a number");
        }
        checked(*number, rule, where);
        if (parts.name.empty()) {
            by_place.push_back(*number);
            continue;
        }
        has_names = true;
        const auto name = std::ranges::find(names, parts.name);
        if (name == names.end()) {
            fail(rule, where,
                 names.empty() ? "the data has no names of features; give one number a line, in "
                                 "the order of the features"
                               : fmt::format("the data has no feature '{}'", parts.name));
        }
        if (const auto other = std::find(name + 1, names.end(), parts.name); other != names.end()) {
            fail(rule, where,
                 fmt::format("two features are called '{}', columns {} and {}; give one number a "
                             "line, in the order of the features",
                             parts.name, name - names.begin(), other - names.begin()));
        }
        const auto feature = static_cast<std::size_t>(name - names.begin());
        if (line_of[feature] > 0) {
            fail(rule, where,
                 fmt::format("'{}' has a number in line {} already; expected one for each feature",
                             parts.name, line_of[feature]));
        }
        line_of[feature] = line_number;
        by_name[feature] = *number;
    }
    if (has_names && !by_place.empty()) {
        fail(rule, file, "some lines name a feature and some do not; expected one or the other");
    }
    if (has_names) {
        return by_name;
    }
    if (std::ssize(by_place) != manifest.features) {
        fail(rule, file,
             fmt::format("{} numbers, but the data has {} features; expected one for each, or "
                         "lines with a name and a number",
                         by_place.size(), manifest.features));
    }
    return by_place;
}

bool is_file(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored);
}

std::vector<double> numbers_of(const std::string& source, const data::Manifest& manifest,
                               const NumberRule& rule) {
    if (const auto number = number_of(source)) {
        return std::vector<double>(static_cast<std::size_t>(manifest.features),
                                   checked(*number, rule, ""));
    }
    if (is_file(source)) {
        return numbers_of_text(source, manifest, rule);
    }
    const std::size_t colon = source.rfind(':');
    if (colon == std::string::npos || !is_file(source.substr(0, colon))) {
        fail(rule, source,
             "expected a number, a text file, or FILE:NAME of a dataset in an HDF5 file; there is "
             "no such file");
    }
    return numbers_of_dataset(source.substr(0, colon), source.substr(colon + 1), manifest.features,
                              rule);
}

}  // namespace

std::optional<double> number_of(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    double number = 0;
    const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    return status == std::errc() && rest == text.data() + text.size() ? std::optional(number)
                                                                      : std::nullopt;
}

Vector feature_numbers(const comm::Communicator& comm, const data::Manifest& manifest,
                       const std::string& source, const NumberRule& rule) {
    Vector numbers(manifest.features);
    comm::on_root(comm, [&] {
        const std::vector<double> read = numbers_of(source, manifest, rule);
        for (std::size_t j = 0; j < read.size(); ++j) {
            numbers[static_cast<Index>(j)] = checked(
                read[j], rule,
                fmt::format("{}, {}", source, manifest.name_of_feature(static_cast<Index>(j))));
        }
    });
    comm.broadcast(std::span<double>(numbers.data(), static_cast<std::size_t>(numbers.size())));
    return numbers;
}

}  // namespace paralogit::train
