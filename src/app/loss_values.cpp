#include "loss_values.hpp"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "paralogit/base/error.hpp"

namespace paralogit::app {

namespace {

bool has_alpha(const model::Loss& loss) {
    return loss.positive_factor() != loss.negative_factor() || loss.positive_factor() != 1;
}

}  // namespace

model::Loss read_loss(const Options& options) {
    constexpr std::string_view losses[] = {"bce", "focal"};
    if (options.choice("loss", losses) == "bce") {
        for (const char* of_focal : {"focal-gamma", "focal-alpha"}) {
            if (options.has(of_focal)) {
                throw Error(
                    ExitCode::usage,
                    fmt::format("--{} goes with --loss focal, which is not given", of_focal));
            }
        }
        return {};
    }
    constexpr double usual_gamma = 2;
    const double gamma = options.has("focal-gamma")
                             ? options.number("focal-gamma", {0.0, model::Loss::most_gamma})
                             : usual_gamma;
    std::optional<double> alpha;
    if (options.has("focal-alpha")) {
        alpha = options.number(
            "focal-alpha",
            {.lowest = 0, .highest = 1, .is_lowest_allowed = false, .is_highest_allowed = false});
    }
    return model::Loss::focal(gamma, alpha);
}

std::string loss_text(const model::Loss& loss) {
    if (!loss.is_focal()) {
        return "BCE";
    }
    return has_alpha(loss) ? fmt::format("focal loss (gamma {}, alpha {})", loss.gamma(),
                                         loss.positive_factor())
                           : fmt::format("focal loss (gamma {})", loss.gamma());
}

std::map<std::string, std::string> path_options_of(const model::Loss& loss) {
    if (!loss.is_focal()) {
        return {{"loss", "bce"}, {"focal-gamma", "unset"}, {"focal-alpha", "unset"}};
    }
    return {{"loss", "focal"},
            {"focal-gamma", fmt::format("{}", loss.gamma())},
            {"focal-alpha", has_alpha(loss) ? fmt::format("{}", loss.positive_factor()) : "unset"}};
}

}  // namespace paralogit::app
