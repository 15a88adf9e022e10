#pragma once

#include <string>

#include "paralogit/data/sample.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// How many features of sparse rows a model will have coefficients of.
struct UsedFeatures {
    Index least;
    Index most;
};

/// What the counts of a manifest tell of it; all features where none may be left out.
UsedFeatures features_to_be_used(const data::Manifest& manifest, bool leaves_out);

/// The same when some entries, or all, have been looked at.
UsedFeatures with_count(const data::Manifest& manifest, const UsedFeatures& used,
                        const data::CountOfFeatures& counted);

/// Numbers the features of sparse rows anew, without those that no row has an entry of, where that
/// saves more memory than it takes: these have coefficients of 0 at the optimum, and vectors as
/// long as all features would cost more than the rows. Where lone features are wanted apart, and
/// half of those that are kept or more are of one row alone, these become the last ones. A function
/// of the data alone. @collective
void keep_used_features(const comm::Communicator& comm, DataSet& data, bool wants_lone_apart);

/// Values of the features that are kept, and back: 0 for the others.
Vector of_kept_features(const DataSet& data, const Vector& of_all);
Vector of_all_features(const DataSet& data, const Vector& of_kept);

/// The number in the files of a feature that is kept.
Index number_in_files(const DataSet& data, Index feature);
/// What a message calls it: its name, if it has one, and that number.
std::string name_of(const DataSet& data, Index feature);

}  // namespace paralogit::train
