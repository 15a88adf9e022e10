"""The data and the cases of tests/golden/penalties.json, for the script that makes it and the tests
that read it."""
import h5py
import numpy as np

SETS = {"wdbc": ("wdbc.h5", "X", "y"), "splice": ("splice.h5", "X", "y"),
        "higgs7k": ("higgs7k.h5", "x", "y"), "a9a": ("a9a.h5", "X", "y")}

# Each case in the words of the tool that it is computed by; `scaled` columns have the mean 0 and the
# standard deviation 1 of all rows.
#   glmnet: lambda, alpha, standardize, and optionally the penalty.factor of every third feature or
#           lower.limits = 0
#   scikit-learn: solver, C, l1_ratio, fit_intercept, scaled
# and for either the tolerance, where the script's own would take most of an hour.
CASES = {
    "wdbc": [
        {"glmnet": {"lambda": 0.01, "alpha": 1, "standardize": True}},
        {"glmnet": {"lambda": 0.01, "alpha": 0.5, "standardize": False}},
        {"glmnet": {"lambda": 0.02, "alpha": 0.7, "standardize": True, "factor": 0}},
        {"glmnet": {"lambda": 0.005, "alpha": 1, "standardize": True, "lower": 0}},
        {"scikit-learn": {"solver": "saga", "C": 0.2, "l1_ratio": 1, "scaled": True}},
        {"scikit-learn": {"solver": "saga", "C": 0.5, "l1_ratio": 0.3, "scaled": True}},
    ],
    "splice": [
        {"glmnet": {"lambda": 0.005, "alpha": 1, "standardize": False}},
        {"glmnet": {"lambda": 0.01, "alpha": 0.5, "standardize": True}},
        {"scikit-learn": {"solver": "saga", "C": 0.05, "l1_ratio": 1}},
        {"scikit-learn": {"solver": "saga", "C": 0.05, "l1_ratio": 0.5}},
        {"scikit-learn": {"solver": "liblinear", "C": 0.05, "l1_ratio": 1, "fit_intercept": False}},
    ],
    "higgs7k": [
        {"glmnet": {"lambda": 0.002, "alpha": 1, "standardize": False}},
        {"glmnet": {"lambda": 0.004, "alpha": 0.5, "standardize": True, "factor": 2}},
        {"scikit-learn": {"solver": "saga", "C": 0.05, "l1_ratio": 0.8}},
        {"scikit-learn": {"solver": "liblinear", "C": 0.05, "l1_ratio": 1, "fit_intercept": False}},
    ],
    "a9a": [
        {"glmnet": {"lambda": 0.001, "alpha": 1, "standardize": False}},
        {"glmnet": {"lambda": 0.002, "alpha": 0.5, "standardize": True, "tolerance": 1e-14}},
        {"scikit-learn": {"solver": "saga", "C": 0.05, "l1_ratio": 1, "tolerance": 1e-8}},
        {"scikit-learn": {"solver": "liblinear", "C": 0.05, "l1_ratio": 1, "fit_intercept": False}},
    ],
    "wide": [
        {"glmnet": {"lambda": 0.05, "alpha": 1, "standardize": False}},
        {"glmnet": {"lambda": 0.05, "alpha": 0.5, "standardize": True}},
        {"scikit-learn": {"solver": "saga", "C": 0.1, "l1_ratio": 1}},
        {"scikit-learn": {"solver": "liblinear", "C": 0.2, "l1_ratio": 1, "fit_intercept": False}},
    ],
}


def wide():
    """200 x 10 000, every two features correlated by 0.2; 20 of them matter."""
    random = np.random.default_rng(7)
    X = np.sqrt(0.8) * random.normal(size=(200, 10_000)) + np.sqrt(0.2) * random.normal(size=(200, 1))
    X = X.astype(np.float32)
    z = X[:, :20].astype(float) @ random.normal(size=20)
    return X, (z + random.logistic(size=200) > 0).astype(np.uint8)


def load(name, folder):
    """X [n x d] float64 and labels 0 or 1."""
    if name == "wide":
        X, y = wide()
        return X.astype(float), y.astype(float)
    path, features, labels = SETS[name]
    with h5py.File(folder / path) as file:
        if isinstance(file[features], h5py.Group):
            group = file[features]
            data, indices, indptr = (group[k][...] for k in ("data", "indices", "indptr"))
            X = np.zeros((len(indptr) - 1, group.attrs["shape"][1]))
            rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
            X[rows, indices] = data
        else:
            X = file[features][...].astype(float)
        y = (file[labels][...].reshape(-1).astype(float) > 0).astype(float)
    return X, y


def factors(case, features):
    """What glmnet makes of penalty.factor: every third feature has the given one, and all are then
    multiplied so that they sum to the number of features."""
    raw = np.ones(features)
    raw[::3] = case["factor"]
    return raw * features / raw.sum()


def strengths(tool, case, rows):
    """l1 and l2 of the objective here: README's table of conversions."""
    if tool == "glmnet":
        return case["lambda"] * case["alpha"], case["lambda"] * (1 - case["alpha"])
    return case["l1_ratio"] / (case["C"] * rows), (1 - case["l1_ratio"]) / (case["C"] * rows)


def objective(X, y, w, b, l1, l2, scale=1.0, factor=1.0):
    """mean BCE + sum_j factor_j (l1 |scale_j w_j| + l2/2 (scale_j w_j)^2) in long double."""
    z = X.astype(np.longdouble) @ np.asarray(w, dtype=np.longdouble) + np.longdouble(b)
    loss = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
    v = np.asarray(w, dtype=np.longdouble) * scale
    return loss.mean() + (factor * (l1 * np.abs(v) + l2 / 2 * v * v)).sum()
