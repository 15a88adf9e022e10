#include "stochastic_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "paralogit/base/error.hpp"
#include "paralogit/model/batch_sums.hpp"

namespace paralogit::app {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Index largest = std::numeric_limits<Index>::max();

optim::Schedule read_schedule(const Options& options) {
    constexpr std::string_view schedules[] = {"constant", "inverse", "step", "cosine"};
    const std::string name =
        options.has("schedule") ? options.choice("schedule", schedules) : "constant";
    if (name == "inverse") {
        return optim::Schedule::inverse;
    }
    if (name == "step") {
        return optim::Schedule::step;
    }
    return name == "cosine" ? optim::Schedule::cosine : optim::Schedule::constant;
}

optim::LearningRateOptions read_learning_rate(const Options& options, Index max_iterations,
                                              double usual_rate) {
    optim::LearningRateOptions rate;
    rate.rate = options.has("learning-rate")
                    ? options.number("learning-rate", {0.0, infinity, false})
                    : usual_rate;
    rate.schedule = read_schedule(options);
    if (rate.schedule == optim::Schedule::step) {
        rate.decay = options.has("decay") ? options.number("decay", {0.0, 1.0, false}) : 0.1;
    } else if (options.has("decay")) {
        rate.decay = options.number("decay", {0.0, infinity});
    }
    if (options.has("decay-epochs")) {
        rate.period = options.integer("decay-epochs", 1, largest);
    }
    rate.horizon = options.has("schedule-epochs") ? options.integer("schedule-epochs", 1, largest)
                                                  : std::max<Index>(max_iterations, 1);
    if (options.has("warmup")) {
        rate.warmup = options.number("warmup", {0.0, infinity});
    }
    return rate;
}

std::string_view name_of(optim::Schedule schedule) {
    switch (schedule) {
        case optim::Schedule::inverse:
            return "inverse";
        case optim::Schedule::step:
            return "step";
        case optim::Schedule::cosine:
            return "cosine";
        case optim::Schedule::constant:
            break;
    }
    return "constant";
}

}  // namespace

std::vector<OptionSpec> stochastic_options() {
    using Kind = OptionSpec::Kind;
    return {
        {"batch-size", Kind::value, "COUNT", "",
         "rows of a batch of sgd, adam and adagrad, on all ranks together, 1 to 1048576; 256 when "
         "it is not given; an iteration of these solvers is an epoch, a step for each batch. Rows "
         "of weight 0 and those that are held out do not count: then batches have so many rows on "
         "the average"},
        {"shuffle", Kind::value, "yes|no|groups", "",
         "yes, when it is not given: every epoch meets the rows in a random order of its own, the "
         "same on any number of ranks; groups: 32 neighbours each of dense rows stay together, "
         "which costs less, and is as good where neighbours have nothing in "
         "common; no: as they are stored"},
        {"seed", Kind::value, "COUNT", "", "of these orders; 1 when it is not given"},
        {"schedule", Kind::value, "constant|inverse|step|cosine", "",
         "how the learning rate falls after e epochs: inverse: 1 / (1 + decay e); step: "
         "decay^floor(e / decay-epochs); cosine: (1 + cos(pi e / schedule-epochs)) / 2; constant "
         "when it is not given"},
        {"decay", Kind::value, "NUMBER", "",
         "of the schedules inverse, >= 0, 1 when it is not given, and step, in (0, 1], 0.1 when "
         "it is not given"},
        {"decay-epochs", Kind::value, "COUNT", "", "of the schedule step; 10 when it is not given"},
        {"schedule-epochs", Kind::value, "COUNT", "",
         "epochs until the schedule cosine comes to 0; --max-iterations when it is not given, "
         "which then cannot change on --resume"},
        {"warmup", Kind::value, "NUMBER", "",
         "epochs, or a part of one, in which the learning rate rises from 0; 0 when it is not "
         "given"},
        {"momentum", Kind::value, "NUMBER", "",
         "of sgd, in [0, 1): v = momentum v + gradient is the direction; 0 when it is not given"},
        {"nesterov", Kind::flag, "", "", "take Nesterov's momentum"},
        {"beta1", Kind::value, "NUMBER", "",
         "of adam, decay of the mean of gradients, in [0, 1); 0.9 when it is not given"},
        {"beta2", Kind::value, "NUMBER", "",
         "of adam, decay of the mean of their squares, in [0, 1); 0.999 when it is not given"},
        {"epsilon", Kind::value, "NUMBER", "",
         "added to the root of squares that a gradient is divided by, >= 0; 1e-8 with adam and "
         "1e-10 with adagrad when it is not given"},
        {"clip", Kind::value, "NUMBER", "",
         "longest gradient of a batch, in the Euclidean norm and the solver's variables, without "
         "the penalty; a longer one is scaled down"},
        {"average", Kind::value, "EPOCH", "",
         "the model is the mean of the iterates after each step from behind that many epochs on "
         "(Polyak and Ruppert); without it, the last iterate"},
        {"weight-decay", Kind::value, "coupled|decoupled", "",
         "coupled, when it is not given: the gradient of --l2 is added to that of each batch; "
         "decoupled: each step also shrinks the coefficients by 1 - rate l2 (as AdamW), which has "
         "another limit with adam and adagrad"},
        {"evaluate-every", Kind::value, "COUNT", "",
         "epochs of sgd, adam and adagrad between two evaluations of the objective, each a pass "
         "over all rows; between them its running value is told; 10 when it is not given"},
        {"local-steps", Kind::value, "COUNT", "",
         "every rank takes that many steps on batches of its own rows, of --batch-size each (a "
         "rank with rows for fewer batches than another divides them into as many), then the "
         "parameters are averaged, weighted by rows (local SGD, federated averaging): the one mode "
         "whose result depends on the number of ranks"},
    };
}

