#include "paralogit/app/commands.hpp"

#include <array>
#include <utility>

namespace paralogit::app {

ExitCode run_command(const CommandSpec& command, const Context& context, const Options& options) {
    using Function = ExitCode (*)(const Context&, const Options&);
    constexpr std::array<std::pair<std::string_view, Function>, 7> functions{{
        {"train", run_train},
        {"predict", run_predict},
        {"evaluate", run_evaluate},
        {"inspect", run_inspect},
        {"plan", run_plan},
        {"convert", run_convert},
        {"generate", run_generate},
    }};
    for (const auto& [name, function] : functions) {
        if (name == command.name) {
            return function(context, options);
        }
    }
    throw Error(ExitCode::internal,
                "internal error: no function for the command " + std::string(command.name));
}

std::string version() {
    return PARALOGIT_VERSION;
}

}  // namespace paralogit::app
