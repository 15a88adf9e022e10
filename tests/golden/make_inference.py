#!/usr/bin/python3
"""Computes tests/golden/inference.json with R's glm: run by hand, not by the tests.

    tests/golden/make_inference.py DATA_DIR > tests/golden/inference.json

DATA_DIR holds hdf5/*.h5. Estimates, standard errors, z, p, deviances, AIC, BIC and log likelihood
are those of summary(glm(..., family = binomial)), intervals those of confint.default, iterated to
the end of double arithmetic; the sandwich (HC0) is estfun' estfun between two of vcov, written out
as the R package of that name has it. R prints 17 digits. All but p are checked here against long
double (Newton's method and the inverse by Gauss-Jordan), whose largest relative difference goes to
stderr and into the file; so p is, through z.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

# name -> file, features, labels, number of features, row weights
SETS = {
    "iris": ("iris.h5", "X", "y", 2, None),
    "iris, weighted": ("iris.h5", "X", "y", 2, "cycle"),
    "pima": ("pima.h5", "features", "labels", 8, None),
    "wdbc": ("wdbc.h5", "X", "y", 10, None),
    "htru2": ("htru2.h5", "X", "y", 8, None),
}

R_CODE = """
options(digits = 17, warn = -1)
arguments <- commandArgs(trailingOnly = TRUE)
X <- as.matrix(read.csv(arguments[1], header = FALSE, colClasses = "numeric"))
d <- ncol(X) - 2
y <- X[, d + 1]; w <- X[, d + 2]; X <- X[, 1:d, drop = FALSE]
fit <- glm(y ~ X, family = binomial, weights = w, control = list(epsilon = 1e-14, maxit = 100))
# glm's covariance is that of the weights before its last step: one more step from the end.
for (i in 1:3)
    fit <- glm(y ~ X, family = binomial, weights = w, start = coef(fit),
               control = list(epsilon = 1e-14, maxit = 100))
table <- coef(summary(fit))
interval <- confint.default(fit)
scores <- cbind(1, X) * (w * (y - fitted(fit)))
V <- vcov(fit)
robust <- sqrt(diag(V %*% crossprod(scores) %*% V))
show <- function(x) cat(sprintf("%.17g", x), "\\n")
for (column in 1:4) show(table[, column])
show(interval[, 1]); show(interval[, 2]); show(robust)
show(c(fit$null.deviance, fit$deviance, AIC(fit), BIC(fit), as.numeric(logLik(fit)),
       fit$df.null, fit$df.residual))
"""

COLUMNS = ("estimate", "standard_error", "z", "p", "lower", "upper", "robust_standard_error")
NUMBERS = ("null_deviance", "residual_deviance", "aic", "bic", "log_likelihood",
           "null_degrees_of_freedom", "residual_degrees_of_freedom")


def read(path, features, labels, count):
    with h5py.File(path, "r") as file:
        X = file[features][...].astype(np.float64)[:, :count]
        y = file[labels][...].reshape(-1)
    return X, (y > 0).astype(np.float64)


def by_glm(X, y, w, folder):
    table = Path(folder) / "data.csv"
    np.savetxt(table, np.column_stack([X, y, w]), fmt="%.17g", delimiter=",")
    script = Path(folder) / "glm.R"
    script.write_text(R_CODE)
    output = subprocess.run(["Rscript", script, table], check=True, capture_output=True, text=True)
    lines = [[float(x) for x in line.split()] for line in output.stdout.splitlines()]
    return {**dict(zip(COLUMNS, lines)), **dict(zip(NUMBERS, lines[-1]))}


def inverse(A):
    """Gauss-Jordan in long double, with pivots."""
    n = len(A)
    scale = 1 / np.sqrt(np.diag(A))
    M = np.concatenate([A * np.outer(scale, scale), np.eye(n, dtype=np.longdouble)], axis=1)
    for k in range(n):
        pivot = k + np.argmax(np.abs(M[k:, k]))
        M[[k, pivot]] = M[[pivot, k]]
        M[k] /= M[k, k]
        for i in range(n):
            if i != k:
                M[i] -= M[i, k] * M[k]
    return M[:, n:] * np.outer(scale, scale)


def by_long_double(X, y, w):
    Z = np.column_stack([np.ones(len(X)), X]).astype(np.longdouble)
    centre, scale = Z.mean(0), Z.std(0)
    centre[0], scale[0] = 0, 1
    Z = (Z - centre) / scale
    q = np.zeros(Z.shape[1], dtype=np.longdouble)
    for _ in range(40):
        p = 1 / (1 + np.exp(-(Z @ q)))
        V = inverse((Z * (w * p * (1 - p))[:, None]).T @ Z)
        q += V @ (Z.T @ (w * (y - p)))
    scores = Z * (w * (y - p))[:, None]
    T = np.diag(1 / scale)
    T[0] = -centre / scale
    T[0, 0] = 1
    se = np.sqrt(np.diag(T @ V @ T.T))
    margins = Z @ q
    loss = (w * (np.maximum(margins, 0) - y * margins + np.log1p(np.exp(-np.abs(margins))))).sum()
    mean = (w * y).sum() / w.sum()
    null = -2 * w.sum() * (mean * np.log(mean) + (1 - mean) * np.log(1 - mean))
    n, k = (w > 0).sum(), Z.shape[1]
    return {"estimate": T @ q, "standard_error": se, "z": T @ q / se,
            "robust_standard_error": np.sqrt(np.diag(T @ V @ scores.T @ scores @ V @ T.T)),
            "residual_deviance": 2 * loss, "log_likelihood": -loss, "null_deviance": null,
            "aic": 2 * loss + 2 * k, "bic": 2 * loss + k * np.log(np.longdouble(n))}


def main():
    folder = Path(sys.argv[1])
    version = subprocess.run(["Rscript", "-e", "cat(R.version.string)"], capture_output=True,
                             text=True, check=True).stdout
    result = {"_origin": f"glm of {version}; the intercept comes first"}
    for name, (file, features, labels, count, weights) in SETS.items():
        path = (Path(__file__).parents[2] / "configs" / "data" if file == "iris.h5"
                else folder / "hdf5") / file
        X, y = read(path, features, labels, count)
        if file == "iris.h5":
            # The classes of iris are separable: every third row changes sides.
            y[::3] = 1 - y[::3]
        w = 1.0 + np.arange(len(y)) % 3 if weights == "cycle" else np.ones(len(y))
        with tempfile.TemporaryDirectory() as temporary:
            golden = by_glm(X, y, w, temporary)
        check = by_long_double(X, y, w)
        difference = max(float(np.max(np.abs(np.asarray(golden[key]) / value - 1)))
                         for key, value in check.items())
        print(f"{name}: R and long double differ by up to {difference:.1e}", file=sys.stderr)
        result[name] = {"file": file, "features_name": features, "labels_name": labels,
                        "features": count, "largest_difference_from_long_double": difference,
                        **golden}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
