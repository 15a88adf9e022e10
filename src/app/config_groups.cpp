#include "config_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <system_error>

namespace paralogit::app {

namespace {

/// Of the options that one run cannot have together those of the command line stay.
class Replacement {
  public:
    explicit Replacement(Options& options) : options_(options) {}

    /// Leaves out the options of the file when the command line has one of `chosen`.
    void replace(std::initializer_list<const char*> chosen,
                 std::initializer_list<const char*> replaced) {
        const auto* const by = std::ranges::find_if(
            chosen, [&](const char* name) { return options_.is_on_command_line(name); });
        if (by != chosen.end()) {
            leave_out(replaced, fmt::format("the command line says --{}{}", *by,
                                            options_.is_set(*by) ? value_text(*by) : "=false"));
        }
    }

    void leave_out(std::initializer_list<const char*> names, const std::string& why) {
        for (const char* const name : names) {
            if (!options_.is_from_config(name)) {
                continue;
            }
            if (options_.differs_from_standard(name)) {
                sentences_.push_back(fmt::format("{}{} = {} is not used: {}",
                                                 options_.place_of(name), name, options_.text(name),
                                                 why));
            }
            options_.leave_out(name);
        }
    }

    std::vector<std::string> sentences() const { return sentences_; }

  private:
    std::string value_text(const char* name) const {
        const std::string value = options_.text(name);
        return value == "true" ? "" : " " + value;
    }

    Options& options_;
    std::vector<std::string> sentences_;
};

/// What is no number is refused when the penalty is read.
bool has_strength(const Options& options, const char* name) {
    const std::string text = options.text(name);
    double number = 0;
    const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    return status != std::errc() || rest != text.data() + text.size() || number != 0;
}

bool is_penalised(const Options& options) {
    return options.has("penalty") ? options.text("penalty") != "none"
                                  : has_strength(options, "l1") || has_strength(options, "l2");
}

void replace_penalty(const Options& options, Replacement& replacement) {
    replacement.replace({"penalty", "lambda", "C", "l1-ratio"}, {"l1", "l2"});
    replacement.replace({"l1", "l2"}, {"penalty", "lambda", "C", "l1-ratio"});
    replacement.replace({"lambda"}, {"C"});
    replacement.replace({"C"}, {"lambda"});
    if (options.is_on_command_line("penalty")) {
        const std::string family = options.text("penalty");
        if (family == "none") {
            replacement.replace({"penalty"}, {"lambda", "C"});
        }
        if (family != "elasticnet") {
            replacement.replace({"penalty"}, {"l1-ratio"});
        }
    }
    if (!is_penalised(options)) {
        replacement.replace({"penalty", "l1", "l2"}, {"penalty-scale", "penalty-factors"});
    }
}

}  // namespace

std::vector<std::string> leave_out_what_is_replaced(Options& options) {
    Replacement replacement(options);
    replace_penalty(options, replacement);
    replacement.replace({"validation"}, {"validation-fraction", "validation-seed"});
    replacement.replace({"validation-fraction"}, {"validation"});
    replacement.replace({"resume"}, {"overwrite"});
    replacement.replace({"overwrite"}, {"resume"});
    if (!options.is_set("inference")) {
        replacement.replace({"inference"}, {"confidence"});
    }
    if (options.text("loss") != "focal") {
        replacement.replace({"loss"}, {"focal-gamma", "focal-alpha"});
    }
    return replacement.sentences();
}

}  // namespace paralogit::app