void read_stochastic(const Options& options, Index max_iterations, train::SolverOptions& solver) {
    if (!train::is_stochastic(solver.name)) {
        return;
    }
    if (options.is_set("nesterov") &&
        !(options.has("momentum") && options.number("momentum", {0.0, infinity}) > 0)) {
        throw Error(ExitCode::usage, "--nesterov needs --momentum above 0");
    }
    const bool is_sgd = solver.name == "sgd";
    const bool is_adam = solver.name == "adam";
    const auto number_or = [&](const char* name, double usual, const NumberRange& range) {
        return options.has(name) ? options.number(name, range) : usual;
    };
    const auto integer_or = [&](const char* name, Index usual, Index lowest, Index highest) {
        return options.has(name) ? options.integer(name, lowest, highest) : usual;
    };
    constexpr NumberRange part{
        .lowest = 0, .highest = 1, .is_lowest_allowed = true, .is_highest_allowed = false};

    optim::StochasticOptions& stochastic = solver.stochastic;
    stochastic.rule = is_sgd    ? optim::UpdateRule::sgd
                      : is_adam ? optim::UpdateRule::adam
                                : optim::UpdateRule::adagrad;
    stochastic.learning_rate = read_learning_rate(options, max_iterations, is_adam ? 1e-3 : 0.1);
    stochastic.momentum = number_or("momentum", 0, part);
    stochastic.is_nesterov = options.is_set("nesterov");
    stochastic.beta1 = number_or("beta1", 0.9, part);
    stochastic.beta2 = number_or("beta2", 0.999, part);
    stochastic.epsilon = number_or("epsilon", is_adam ? 1e-8 : 1e-10, {0.0, infinity});
    if (options.has("clip")) {
        stochastic.clip = options.number("clip", {0.0, infinity, false});
    }
    if (options.has("average")) {
        stochastic.averages_from = options.integer("average", 0, largest);
    }
    constexpr std::string_view decays[] = {"coupled", "decoupled"};
    stochastic.decouples_decay =
        options.has("weight-decay") && options.choice("weight-decay", decays) == "decoupled";
    stochastic.evaluates_every =
        integer_or("evaluate-every", stochastic.evaluates_every, 1, largest);
    stochastic.local_steps = integer_or("local-steps", 0, 1, largest);

    train::BatchOptions& batches = solver.batches;
    batches.batch_rows =
        integer_or("batch-size", batches.batch_rows, 1, model::BatchSums::most_rows);
    batches.keeps_groups = options.has("shuffle") && options.text("shuffle") == "groups";
    batches.shuffles =
        batches.keeps_groups || !options.has("shuffle") || options.yes_or_no("shuffle");
    batches.seed = static_cast<std::uint64_t>(integer_or("seed", 1, 0, largest));
    batches.local_steps = stochastic.local_steps;
}

void refuse_idle_options(const Options& options, const train::TrainOptions& train) {
    if (!train::is_stochastic(train.solver.name)) {
        return;
    }
    if (options.has("seed") && !train.solver.batches.shuffles) {
        throw Error(ExitCode::usage,
                    "--seed is of random orders, and with --shuffle no there are none");
    }
    if (train.solver.stochastic.decouples_decay && !train.penalty.is_penalised()) {
        throw Error(ExitCode::usage,
                    "--weight-decay decoupled has no effect without a penalty; give --l2 with it");
    }
    // A run that goes on may be stopped anywhere.
    if (train.existing == train::ExistingRun::resume) {
        return;
    }
    const Index epochs = train.stopping.max_iterations;
    for (const char* from_epoch : {"average", "decay-epochs"}) {
        if (options.has(from_epoch) && options.integer(from_epoch, 0, largest) >= epochs) {
            throw Error(
                ExitCode::usage,
                fmt::format("--{} {} has no effect in a run of {} epochs; give a smaller "
                            "number, or a larger --max-iterations; or --resume from the "
                            "first command on, for a run that stops there and goes on later",
                            from_epoch, options.text(from_epoch), epochs));
        }
    }
}

