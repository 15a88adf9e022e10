#pragma once

#include <string>

#include "paralogit/data/import/csv.hpp"
#include "paralogit/data/import/survey.hpp"

namespace paralogit::data {

/// A sentence on texts that become features and mostly stand for missing values: those of the usual
/// markers that the user's own leave out. Empty when there are none.
std::string note_on_usual_markers(const CsvFormat& format, const ImportSurvey& survey);

/// A sentence on columns that have nearly as many texts as there are rows. Empty when there are
/// none.
std::string note_on_many_texts(const CsvFormat& format, const ImportSurvey& survey);

}  // namespace paralogit::data
