#include "shared_options.hpp"

namespace paralogit::app {

namespace {

using Kind = OptionSpec::Kind;

}  // namespace

const std::vector<OptionSpec>& source_options() {
    static const std::vector<OptionSpec> options{
        {"features-name", Kind::value, "NAME", "",
         "dataset of the features, e.g. /train/X; found by habit (X, data, features, ...) when "
         "there "
         "is just one"},
        {"transposed", Kind::flag, "", "", "the features are stored as features x rows"},
    };
    return options;
}

const std::vector<OptionSpec>& label_options() {
    static const std::vector<OptionSpec> options{
        {"labels-name", Kind::value, "NAME", "",
         "dataset of the labels; found by habit (y, label, labels, target, ...) when there is just "
         "one"},
        {"positive-label", Kind::value, "VALUE", "",
         "the label of the positive class, against all others; needed unless the labels are 0 and "
         "1, -1 and +1, booleans, or soft labels in [0, 1]; evaluate takes it from the model"},
    };
    return options;
}

const std::vector<OptionSpec>& weight_options() {
    static const std::vector<OptionSpec> options{
        {"weights-name", Kind::value, "NAME", "",
         "dataset of row weights, each finite and >= 0; without it every row counts once"},
    };
    return options;
}

const std::vector<OptionSpec>& machine_options() {
    static const std::vector<OptionSpec> options{
        {"threads", Kind::value, "COUNT", "auto",
         "threads of each rank; auto: OMP_NUM_THREADS, else its share of the cores it may use"},
        {"memory-limit", Kind::value, "SIZE", "auto",
         "memory that the rows of a rank and the solver may take: bytes, or 500M, 4G (k, M, G, T: "
         "powers of 1024); rows beyond it are read from the files in each pass, with the same "
         "results; auto: what the machine, the cgroup or SLURM leaves to a rank"},
        {"isa", Kind::value, "auto|portable|avx2|avx512", "auto",
         "instructions to use; auto: the best that the machine has; the results are the same"},
    };
    return options;
}

const std::vector<OptionSpec>& common_options() {
    static const std::vector<OptionSpec> options{
        {"stall-timeout", Kind::value, "TIME|never", "10m",
         "several ranks: end with exit code 7 when one of them has given no sign of life for this "
         "long while the others wait for it; it is named in a warning after a twentieth of that"},
        {"quiet", Kind::flag, "", "", "print results, warnings and errors only"},
        {"verbose", Kind::flag, "", "", "print every iteration and checkpoint"},
        {"help", Kind::flag, "", "", "print this help"},
    };
    return options;
}

const OptionSpec& config_option() {
    static const OptionSpec option{
        "config", Kind::value, "FILE", "",
        "read options from FILE, lines of 'name = value'; the command line wins"};
    return option;
}

const OptionSpec& overwrite_option() {
    static const OptionSpec option{"overwrite", Kind::flag, "", "",
                                   "replace what is there already"};
    return option;
}

std::vector<OptionSpec> join(std::initializer_list<std::vector<OptionSpec>> parts) {
    std::vector<OptionSpec> all;
    for (const auto& part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

}  // namespace paralogit::app
