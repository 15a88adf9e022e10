#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "paralogit/data/manifest.hpp"
#include "paralogit/model/block.hpp"

namespace paralogit::data {

/// Labels as stored: numbers, or positions in `texts`.
struct RawLabels {
    std::vector<double> values;  ///< [rows]
    std::vector<std::string>
        texts;  ///< the distinct texts, in order of appearance; empty for numbers
};

/// The distinct labels of some rows. Surveys of several ranks merge into the survey of all rows,
/// whatever the ranks were.
class LabelSurvey {
  public:
    LabelSurvey() = default;
    /// The positive label is looked for in all rows, for it may come after the entries that are
    /// kept.
    LabelSurvey(const RawLabels& labels, Index first_global_row,
                const std::optional<std::string>& positive_label = std::nullopt);

    void merge(const LabelSurvey& other);

    std::string to_bytes() const;
    static LabelSurvey from_bytes(const std::string& bytes);

    /// A distinct label and the first row that has it.
    struct Entry {
        std::string text;  ///< the text, or the number in its shortest form
        double value;      ///< NaN for texts
        Index first_row;
    };
    /// In order of first rows; at most `kept`, those of the lowest first rows.
    const std::vector<Entry>& entries() const { return entries_; }
    /// Whether there are distinct labels beyond entries().
    bool has_more() const { return has_more_; }
    bool are_texts() const { return are_texts_; }
    /// Row of the first number that is NaN or infinite; Error::no_row when there is none.
    Index first_row_not_finite() const { return first_row_not_finite_; }
    /// Row of the first finite number outside [0, 1]; Error::no_row when there is none.
    Index first_row_outside_unit() const { return first_row_outside_unit_; }
    /// First row that has the positive label; Error::no_row when none has it or none was given.
    Index first_row_positive() const { return first_row_positive_; }

    static constexpr std::size_t kept = 16;

  private:
    std::vector<Entry> entries_;
    bool has_more_ = false;
    bool are_texts_ = false;
    Index first_row_not_finite_ = Error::no_row;
    Index first_row_outside_unit_ = Error::no_row;
    Index first_row_positive_ = Error::no_row;
};

/// Whether a stored label is the positive one: the same text, or both spell the same number.
bool is_label(const std::string& text, const std::string& positive_label);
bool is_label(double value, const std::string& positive_label);

/// Labels y in [0, 1] of some rows: a byte each when all are 0 or 1, else a double each.
class Labels {
  public:
    Labels() = default;
    explicit Labels(std::vector<std::uint8_t> hard) : hard_(std::move(hard)) {}
    explicit Labels(std::vector<double> soft) : soft_(std::move(soft)) {}

    model::LabelView view() const {
        return soft_.empty() ? model::LabelView(std::span(hard_))
                             : model::LabelView(std::span(soft_));
    }
    bool empty() const { return hard_.empty() && soft_.empty(); }
    /// As they are held.
    Index bytes() const { return static_cast<Index>(hard_.size() + soft_.size() * sizeof(double)); }

  private:
    std::vector<std::uint8_t> hard_;
    std::vector<double> soft_;
};

/// How stored labels become y in [0, 1].
class LabelRule {
  public:
    /// Decides from the survey of all rows:
    ///  - with a positive label, which the survey was told: it against all others; an error when no
    ///    row has it. Of labels 0 and 1, as booleans are stored, it may be true or false;
    ///  - {0, 1}, or a part of it: as stored, also as texts, and so true and false;
    ///    {-1, +1}: as 0 and 1;  numbers in [0, 1]: soft labels;
    ///  - anything else is an error that names a row, lists the labels, and tells what to do.
    /// With the labels that a model knows, one that it does not know is an error, and rows without
    /// the positive one are none. Where these are 0 and 1 or the like, a positive label that is a
    /// number changes nothing; a word says which of other texts is 1.
    /// Throws Error (input_data).
    LabelRule(const LabelSurvey& all, const std::optional<std::string>& positive_label,
              const Manifest& manifest, const std::optional<KnownLabels>& known = std::nullopt);

    /// y per row. Whether it takes a byte depends on the labels of all rows, not on these.
    Labels apply(const RawLabels& labels) const;

    /// Throws Error (input_data), which names both files, when other labels, those of `manifest`,
    /// are not of the kind that the rule was made for, or one of them occurs in no row that it was
    /// made for (as far as that is known: both surveys keep a few labels only). A label that is
    /// missing is fine.
    void check_applies(const LabelSurvey& others, const Manifest& manifest) const;

    bool is_soft() const { return kind_ == Kind::soft; }

    /// For people: "0 and 1", "-1 and +1", "soft, in [0, 1]", "'g' against 1 other: 'h'".
    const std::string& description() const { return description_; }
    /// For people: which labels are other spellings of the positive one, and count as negative;
    /// empty where none is.
    std::string note() const;

    /// For programs: "zero_one", "minus_plus", "soft" or one_against_rest.
    std::string kind_name() const;
    static constexpr const char* one_against_rest = "one_against_rest";
    /// Of one_against_rest, all labels that it was made for; empty when they are more than a survey
    /// keeps, and of every other kind.
    std::vector<std::string> known_labels() const;
    /// The label of one_against_rest; 1 of every other kind.
    std::string positive_label() const {
        return kind_ == Kind::one_against_rest ? positive_label_ : "1";
    }

  private:
    enum class Kind { zero_one, minus_plus, soft, one_against_rest };
    Kind kind_ = Kind::soft;
    std::string positive_label_;
    std::string description_;
    LabelSurvey known_;
    std::string made_for_;  ///< the first file and its dataset of labels
};

/// Whether a wanted positive label means what a rule with this kind_name(), positive_label() and
/// known_labels() means by y = 1, as far as can be told from these.
bool is_same_positive_label(const std::string& kind, const std::string& positive_label,
                            const std::vector<std::string>& known_labels,
                            const std::string& wanted);

}  // namespace paralogit::data
