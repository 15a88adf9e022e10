#!/usr/bin/python3
"""Computes tests/golden/class_weights.json with scikit-learn: run by hand, not by the tests.

    tests/golden/make_class_weights.py > tests/golden/class_weights.json

Iris, which ships with the project, by newton-cholesky in float64. The row weights are 1, 2, 3, 1, 2,
3, ...; "balanced" of weighted rows counts these since scikit-learn 1.7, which is done here by hand:
an older version counts rows.
"""
import json
from pathlib import Path

import h5py
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

L2 = 1e-2


def optimum(X, y, row_weights, class_weights):
    weights = row_weights * np.where(y == 1, class_weights[1], class_weights[0])
    total = weights.sum()
    model = LogisticRegression(C=1 / (total * L2), solver="newton-cholesky", tol=1e-13,
                               max_iter=1000).fit(X, y, sample_weight=weights)
    w, b = model.coef_[0], float(model.intercept_[0])
    z = X @ w + b
    loss = weights * (np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z))))
    return {"class_weights": list(class_weights), "l2": L2,
            "objective": loss.sum() / total + L2 / 2 * (w @ w), "coefficients": list(w),
            "intercept": b}


def balanced(y, row_weights):
    sums = np.bincount(y, weights=row_weights)
    return tuple(sums.sum() / (2 * sums))


def main():
    with h5py.File(Path(__file__).parents[2] / "configs" / "data" / "iris.h5") as file:
        X, y = file["X"][...].astype(float), file["y"][...].reshape(-1).astype(int)
    # 100 rows and two even classes tell little: 20 rows of the positive one go.
    kept = np.flatnonzero((y == 0) | (np.cumsum(y) > 20))
    X, y = X[kept], y[kept]
    ones, cycle = np.ones(len(y)), 1.0 + np.arange(len(y)) % 3
    computed = LogisticRegression(class_weight="balanced", C=1 / (len(y) * L2), tol=1e-13,
                                  solver="newton-cholesky", max_iter=1000).fit(X, y)
    result = {"_origin": f"scikit-learn {sklearn.__version__}, newton-cholesky, float64, tol 1e-13",
              "balanced": optimum(X, y, ones, balanced(y, ones)),
              "balanced, weighted rows": optimum(X, y, cycle, balanced(y, cycle)),
              "0.5,3": optimum(X, y, ones, (0.5, 3.0))}
    assert np.allclose(computed.coef_[0], result["balanced"]["coefficients"], rtol=1e-9)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
