#include "paralogit/app/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <filesystem>
#include <system_error>

#include "config_file.hpp"
#include "paralogit/comm/agreement.hpp"
#include "same_everywhere.hpp"
#include "suggestions.hpp"

namespace paralogit::app {

namespace {

namespace po = boost::program_options;

[[noreturn]] void usage_error(const std::string& text) {
    throw Error(ExitCode::usage, text);
}

po::options_description describe(const CommandSpec& command) {
    po::options_description description;
    for (const OptionSpec& option : command.options) {
        const std::string name(option.name);
        switch (option.kind) {
            case OptionSpec::Kind::flag:
                description.add_options()(name.c_str(), po::bool_switch());
                break;
            case OptionSpec::Kind::list:
                description.add_options()(name.c_str(),
                                          po::value<std::vector<std::string>>()->multitoken());
                break;
            case OptionSpec::Kind::positional_list:
                description.add_options()(name.c_str(), po::value<std::vector<std::string>>());
                break;
            default:
                description.add_options()(name.c_str(), po::value<std::string>());
        }
    }
    return description;
}

po::positional_options_description positionals(const CommandSpec& command) {
    po::positional_options_description description;
    for (const OptionSpec& option : command.options) {
        if (option.kind == OptionSpec::Kind::positional) {
            description.add(std::string(option.name).c_str(), 1);
        } else if (option.kind == OptionSpec::Kind::positional_list) {
            description.add(std::string(option.name).c_str(), -1);
        }
    }
    return description;
}

std::string without_dashes(const std::string& name) {
    return name.substr(std::min(name.find_first_not_of('-'), name.size()));
}

/// Boost's exceptions in our words.
[[noreturn]] void rethrow(const CommandSpec& command) {
    try {
        throw;
    } catch (const po::unknown_option& error) {
        const std::string name = without_dashes(error.get_option_name());
        usage_error(fmt::format("'--{}' is not an option of 'paralogit {}'{}", name, command.name,
                                suggested_option(command, name, "--")));
    } catch (const po::multiple_occurrences& error) {
        usage_error(
            fmt::format("'--{}' is given more than once", without_dashes(error.get_option_name())));
    } catch (const po::too_many_positional_options_error&) {
        usage_error(fmt::format("too many arguments; usage: {}", command.usage));
    } catch (const po::invalid_command_line_syntax& error) {
        usage_error(fmt::format("'--{}' {}", without_dashes(error.get_option_name()),
                                error.kind() == po::invalid_syntax::extra_parameter
                                    ? "takes no value"
                                    : "needs a value"));
    } catch (const po::error& error) {
        usage_error(error.what());
    }
}

/// An option would take the next one as its value.
void require_values(const CommandSpec& command, std::span<const std::string> arguments) {
    constexpr std::string_view dashes = "--";
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
        if (arguments[i] == dashes) {
            return;  // behind it are no options
        }
        const auto option = std::ranges::find_if(command.options, [&](const OptionSpec& known) {
            return arguments[i].starts_with(dashes) &&
                   arguments[i].substr(dashes.size()) == known.name;
        });
        const bool has_value =
            option != command.options.end() &&
            (option->kind == OptionSpec::Kind::value || option->kind == OptionSpec::Kind::list);
        if (has_value && arguments[i + 1].starts_with(dashes)) {
            usage_error(
                fmt::format("'{0}' needs a value, and the next word is {1}; a value that "
                            "begins with dashes is written {0}={1}",
                            arguments[i], arguments[i + 1]));
        }
        if (has_value && option->kind == OptionSpec::Kind::value) {
            ++i;
        }
    }
}

/// Takes '--flag=true' and '--flag=false' out of the arguments, but for '--flag' in place of the
/// former; returns the flags that are switched off, as a config file may have them on.
std::vector<std::string> take_flag_values(const CommandSpec& command,
                                          std::vector<std::string>& arguments) {
    std::vector<std::string> off;
    std::vector<std::string> kept;
    const auto options_end = std::ranges::find(arguments, "--");
    for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
        const std::size_t equals = argument->find('=');
        const std::string name =
            argument->starts_with("--") ? argument->substr(2, equals - 2) : std::string();
        const auto option = std::ranges::find(command.options, name, &OptionSpec::name);
        const bool is_flag = argument < options_end && option != command.options.end() &&
                             option->kind == OptionSpec::Kind::flag;
        if (!is_flag || equals == std::string::npos) {
            kept.push_back(*argument);
        } else if (flag_value(argument->substr(equals + 1), fmt::format("'{}'", *argument)) ==
                   "true") {
            kept.push_back("--" + name);
        } else {
            off.push_back(name);
        }
    }
    arguments = std::move(kept);
    for (const std::string& name : off) {
        if (std::ranges::count(off, name) > 1 ||
            std::ranges::find(arguments, "--" + name) != arguments.end()) {
            usage_error(fmt::format("'--{}' is given more than once", name));
        }
    }
    return off;
}

