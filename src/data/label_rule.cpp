#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "label_text.hpp"
#include "paralogit/base/command_text.hpp"
#include "paralogit/data/labels.hpp"
#include "text.hpp"

namespace paralogit::data {

namespace {

using Entry = LabelSurvey::Entry;

std::string found_labels(const LabelSurvey& survey) {
    return "found " + list_of_labels(survey);
}

void check_finite(const LabelSurvey& survey, const Manifest& manifest) {
    const Index row = survey.first_row_not_finite();
    if (row != Error::no_row) {
        throw Error(ExitCode::input_data,
                    manifest.locate_label(row) +
                        ": the label is not a finite number; remove the row or label it",
                    row);
    }
}

/// Whether every label is one of the two.
bool has_only(const LabelSurvey& survey, double a, double b) {
    return !survey.are_texts() && !survey.has_more() &&
           std::all_of(survey.entries().begin(), survey.entries().end(),
                       [&](const Entry& e) { return e.value == a || e.value == b; });
}

bool is_no_target(const Entry& entry) {
    return !parse_zero_or_one(entry.text);
}

/// Whether labels that are no targets of a model are numbers, be some of them as texts, and not
/// words that stand for the targets.
bool are_other_numbers(const LabelSurvey& survey) {
    const auto is_number = [](const Entry& entry) { return parse_number(entry.text).has_value(); };
    return !survey.are_texts() || (std::ranges::any_of(survey.entries(), is_number) &&
                                   std::ranges::any_of(survey.entries(), is_no_target));
}

/// Whether every label is a text for 0 or 1: all of them numbers, or all true or false.
bool has_only_zero_one_texts(const LabelSurvey& survey) {
    const auto are_all = [&](auto&& is_fit) {
        return std::ranges::all_of(survey.entries(), is_fit, &Entry::text);
    };
    const auto is_number = [](const std::string& text) { return parse_number(text).has_value(); };
    return survey.are_texts() && !survey.has_more() &&
           are_all([](const std::string& text) { return parse_zero_or_one(text).has_value(); }) &&
           (are_all(is_number) || std::ranges::none_of(survey.entries(), is_number, &Entry::text));
}

/// Whether it can be pasted into a command as it is shown.
bool can_be_pasted(const Entry& entry) {
    return !entry.text.empty() && printable(entry.text) == entry.text;
}

/// Of three labels that which is none of a usual pair; null where there is no such pair. It may
/// stand for labels that are missing, which nobody wants against the positive one.
const Entry* beside_a_pair(const LabelSurvey& survey) {
    const std::vector<Entry>& entries = survey.entries();
    if (entries.size() != 3 || survey.has_more()) {
        return nullptr;
    }
    const auto number_of = [&](const Entry& entry) {
        return survey.are_texts() ? parse_zero_or_one(entry.text) : entry.value;
    };
    for (const double negative : {0.0, -1.0}) {
        const auto is_other = [&](const Entry& entry) {
            const std::optional<double> number = number_of(entry);
            return number != negative && number != 1.0;
        };
        if (std::ranges::count(entries, negative, number_of) == 1 &&
            std::ranges::count(entries, 1.0, number_of) == 1) {
            return &*std::ranges::find_if(entries, is_other);
        }
    }
    return nullptr;
}

[[noreturn]] void fail_without_positive_label(const LabelSurvey& survey, const Manifest& manifest) {
    // Among the entries unless it is one of many numbers.
    const std::vector<Entry>& entries = survey.entries();
    const Entry* const third = beside_a_pair(survey);
    const Index row = third != nullptr     ? third->first_row
                      : survey.are_texts() ? entries.front().first_row
                                           : survey.first_row_outside_unit();
    const auto at_fault = std::find_if(entries.begin(), entries.end(),
                                       [&](const Entry& e) { return e.first_row == row; });
    const std::string label =
        at_fault == entries.end() ? "the label" : "label " + spelled(*at_fault, survey.are_texts());
    std::string advice = "use --positive-label VALUE to train one label against the rest";
    if (entries.size() == 2 && !survey.has_more()) {
        advice = std::ranges::all_of(entries, can_be_pasted)
                     ? fmt::format("use {} or {} to say which is y = 1",
                                   option_text("positive-label", entries[0].text),
                                   option_text("positive-label", entries[1].text))
                     : "use --positive-label with the whole text of that which is y = 1";
    } else if (third != nullptr) {
        advice = fmt::format("where {} stands for a missing label, remove these rows; else {}",
                             spelled(*third, survey.are_texts()), advice);
    }
    throw Error(ExitCode::input_data,
                fmt::format("{}: {} is not in {{0, 1}}; {}; {}", manifest.locate_label(row), label,
                            found_labels(survey), advice),
                row);
}

void check_known(const LabelSurvey& all, const KnownLabels& known, const Manifest& manifest) {
    const auto is_known = [&](const Entry& entry) {
        return std::ranges::any_of(known.labels, [&](const std::string& label) {
            return all.are_texts() ? is_label(entry.text, label) : is_label(entry.value, label);
        });
    };
    const auto unknown = std::ranges::find_if_not(all.entries(), is_known);
    if (unknown != all.entries().end()) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}: label {} is none of those that {} was trained on, {}; correct "
                                "it or remove the row",
                                manifest.locate_label(unknown->first_row),
                                spelled(*unknown, all.are_texts()), known.model,
                                fmt::join(known.labels, ", ")),
                    unknown->first_row);
    }
}

