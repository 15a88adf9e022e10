"""fit_xgboost.py DATA OUT SETTING: the linear booster of XGBoost, with a clock."""
import json
import sys
import time

import h5py
import numpy as np
import xgboost

setting = json.loads(sys.argv[3])
with h5py.File(sys.argv[1]) as file:
    X, y = file["X"][...], file["y"][...]

begin = time.perf_counter()
# Its lambda is "normalised to the number of training examples": the same number as l2 here.
model = xgboost.train(
    {"booster": "gblinear", "objective": "binary:logistic", "base_score": 0.5, "eta": 1.0,
     "alpha": 0.0, "lambda": setting["l2"], "updater": setting["updater"],
     "feature_selector": "cyclic", "tolerance": 0.0},
    xgboost.DMatrix(X, y), setting["rounds"])
seconds = time.perf_counter() - begin

dump = json.loads(model.get_dump(dump_format="json")[0])
np.savez(sys.argv[2], w=np.array(dump["weight"]), b=float(dump["bias"][0]))
print(json.dumps({"fit": seconds}))
