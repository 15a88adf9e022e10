#include "config_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

#include "paralogit/base/output_file.hpp"
#include "paralogit/comm/signals.hpp"
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

/// Lists of columns and texts have double quotes of their own.
bool has_own_double_quotes(const OptionSpec& option) {
    constexpr std::string_view names[] = {"drop", "text", "reference", "missing-markers"};
    return std::ranges::find(names, option.name) != std::end(names);
}

/// What stands in quotes around a whole value, a comment behind it aside; else nothing.
std::optional<std::string> quoted_value(const OptionSpec& option, const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t");
    const char quote = first == std::string::npos ? '\0' : text[first];
    if (quote != '\'' && (quote != '"' || has_own_double_quotes(option))) {
        return std::nullopt;
    }
    const std::size_t end = text.find(quote, first + 1);
    if (end == std::string::npos) {
        return std::nullopt;
    }
    const std::string rest = trimmed(text.substr(end + 1));
    return rest.empty() || rest.starts_with('#')
               ? std::optional(text.substr(first + 1, end - first - 1))
               : std::nullopt;
}

/// The value of a line, from what stands behind its '='.
std::string value_of(const OptionSpec& option, const std::string& text) {
    const auto quoted = quoted_value(option, text);
    return quoted ? *quoted : trimmed(text.substr(0, text.find('#')));
}

/// A file that is closed at the end of its scope.
class Descriptor {
  public:
    explicit Descriptor(const std::string& path)
        : number_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {}
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int number() const { return number_; }

  private:
    int number_;
};

[[noreturn]] void fail_to_read(const std::string& path, int cause) {
    throw Error(ExitCode::usage,
                fmt::format("{}: cannot read: {}", path,
                            std::error_code(cause, std::generic_category()).message()));
}

/// Waits until a pipe has bytes or its writer is done.
void wait_for_bytes(int descriptor) {
    constexpr int milliseconds = 50;
    pollfd pipe{.fd = descriptor, .events = POLLIN, .revents = 0};
    while (::poll(&pipe, 1, milliseconds) <= 0) {
        if (comm::StopSignals::is_noted()) {
            comm::StopSignals::let_it_act();
        }
    }
}

}  // namespace

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

std::string read_config(const std::string& path) {
    std::error_code ignored;  // what is not there says so when it is read
    if (!std::filesystem::is_fifo(path, ignored)) {
        return read_whole_file(path, ExitCode::usage);
    }
    const Descriptor pipe(path);
    if (pipe.number() < 0) {
        fail_to_read(path, errno);
    }
    std::string content;
    std::array<char, 4096> bytes{};
    while (true) {
        wait_for_bytes(pipe.number());
        const ssize_t got = ::read(pipe.number(), bytes.data(), bytes.size());
        if (got == 0) {
            return content;
        }
        if (got > 0) {
            content.append(bytes.data(), static_cast<std::size_t>(got));
        } else if (errno != EAGAIN && errno != EINTR) {
            fail_to_read(path, errno);
        }
    }
}

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
    // Some editors of Windows begin a text with the mark of its encoding.
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    std::istringstream stream(
        content.substr(content.starts_with(byte_order_mark) ? byte_order_mark.size() : 0));
    Index number = 0;
    for (std::string line; std::getline(stream, line);) {
        ++number;
        const std::string whole = line;
        line = trimmed(line.substr(0, line.find('#')));
        if (line.empty()) {
            continue;
        }
        const std::size_t equals = line.find('=');
        std::string name = trimmed(line.substr(0, equals));
        // As it stands on the command line.
        if (name.starts_with("--")) {
            name.erase(0, 2);
        }
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
        const std::string value = value_of(*option, whole.substr(whole.find('=') + 1));
        lines.push_back(
            {.number = number,
             .option = &*option,
             .value = option->kind == OptionSpec::Kind::flag ? flag_value(value, place) : value});
    }
    return lines;
}

std::optional<std::string> config_text(const OptionSpec& option, const std::string& value) {
    const bool is_line =
        std::ranges::none_of(value, [](unsigned char c) { return c < ' ' && c != '\t'; });
    const std::string_view quotes[] = {"", "'", "\""};
    for (const std::string_view quote : quotes) {
        const std::string text = fmt::format("{0}{1}{0}", quote, value);
        if (is_line && !text.empty() && value_of(option, text) == value) {
            return text;
        }
    }
    return std::nullopt;
}

}  // namespace paralogit::app