std::map<std::string, std::string> path_options_of_batches(const train::SolverOptions& solver,
                                                           int ranks) {
    if (!train::is_stochastic(solver.name)) {
        return {};
    }
    const optim::StochasticOptions& stochastic = solver.stochastic;
    const optim::LearningRateOptions& rate = stochastic.learning_rate;
    const train::BatchOptions& batches = solver.batches;
    std::map<std::string, std::string> path{
        {"learning-rate", fmt::format("{}", rate.rate)},
        {"schedule", std::string(name_of(rate.schedule))},
        {"warmup", fmt::format("{}", rate.warmup)},
        {"batch-size", fmt::format("{}", batches.batch_rows)},
        {"shuffle", batches.keeps_groups ? "groups"
                    : batches.shuffles   ? "yes"
                                         : "no"},
        {"seed", fmt::format("{}", batches.seed)},
        {"clip", stochastic.clip ? fmt::format("{}", *stochastic.clip) : "unset"},
        {"average",
         stochastic.averages_from ? fmt::format("{}", *stochastic.averages_from) : "unset"},
        {"weight-decay", stochastic.decouples_decay ? "decoupled" : "coupled"},
        {"evaluate-every", fmt::format("{}", stochastic.evaluates_every)},
        {"local-steps", stochastic.local_steps > 0
                            ? fmt::format("{} on {} ranks", stochastic.local_steps, ranks)
                            : "unset"},
    };
    if (rate.schedule == optim::Schedule::inverse || rate.schedule == optim::Schedule::step) {
        path["decay"] = fmt::format("{}", rate.decay);
    }
    if (rate.schedule == optim::Schedule::step) {
        path["decay-epochs"] = fmt::format("{}", rate.period);
    } else if (rate.schedule == optim::Schedule::cosine) {
        path["schedule-epochs"] = fmt::format("{}", rate.horizon);
    }
    if (stochastic.rule == optim::UpdateRule::sgd) {
        path["momentum"] = fmt::format("{}", stochastic.momentum);
        path["nesterov"] = stochastic.is_nesterov ? "yes" : "no";
        return path;
    }
    path["epsilon"] = fmt::format("{}", stochastic.epsilon);
    if (stochastic.rule == optim::UpdateRule::adam) {
        path["beta1"] = fmt::format("{}", stochastic.beta1);
        path["beta2"] = fmt::format("{}", stochastic.beta2);
    }
    return path;
}

std::string stochastic_text(const train::SolverOptions& solver) {
    const optim::StochasticOptions& stochastic = solver.stochastic;
    std::string text = fmt::format(
        "{}, batches of {} row{}{}, learning rate {} ({})", solver.name, solver.batches.batch_rows,
        solver.batches.batch_rows == 1 ? "" : "s",
        solver.batches.shuffles
            ? fmt::format(" in random order{} (seed {})",
                          solver.batches.keeps_groups ? " of groups" : "", solver.batches.seed)
            : " in stored order",
        stochastic.learning_rate.rate, name_of(stochastic.learning_rate.schedule));
    if (stochastic.momentum > 0) {
        text += fmt::format(", {}momentum {}", stochastic.is_nesterov ? "Nesterov's " : "",
                            stochastic.momentum);
    }
    if (stochastic.local_steps > 0) {
        text += fmt::format(", {} steps of each rank by itself", stochastic.local_steps);
    }
    return text;
}

std::string batches_text(const train::TrainOutcome& outcome) {
    if (!outcome.batches || outcome.batches->steps == 0) {
        return "";
    }
    const train::BatchFacts& batches = *outcome.batches;
    constexpr double microseconds = 1e6;
    std::string text =
        fmt::format("  batches        {} steps, {:.1f} microseconds each on rows", batches.steps,
                    microseconds * outcome.seconds.batches / static_cast<double>(batches.steps));
    if (batches.messages > 0) {
        text += fmt::format(
            "; {} Allreduce{}, {:.1f} microseconds each", batches.messages,
            batches.messages == 1 ? "" : "s",
            microseconds * batches.allreduce_seconds / static_cast<double>(batches.messages));
    }
    return text + "\n";
}

}  // namespace paralogit::app
