#!/usr/bin/python3
"""Computes tests/golden/focal.json with scipy: run by hand, not by the tests.

    tests/golden/make_focal.py > tests/golden/focal.json

Iris, which ships with the project, with every seventh label turned round, so that some rows lie far
on the wrong side, where the focal loss is concave. BFGS from zero, then a root of the gradient.
"""
import json
from pathlib import Path

import h5py
import numpy as np
import scipy
from scipy.optimize import minimize, root
from scipy.special import expit, log_expit

L2 = 1e-3


def terms(z, gamma):
    """Loss and slope of label 1."""
    p, q, log_p, log_q = expit(z), expit(-z), log_expit(z), log_expit(-z)
    power = np.exp(gamma * log_q)
    return -power * log_p, power * (gamma * p * log_p - q)


def objective(parameters, X, y, weights, gamma, alpha):
    w, b = parameters[:-1], parameters[-1]
    z = X @ w + b
    positive, negative = (alpha, 1 - alpha) if alpha is not None else (1.0, 1.0)
    (one, slope_one), (zero, slope_zero) = terms(z, gamma), terms(-z, gamma)
    total = weights.sum()
    loss = weights * (y * positive * one + (1 - y) * negative * zero)
    slope = weights * (y * positive * slope_one - (1 - y) * negative * slope_zero)
    value = loss.sum() / total + L2 / 2 * (w @ w)
    return value, np.append(X.T @ slope / total + L2 * w, slope.sum() / total)


def optimum(X, y, weights, gamma, alpha):
    arguments = (X, y, weights, gamma, alpha)
    found = minimize(objective, np.zeros(X.shape[1] + 1), args=arguments, jac=True, method="BFGS",
                     options={"gtol": 1e-10, "maxiter": 10000}).x
    found = root(lambda x: objective(x, *arguments)[1], found, tol=1e-15).x
    value, gradient = objective(found, *arguments)
    assert abs(gradient).max() < 1e-13
    return {"gamma": gamma, "alpha": alpha, "l2": L2, "objective": value,
            "coefficients": list(found[:-1]), "intercept": found[-1]}


def main():
    with h5py.File(Path(__file__).parents[2] / "configs" / "data" / "iris.h5") as file:
        X, y = file["X"][...].astype(float), file["y"][...].reshape(-1).astype(float)
    y[::7] = 1 - y[::7]
    soft = np.where(np.arange(len(y)) % 5 == 0, 0.3, y)
    ones, cycle = np.ones(len(y)), 1.0 + np.arange(len(y)) % 3
    result = {"_origin": f"scipy {scipy.__version__}, BFGS and a root of the gradient"}
    result["gamma 2"] = optimum(X, y, ones, 2.0, None)
    result["gamma 2, alpha 0.25"] = optimum(X, y, ones, 2.0, 0.25)
    result["gamma 0, alpha 0.7"] = optimum(X, y, ones, 0.0, 0.7)
    result["gamma 0.5, weights"] = optimum(X, y, cycle, 0.5, None)
    result["gamma 1, soft"] = optimum(X, soft, ones, 1.0, 0.6)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
