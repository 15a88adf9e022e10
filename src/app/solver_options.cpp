#include "solver_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace paralogit::app {

namespace {

constexpr std::string_view step_length[] = {"gd", "sgd", "adam", "adagrad"};
constexpr std::string_view remembering[] = {"lbfgs", "owl-qn"};
constexpr std::string_view sampling[] = {"newton", "newton-cg", "prox-newton"};
constexpr std::string_view stochastic[] = {"sgd", "adam", "adagrad"};
constexpr std::string_view dividing[] = {"adam", "adagrad"};
constexpr std::string_view sgd[] = {"sgd"};
constexpr std::string_view adam[] = {"adam"};
constexpr std::string_view falling[] = {"inverse", "step"};
constexpr std::string_view step[] = {"step"};
constexpr std::string_view cosine[] = {"cosine"};

/// The solvers, and for some the schedules, that an option means something for.
struct Owners {
    std::string_view option;
    std::span<const std::string_view> solvers;
    std::span<const std::string_view> schedules = {};
    bool may_be_auto = false;  ///< auto may choose one of the solvers
};

constexpr Owners table[] = {
    {"learning-rate", step_length},
    {.option = "history", .solvers = remembering, .may_be_auto = true},
    {.option = "hessian-fraction", .solvers = sampling, .may_be_auto = true},
    {"batch-size", stochastic},
    {"shuffle", stochastic},
    {"seed", stochastic},
    {"schedule", stochastic},
    {"decay", stochastic, falling},
    {"decay-epochs", stochastic, step},
    {"schedule-epochs", stochastic, cosine},
    {"warmup", stochastic},
    {"momentum", sgd},
    {"nesterov", sgd},
    {"beta1", adam},
    {"beta2", adam},
    {"epsilon", dividing},
    {"clip", stochastic},
    {"average", stochastic},
    {"weight-decay", stochastic},
    {"evaluate-every", stochastic},
    {"local-steps", stochastic},
};

bool is_among(std::string_view word, std::span<const std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}

/// What was chosen instead of what an option is of.
struct Mismatch {
    std::string chooser;  ///< "solver" or "schedule"
    std::string chosen;
    std::string owners;  ///< "--solver lbfgs and owl-qn"
};

Mismatch mismatch(const std::string& chooser, const std::string& chosen,
                  std::span<const std::string_view> owners) {
    const auto all_but_last = owners.first(owners.size() - 1);
    return {.chooser = chooser,
            .chosen = chosen,
            .owners = all_but_last.empty()
                          ? fmt::format("--{} {}", chooser, owners.back())
                          : fmt::format("--{} {} and {}", chooser, fmt::join(all_but_last, ", "),
                                        owners.back())};
}

std::optional<Mismatch> find_mismatch(const Options& options, const Owners& owners) {
    // A default means nothing by itself, and config.used lists it.
    if (!options.differs_from_standard(std::string(owners.option))) {
        return std::nullopt;
    }
    const std::string solver = options.text("solver");
    if (!is_among(solver, owners.solvers) && !(owners.may_be_auto && solver == "auto")) {
        return mismatch("solver", solver, owners.solvers);
    }
    const std::string schedule = options.optional_text("schedule").value_or("constant");
    if (!owners.schedules.empty() && !is_among(schedule, owners.schedules)) {
        return mismatch("schedule", schedule, owners.schedules);
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::string> leave_out_options_of_others(Options& options) {
    std::vector<std::string> sentences;
    const auto leave_out = [&](std::string_view name, const std::string& why) {
        const std::string option(name);
        sentences.push_back(fmt::format("{}{} = {} is not used: {}", options.place_of(option),
                                        option, options.text(option), why));
        options.leave_out(option);
    };
    for (const Owners& owners : table) {
        const std::optional<Mismatch> other = find_mismatch(options, owners);
        if (other && options.is_from_config(std::string(owners.option)) &&
            options.is_on_command_line(other->chooser)) {
            leave_out(owners.option,
                      fmt::format("it is an option of {}, and the command line says --{} {}",
                                  other->owners, other->chooser, other->chosen));
        }
    }
    if (options.is_from_config("seed") && options.is_on_command_line("shuffle") &&
        options.text("shuffle") == "no") {
        leave_out("seed", "it is of random orders, and the command line says --shuffle no");
    }
    return sentences;
}

void refuse_options_of_others(const Options& options) {
    for (const Owners& owners : table) {
        if (const std::optional<Mismatch> other = find_mismatch(options, owners)) {
            throw Error(ExitCode::usage,
                        fmt::format("--{} is an option of {}; the {} is {}", owners.option,
                                    other->owners, other->chooser, other->chosen));
        }
    }
}

}  // namespace paralogit::app
