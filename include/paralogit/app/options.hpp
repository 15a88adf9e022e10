#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/comm/communicator.hpp"

namespace paralogit::app {

/// One option. The table of them feeds the command line, the config file, --help and README.
struct OptionSpec {
    enum class Kind {
        value,       ///< --name VALUE
        list,        ///< --name VALUE..., all up to the next option; may be repeated
        flag,        ///< --name
        positional,  ///< by place; also `name = value` in a config file
        positional_list,
    };

    std::string_view name;
    Kind kind;
    std::string_view argument;  ///< what stands for the value in --help
    std::string_view standard;  ///< the default as text; empty when there is none
    std::string_view help;
};

/// A subcommand and its options, in the order of --help.
struct CommandSpec {
    std::string_view name;
    std::string_view summary;
    std::string_view usage;
    std::vector<OptionSpec> options;
};

const std::vector<CommandSpec>& command_table();

/// Throws Error (usage) with the nearest name when there is none.
const CommandSpec& find_command(std::string_view name);

/// The whole help text of the program, or of one command.
std::string help_text();
std::string help_text(const CommandSpec& command);
/// The option tables as they stand in README.
std::string help_markdown();

struct NumberRange {
    double lowest;
    double highest;
    bool is_lowest_allowed = true;
    bool is_highest_allowed = true;
};

/// The options of one call: the command line, then the file that --config names, then the defaults.
/// Every reader throws Error (usage) that names the option, the value and what is expected.
class Options {
  public:
    /// Rank 0 reads the config file. @collective
    Options(const CommandSpec& command, std::span<const std::string> arguments,
            const comm::Communicator& comm);

    bool has(const std::string& name) const;
    bool is_set(const std::string& flag) const;
    /// Whether it has a value that is not the text of its default.
    bool differs_from_standard(const std::string& name) const;
    std::string text(const std::string& name) const;
    std::optional<std::string> optional_text(const std::string& name) const;
    const std::vector<std::string>& list(const std::string& name) const;
    std::string choice(const std::string& name, std::span<const std::string_view> choices) const;
    bool yes_or_no(const std::string& name) const;
    /// `or_else` stands before the range in what is expected, for what else the option takes.
    double number(const std::string& name, const NumberRange& range,
                  const std::string& or_else = "") const;
    /// The number behind `prefix`; empty when the value does not begin so.
    std::optional<double> number_after(const std::string& name, const std::string& prefix,
                                       const NumberRange& range) const;
    /// Of "A,B". `or_else` says in an error what is expected beside two numbers: "auto, or ".
    std::pair<double, double> two_numbers(const std::string& name, const NumberRange& range,
                                          const std::string& or_else) const;
    Index integer(const std::string& name, Index lowest, Index highest) const;
    /// Bytes from "1000", "500M" or "1.5G": powers of 1024. Greater than 0.
    Index bytes(const std::string& name) const;
    /// Seconds from "90", "90s", "15m", "2h" or "1:30:00"; empty when the option is not given.
    /// `or_else` ends what is expected, for what else the option takes.
    std::optional<double> seconds(const std::string& name, const std::string& or_else = "") const;
    /// Of a text as above; empty when it is no time > 0.
    static std::optional<double> seconds_from(std::string_view text);

    bool is_on_command_line(const std::string& name) const;
    bool is_from_config(const std::string& name) const;
    /// "base.conf:3: " for an option of the config file, else nothing.
    std::string place_of(const std::string& name) const;
    /// An Error (usage) whose text begins with an option of the config file, with its place.
    Error with_place(const Error& error) const;
    /// As if the config file did not have it.
    void leave_out(const std::string& name);

    /// `name = value` lines that --config reads back; without those that only say where output goes
    /// and how much is printed.
    std::string as_config() const;

  private:
    void add_config(const std::string& content);
    void check_texts() const;
    /// For an error about what is missing: that an option may have taken it.
    std::string list_that_takes_all() const;

    const CommandSpec& command_;
    std::map<std::string, std::vector<std::string>> values_;
    std::set<std::string> on_command_line_;
    std::string config_path_;
    std::map<std::string, Index> config_lines_;  ///< of the options that it decides
};

}  // namespace paralogit::app
