#include <algorithm>
#include <cmath>
#include <limits>

#include "paralogit/base/bytes.hpp"
#include "paralogit/data/labels.hpp"
#include "text.hpp"

namespace paralogit::data {

namespace {

/// The lower of two rows, where no_row stands for none.
Index earlier(Index a, Index b) {
    if (a == Error::no_row || b == Error::no_row) {
        return std::max(a, b);
    }
    return std::min(a, b);
}

/// Remembers the first row that it is told; rows come in increasing order.
void note_first(Index& first_row, Index row) {
    if (first_row == Error::no_row) {
        first_row = row;
    }
}

bool is_same_label(const LabelSurvey::Entry& a, const LabelSurvey::Entry& b) {
    return std::isnan(a.value) ? std::isnan(b.value) && a.text == b.text : a.value == b.value;
}

}  // namespace

bool is_label(double value, const std::string& positive_label) {
    const std::optional<double> number = parse_number(positive_label);
    return number && *number == value;
}

bool is_label(const std::string& text, const std::string& positive_label) {
    if (text == positive_label) {
        return true;
    }
    const std::optional<double> number = parse_number(text);
    return number && is_label(*number, positive_label);
}

LabelSurvey::LabelSurvey(const RawLabels& labels, Index first_global_row,
                         const std::optional<std::string>& positive_label)
    : are_texts_(!labels.texts.empty()) {
    const std::optional<double> positive_number =
        positive_label ? parse_number(*positive_label) : std::nullopt;
    Index row = first_global_row;
    for (const double value : labels.values) {
        if (!std::isfinite(value)) {
            note_first(first_row_not_finite_, row);
        } else {
            // Positions of texts serve as their values until the end.
            const bool is_known = std::any_of(entries_.begin(), entries_.end(),
                                              [&](const Entry& e) { return e.value == value; });
            if (!is_known && entries_.size() < kept) {
                entries_.push_back({.text = {}, .value = value, .first_row = row});
            } else if (!is_known) {
                has_more_ = true;
            }
            if (!are_texts_ && (value < 0 || value > 1)) {
                note_first(first_row_outside_unit_, row);
            }
            if (!are_texts_ && positive_number && *positive_number == value) {
                note_first(first_row_positive_, row);
            }
        }
        ++row;
    }
    if (!are_texts_) {
        for (Entry& entry : entries_) {
            entry.text = shortest(entry.value);
        }
        return;
    }
    std::vector<bool> is_positive;
    for (const std::string& text : labels.texts) {
        is_positive.push_back(positive_label && is_label(text, *positive_label));
    }
    const auto first_positive = std::find_if(
        labels.values.begin(), labels.values.end(),
        [&](double position) { return is_positive.at(static_cast<std::size_t>(position)); });
    if (first_positive != labels.values.end()) {
        first_row_positive_ = first_global_row + (first_positive - labels.values.begin());
    }
    for (Entry& entry : entries_) {
        entry.text = labels.texts.at(static_cast<std::size_t>(entry.value));
        entry.value = std::numeric_limits<double>::quiet_NaN();
    }
}

void LabelSurvey::merge(const LabelSurvey& other) {
    // A label among the first `kept` of all rows is among the first `kept` of each part that it
    // opens, so nothing that belongs into the result was dropped before.
    for (const Entry& entry : other.entries_) {
        const auto known = std::find_if(entries_.begin(), entries_.end(),
                                        [&](const Entry& e) { return is_same_label(e, entry); });
        if (known == entries_.end()) {
            entries_.push_back(entry);
        } else {
            known->first_row = std::min(known->first_row, entry.first_row);
        }
    }
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.first_row < b.first_row; });
    has_more_ = has_more_ || other.has_more_ || entries_.size() > kept;
    if (entries_.size() > kept) {
        entries_.resize(kept);
    }
    are_texts_ = are_texts_ || other.are_texts_;
    first_row_not_finite_ = earlier(first_row_not_finite_, other.first_row_not_finite_);
    first_row_outside_unit_ = earlier(first_row_outside_unit_, other.first_row_outside_unit_);
    first_row_positive_ = earlier(first_row_positive_, other.first_row_positive_);
}

std::string LabelSurvey::to_bytes() const {
    ByteWriter bytes;
    bytes.put(narrow<Index>(entries_.size()));
    for (const Entry& entry : entries_) {
        bytes.put(entry.text);
        bytes.put(entry.value);
        bytes.put(entry.first_row);
    }
    bytes.put(has_more_);
    bytes.put(are_texts_);
    bytes.put(first_row_not_finite_);
    bytes.put(first_row_outside_unit_);
    bytes.put(first_row_positive_);
    return bytes.take();
}

LabelSurvey LabelSurvey::from_bytes(const std::string& bytes) {
    ByteReader reader(bytes);
    LabelSurvey survey;
    survey.entries_.resize(reader.count());
    for (Entry& entry : survey.entries_) {
        entry.text = reader.text();
        entry.value = reader.number<double>();
        entry.first_row = reader.number<Index>();
    }
    survey.has_more_ = reader.flag();
    survey.are_texts_ = reader.flag();
    survey.first_row_not_finite_ = reader.number<Index>();
    survey.first_row_outside_unit_ = reader.number<Index>();
    survey.first_row_positive_ = reader.number<Index>();
    reader.expect_end();
    return survey;
}

}  // namespace paralogit::data