/// 1 or 0 of a word for it; empty for numbers and other words.
std::optional<double> number_in_words(const std::string& positive_label) {
    return parse_number(positive_label) ? std::nullopt : parse_zero_or_one(positive_label);
}

/// Whether a row has the positive label, in the form in which labels are stored.
bool is_in_a_row(const LabelSurvey& all, const std::string& stored, const std::string& given) {
    return stored == given
               ? all.first_row_positive() != Error::no_row
               : std::ranges::find(all.entries(), stored, &Entry::text) != all.entries().end();
}

/// Whether a positive label is the 1 of labels that are y themselves; a word is another one.
bool is_target(const std::string& positive_label) {
    return parse_number(positive_label) || parse_zero_or_one(positive_label);
}

/// Numbers that a model of 0 and 1, or the like, was not trained on.
[[noreturn]] void fail_unknown_target(const LabelSurvey& all, const KnownLabels& known,
                                      const Manifest& manifest) {
    const auto& entries = all.entries();
    const auto text = std::ranges::find_if(entries, is_no_target);
    const Index row =
        all.are_texts() && text != entries.end() ? text->first_row : all.first_row_outside_unit();
    const auto entry = std::ranges::find(entries, row, &Entry::first_row);
    throw Error(
        ExitCode::input_data,
        fmt::format(
            "{}: {} is none of those that {} was trained on, {}; {}; write them as the model "
            "has them, 1 for the positive rows",
            manifest.locate_label(row),
            entry == entries.end() ? "the label" : "label " + spelled(*entry, all.are_texts()),
            known.model,
            known.labels.empty() ? "numbers in [0, 1]"
                                 : fmt::format("{}", fmt::join(known.labels, ", ")),
            found_labels(all)),
        row);
}

[[noreturn]] void fail_without_positive_row(const LabelSurvey& all, const std::string& label,
                                            const Manifest& manifest,
                                            const std::optional<KnownLabels>& known) {
    throw Error(
        ExitCode::input_data,
        fmt::format(
            "{} {}: no row of {} has this label; {}",
            known ? fmt::format("the positive label of {},", known->model) : "--positive-label",
            printable(label),
            manifest.files.size() == 1
                ? manifest.files.front().path + ":" + manifest.files.front().labels_path
                : fmt::format("the {} files", manifest.files.size()),
            found_labels(all)));
}

}  // namespace

LabelRule::LabelRule(const LabelSurvey& all, const std::optional<std::string>& positive_label,
                     const Manifest& manifest, const std::optional<KnownLabels>& known)
    : known_(all),
      made_for_(manifest.files.front().path + ":" + manifest.files.front().labels_path) {
    check_finite(all, manifest);
    const bool are_targets = known && known->are_targets;
    if (positive_label && !(are_targets && is_target(*positive_label))) {
        const bool are_all_known = known && !known->labels.empty() && !are_targets;
        const std::optional<double> number = number_in_words(*positive_label);
        // Booleans are stored so.
        positive_label_ = number && has_only(all, 0, 1) ? shortest(*number) : *positive_label;
        if (are_all_known) {
            check_known(all, *known, manifest);
        } else if (!is_in_a_row(all, positive_label_, *positive_label)) {
            fail_without_positive_row(all, *positive_label, manifest,
                                      are_targets ? std::nullopt : known);
        }
        kind_ = Kind::one_against_rest;
        description_ = describe_one_against_rest(all, positive_label_);
    } else if (has_only(all, 0, 1)) {
        kind_ = Kind::zero_one;
        description_ = describe_pair(all, "0 and 1");
    } else if (has_only_zero_one_texts(all)) {
        kind_ = Kind::zero_one;
        description_ = describe_texts(all);
    } else if (has_only(all, -1, 1)) {
        kind_ = Kind::minus_plus;
        description_ = describe_pair(all, "-1 and +1");
    } else if (!all.are_texts() && all.first_row_outside_unit() == Error::no_row) {
        description_ = "soft, in [0, 1]";
    } else if (are_targets && are_other_numbers(all)) {
        fail_unknown_target(all, *known, manifest);
    } else {
        fail_without_positive_label(all, manifest);
    }
}

