"""fit_torch.py DATA OUT SETTING: PyTorch's L-BFGS on standardised columns, with a clock. The
penalty is that of the columns as they are, so that the optimum is the same."""
import json
import sys
import time

import h5py
import numpy as np
import torch

setting = json.loads(sys.argv[3])
with h5py.File(sys.argv[1]) as file:
    X, y = file["X"][...], file["y"][...]

begin = time.perf_counter()
kind = getattr(torch, setting["type"])
X = torch.from_numpy(X).to(kind)
y = torch.from_numpy(y.astype(np.float64)).to(kind)
scale, mean = torch.std_mean(X, dim=0, correction=0)
scale[scale == 0] = 1
X = X.sub_(mean).div_(scale)
prepared = time.perf_counter() - begin

v = torch.zeros(X.shape[1], dtype=kind, requires_grad=True)
c = torch.zeros((), dtype=kind, requires_grad=True)
solver = torch.optim.LBFGS([v, c], lr=1, max_iter=setting["max_iter"], max_eval=10**9,
                           tolerance_grad=setting["tol"], tolerance_change=0,
                           history_size=50, line_search_fn="strong_wolfe")
loss = torch.nn.BCEWithLogitsLoss()


def closure():
    solver.zero_grad()
    value = loss(X @ v + c, y) + setting["l2"] / 2 * ((v / scale) ** 2).sum()
    value.backward()
    return value


solver.step(closure)
seconds = time.perf_counter() - begin

w = (v.detach() / scale).double().numpy()
np.savez(sys.argv[2], w=w, b=float(c.detach()) - w @ mean.double().numpy())
print(json.dumps({"fit": seconds, "prepare": prepared,
                  "iterations": solver.state[v]["n_iter"]}))
