#include <optional>
#include <span>

#include "model_text.hpp"
#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "source_values.hpp"

namespace paralogit::app {

ExitCode run_inspect(const Context& context, const Options& options) {
    comm::on_root(context.comm, [&] {
        const std::string given = options.text("file");
        const bool is_verbose = options.is_set("verbose");
        std::optional<Error> problem;
        for (const std::string& path : data::expand_paths(std::span(&given, 1))) {
            if (train::is_model_file(path)) {
                context.console.result(model_text(path, train::read_model(path), is_verbose));
                continue;
            }
            const data::Inspection inspection =
                data::inspect(path, source_of(options, true), is_verbose);
            context.console.result(inspection.text);
            problem = problem ? problem : inspection.problem;
        }
        if (problem) {
            throw Error(*problem);
        }
    });
    return ExitCode::done;
}

}  // namespace paralogit::app
