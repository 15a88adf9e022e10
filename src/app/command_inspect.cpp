#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "source_values.hpp"

namespace paralogit::app {

ExitCode run_inspect(const Context& context, const Options& options) {
    comm::on_root(context.comm, [&] {
        const data::Inspection inspection =
            data::inspect(options.text("file"), source_of(options, true));
        context.console.result(inspection.text);
        if (inspection.problem) {
            throw Error(*inspection.problem);
        }
    });
    return ExitCode::done;
}

}  // namespace paralogit::app