void LabelRule::check_applies(const LabelSurvey& others, const Manifest& manifest) const {
    check_finite(others, manifest);
    // Of an empty survey nothing is known.
    if (!others.entries().empty() && others.are_texts() != known_.are_texts()) {
        const auto kind_of = [](const LabelSurvey& survey) {
            return survey.are_texts() ? "texts" : "numbers";
        };
        throw Error(
            ExitCode::input_data,
            fmt::format("{} has {} as labels, but {} has {}; both must have the same",
                        manifest.files.front().path + ":" + manifest.files.front().labels_path,
                        kind_of(others), made_for_, kind_of(known_)));
    }
    if (kind_ == Kind::soft) {
        if (const Index row = others.first_row_outside_unit(); row != Error::no_row) {
            throw Error(ExitCode::input_data,
                        fmt::format("{}: the label is not in [0, 1], as all labels of {} are; "
                                    "correct it or remove the row",
                                    manifest.locate_label(row), made_for_),
                        row);
        }
        return;
    }
    const auto is_covered = [&](const Entry& other) {
        switch (kind_) {
            case Kind::zero_one:
                return known_.are_texts() ? parse_zero_or_one(other.text).has_value()
                                          : other.value == 0 || other.value == 1;
            case Kind::minus_plus:
                return other.value == -1 || other.value == 1;
            default:
                return known_.has_more() ||
                       std::ranges::any_of(known_.entries(), [&](const Entry& known) {
                           return known_.are_texts() ? known.text == other.text
                                                     : known.value == other.value;
                       });
        }
    };
    const auto unknown = std::ranges::find_if_not(others.entries(), is_covered);
    if (unknown != others.entries().end()) {
        throw Error(
            ExitCode::input_data,
            fmt::format("{}: label {} is none of those trained on: {} has {}; correct it "
                        "or remove the row",
                        manifest.locate_label(unknown->first_row),
                        spelled(*unknown, others.are_texts()), made_for_, list_of_labels(known_)),
            unknown->first_row);
    }
}

Labels LabelRule::apply(const RawLabels& labels) const {
    if (kind_ == Kind::soft) {
        return Labels(labels.values);
    }
    std::vector<std::uint8_t> result(labels.values.size());
    const auto map = [&](auto&& is_positive) {
        std::transform(labels.values.begin(), labels.values.end(), result.begin(),
                       [&](double value) { return static_cast<std::uint8_t>(is_positive(value)); });
    };
    if (!labels.texts.empty()) {
        std::vector<bool> is_positive_text;
        for (const std::string& text : labels.texts) {
            is_positive_text.push_back(kind_ == Kind::one_against_rest
                                           ? is_label(text, positive_label_)
                                           : parse_zero_or_one(text) == 1);
        }
        map([&](double position) {
            return is_positive_text.at(static_cast<std::size_t>(position));
        });
    } else if (kind_ == Kind::one_against_rest) {
        const std::optional<double> positive = parse_number(positive_label_);
        map([&](double value) { return positive && value == *positive; });
    } else {
        map([](double value) { return value > 0; });
    }
    return Labels(std::move(result));
}

std::string LabelRule::note() const {
    return kind_ == Kind::one_against_rest ? note_of_other_spellings(known_, positive_label_) : "";
}

std::string LabelRule::kind_name() const {
    switch (kind_) {
        case Kind::zero_one:
            return "zero_one";
        case Kind::minus_plus:
            return "minus_plus";
        case Kind::soft:
            return "soft";
        default:
            return one_against_rest;
    }
}

std::vector<std::string> LabelRule::known_labels() const {
    std::vector<std::string> labels;
    if (kind_ == Kind::one_against_rest && !known_.has_more()) {
        for (const Entry& entry : known_.entries()) {
            labels.push_back(entry.text);
        }
        std::ranges::sort(labels);
    }
    return labels;
}

bool is_same_positive_label(const std::string& kind, const std::string& positive_label,
                            const std::vector<std::string>& known_labels,
                            const std::string& wanted) {
    if (kind == LabelRule::one_against_rest) {
        // Of 0, 1 and 2, say, a word is none.
        const bool are_booleans =
            !known_labels.empty() && std::ranges::all_of(known_labels, [](const auto& label) {
                return is_label(label, "0") || is_label(label, "1");
            });
        const std::optional<double> number = number_in_words(wanted);
        return is_label(positive_label, wanted) ||
               (are_booleans && number && parse_number(positive_label) == number);
    }
    // Of any other kind 1 is positive. Of a word such as 'spam' the kind knows nothing.
    const auto spelled_one = parse_zero_or_one(wanted);
    const auto number = spelled_one ? spelled_one : parse_number(wanted);
    return !number || *number == 1;
}

}  // namespace paralogit::data
