"""fit_scikit_learn.py DATA OUT SETTING: what a user's shortest script does, with a clock."""
import json
import sys
import time
import warnings

import h5py
import numpy as np
from features import read_features
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

setting = json.loads(sys.argv[3])
with h5py.File(sys.argv[1]) as file:
    X, y = read_features(file), file["y"][...]
if setting["type"] == "float64":
    X = X.astype(np.float64)

warnings.simplefilter("ignore")  # the objective tells what max_iter cut short, not a warning
begin = time.perf_counter()
scaler = StandardScaler(copy=False) if setting["scaled"] else None
if scaler:
    X = scaler.fit_transform(X)
model = LogisticRegression(C=setting["C"], solver=setting["solver"], tol=setting["tol"],
                           max_iter=setting["max_iter"], fit_intercept=setting["intercept"],
                           dual=setting.get("dual", False), random_state=0).fit(X, y)
seconds = time.perf_counter() - begin

w, b = model.coef_[0].astype(np.float64), float(np.ravel(model.intercept_)[0])
if scaler:
    w /= scaler.scale_
    b -= w @ scaler.mean_
np.savez(sys.argv[2], w=w, b=b)
print(json.dumps({"fit": seconds, "iterations": int(np.max(model.n_iter_))}))