void store_command_line(const CommandSpec& command, const po::options_description& description,
                        std::span<const std::string> arguments, po::variables_map& map) {
    for (const std::string& argument : arguments) {
        const bool is_short = argument.size() > 1 && argument[0] == '-' && argument[1] != '-' &&
                              std::isalpha(static_cast<unsigned char>(argument[1])) != 0 &&
                              argument != "-inf" && argument != "-nan";
        if (is_short) {
            usage_error(fmt::format(
                "'{}' is not an option of 'paralogit {}'; options begin with two "
                "dashes{}",
                argument, command.name,
                suggested_option(command, argument.substr(1, argument.find('=') - 1), "--")));
        }
    }
    require_values(command, arguments);
    // Long options only and in full: an abbreviation is a guess.
    constexpr auto style = po::command_line_style::allow_long |
                           po::command_line_style::long_allow_adjacent |
                           po::command_line_style::long_allow_next;
    try {
        po::store(
            po::command_line_parser(std::vector<std::string>(arguments.begin(), arguments.end()))
                .options(description)
                .positional(positionals(command))
                .style(style)
                .run(),
            map);
    } catch (const po::error&) {
        rethrow(command);
    }
}

/// What the user has said of an option; empty: nothing.
std::optional<std::vector<std::string>> values_of(const OptionSpec& option,
                                                  const po::variable_value& value) {
    if (value.empty()) {
        return std::nullopt;
    }
    switch (option.kind) {
        case OptionSpec::Kind::flag:
            return value.as<bool>() ? std::optional(std::vector<std::string>{"true"})
                                    : std::nullopt;
        case OptionSpec::Kind::positional_list:
        case OptionSpec::Kind::list:
            return value.as<std::vector<std::string>>();
        default:
            return std::vector<std::string>{value.as<std::string>()};
    }
}

bool names_files(const OptionSpec& option) {
    return option.name == "data" || option.name == "validation";
}

/// Where a value names a file, the file from wherever the config file is read.
std::string from_anywhere(const OptionSpec& option, const std::string& value) {
    std::error_code status;
    const auto absolute = [&](const std::string& path) {
        const std::filesystem::path found = std::filesystem::absolute(path, status);
        return status ? path : found.lexically_normal().string();
    };
    if (names_files(option)) {
        return absolute(value);
    }
    // A number, a word, or a file, perhaps with a dataset of it.
    const bool may_name_file = option.argument.find("FILE") != std::string_view::npos ||
                               option.argument.find("MODEL") != std::string_view::npos;
    const std::string file = value.substr(0, value.rfind(':'));
    for (const std::string& path : {value, file}) {
        if (may_name_file && std::filesystem::is_regular_file(path, status)) {
            return absolute(path) + value.substr(path.size());
        }
    }
    return value;
}

