#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "paralogit/base/types.hpp"
#include "paralogit/optim/solver.hpp"

namespace paralogit::train {

/// The parameters of the run with the lowest validation loss so far, or the largest ROC AUC.
struct BestParameters {
    Index iteration = 0;
    /// The smaller the better: the loss of the validation rows, or minus their ROC AUC; infinite
    /// where a margin overflowed.
    double measure = 0;
    Vector parameters;
};

/// Everything that a run needs to go on with the same bits; the number of ranks is no part of it.
struct Checkpoint {
    optim::State state;
    /// Options that change the path of the iteration, as text, by name.
    std::map<std::string, std::string> path_options;
    std::string data_fingerprint;
    Index rows = 0;
    Index features = 0;
    Index blocks = 0;
    /// Exponents of the exact sums, of the features and then of the intercept.
    std::vector<Index> exponents;
    Vector centre;            ///< of the change of variables
    Vector scale;             ///< of the change of variables
    Vector start_parameters;  ///< where the run began
    /// Of a run with validation rows.
    std::optional<BestParameters> best;
    std::string version;  ///< of the program that wrote it
};

/// The directory of a run's checkpoints. Used by rank 0 alone.
class CheckpointStore {
  public:
    /// Keeps the newest `keep` >= 1. The directory must exist.
    CheckpointStore(std::filesystem::path directory, int keep);

    /// Writes "iteration-<12 digits>-<16 digits of its SHA-256>.h5": under a temporary name, read
    /// back and compared, synced, renamed, directory synced. When it returns, the checkpoint is
    /// acknowledged: it survives a crash of the process or the machine. Only then are older ones
    /// beyond the limit removed; those of later iterations, which a resumed run found damaged, are
    /// left alone. Throws Error (cannot_write), or Error (internal) when sizes do not fit or
    /// numbers are not finite, so that newest() would reject it; the older ones are then untouched.
    std::filesystem::path write(const Checkpoint& checkpoint) const;

    struct Rejected {
        std::filesystem::path path;
        std::string reason;  ///< without the path
    };
    struct Found {
        /// The newest that is whole.
        std::optional<Checkpoint> checkpoint;
        std::filesystem::path path;
        /// Newer ones that are not, newest first.
        std::vector<Rejected> rejected;
    };
    /// Checks, newest first: the digest in the name against the bytes, then the content (schema,
    /// sizes, finite numbers; the solver's memory may hold any). Temporary files of a killed run
    /// are ignored. Never throws for a damaged checkpoint; Error (model_file) when the directory
    /// cannot be read.
    Found newest() const;

    /// Removes temporary files that a killed run left.
    void remove_leftovers() const;

  private:
    std::filesystem::path directory_;
    int keep_;
};

}  // namespace paralogit::train
