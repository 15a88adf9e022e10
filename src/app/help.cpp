#include <fmt/format.h>

#include <sstream>

#include "paralogit/app/options.hpp"

namespace paralogit::app {

namespace {

constexpr std::size_t text_column = 28;
constexpr std::size_t line_width = 100;

std::string option_head(const OptionSpec& option) {
    switch (option.kind) {
        case OptionSpec::Kind::flag:
            return fmt::format("--{}", option.name);
        case OptionSpec::Kind::value:
        case OptionSpec::Kind::list:
            return fmt::format("--{} {}", option.name, option.argument);
        default:
            return std::string(option.argument);
    }
}

std::string help_with_default(const OptionSpec& option) {
    return option.standard.empty() ? std::string(option.help)
                                   : fmt::format("{} (default {})", option.help, option.standard);
}

/// The text in lines that begin at text_column, after `head`.
std::string wrapped(const std::string& head, const std::string& text) {
    std::string line = fmt::format("  {:<{}}", head, text_column - 2);
    if (head.size() + 3 > text_column) {
        line = "  " + head + "\n" + std::string(text_column, ' ');
    }
    std::string lines;
    std::size_t column = text_column;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        if (column + word.size() > line_width) {
            lines += line + "\n";
            line = std::string(text_column, ' ');
            column = text_column;
        }
        line += word + " ";
        column += word.size() + 1;
    }
    line.pop_back();
    return lines + line + "\n";
}

/// A bar would end the cell of a table.
std::string in_cell(std::string_view text) {
    std::string cell;
    for (const char character : text) {
        cell += character == '|' ? std::string("\\|") : std::string(1, character);
    }
    return cell;
}

}  // namespace

std::string help_text() {
    std::string text =
        "paralogit trains logistic regression on HDF5 data sets, on one core or many hosts.\n\n"
        "usage: paralogit COMMAND ...          alone, or as  mpirun -n RANKS paralogit COMMAND "
        "...\n\n";
    for (const CommandSpec& command : command_table()) {
        text += wrapped(std::string(command.name), std::string(command.summary));
    }
    return text +
           "\n'paralogit COMMAND --help' lists the options; --version prints the version.\n"
           "exit codes: 0 done, 2 usage or config, 3 input data, 4 model or checkpoint,\n"
           "            5 diverged, 6 cannot write, 7 stalled, 70 internal error,\n"
           "            75 stopped by a signal after a good checkpoint\n";
}

std::string help_text(const CommandSpec& command) {
    std::string text = fmt::format("usage: {}\n\n{}\n\n", command.usage, command.summary);
    for (const OptionSpec& option : command.options) {
        text += wrapped(option_head(option), help_with_default(option));
    }
    return text;
}

std::string help_markdown() {
    std::string text;
    for (const CommandSpec& command : command_table()) {
        text += fmt::format("**`{}`**: {}\n\n| option | default | meaning |\n|---|---|---|\n",
                            command.usage, command.summary);
        for (const OptionSpec& option : command.options) {
            const std::string standard =
                option.standard.empty() ? "" : fmt::format("`{}`", option.standard);
            text += fmt::format("| `{}` | {} | {} |\n", in_cell(option_head(option)), standard,
                                in_cell(option.help));
        }
        text += "\n";
    }
    return text;
}

}  // namespace paralogit::app
