#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/data/import/csv.hpp"
#include "paralogit/data/import/libsvm.hpp"
#include "paralogit/data/import/matrix.hpp"

namespace paralogit::train {

enum class TextKind { libsvm, csv };

/// What stands in for a missing number.
enum class Filling { none, mean, median, value, as_reference };

struct ConvertOptions {
    std::vector<std::string> inputs;
    std::filesystem::path out;
    bool may_replace = false;
    std::optional<TextKind> kind;  ///< empty: by the first lines
    data::LibsvmOptions libsvm;
    Index features = 0;  ///< of LIBSVM: at least that many
    data::CsvRequest csv;
    /// Whether the user gave csv.missing_markers; if not, those of a reference take their place.
    bool are_markers_given = false;
    std::optional<std::string> like;  ///< of a table: the converted file whose columns it gets
    Filling filling = Filling::none;  ///< mean and median of a reference are those of its rows
    double filling_value = 0;
    Index most_texts = 10'000;  ///< of a column of texts
    std::optional<data::MatrixLayout> layout;
    std::optional<ElementType> type;  ///< of the features; empty: as small as holds them
    int threads = 1;
    // What the user gave, as "--drop", that means something for one kind of text only.
    std::vector<std::string> table_options;
    std::vector<std::string> libsvm_options;
};

/// Where row weights of a table are written: train finds them by that name.
inline constexpr std::string_view converted_weights = "weights";

/// What was written.
struct Conversion {
    TextKind kind = TextKind::libsvm;
    data::ImportMatrix matrix;
    Index missing_values = 0;
    bool is_filled_as_reference = false;
    std::optional<data::CsvFormat> csv;  ///< how a table was read
    std::vector<std::string> warnings;
};

/// Reads text files, every rank its own chunks of them, and writes one data set that train reads:
/// dense /X [n x d], or a CSR group /X; /y [n]; /weights [n], /qid [n], /feature_names [d],
/// /fillings [d] and /dictionaries when there are any, /missing_markers of a table. The file has
/// the same bytes for any number of ranks and threads. Throws Error (input_data) that names file,
/// line and column of the first thing that is wrong. @collective
Conversion convert(const comm::Communicator& comm, const ConvertOptions& options);

}  // namespace paralogit::train
