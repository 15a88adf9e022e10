#include "model_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace paralogit::app {

std::string model_text(const std::string& path, const train::Model& model, bool lists_all) {
    constexpr Index most_listed = 100;
    const Index features = model.coefficients.size();
    std::string text =
        fmt::format("{}: a model of {} feature{}\n", path, features, features == 1 ? "" : "s");
    constexpr std::pair<std::string_view, std::string_view> facts[] = {
        {"labels", "labels"},
        {"class_weights", "class weights"},
        {"loss", "loss"},
        {"penalty-scale", "penalty scale"},
        {"l1", "l1"},
        {"l2", "l2"},
        {"solver", "solver"},
        {"stop_reason", "stopped"},
        {"data_fingerprint", "trained on"},
        {"version", "version"}};
    for (const auto& [attribute, words] : facts) {
        const auto found = model.attributes.find(std::string(attribute));
        if (found != model.attributes.end()) {
            text += fmt::format("  {:<14} {}\n", words,
                                attribute == "data_fingerprint"
                                    ? "data of the fingerprint " + found->second
                                    : found->second);
        }
    }
    text += fmt::format("  {:<14} {}\n", "model_sha256", model.sha256());
    text += fmt::format("intercept: {}{}\n", model.intercept,
                        model.has_intercept ? "" : ", trained without one");
    text += "coefficients:\n";
    const Index listed = lists_all ? features : std::min(features, most_listed);
    for (Index j = 0; j < listed; ++j) {
        const std::string name = model.feature_names.empty()
                                     ? fmt::format("column {}", j)
                                     : model.feature_names[static_cast<std::size_t>(j)];
        text += fmt::format("  {:>24}  {}\n", model.coefficients[j], name);
    }
    if (listed < features) {
        text += fmt::format("  ... and {} more, which --verbose lists\n", features - listed);
    }
    return text;
}

}  // namespace paralogit::app
