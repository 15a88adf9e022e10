"""fit_liblinear.py DATA OUT SETTING: LIBLINEAR's own Python interface, with a clock."""
import json
import sys
import time

import h5py
import numpy as np
from liblinear.liblinearutil import train

setting = json.loads(sys.argv[3])
with h5py.File(sys.argv[1]) as file:
    X, y = file["X"][...], file["y"][...]

begin = time.perf_counter()
model = train(y.astype(np.float64), X.astype(np.float64),
              f"-s 0 -q -B {setting['bias']} -c {setting['C']!r} -e {setting['tol']!r}")
seconds = time.perf_counter() - begin

w, b = model.get_decfun()
sign = 1.0 if model.get_labels()[0] == 1 else -1.0  # its first class is that of the first row
np.savez(sys.argv[2], w=sign * np.asarray(w), b=sign * b)
print(json.dumps({"fit": seconds}))
