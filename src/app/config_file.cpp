#include "config_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>

#include "suggestions.hpp"

namespace paralogit::app {

namespace {

std::string trimmed(const std::string& text) {
    constexpr std::string_view blanks = " \t\r";
    const std::size_t first = text.find_first_not_of(blanks);
    return first == std::string::npos
               ? ""
               : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string flag_value(const std::string& value, const std::string& place) {
    constexpr std::string_view yes[] = {"", "true", "yes", "on", "1"};
    constexpr std::string_view no[] = {"false", "no", "off", "0"};
    if (std::ranges::find(yes, value) != std::end(yes)) {
        return "true";
    }
    if (std::ranges::find(no, value) == std::end(no)) {
        throw Error(ExitCode::usage, place + " takes true or false");
    }
    return "false";
}

}  // namespace

std::vector<ConfigLine> parse_config(const CommandSpec& command, const std::string& path,
                                     const std::string& content) {
    const bool is_text = std::ranges::none_of(
        content, [](unsigned char c) { return c < ' ' && c != '\t' && c != '\n' && c != '\r'; });
    if (!is_text) {
        throw Error(ExitCode::usage,
                    path + ": is no config file, which is a text of lines 'name = value'");
    }
    std::vector<ConfigLine> lines;
    std::map<std::string_view, Index> first_lines;
    std::istringstream stream(content);
    Index number = 0;
    for (std::string line; std::getline(stream, line);) {
        ++number;
        line = trimmed(line.substr(0, line.find('#')));
        if (line.empty()) {
            continue;
        }
        const std::size_t equals = line.find('=');
        const std::string name = trimmed(line.substr(0, equals));
        if (equals == std::string::npos || name.empty()) {
            throw Error(ExitCode::usage,
                        fmt::format("{}:{}: the line '{}' is not of the form 'name = value'", path,
                                    number, line));
        }
        const std::string place = fmt::format("{}:{}: '{}'", path, number, name);
        if (name == "config") {
            throw Error(ExitCode::usage,
                        place + " cannot stand in a config file; put all options into one file");
        }
        const auto option = std::ranges::find(command.options, name, &OptionSpec::name);
        if (option == command.options.end()) {
            throw Error(ExitCode::usage,
                        fmt::format("{} is not an option of 'paralogit {}'{}", place, command.name,
                                    suggested_option(command, name, "")));
        }
        const bool is_list = option->kind == OptionSpec::Kind::list ||
                             option->kind == OptionSpec::Kind::positional_list;
        const auto [first, is_new] = first_lines.try_emplace(option->name, number);
        if (!is_new && !is_list) {
            throw Error(ExitCode::usage, fmt::format("{} is given more than once, first in line {}",
                                                     place, first->second));
        }
        const std::string value = trimmed(line.substr(equals + 1));
        lines.push_back(
            {.number = number,
             .option = &*option,
             .value = option->kind == OptionSpec::Kind::flag ? flag_value(value, place) : value});
    }
    return lines;
}

}  // namespace paralogit::app
