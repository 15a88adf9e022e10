#include "paralogit/optim/learning_rate.hpp"

#include <algorithm>
#include <cmath>

#include "option_checks.hpp"

namespace paralogit::optim {

namespace {

/// cos(pi x) for 0 <= x <= 1, to about 1 ulp of 1. That of the C library gives other bits on
/// processors with other instructions.
double cos_pi(double x) {
    if (x > 0.5) {
        return -cos_pi(1 - x);
    }
    // With y = pi x / 2 <= pi / 4: cos(2 y) = 1 - 2 sin(y)^2, and the series of the sine.
    constexpr double half_pi = 0x1.921fb54442d18p+0;
    const double y = half_pi * x;
    const double square = y * y;
    double series = 0;
    for (int k = 19; k >= 3; k -= 2) {
        series = square / (k * (k - 1)) * (1 - series);
    }
    const double sine = y * (1 - series);
    return 1 - 2 * sine * sine;
}

double power(double base, Index exponent) {
    double result = 1;
    for (; exponent > 0; exponent /= 2, base *= base) {
        result *= exponent % 2 == 1 ? base : 1.0;
    }
    return result;
}

double scheduled(const LearningRateOptions& options, Index step, Index steps_of_epoch) {
    const double epochs = static_cast<double>(step) / static_cast<double>(steps_of_epoch);
    switch (options.schedule) {
        case Schedule::inverse:
            return options.rate / (1 + options.decay * epochs);
        case Schedule::step:
            return options.rate * power(options.decay, step / steps_of_epoch / options.period);
        case Schedule::cosine:
            return options.rate *
                   (1 + cos_pi(std::min(epochs / static_cast<double>(options.horizon), 1.0))) / 2;
        case Schedule::constant:
            break;
    }
    return options.rate;
}

}  // namespace

void require_learning_rate(const LearningRateOptions& options) {
    require_option(options.rate > 0 && std::isfinite(options.rate), "--learning-rate", options.rate,
                   "a finite number above 0");
    if (options.schedule == Schedule::inverse) {
        require_option(options.decay >= 0 && std::isfinite(options.decay), "--decay", options.decay,
                       "a finite number, 0 or more");
    } else if (options.schedule == Schedule::step) {
        require_option(options.decay > 0 && options.decay <= 1, "--decay", options.decay,
                       "a number above 0, at most 1");
    }
    require_option(options.period >= 1, "--decay-epochs", options.period,
                   "a whole number, 1 or more");
    require_option(options.horizon >= 1, "--schedule-epochs", options.horizon,
                   "a whole number, 1 or more");
    require_option(options.warmup >= 0 && std::isfinite(options.warmup), "--warmup", options.warmup,
                   "a finite number, 0 or more");
}

double learning_rate(const LearningRateOptions& options, Index step, Index steps_of_epoch) {
    const double rate = scheduled(options, step, steps_of_epoch);
    const double warmup_steps = options.warmup * static_cast<double>(steps_of_epoch);
    const double number = static_cast<double>(step) + 1;
    return number < warmup_steps ? rate * (number / warmup_steps) : rate;
}

}  // namespace paralogit::optim
