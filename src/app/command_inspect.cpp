#include "model_text.hpp"
#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "source_values.hpp"

namespace paralogit::app {

ExitCode run_inspect(const Context& context, const Options& options) {
    comm::on_root(context.comm, [&] {
        const std::string path = options.text("file");
        const bool is_verbose = options.is_set("verbose");
        if (train::is_model_file(path)) {
            context.console.result(model_text(path, train::read_model(path), is_verbose));
            return;
        }
        const data::Inspection inspection =
            data::inspect(path, source_of(options, true), is_verbose);
        context.console.result(inspection.text);
        if (inspection.problem) {
            throw Error(*inspection.problem);
        }
    });
    return ExitCode::done;
}

}  // namespace paralogit::app
