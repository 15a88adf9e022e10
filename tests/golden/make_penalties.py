#!/usr/bin/python3
"""Computes tests/golden/penalties.json with glmnet (R) and scikit-learn: run by hand, not by the
tests. It takes some minutes, for saga is slow to converge.

    tests/golden/make_penalties.py DATA_DIR/hdf5 > tests/golden/penalties.json

Kept is the objective of each tool's coefficients, computed here in long double, and which of them
are not 0.
"""
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

from penalty_cases import CASES, factors, load, objective, strengths

warnings.filterwarnings("ignore")

GLMNET = """
suppressMessages(library(glmnet))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]; rows <- as.integer(arguments[2]); features <- as.integer(arguments[3])
read <- function(name, count) readBin(file.path(folder, name), "double", count)
X <- matrix(read("X", rows * features), rows, features)
y <- read("y", rows)
glmnet.control(fdev = 0, devmax = 1, mnlam = 1, pmin = 1e-12)
fit <- glmnet(X, y, family = "binomial", lambda = as.numeric(arguments[4]),
              alpha = as.numeric(arguments[5]), standardize = arguments[6] == "True",
              penalty.factor = read("factor", features),
              lower.limits = as.numeric(arguments[7]), thresh = as.numeric(arguments[8]), maxit = 1e8)
writeBin(c(as.numeric(fit$a0), as.numeric(as.matrix(fit$beta))), file.path(folder, "out"))
cat(as.character(packageVersion("glmnet")), R.version.string)
"""


def by_glmnet(X, y, case):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "X").write_bytes(X.T.tobytes())
        (Path(folder) / "y").write_bytes(y.tobytes())
        raw = np.ones(X.shape[1])
        raw[::3] = case.get("factor", 1)
        (Path(folder) / "factor").write_bytes(raw.tobytes())
        (Path(folder) / "fit.R").write_text(GLMNET)
        version = subprocess.run(
            ["Rscript", str(Path(folder) / "fit.R"), folder, str(X.shape[0]), str(X.shape[1]),
             repr(case["lambda"]), repr(case["alpha"]), str(case["standardize"]),
             str(case.get("lower", "-Inf")), str(case.get("tolerance", 1e-20))], check=True, capture_output=True, text=True).stdout
        out = np.frombuffer((Path(folder) / "out").read_bytes())
    return out[1:], out[0], "glmnet " + version


def by_scikit_learn(X, y, case):
    scale = X.std(axis=0) if case.get("scaled") else np.ones(X.shape[1])
    centre = X.mean(axis=0) if case.get("scaled") else 0.0
    penalty = "l1" if case["l1_ratio"] == 1 else "elasticnet"
    # liblinear compares gradients, saga the change of the coefficients.
    tolerance = case.get("tolerance", 1e-10 if case["solver"] == "liblinear" else 1e-13)
    model = LogisticRegression(penalty=penalty, C=case["C"], solver=case["solver"], random_state=1,
                               l1_ratio=None if penalty == "l1" else case["l1_ratio"],
                               fit_intercept=case.get("fit_intercept", True), tol=tolerance,
                               max_iter=20_000).fit((X - centre) / scale, y)
    w = model.coef_[0] / scale
    b = float(np.atleast_1d(model.intercept_)[0]) - float(np.sum(w * centre))
    return w, b, f"scikit-learn {sklearn.__version__}, {case['solver']}, tol {tolerance:g}"


def main():
    folder = Path(sys.argv[1])
    result = {}
    for name, cases in CASES.items():
        X, y = load(name, folder)
        result[name] = []
        for case_of_tool in cases:
            tool, case = next(iter(case_of_tool.items()))
            w, b, by = (by_glmnet if tool == "glmnet" else by_scikit_learn)(X, y, case)
            l1, l2 = strengths(tool, case, len(y))
            scale = X.std(axis=0) if case.get("standardize") or case.get("scaled") else 1.0
            factor = factors(case, X.shape[1]) if "factor" in case else 1.0
            value = objective(X, y, w, b, l1, l2, scale, factor)
            result[name].append({"tool": tool, "case": case, "by": by, "objective": repr(float(value)),
                                 "support": np.flatnonzero(w).tolist()})
            print(name, tool, case, float(value), np.count_nonzero(w), file=sys.stderr, flush=True)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
