#!/usr/bin/python3
"""Computes tests/golden/optima.json with scikit-learn: run by hand, not by the tests.

    tests/golden/make_optima.py DATA_DIR > tests/golden/optima.json

DATA_DIR holds hdf5/*.h5 and reference.json. The objectives are those of reference.json (a damped
Newton method with refinement in long double); coefficients and the condition of the Hessian in
standardised variables come from scikit-learn's newton-cholesky in float64, which shares no code
with paralogit. Iris, which ships with the project, has no entry in reference.json: its objectives
are computed here.
"""
import json
import sys
import warnings
from pathlib import Path

import h5py
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")

# name -> file, how to read it, and the options that paralogit needs for it
SETS = {
    "iris": ("iris.h5", "X", "y", None, []),
    "wdbc": ("wdbc.h5", "X", "y", None, []),
    "pima": ("pima.h5", "features", "labels", None, []),
    "heart_scale": ("heart_scale.h5", "data", "target", None, []),
    "magic": ("magic04.h5", "X", "y", b"g", ["--positive-label", "g"]),
    "skin": ("skin.h5", "train/pixels", "train/is_skin", 1,
             ["--features-name", "train/pixels", "--labels-name", "train/is_skin",
              "--positive-label", "1"]),
    "higgs7k": ("higgs7k.h5", "x", "y", None, []),
    "htru2": ("htru2.h5", "X", "y", None, []),
    "mushrooms": ("mushrooms.h5", "X", "y", None, []),
    "splice": ("splice.h5", "X", "y", None, []),
    "australian_h5": ("australian.libsvm.h5", "data/data", "data/label", None, ["--transposed"]),
}


def read(path, features, labels, positive):
    with h5py.File(path, "r") as file:
        X = file[features][...].astype(np.float64)
        y = file[labels][...].reshape(-1)
    if X.shape[0] != len(y):
        X = np.ascontiguousarray(X.T)
    if positive is not None:
        return X, (y == positive).astype(np.float64)
    return X, (y.astype(np.float64) > 0).astype(np.float64)


def objective(X, y, w, b, l2):
    z = X @ w + b
    loss = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
    return loss.mean() + l2 / 2 * (w @ w)


def condition(X, w, b):
    z = X @ w + b
    p = 1 / (1 + np.exp(-z))
    Z = np.column_stack([(X - X.mean(0)) / np.where(X.std(0) > 0, X.std(0), 1), np.ones(len(X))])
    H = (Z * (p * (1 - p))[:, None]).T @ Z / len(X)
    return float(np.linalg.cond(H))


def main():
    folder = Path(sys.argv[1])
    reference = json.loads((folder / "reference.json").read_text())
    result = {"_origin": {
        "objectives": "reference.json of the data folder, iris: scikit-learn",
        "coefficients": f"scikit-learn {sklearn.__version__}, newton-cholesky, float64, tol 1e-13",
        "objective": "mean BCE + l2/2 |w|^2, intercept not penalised, nothing standardised",
    }}
    for name, (file, features, labels, positive, options) in SETS.items():
        path = folder / "hdf5" / ("iris2.h5" if file == "iris.h5" else file)
        X, y = read(path, features, labels, positive)
        entry = {"file": file, "options": options, "optimum": {}}
        for l2 in ("0.001", "1e-05"):
            model = LogisticRegression(C=1 / (len(y) * float(l2)), solver="newton-cholesky",
                                       tol=1e-13, max_iter=1000).fit(X, y)
            w, b = model.coef_[0], float(model.intercept_[0])
            value = objective(X, y, w, b, float(l2))
            if name in reference:
                best = reference[name]["optimum"][l2]["objective"]
            else:
                best = repr(value)
            entry["optimum"][l2] = {
                "objective": best,
                "sklearn_relative_excess": value / float(best) - 1,
                "condition": condition(X, w, b),
                "coefficients": [repr(float(c)) for c in w],
                "intercept": repr(b),
            }
        result[name] = entry
        print(name, {k: (v["sklearn_relative_excess"], v["condition"])
                     for k, v in entry["optimum"].items()}, file=sys.stderr)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
