#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "config_groups.hpp"
#include "execution_values.hpp"
#include "inference_table.hpp"
#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/trace_file.hpp"
#include "paralogit/train/trainer.hpp"
#include "solver_options.hpp"
#include "train_printer.hpp"
#include "train_summary.hpp"
#include "train_values.hpp"

namespace paralogit::app {

namespace {

train::TraceFile::Options trace_options(const Options& options, const Context& context,
                                        int threads) {
    return {.path = options.text("trace"),
            // A job that goes on does so by the same command.
            .replaces = options.is_set("overwrite") || options.is_set("resume"),
            .threads = threads,
            .process_start = context.process_start,
            .run_directory = options.text("out")};
}

}  // namespace

ExitCode run_train(const Context& context, const Options& given) {
    Options options = given;
    std::vector<std::string> left_out = leave_out_options_of_others(options);
    std::ranges::move(leave_out_what_is_replaced(options), std::back_inserter(left_out));
    train::TrainOptions train =
        comm::together(context.comm, [&] { return read_train_options(options, context); });
    for (const std::string& sentence : left_out) {
        context.console.info(sentence);
    }
    train.execution = execution_of(context, options);
    std::optional<train::TraceFile> trace;
    if (options.has("trace")) {
        trace.emplace(context.comm, trace_options(options, context, train.execution.threads));
        train.execution.trace = trace->trace();
    }
    context.console.info(fmt::format("paralogit {}: training on {} rank{}", version(),
                                     context.comm.size(), context.comm.size() > 1 ? "s" : ""));
    if (ends_with_the_job(options) && train.time_limit_seconds == 0.0) {
        context.console.warning(
            "--time-limit auto: the job ends in less than a minute, so this start makes one "
            "iteration only; give the job more time (sbatch --time)");
    }
    if (ends_with_the_job(options) && !train.time_limit_seconds) {
        context.console.info(
            "--time-limit auto: no end of a SLURM job is known, so there is no limit");
    }
    TrainPrinter printer(context.console, train);
    const train::TrainOutcome outcome = train::train(context.comm, train, printer);
    warn_of_outcome(outcome, train, context.console);
    if (outcome.inference) {
        warn_of_inference(*outcome.inference, context.console);
        context.console.result(inference_table(*outcome.inference, train.out));
    }
    context.console.result(summary_text(outcome, train));
    if (trace) {
        trace->write();
    }
    if (outcome.reason == optim::StopReason::time_limit && ends_with_the_job(options)) {
        // The end of the allocation is nobody's wish: the job is to be queued again.
        return ExitCode::stopped_by_signal;
    }
    return train::exit_code_of(outcome.reason);
}

}  // namespace paralogit::app
