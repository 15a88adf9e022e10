#include "paralogit/train/score_collector.hpp"

#include "paralogit/base/checked.hpp"

namespace paralogit::train {

namespace {

Index bytes_per_row(const ScoreCollector::Form& form) {
    return form.is_weighted() ? sizeof(model::WeightedKey) : sizeof(std::uint64_t);
}

}  // namespace

ScoreCollector::ScoreCollector(Index rows, Form form)
    : form_(form),
      capacity_(checked_multiply(rows, form.is_soft ? 2 : 1, "rows with soft labels")),
      buffer_(checked_multiply(capacity_, bytes_per_row(form), "scores")) {}

void ScoreCollector::add(std::span<const double> scores, model::LabelView labels,
                         std::span<const double> row_weights) {
    if (form_.is_weighted()) {
        add_rows<model::WeightedKey>(scores, labels, row_weights,
                                     [](std::uint64_t key, double weight) {
                                         return model::WeightedKey{key, weight};
                                     });
    } else {
        add_rows<std::uint64_t>(scores, labels, row_weights,
                                [](std::uint64_t key, double) { return key; });
    }
}

template <class Row, class MakeRow>
void ScoreCollector::add_rows(std::span<const double> scores, model::LabelView labels,
                              std::span<const double> row_weights, const MakeRow& make_row) {
    const auto positive_weight = [&](std::size_t i) {
        return row_weights.empty() ? labels[i] : labels[i] * row_weights[i];
    };
    const auto negative_weight = [&](std::size_t i) {
        return row_weights.empty() ? 1 - labels[i] : (1 - labels[i]) * row_weights[i];
    };
    Index positives = 0;
    Index negatives = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        positives += positive_weight(i) > 0 ? 1 : 0;
        negatives += negative_weight(i) > 0 ? 1 : 0;
    }
    const bool is_of_form =
        form_.is_soft || (positives + negatives <= std::ssize(scores) &&
                          (form_.has_weights ||
                           (row_weights.empty() && positives + negatives == std::ssize(scores))));
    if (!is_of_form || used_.fetch_add(positives + negatives) + positives + negatives > capacity_) {
        throw Error(ExitCode::internal,
                    "internal error: more scores, or others, than room was made for");
    }
    const std::span<Row> rows = all<Row>();
    auto positive = static_cast<std::size_t>(positives_.fetch_add(positives));
    auto negative = rows.size() - static_cast<std::size_t>(negatives_.fetch_add(negatives));
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const std::uint64_t key = model::score_key(scores[i]);
        if (const double weight = positive_weight(i); weight > 0) {
            rows[positive++] = make_row(key, weight);
        }
        if (const double weight = negative_weight(i); weight > 0) {
            rows[--negative] = make_row(key, weight);
        }
    }
}

}  // namespace paralogit::train
