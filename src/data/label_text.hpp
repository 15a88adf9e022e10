#pragma once

#include <string>

#include "paralogit/data/labels.hpp"

namespace paralogit::data {

// Labels in words, for messages.

/// One of them; a text in quotes.
std::string spelled(const LabelSurvey::Entry& entry, bool is_text);

/// "labels 0, 1, 2", in the order of their values.
std::string list_of_labels(const LabelSurvey& survey);

/// "'0' and '1'"
std::string describe_texts(const LabelSurvey& survey);

/// `both`, or the only one that there is.
std::string describe_pair(const LabelSurvey& survey, const std::string& both);

/// "'yes' against 2 others: 'no', 'unknown'", of which the first few are listed.
std::string describe_one_against_rest(const LabelSurvey& survey, const std::string& positive_label);

/// A remark on a label that differs from the positive one in case or in blanks around it alone;
/// empty where there is none.
std::string note_of_other_spellings(const LabelSurvey& survey, const std::string& positive_label);

}  // namespace paralogit::data