bool says_how_to_run(std::string_view name) {
    constexpr std::string_view names[] = {"out",   "config", "resume",  "overwrite",
                                          "trace", "quiet",  "verbose", "help"};
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

const CommandSpec& find_command(std::string_view name) {
    std::vector<std::string_view> names;
    for (const CommandSpec& command : command_table()) {
        if (command.name == name) {
            return command;
        }
        names.push_back(command.name);
    }
    usage_error(fmt::format("'{}' is not a command{}; the commands are {}", name,
                            nearest_name(name, names), fmt::join(names, ", ")));
}

Options::Options(const CommandSpec& command, std::span<const std::string> arguments,
                 const comm::Communicator& comm)
    : command_(command) {
    const po::options_description description = describe(command);
    po::variables_map map;
    std::vector<std::string> words(arguments.begin(), arguments.end());
    const std::vector<std::string> flags_off = comm::together(comm, [&] {
        std::vector<std::string> off = take_flag_values(command, words);
        store_command_line(command, description, words, map);
        return off;
    });
    // The config file is that of rank 0, and the defaults are those of the program.
    std::map<std::string, std::vector<std::string>> given;
    for (const OptionSpec& option : command.options) {
        if (auto values = values_of(option, map[std::string(option.name)])) {
            given.emplace(option.name, *std::move(values));
        }
    }
    for (const std::string& name : flags_off) {
        given[name] = {"false"};
    }
    require_same_options(comm, command, given);
    for (const auto& [name, values] : given) {
        on_command_line_.insert(name);
    }
    for (const std::string& name : flags_off) {
        given.erase(name);
    }
    values_ = std::move(given);
    if (has("config")) {
        config_path_ = text("config");
        std::string content;
        comm::on_root(comm, [&] { content = read_config(config_path_); });
        comm.broadcast(content);
        comm::together(comm, [&] { add_config(content); });
    }
    for (const OptionSpec& option : command.options) {
        if (!option.standard.empty()) {
            values_.try_emplace(std::string(option.name),
                                std::vector<std::string>{std::string(option.standard)});
        }
    }
    comm::together(comm, [&] {
        try {
            check_texts();
        } catch (const Error& error) {
            throw with_place(error);
        }
    });
}

void Options::add_config(const std::string& content) {
    for (const ConfigLine& line : parse_config(command_, config_path_, content)) {
        const std::string name(line.option->name);
        if (on_command_line_.contains(name)) {
            continue;
        }
        config_lines_.try_emplace(name, line.number);
        if (line.option->kind != OptionSpec::Kind::flag || line.value == "true") {
            values_[name].push_back(line.value);
        }
    }
}

bool Options::is_on_command_line(const std::string& name) const {
    return on_command_line_.contains(name);
}

bool Options::is_from_config(const std::string& name) const {
    return config_lines_.contains(name);
}

std::string Options::place_of(const std::string& name) const {
    const auto line = config_lines_.find(name);
    return line == config_lines_.end() ? "" : fmt::format("{}:{}: ", config_path_, line->second);
}

Error Options::with_place(const Error& error) const {
    const std::string text = error.what();
    constexpr std::string_view dashes = "--";
    if (error.code() != ExitCode::usage || !text.starts_with(dashes)) {
        return error;
    }
    const std::size_t end = std::min(text.find_first_of(" :,"), text.size());
    return {error.code(), place_of(text.substr(dashes.size(), end - dashes.size())) + text};
}

void Options::leave_out(const std::string& name) {
    values_.erase(name);
    config_lines_.erase(name);
    const auto spec = std::ranges::find(command_.options, name, &OptionSpec::name);
    if (spec != command_.options.end() && !spec->standard.empty()) {
        values_[name] = {std::string(spec->standard)};
    }
}

void Options::check_texts() const {
    if (is_set("help")) {
        return;
    }
    for (const OptionSpec& option : command_.options) {
        const bool is_positional = option.kind == OptionSpec::Kind::positional ||
                                   option.kind == OptionSpec::Kind::positional_list;
        const auto found = values_.find(std::string(option.name));
        if (is_positional && found == values_.end()) {
            usage_error(fmt::format("{} is missing{}; usage: {}", option.argument,
                                    list_that_takes_all(), command_.usage));
        }
        // A label alone may be the empty text.
        if (found != values_.end() && option.name != "positive-label" &&
            std::find(found->second.begin(), found->second.end(), "") != found->second.end()) {
            usage_error(is_positional ? fmt::format("{}: the value is empty", option.argument)
                                      : fmt::format("--{} '': the value is empty; expected {}",
                                                    option.name, option.argument));
        }
    }
}

std::string Options::list_that_takes_all() const {
    for (const OptionSpec& option : command_.options) {
        if (option.kind == OptionSpec::Kind::list && has(std::string(option.name))) {
            return fmt::format(" (--{} takes all that stands before the next option)", option.name);
        }
    }
    return "";
}

bool Options::has(const std::string& name) const {
    return values_.count(name) > 0;
}

bool Options::is_set(const std::string& flag) const {
    return has(flag);
}

bool Options::differs_from_standard(const std::string& name) const {
    const auto spec = std::ranges::find(command_.options, name, &OptionSpec::name);
    return has(name) && (spec == command_.options.end() || text(name) != spec->standard);
}

std::string Options::text(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) {
        usage_error(fmt::format("--{} is missing; usage: {}", name, command_.usage));
    }
    return found->second.front();
}

std::optional<std::string> Options::optional_text(const std::string& name) const {
    return has(name) ? std::optional(text(name)) : std::nullopt;
}

const std::vector<std::string>& Options::list(const std::string& name) const {
    return values_.at(name);
}

std::string Options::as_config() const {
    std::string config = "# paralogit " + std::string(command_.name) +
                         " --config config.used --out DIR  repeats the run\n";
    for (const OptionSpec& option : command_.options) {
        const std::string name(option.name);
        if (says_how_to_run(option.name) || !has(name)) {
            continue;
        }
        for (const std::string& given : values_.at(name)) {
            const std::string value = from_anywhere(option, given);
            const std::optional<std::string> text = config_text(option, value);
            config += text ? fmt::format("{} = {}\n", name, *text)
                           : fmt::format(
                                 "# {}: its value cannot stand in a file, so it must be given "
                                 "again on the command line\n",
                                 name);
        }
    }
    return config;
}

}  // namespace paralogit::app
