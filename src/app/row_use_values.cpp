#include "row_use_values.hpp"

#include <fmt/format.h>

#include <limits>

namespace paralogit::app {

namespace {

void read_class_weights(const Options& options, train::RowUse& use) {
    if (!options.has("class-weights") || options.text("class-weights") == "none") {
        return;
    }
    if (options.text("class-weights") == "balanced") {
        use.balances_classes = true;
        return;
    }
    // Beyond any use, and far within what a double can hold beside row weights.
    constexpr double smallest = 1e-100;
    constexpr double largest = 1e100;
    const auto [negative, positive] =
        options.two_numbers("class-weights", {smallest, largest}, "none, balanced, or ");
    use.class_weights = {.negative = negative, .positive = positive};
}

}  // namespace

void read_row_use(const Options& options, train::TrainOptions& train) {
    constexpr Index largest = std::numeric_limits<Index>::max();
    read_class_weights(options, train.row_use);
    if (options.has("validation-fraction")) {
        const double fraction = options.number(
            "validation-fraction",
            {.lowest = 0, .highest = 1, .is_lowest_allowed = false, .is_highest_allowed = false});
        train.row_use.hold_out = data::HoldOut{
            .fraction = fraction,
            .seed = options.has("validation-seed")
                        ? static_cast<std::uint64_t>(options.integer("validation-seed", 0, largest))
                        : data::HoldOut{}.seed};
    } else if (options.has("validation-seed")) {
        throw Error(ExitCode::usage,
                    "--validation-seed chooses the rows of --validation-fraction NUMBER, which is "
                    "not given");
    }
    if (options.has("validation")) {
        train.validation_paths = options.list("validation");
    }
    const bool holds_out = train.row_use.hold_out.has_value();
    if (holds_out && !train.validation_paths.empty()) {
        throw Error(ExitCode::usage,
                    "--validation and --validation-fraction exclude each other: give files of rows "
                    "to validate by, or the part of the training rows that is held out for it");
    }
    if (options.has("early-stopping")) {
        train.early_stopping = options.integer("early-stopping", 1, largest);
        if (!holds_out && train.validation_paths.empty()) {
            throw Error(ExitCode::usage,
                        "--early-stopping watches the validation loss: give --validation FILE or "
                        "--validation-fraction NUMBER with it");
        }
    }
    if (options.has("early-stopping-metric")) {
        constexpr std::string_view metrics[] = {"loss", "auc"};
        train.early_stopping_metric = options.choice("early-stopping-metric", metrics) == "auc"
                                          ? train::ValidationMetric::roc_auc
                                          : train::ValidationMetric::loss;
        if (!holds_out && train.validation_paths.empty()) {
            throw Error(ExitCode::usage,
                        "--early-stopping-metric is of validation rows: give --validation FILE or "
                        "--validation-fraction NUMBER with it");
        }
    }
}

std::map<std::string, std::string> path_options_of(const train::RowUse& use) {
    std::map<std::string, std::string> options{
        {"class-weights", "unset"}, {"validation-fraction", "unset"}, {"validation-seed", "unset"}};
    if (use.balances_classes) {
        options["class-weights"] = "balanced";
    } else if (use.class_weights) {
        options["class-weights"] =
            fmt::format("{},{}", use.class_weights->negative, use.class_weights->positive);
    }
    if (use.hold_out) {
        options["validation-fraction"] = fmt::format("{}", use.hold_out->fraction);
        options["validation-seed"] = fmt::format("{}", use.hold_out->seed);
    }
    return options;
}

}  // namespace paralogit::app
