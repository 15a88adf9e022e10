#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "execution_values.hpp"
#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/model_features.hpp"
#include "paralogit/train/predict.hpp"
#include "source_values.hpp"

namespace paralogit::app {

ExitCode run_predict(const Context& context, const Options& options) {
    const comm::Communicator& comm = context.comm;
    const auto predict = comm::together(comm, [&] {
        train::PredictOptions values;
        values.out = options.text("out");
        values.may_replace = options.is_set("overwrite");
        if (options.has("threshold")) {
            values.threshold = options.number("threshold", {0.0, 1.0});
        }
        return values;
    });
    comm::on_root(comm, [&] {
        train::check_output(predict);
        std::vector<std::string> inputs = data::expand_paths(options.list("data"));
        inputs.push_back(options.text("model"));
        for (const std::string& input : inputs) {
            std::error_code ignored;  // a file that is not there is no other file's double
            if (std::filesystem::equivalent(predict.out, input, ignored)) {
                throw Error(ExitCode::usage, predict.out.string() +
                                                 ": the output would replace the "
                                                 "input " +
                                                 input + "; give another --out");
            }
        }
    });
    const train::Model model = train::load_model(comm, options.text("model"));
    const train::DataSet data = train::load_data_set(
        comm, options.list("data"),
        train::with_features_of(model, options.text("model"),
                                source_of(options, false, data::SourceOptions::Use::judging)),
        execution_of(context, options));
    comm::together(comm, [&] { train::check_fit(model, data.manifest); });
    context.console.info(taken_text(data.manifest));
    warn_of_rows(data.manifest, train::note_of_names(model, options.text("model"), data.manifest),
                 context.console);
    train::predict(comm, model, data, predict);
    context.console.result(fmt::format("{}: {} of {} rows", predict.out.string(),
                                       predict.threshold ? "classes" : "probabilities",
                                       data.manifest.rows));
    return ExitCode::done;
}

}  // namespace paralogit::app
