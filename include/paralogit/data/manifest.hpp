#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/base/types.hpp"
#include "paralogit/data/shard_plan.hpp"

namespace paralogit::data {

/// What a model knows of the labels that it was trained on.
struct KnownLabels {
    std::string model;                ///< its file, for messages
    std::vector<std::string> labels;  ///< all of them; empty when they were too many to be kept
    /// Whether they are y themselves: 0 and 1, -1 and +1, or soft. Then 1 is the positive one.
    bool are_targets = false;
};

/// What a model knows of the features that it was trained on.
struct KnownFeatures {
    std::string model;  ///< its file, for messages
    std::string path;   ///< empty when the files had them under several
    bool is_transposed = false;
};

/// What the user says about the files.
struct SourceOptions {
    /// Datasets by name; found by habit when empty.
    std::optional<std::string> features_name;
    std::optional<std::string> labels_name;
    /// Row weights are used only when they are named.
    std::optional<std::string> weights_name;
    /// The label that is y = 1, against all others.
    std::optional<std::string> positive_label;
    /// Set when a model says so, and not the user.
    std::optional<KnownLabels> known_labels;
    std::optional<KnownFeatures> known_features;
    /// The features are stored as features x rows.
    bool is_transposed = false;
    bool needs_labels = true;
    /// What the rows are for. Those that a model is judged by, or applied to, may be those of a
    /// test; of validation rows the names of datasets above are those of the training files too.
    enum class Use { training, judging, validation };
    Use use = Use::training;
};

/// One file of a data set.
struct FilePart {
    std::string path;
    Index first_row = 0;  ///< global
    Index rows = 0;
    std::string features_path;
    std::string labels_path;   ///< empty when there are none
    std::string weights_path;  ///< empty when there are none
    std::string names_path;    ///< of the features; empty when there are none
    Index rows_per_chunk = 0;  ///< 0 when the features are not chunked
    /// Of sparse rows, whose features_path is a group: the entries, and those of earlier files.
    Index entries = 0;
    Index first_entry = 0;
    bool are_labels_text = false;
    /// Whether `paralogit convert` made it; and where it is of LIBSVM, the index of the first
    /// feature, 0 or 1.
    bool is_converted = false;
    std::optional<Index> index_base = std::nullopt;
    /// Finite values that stand for missing features (netCDF's attribute _FillValue).
    std::vector<double> missing_features;
    /// Guards against a file that is replaced or cut while it is in use.
    Index file_bytes = 0;
    Index modified_nanoseconds = 0;
};

/// The data set: which rows lie where. Rows have a global order, by file as given and then by row.
struct Manifest {
    std::vector<FilePart> files;
    Index rows = 0;
    Index features = 0;
    ElementType type = ElementType::float64;
    bool is_transposed = false;
    bool is_sparse = false;
    /// Of sparse rows: entries of all rows before a block, and of all in the end.  [blocks + 1]
    std::vector<Index> entries_before_block;
    /// From the file when it has them, else empty.  [d]
    std::vector<std::string> feature_names;

    /// Remarks for the user, such as a dataset of row weights that is not used.
    std::vector<std::string> notes;

    /// The first file that tells the index of its first feature, in text; null when none does.
    const FilePart* file_with_index_base() const;

    /// "train.h5:/X row 17", where a global row lies; rows are counted from 0 within the file.
    std::string locate(Index global_row) const;
    /// The same with the dataset of labels or of row weights.
    std::string locate_label(Index global_row) const;
    std::string locate_weight(Index global_row) const;
    /// "'radius' (column 3)", or "column 3" without names.
    std::string name_of_feature(Index feature) const;

    /// Which rows make a block, and which blocks a rank has.
    ShardPlan plan() const;

    /// To and from bytes, so that one rank describes the files and the others need not.
    std::string to_bytes() const;
    static Manifest from_bytes(const std::string& bytes);
};

/// For messages: what is wrong with a file of LIBSVM whose first feature has another index than
/// that of `expected`, "a.h5", and what to do; `like` is the option that takes the base from there.
std::string index_base_text(const FilePart& found, Index base, const std::string& expected,
                            const std::string& like);

/// What to do about features of other names, or in another order, than those of `expected`, whose
/// names `names` are; `like` is the data set to convert as.
std::string advice_on_names(const Manifest& found, const std::vector<std::string>& names,
                            const std::string& expected, const std::string& like);

/// For users: two that belong together, of which only one tells the names of its features.
std::string unnamed_text(const std::string& unnamed, const std::string& named);

/// Paths in the order given, with glob patterns that name no existing file expanded in sorted
/// order. Throws Error (input_data) for a pattern without a match.
std::vector<std::string> expand_paths(std::span<const std::string> paths);

/// Opens each file, finds features and labels, checks shapes, types and that the files agree. A
/// file without rows is fine as long as one has some. Throws Error (input_data).
Manifest describe(std::span<const std::string> paths, const SourceOptions& options);

/// For people: what is in a file, what would be used and why, and what is wrong with it. Throws
/// Error (input_data) only when the file cannot be opened as HDF5. With `lists_features` all of
/// them by name, with what missing numbers were filled in by, and the texts that have no feature.
struct Inspection {
    std::string text;
    /// Why the file cannot be trained on as the options stand; empty when it can.
    std::optional<Error> problem;
};
Inspection inspect(const std::string& path, const SourceOptions& options,
                   bool lists_features = false);

/// A sentence for each file that is there more than once, under whatever names.
std::vector<std::string> notes_on_repeated_files(std::span<const std::string> paths);

}  // namespace paralogit::data
