#include "paralogit/data/import/csv.hpp"
#include "shared_options.hpp"

namespace paralogit::app {

namespace {

using Kind = OptionSpec::Kind;

CommandSpec predict_command() {
    return {
        "predict", "probabilities or classes of rows",
        "paralogit predict MODEL DATA... --out FILE [options]",
        join({
            {{"model", Kind::positional, "MODEL", "", "a model.h5"},
             {"data", Kind::positional_list, "DATA...", "", "HDF5 files; labels are not needed"},
             {"out", Kind::value, "FILE", "",
              "FILE.csv, FILE.h5 or FILE.hdf5: one value per row, in the order of the rows"},
             config_option(),
             overwrite_option(),
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
             config_option(),
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
                {{"file", Kind::positional, "FILE", "",
                  "an HDF5 file of rows, of which --verbose also lists the features, or a model, "
                  "whose parameters are printed; of a quoted pattern, each file that it matches"}},
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
              "/fillings, "
              "/dictionaries when "
              "there are any, /missing_markers of a table"},
             config_option(),
             overwrite_option(),
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
              "one is left out; the same fields are missing values, and missing numbers are "
              "filled in by the means, medians or the number that --missing found for OTHER.h5"},
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
             {"missing-markers", Kind::value, "TEXTS", data::usual_missing_markers,
              "CSV: fields that are missing values, beside empty ones, with commas between them, "
              "instead of the usual ones: usual,-999 adds one to them; "
              "in "
              "upper or lower case, and in columns of numbers any spelling of a number that is "
              "given; they are kept in the file, for --like, which takes those of OTHER.h5 unless "
              "others are given, with a warning"},
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
             config_option(),
             overwrite_option(),
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
