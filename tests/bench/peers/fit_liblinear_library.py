"""fit_liblinear_library.py DATA OUT SETTING: Debian's LIBLINEAR on sparse rows, without an
intercept: train(), which is what liblinear-train calls when it has read its text, with a clock."""
import ctypes
import json
import sys
import time

import h5py
import numpy as np
from features import read_features


class Problem(ctypes.Structure):
    _fields_ = [("l", ctypes.c_int), ("n", ctypes.c_int), ("y", ctypes.c_void_p),
                ("x", ctypes.c_void_p), ("bias", ctypes.c_double)]


class Parameter(ctypes.Structure):
    # What follows differs between versions; zeros mean the same in all of them.
    _fields_ = [("solver_type", ctypes.c_int), ("eps", ctypes.c_double), ("C", ctypes.c_double),
                ("nr_weight", ctypes.c_int), ("weight_label", ctypes.c_void_p),
                ("weight", ctypes.c_void_p), ("p", ctypes.c_double), ("rest", ctypes.c_double * 16)]


NODE = np.dtype([("index", np.int32), ("value", np.float64)], align=True)


def nodes_of(X):
    """The entries of all rows, counted from 1, each row with an end of its own."""
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    nodes = np.zeros(X.nnz + X.shape[0], NODE)
    nodes["index"] = -1
    places = np.arange(X.nnz) + rows
    nodes["index"][places] = X.indices + 1
    nodes["value"][places] = X.data
    return nodes


library = ctypes.CDLL("liblinear.so.4")
library.train.restype = ctypes.c_void_p
library.save_model.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
quiet = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(lambda _: None)
library.set_print_string_function(quiet)

setting = json.loads(sys.argv[3])
with h5py.File(sys.argv[1]) as file:
    X, y = read_features(file), file["y"][...].astype(np.float64)
nodes = nodes_of(X)
starts = (nodes.ctypes.data
          + NODE.itemsize * (X.indptr[:-1].astype(np.uint64) + np.arange(len(y), dtype=np.uint64)))
problem = Problem(len(y), X.shape[1], y.ctypes.data, starts.ctypes.data, -1)
parameter = Parameter(0, setting["tol"], setting["C"], 0, None, None, 0.1)
del X

begin = time.perf_counter()
model = library.train(ctypes.byref(problem), ctypes.byref(parameter))
seconds = time.perf_counter() - begin

text = sys.argv[2] + ".txt"
if library.save_model(text.encode(), model) != 0:
    sys.exit(f"cannot write {text}")
with open(text, encoding="ascii") as file:
    head, _, tail = file.read().partition("\nw\n")
sign = 1.0 if "\nlabel 1 " in head else -1.0  # its first class is that of the first row
np.savez(sys.argv[2], w=sign * np.array(tail.split(), dtype=np.float64), b=0.0)
print(json.dumps({"fit": seconds}))
