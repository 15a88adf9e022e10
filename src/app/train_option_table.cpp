#include "shared_options.hpp"
#include "stochastic_values.hpp"

namespace paralogit::app {

namespace {

using Kind = OptionSpec::Kind;

}  // namespace

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
             config_option(),
             {"resume", Kind::flag, "", "",
              "go on from the newest whole checkpoint in --out; from the beginning, and says so, "
              "when there is none yet"},
             overwrite_option()},
            source_options(),
            label_options(),
            weight_options(),
            {{"class-weights", Kind::value, "none|balanced|NEGATIVE,POSITIVE", "",
              "multiplies the row weights of the negative and of the positive class, in training "
              "only; none, as without it, for one of a config file; balanced: by S / (2 S_class), "
              "from the sums of the row weights of all "
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
              "gamma of --loss focal, 0 to 32; 2 when it is not given; 0 without --focal-alpha "
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
              "part of the rows that newton, newton-cg and prox-newton begin to take curvature "
              "from, in (0, 1], rounded up to a power of 1/2; they take more, up to all, where "
              "steps fail or hardly make progress; newton and prox-newton choose it when it is not "
              "given, newton-cg takes 1"},
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

}  // namespace paralogit::app
