#include <initializer_list>

#include "paralogit/app/options.hpp"
#include "stochastic_values.hpp"

namespace paralogit::app {

namespace {

using Kind = OptionSpec::Kind;

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

const OptionSpec config_option{
    "config", Kind::value, "FILE", "",
    "read options from FILE, lines of 'name = value'; the command line wins"};
const OptionSpec overwrite_option{"overwrite", Kind::flag, "", "", "replace what is there already"};

std::vector<OptionSpec> join(std::initializer_list<std::vector<OptionSpec>> parts) {
    std::vector<OptionSpec> all;
    for (const auto& part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

CommandSpec train_command() {
    return {
        "train", "train a model on one or many HDF5 files",
        "paralogit train DATA... --out DIR [options]",
        join({
            {{"data", Kind::positional_list, "DATA...", "",
              "HDF5 files, one data set in the order given; quoted patterns such as 'part-*.h5' "
              "are "
              "expanded in sorted order"},
             {"out", Kind::value, "DIR", "",
              "run directory: model.h5, best_model.h5 with validation data, checkpoints/, "
              "metrics.jsonl, summary.json, config.used"},
             config_option,
             {"resume", Kind::flag, "", "",
              "go on from the newest whole checkpoint in --out; from the beginning, and says so, "
              "when there is none yet"},
             overwrite_option},
            source_options(),
            label_options(),
            weight_options(),
            {{"class-weights", Kind::value, "balanced|NEGATIVE,POSITIVE", "",
              "multiplies the row weights of the negative and of the positive class, in training "
              "only; balanced: by S / (2 S_class), from the sums of the row weights of all "
              "training rows and of the class, so that both classes weigh the same"},
             {"validation", Kind::list, "FILE...", "",
              "files of rows that are not trained on: all up to the next option; their loss, "
              "without class weights, accuracy, exact ROC AUC and average precision are told "
              "after each iteration, and the best model is kept as best_model.h5 beside the last "
              "one, model.h5"},
             {"validation-fraction", Kind::value, "NUMBER", "",
              "the same by rows of DATA, a part of about NUMBER in (0, 1) chosen by a hash of the "
              "row's number: the same rows on any number of ranks; they are copied in memory"},
             {"validation-seed", Kind::value, "COUNT", "",
              "other rows for --validation-fraction; 1 when it is not given"},
             {"early-stopping", Kind::value, "PATIENCE", "",
              "stop when the validation loss, or AUC, has not become better than its best for "
              "PATIENCE iterations; model.h5 is still the last model, best_model.h5 the best"},
             {"early-stopping-metric", Kind::value, "loss|auc", "",
              "loss, when it is not given, or auc: by what of the validation rows --early-stopping "
              "goes and the best model is chosen, the lowest loss or the largest ROC AUC"},
             {"loss", Kind::value, "bce|focal", "bce",
              "bce: binary cross-entropy; focal: -a (1-p)^gamma log p for a positive row, which "
              "counts rows less that are far on their own side already"},
             {"focal-gamma", Kind::value, "NUMBER", "",
              "gamma of --loss focal, 0 to 1000; 2 when it is not given; 0 without --focal-alpha "
              "is bce"},
             {"focal-alpha", Kind::value, "NUMBER", "",
              "factor of positive rows in --loss focal, in (0, 1), and 1 minus it of negative "
              "ones; "
              "both are 1 when it is not given"},
             {"l1", Kind::value, "NUMBER", "0",
              "penalty l1 |w|_1 beside the mean loss, >= 0; makes coefficients exactly 0"},
             {"l2", Kind::value, "NUMBER", "0",
              "penalty l2/2 |w|^2 beside the mean loss, >= 0; scikit-learn's C is 1/(rows * l2)"},
             {"penalty", Kind::value, "none|l2|l1|elasticnet", "",
              "the same in the words of scikit-learn and glmnet, in place of --l1 and --l2: with "
              "--C or --lambda, and for elasticnet --l1-ratio"},
             {"C", Kind::value, "NUMBER", "",
              "scikit-learn's: the penalty's strength is 1/(S C), S the sum of the row weights, or "
              "the rows"},
             {"lambda", Kind::value, "NUMBER", "", "glmnet's: the penalty's strength itself"},
             {"l1-ratio", Kind::value, "NUMBER", "",
              "the part of the strength that is l1, in [0, 1]; the rest is l2; glmnet's alpha"},
             {"penalty-scale", Kind::value, "original|standardized", "original",
              "whether coefficients are penalised in the units of the features, or times the "
              "standard deviation, as glmnet does by itself"},
             {"penalty-factors", Kind::value, "FILE", "",
              "a number >= 0 for each feature that its penalty is multiplied by, 0 for none: "
              "FILE.h5:DATASET, or a text with lines 'NUMBER', or 'FEATURE NUMBER' where others "
              "have 1"},
             {"lower", Kind::value, "NUMBER|FILE", "",
              "least value of all coefficients, such as 0; or of each, in a FILE as above"},
             {"upper", Kind::value, "NUMBER|FILE", "", "largest value, the same way"},
             {"intercept", Kind::value, "yes|no", "yes",
              "whether the model has an intercept; it is never penalised"},
             {"solver", Kind::value,
              "auto|newton|newton-cg|lbfgs|gd|prox-newton|owl-qn|sgd|adam|adagrad", "auto",
              "newton: a Hessian from some of the rows; newton-cg: conjugate gradients, without a "
              "matrix; lbfgs: limited-memory BFGS; gd: full-batch gradient descent; "
              "prox-newton: Newton's method for --l1; owl-qn: lbfgs for --l1; sgd, adam, adagrad: "
              "a "
              "step after each batch of rows; auto: one of the others, by the shape of the data"},
             {"hessian-fraction", Kind::value, "NUMBER", "",
              "part of the rows that newton and newton-cg take curvature from, in (0, 1], rounded "
              "up to a power of 1/2; newton chooses it when it is not given, newton-cg takes 1"},
             {"learning-rate", Kind::value, "NUMBER", "",
              "fixed step length of gd, > 0; without it gd finds the length by backtracking; rate "
              "of sgd and adagrad, 0.1 when it is not given, and of adam, 0.001"}},
            stochastic_options(),
            {{"history", Kind::value, "COUNT", "50",
              "pairs of vectors that lbfgs and owl-qn remember, 1 to 1000; 16 bytes a pair and "
              "feature"},
             {"standardize", Kind::value, "yes|no", "yes",
              "whether the solver works in centred and scaled variables; changes the way to the "
              "optimum, not the optimum, nor the units of the coefficients"},
             {"initial", Kind::value, "zeros|ones|MODEL", "zeros",
              "parameters to start from; MODEL is the path of a model.h5"},
             {"reduction", Kind::value, "exact|fast", "exact",
              "exact: the same bits for any number of ranks; fast: plain sums of doubles, for "
              "comparison"},
             {"max-iterations", Kind::value, "COUNT", "",
              "stop after that many iterations; when it is not given 10000, and 100 epochs of sgd, "
              "adam and adagrad"},
             {"tolerance", Kind::value, "NUMBER", "1e-9",
              "converged when no entry of the gradient, in the solver's variables, exceeds it; "
              "with "
              "--loss focal times 2^-GAMMA, by which that loss begins smaller"},
             {"inference", Kind::flag, "", "",
              "standard errors, z, p-values, confidence intervals, deviance, AIC and BIC, as R's "
              "summary(glm) has them, and robust standard errors: printed, and written to "
              "inference.json and inference.csv; takes the last Newton steps with the Hessian of "
              "all rows"},
             {"verify", Kind::flag, "", "",
              "compute objective and conditions of the optimum again at the end, from the model as "
              "written, row by row in long double; exit code 70 when they contradict the run"},
             {"confidence", Kind::value, "NUMBER", "0.95",
              "level of the confidence intervals of --inference, in (0, 1)"},
             {"time-limit", Kind::value, "TIME|auto", "",
              "stop with a checkpoint and a model this long after the start: 90, 90s, 15m, 2h or "
              "1:30:00; auto: a minute before the end of the SLURM job, but after one "
              "iteration at least, with exit code 75"},
             {"checkpoint-every", Kind::value, "COUNT", "",
              "iterations between checkpoints; 0: only at the end and when stopped; without it 10, "
              "or more where checkpoints would take over a twentieth of the time"},
             {"keep-checkpoints", Kind::value, "COUNT", "3", "newest checkpoints to keep, >= 1"},
             {"trace", Kind::value, "FILE", "",
              "write when each rank did what (read, decode, kernel, allreduce, solver, checkpoint) "
              "to FILE, JSON that ui.perfetto.dev and chrome://tracing open"}},
            machine_options(),
            common_options(),
        })};
}

CommandSpec predict_command() {
    return {
        "predict", "probabilities or classes of rows",
        "paralogit predict MODEL DATA... --out FILE [options]",
        join({
            {{"model", Kind::positional, "MODEL", "", "a model.h5"},
             {"data", Kind::positional_list, "DATA...", "", "HDF5 files; labels are not needed"},
             {"out", Kind::value, "FILE", "",
              "FILE.csv, FILE.h5 or FILE.hdf5: one value per row, in the order of the rows"},
             config_option,
             overwrite_option,
             {"threshold", Kind::value, "NUMBER", "",
              "write classes: 1 where the probability exceeds NUMBER in [0, 1], else 0"}},
            source_options(),
            machine_options(),
            common_options(),
        })};
}

CommandSpec evaluate_command() {
    return {
        "evaluate", "how well a model does on labelled rows",
        "paralogit evaluate MODEL DATA... [options]",
        join({
            {{"model", Kind::positional, "MODEL", "", "a model.h5"},
             {"data", Kind::positional_list, "DATA...", "", "HDF5 files with labels"},
             config_option,
             {"out", Kind::value, "DIR", "",
              "write metrics.json, roc.csv, precision_recall.csv, calibration.csv and lift.csv "
              "into DIR"},
             {"plots", Kind::value, "DIR", "",
              "draw the curves: pictures (PNG) in DIR, with the scripts that gnuplot makes them "
              "from; needs gnuplot, no display"},
             {"overwrite", Kind::flag, "", "", "replace what an earlier evaluation left there"},
             {"threshold", Kind::value, "NUMBER|f1|youden|precision=NUMBER", "0.5",
              "a row is predicted positive when its probability exceeds NUMBER in [0, 1]; f1: "
              "the threshold with the largest F1; youden: with the largest TPR - FPR; "
              "precision=0.9: with the largest recall of those with at least that precision"},
             {"json", Kind::flag, "", "", "print one JSON object instead of text"}},
            source_options(),
            label_options(),
            weight_options(),
            machine_options(),
            common_options(),
        })};
}

CommandSpec inspect_command() {
    return {"inspect",
            "what is in a file, what would be used, what is wrong with it (exit code 3), but for "
            "the values of the features",
            "paralogit inspect FILE [options]",
            join({
                {{"file", Kind::positional, "FILE", "", "an HDF5 file"}},
                source_options(),
                label_options(),
                weight_options(),
                common_options(),
            })};
}

CommandSpec plan_command() {
    return {
        "plan", "how long a pass takes on a cluster, and how many ranks pay off",
        "paralogit plan DATA... [options]",
        join({
            {{"data", Kind::positional_list, "DATA...", "",
              "HDF5 files, one data set in the order given"},
             {"network", Kind::value, "100gbit|10gbit", "100gbit",
              "between nodes: an InfiniBand of 100 Gbit/s, or TCP over Ethernet of 10 Gbit/s"},
             {"latency", Kind::value, "SECONDS", "",
              "of a short message between two nodes, in place of the network's, >= 0"},
             {"bandwidth", Kind::value, "GBIT", "",
              "of a node, in Gbit/s, in place of the network's, > 0"},
             {"ranks-per-node", Kind::value, "COUNT", "1", "1 to 4096"},
             {"threads", Kind::value, "COUNT", "auto",
              "threads of each rank; auto: its share of the cores of this machine"},
             {"node-memory", Kind::value, "SIZE", "",
              "memory of a node for rows: 500M, 256G; without it, what this machine has"},
             {"seconds-per-row", Kind::value, "SECONDS", "",
              "that a rank takes for a row in a pass while its node is full, > 0; without it, "
              "measured on this machine, on the first rows of DATA and all cores that a node would "
              "use"},
             {"most-ranks", Kind::value, "COUNT", "1024", "where the table ends, 1 to 1048576"},
             {"efficiency", Kind::value, "NUMBER", "0.8",
              "the least share of a rank's time that is to be worth it, in (0, 1]"},
             {"json", Kind::flag, "", "", "print one JSON object instead of text"}},
            source_options(),
            weight_options(),
            common_options(),
        })};
}

CommandSpec convert_command() {
    return {
        "convert", "make a data set of text files: LIBSVM, CSV, TSV; also gzip and zstd",
        "paralogit convert IN... OUT.h5 [options]",
        join({
            {{"files", Kind::positional_list, "IN... OUT.h5", "",
              "text files, one data set in the order given, quoted patterns expanded in sorted "
              "order; last the file to write: /X, /y, and /weights, /qid, /feature_names, "
              "/dictionaries when "
              "there are any"},
             config_option,
             overwrite_option,
             {"format", Kind::value, "auto|libsvm|csv", "auto",
              "auto: by the first lines; csv is any table of text, whatever its separator"},
             {"layout", Kind::value, "auto|dense|csr", "auto",
              "auto: csr when it takes less than half the bytes; zeros that a LIBSVM file spells "
              "out are not stored in csr"},
             {"type", Kind::value, "TYPE", "auto",
              "of the features: uint8 to uint32, int8 to int32, float32, float64; auto: the "
              "smallest "
              "that holds every value exactly, which all files of one data set must share when "
              "they "
              "are converted one by one"},
             {"features", Kind::value, "COUNT", "",
              "LIBSVM: at least that many features, for files that lack the last ones"},
             {"index-base", Kind::value, "auto|0|1", "auto",
              "LIBSVM: index of the first feature; auto: 0 when an index 0 occurs, else 1"},
             {"like", Kind::value, "OTHER.h5", "",
              "give it the features of OTHER.h5, which convert made of the training rows; LIBSVM: "
              "as "
              "many, from the same first index, and an index beyond is an error; CSV: the "
              "same columns in the same order, found by name, and the same texts; a text that is "
              "not there becomes zeros, with a warning; a missing column is an error, a further "
              "one is left out; missing numbers are filled in by the means, medians or the number "
              "that --missing found for OTHER.h5"},
             {"label-column", Kind::value, "COLUMN", "",
              "CSV: name of the column of the labels, its number from 1, or last; found by habit "
              "(y, label, target, class, ...) when there is just one; none for rows without "
              "labels, as for predict"},
             {"weights", Kind::value, "COLUMN", "",
              "CSV: name of the column of the row weights, its number from 1, or last; each finite "
              "and >= 0; written as /weights, and no feature; train and evaluate take them by "
              "--weights-name weights"},
             {"separator", Kind::value, "CHARACTER", "auto",
              "CSV: what is between fields: a character, tab, or blank for any number of spaces "
              "and tabs; auto: what splits the first lines most evenly"},
             {"header", Kind::value, "auto|yes|no", "auto",
              "CSV: whether the first line names the columns; auto: when it has a usual name of "
              "labels or texts above numbers; what was decided is printed, and where the fields do "
              "not tell it is an error"},
             {"drop", Kind::value, "COLUMNS", "",
              "CSV: columns to leave out, names or numbers with commas between them"},
             {"text", Kind::value, "COLUMNS", "",
              "CSV: columns to take as texts though they hold numbers, or numbers and texts; each "
              "text "
              "of a column becomes a feature of zeros and ones, column=text"},
             {"reference", Kind::value, "first|COLUMN=TEXT,...", "",
              "CSV: the text of a column that gets no feature, since all features of its column "
              "are "
              "0 there, so that those of a column do not add up to the intercept: first in the "
              "order of bytes, of every column of texts; or that of one column; both as "
              "first,town=Ulm; in double quotes where there is a comma in it"},
             {"max-texts", Kind::value, "COUNT", "10000",
              "CSV: most different texts of one column"},
             {"missing", Kind::value, "error|mean|median|NUMBER", "error",
              "CSV: what stands in for missing numbers; a missing text becomes zeros for all texts "
              "of its column; mean and median of every column of numbers are kept in the file, "
              "for --like"},
             {"missing-markers", Kind::value, "TEXTS",
              "NA,N/A,NaN,-NaN,null,None,<NA>,#NA,#N/A,#N/A N/A,1.#IND,-1.#IND,1.#QNAN,-1.#QNAN,?",
              "CSV: fields that are missing values, beside empty ones, with commas between them; "
              "in "
              "upper or lower case, and in columns of numbers any spelling of a number that is "
              "given"},
             {"threads", Kind::value, "COUNT", "auto",
              "threads of each rank; auto: OMP_NUM_THREADS, else its share of the cores it may "
              "use"}},
            common_options(),
        })};
}

CommandSpec generate_command() {
    return {
        "generate", "write a synthetic data set",
        "paralogit generate OUT.h5 --rows N --features D [options]",
        join({
            {{"out", Kind::positional, "OUT.h5", "", "the file to write: /X and /y"},
             {"rows", Kind::value, "COUNT", "", "rows, >= 1"},
             {"features", Kind::value, "COUNT", "", "features, >= 1"},
             config_option,
             overwrite_option,
             {"correlation", Kind::value, "NUMBER", "0",
              "correlation of any two features, in [0, 1)"},
             {"scale-decades", Kind::value, "NUMBER", "0",
              "decades over which the standard deviations of the features are spread, in [0, 30]"},
             {"noise", Kind::value, "NUMBER", "1",
              "logistic noise in units of the signal, in [0, 1000]; 0 gives separable classes"},
             {"density", Kind::value, "NUMBER", "",
              "sparse rows (CSR) that store about this part of all values, in (0, 1], and at least "
              "one each; low features occur most, by a power law; without it, dense rows"},
             {"type", Kind::value, "TYPE", "float32",
              "float16, float32, float64, int8 to int64, uint8 to uint64"},
             {"seed", Kind::value, "COUNT", "1", "the same seed gives the same file"}},
            common_options(),
        })};
}

}  // namespace

const std::vector<CommandSpec>& command_table() {
    static const std::vector<CommandSpec> commands{
        train_command(), predict_command(), evaluate_command(), inspect_command(),
        plan_command(),  convert_command(), generate_command()};
    return commands;
}

}  // namespace paralogit::app
