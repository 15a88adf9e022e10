#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "execution_values.hpp"
#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/evaluate.hpp"
#include "paralogit/train/predict.hpp"
#include "source_values.hpp"

namespace paralogit::app {

namespace {

std::string json_of(const train::Scores& scores, double threshold) {
    const model::Confusion& confusion = scores.confusion;
    nlohmann::ordered_json json;
    json["rows"] = scores.rows;
    json["weight_sum"] = scores.weight_sum;
    json["soft_rows"] = scores.soft_rows;
    json["threshold"] = threshold;
    json["log_loss"] = scores.log_loss;
    // NaN, a ratio without a denominator, becomes null.
    json["accuracy"] = model::accuracy(confusion);
    json["precision"] = model::precision(confusion);
    json["recall"] = model::recall(confusion);
    json["f1"] = model::f1(confusion);
    json["confusion"] = {{"true_positives", confusion.true_positives},
                         {"false_positives", confusion.false_positives},
                         {"true_negatives", confusion.true_negatives},
                         {"false_negatives", confusion.false_negatives}};
    return json.dump(2);
}

std::string ratio_text(double ratio) {
    return std::isnan(ratio) ? "undefined: nothing to divide by" : fmt::format("{:.6f}", ratio);
}

std::string text_of(const train::Scores& scores, double threshold) {
    const model::Confusion& c = scores.confusion;
    std::string text =
        fmt::format("rows          {}\nlog loss      {:.12g}\n", scores.rows, scores.log_loss);
    if (scores.soft_rows > 0) {
        text += fmt::format("soft labels   {} rows, left out of what follows\n", scores.soft_rows);
    }
    return text + fmt::format(
                      "threshold     {}\n"
                      "accuracy      {}\n"
                      "precision     {}\n"
                      "recall        {}\n"
                      "F1            {}\n"
                      "                    predicted 1   predicted 0\n"
                      "  label 1      {:>16} {:>13}\n"
                      "  label 0      {:>16} {:>13}",
                      threshold, ratio_text(model::accuracy(c)), ratio_text(model::precision(c)),
                      ratio_text(model::recall(c)), ratio_text(model::f1(c)), c.true_positives,
                      c.false_negatives, c.false_positives, c.true_negatives);
}

}  // namespace

ExitCode run_evaluate(const Context& context, const Options& options) {
    const comm::Communicator& comm = context.comm;
    const double threshold = comm::together(comm, [&] {
        return options.number("threshold", {0.0, 1.0});
    });
    const train::Model model = train::load_model(comm, options.text("model"));
    const train::DataSet data = train::load_data_set(
        comm, options.list("data"), source_of(options, true), execution_of(context, options));
    comm::together(comm, [&] { train::check_fit(model, data.manifest); });
    const train::Scores scores = train::evaluate(comm, model, data, threshold);
    context.console.result(options.is_set("json") ? json_of(scores, threshold)
                                                  : text_of(scores, threshold));
    return ExitCode::done;
}

}  // namespace paralogit::app
