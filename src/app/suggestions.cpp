#include "suggestions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <numeric>
#include <utility>

namespace paralogit::app {

namespace {

/// Levenshtein's distance (1965).
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row.back();
}

/// Words of scikit-learn, glmnet, LIBLINEAR, XGBoost, PyTorch and Keras, and of habit, with blanks
/// between them, and what does that here. Of several entries the first counts whose option the
/// command has.
struct Habit {
    std::string_view words;
    std::string_view option;
    std::string_view remark = {};
};

constexpr Habit habits[] = {
    {"lr eta eta0 step-size stepsize learning-rate-init learnrate", "learning-rate"},
    {"epochs epoch n-epochs num-epochs nepochs max-epochs", "max-iterations",
     " An epoch is an iteration of sgd, adam and adagrad."},
    {"max-iter maxiter maxit max-iters iterations n-iter n-iters num-iter num-iterations iters "
     "niter steps max-steps",
     "max-iterations"},
    {"tol eps gtol ftol abstol reltol thresh", "tolerance"},
    {"c cost", "C", " It goes with --penalty."},
    {"alpha reg regularization regularisation reg-strength reg-param lambda2 reg-lambda l2-reg "
     "l2-penalty ridge",
     "l2", " The strength of a penalty is --l1 and --l2, or --penalty with --lambda or --C."},
    {"lambda1 reg-alpha l1-reg l1-penalty lasso", "l1"},
    {"elasticnet elastic-net regularizer reg-type penalty-type", "penalty"},
    {"n-jobs njobs jobs nthread nthreads n-threads num-threads num-workers workers cores cpus j",
     "threads"},
    {"random-state random-seed rng-seed rng", "seed"},
    {"batch batchsize minibatch mini-batch minibatch-size mini-batch-size bs", "batch-size"},
    {"fit-intercept bias no-bias no-intercept add-intercept", "intercept", " It takes yes or no."},
    {"optimizer optimiser algorithm algo method optim", "solver"},
    {"class-weight pos-weight scale-pos-weight", "class-weights"},
    {"sample-weight sample-weights weights row-weights weight weight-column", "weights-name"},
    {"normalize normalise scale standardise standardization scaling", "standardize",
     " It takes yes or no, and yes is the default."},
    {"output output-dir outdir out-dir model-dir save-dir o", "out"},
    {"label y target labels target-column label-col label-name target-name", "label-column"},
    {"label y target labels target-column label-col label-column label-name target-name",
     "labels-name"},
    {"x features feature-name dataset", "features-name"},
    {"pos-label positive-class", "positive-label"},
    {"val-fraction val-split validation-split test-size valid-fraction test-fraction",
     "validation-fraction"},
    {"val valid validation-data validation-file eval-set eval test", "validation"},
    {"patience n-iter-no-change early-stop early-stopping-rounds", "early-stopping"},
    {"warm-start init init-model start", "initial"},
    {"force f clobber replace", "overwrite"},
    {"config-file settings cfg conf", "config"},
    {"continue restart", "resume"},
    {"memory mem mem-limit max-memory", "memory-limit"},
    {"timeout time max-time walltime", "time-limit"},
    {"save-every checkpoint-interval checkpoint-freq", "checkpoint-every"},
    {"debug v verbosity", "verbose"},
    {"silent q", "quiet"},
    {"h", "help"},
    {"sep delimiter delim", "separator"},
    {"na-values na missing-values null-values", "missing-markers"},
    {"impute fillna fill", "missing"},
    {"no-header has-header", "header", " It takes auto, yes or no."},
    {"n-features num-features dim dims d columns cols", "features"},
    {"n samples n-samples num-samples num-rows nrows", "rows"},
    {"dtype precision", "type"},
    {"cutoff", "threshold"},
    {"p-values pvalues summary", "inference"},
    {"history-size maxcor m", "history"},
    {"gamma", "focal-gamma"},
};

/// The same of values.
struct ValueHabit {
    std::string_view option;
    std::string_view words;
    std::string_view value;
};

constexpr ValueHabit value_habits[] = {
    {"penalty", "ridge", "l2"},
    {"penalty", "lasso", "l1"},
    {"penalty", "elastic-net enet", "elasticnet"},
    {"solver", "l-bfgs l-bfgs-b bfgs", "lbfgs"},
    {"solver", "newton-cholesky irls irwls", "newton"},
    {"solver", "trust-ncg tron cg", "newton-cg"},
    {"solver", "gradient-descent", "gd"},
    {"solver", "adamw", "adam"},
    {"solver", "sag saga liblinear default best", "auto"},
    {"loss", "log logistic log-loss logloss cross-entropy binary-crossentropy", "bce"},
    {"class-weights", "auto balance", "balanced"},
};

/// In small letters, with dashes.
std::string plain(std::string_view name) {
    std::string result(name);
    std::ranges::transform(result, result.begin(), [](unsigned char c) {
        return c == '_' ? '-' : static_cast<char>(std::tolower(c));
    });
    return result;
}

bool is_among(std::string_view word, std::string_view words) {
    while (!words.empty()) {
        const std::size_t end = std::min(words.find(' '), words.size());
        if (words.substr(0, end) == word) {
            return true;
        }
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return false;
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string_view>& names,
                         std::string_view prefix) {
    if (names.empty()) {
        return "";
    }
    const auto nearest = *std::min_element(
        names.begin(), names.end(), [name](std::string_view left, std::string_view right) {
            return edit_distance(name, left) < edit_distance(name, right);
        });
    const auto begun = std::find_if(names.begin(), names.end(), [name](std::string_view candidate) {
        return name.size() >= 2 && candidate.starts_with(name) && candidate != name;
    });
    if (begun != names.end()) {
        return fmt::format("; did you mean {}{}?", prefix, *begun);
    }
    // Of a short name all but nothing would be left.
    const std::size_t most = std::min<std::size_t>(3, name.size() / 2);
    const std::size_t distance = edit_distance(name, nearest);
    return distance > 0 && distance <= most ? fmt::format("; did you mean {}{}?", prefix, nearest)
                                            : "";
}

std::string suggested_option(const CommandSpec& command, std::string_view name,
                             std::string_view prefix) {
    const std::string own = plain(name);
    std::vector<std::string_view> names;
    for (const OptionSpec& option : command.options) {
        names.push_back(option.name);
    }
    const auto has = [&](std::string_view option) {
        return std::ranges::find(names, option) != names.end();
    };
    if (has(own)) {
        return fmt::format("; did you mean {}{}?", prefix, own);
    }
    for (const Habit& habit : habits) {
        if (has(habit.option) && is_among(own, habit.words)) {
            return fmt::format("; did you mean {}{}?{}", prefix, habit.option, habit.remark);
        }
    }
    return nearest_name(own, names, prefix);
}

std::string suggested_value(std::string_view option, std::string_view value,
                            const std::vector<std::string_view>& choices) {
    const std::string own = plain(value);
    for (const ValueHabit& habit : value_habits) {
        if (habit.option == option && is_among(own, habit.words)) {
            return fmt::format("; did you mean {}?", habit.value);
        }
    }
    return std::ranges::find(choices, own) != choices.end() ? fmt::format("; did you mean {}?", own)
                                                            : nearest_name(own, choices);
}

}  // namespace paralogit::app
