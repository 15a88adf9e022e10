#include "stall_limits.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "paralogit/app/program.hpp"

namespace paralogit::app {

namespace {

constexpr std::string_view never = "never";

comm::StallLimits limits_from(double seconds) {
    return {.warn_seconds = seconds / 20, .stall_seconds = seconds};
}

}  // namespace

comm::StallLimits stall_limits_of(const Options& options) {
    return options.text("stall-timeout") == never
               ? comm::StallLimits::never()
               : limits_from(*options.seconds("stall-timeout", ", or never"));
}

comm::StallLimits stall_limits_at_start(const std::vector<std::string>& arguments) {
    constexpr std::string_view option = "--stall-timeout";
    const auto found = std::ranges::find_if(arguments, [&](std::string_view argument) {
        return argument.substr(0, argument.find('=')) == option;
    });
    if (found == arguments.end()) {
        return {};
    }
    std::string value;
    if (found->size() > option.size()) {
        value = found->substr(option.size() + 1);
    } else if (found + 1 != arguments.end()) {
        value = *(found + 1);
    }
    if (value == never) {
        return comm::StallLimits::never();
    }
    // What is wrong with it is told when the options are read.
    const std::optional<double> seconds = Options::seconds_from(value);
    return seconds ? limits_from(*seconds) : comm::StallLimits();
}

std::optional<double> seconds_in_mpi(const comm::StallLimits& limits) {
    // However short a stop of a rank may be, many ranks need their time.
    constexpr double enough = 60;
    constexpr double times = 10;
    const double seconds = limits.stall_seconds;
    return std::isfinite(seconds)
               ? std::optional(std::max(seconds, std::min(times * seconds, enough)))
               : std::nullopt;
}

std::optional<double> seconds_to_start(const std::vector<std::string>& arguments) {
    return seconds_in_mpi(stall_limits_at_start(arguments));
}

}  // namespace paralogit::app
