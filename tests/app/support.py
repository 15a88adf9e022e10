"""What the app tests share: starting the binary as users do, and making data sets with h5py."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

BINARY = os.environ["PARALOGIT_BINARY"]
SOURCE = Path(os.environ["PARALOGIT_SOURCE"])
IRIS = SOURCE / "configs" / "data" / "iris.h5"
# Real data sets that do not ship with the project; tests that want them say so when it is absent.
REAL_DATA = Path(os.environ.get("PARALOGIT_REAL_DATA", SOURCE.parent / "shared" / "data"))

LAUNCHER = [
    "mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none",
    "--mca", "mpi_yield_when_idle", "1",
]
# After an exit code that is not 0, mpirun sleeps for so many seconds before each of the two signals
# that it sends to the ranks, also when all of them have ended; 1 unless told.
KILL_WAIT = "odls_base_sigkill_timeout"


def command(*arguments, ranks=None):
    """The command line of a run; without `ranks` the binary alone, without mpirun."""
    launcher = [] if ranks is None else [*LAUNCHER, "--mca", KILL_WAIT, "0", "-n", str(ranks)]
    return [*launcher, BINARY, *map(str, arguments)]


# A program that runs its arguments and prints the peak of their memory, in bytes.
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def run(*arguments, ranks=None, timeout=60, env=None, cwd=None):
    """Runs to the end. The caller checks the exit code."""
    return subprocess.run(
        command(*arguments, ranks=ranks), capture_output=True, text=True, timeout=timeout, cwd=cwd,
        env={**os.environ, **(env or {})}, check=False, stdin=subprocess.DEVNULL)


def write_data(path, X, y=None, **names):
    """A data set in the plainest layout."""
    with h5py.File(path, "w") as file:
        file.create_dataset(names.get("features", "X"), data=X)
        if y is not None:
            file.create_dataset(names.get("labels", "y"), data=y)
    return Path(path)


def made_up(rows, features, seed=1, noise=1.0):
    """Features on scales over two decades, and labels that are not separable when noise is."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, features)) * np.logspace(-1, 1, features) + 3.0
    w = random.normal(size=features) / np.logspace(-1, 1, features)
    z = (X - 3.0) @ w
    y = (z + noise * random.logistic(size=rows) > 0).astype(np.uint8)
    return X, y


def objective(X, y, w, b, l2, weights=None):
    """mean BCE + l2/2 |w|^2 in long double: the oracle."""
    X = np.asarray(X, dtype=np.longdouble)
    z = X @ np.asarray(w, dtype=np.longdouble) + np.longdouble(b)
    loss = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
    s = np.ones(len(X), dtype=np.longdouble) if weights is None else np.asarray(weights)
    w = np.asarray(w, dtype=np.longdouble)
    return (s * loss).sum() / s.sum() + np.longdouble(l2) / 2 * (w @ w)


def gradient(X, y, w, b, l2, weights=None):
    """By w and then by b, in long double."""
    X = np.asarray(X, dtype=np.longdouble)
    z = X @ np.asarray(w, dtype=np.longdouble) + np.longdouble(b)
    s = np.ones(len(X), dtype=np.longdouble) if weights is None else np.asarray(weights)
    r = s * (1 / (1 + np.exp(-z)) - y) / s.sum()
    return np.append(X.T @ r + np.longdouble(l2) * np.asarray(w), r.sum())


def read_model(directory):
    with h5py.File(Path(directory) / "model.h5") as file:
        return file["coefficients"][...], file["intercept"][0]


def text_of(file, attribute):
    value = file.attrs[attribute]
    return value.decode() if isinstance(value, bytes) else value


def read_summary(directory):
    return json.loads((Path(directory) / "summary.json").read_text())


class AppTest(unittest.TestCase):
    """A temporary folder per test, and assertions about runs."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="paralogit-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def assert_ends(self, result, code):
        self.assertEqual(result.returncode, code,
                         f"\nstdout: {result.stdout}\nstderr: {result.stderr}")

    def train(self, *arguments, out="run", ranks=1, code=0, timeout=120):
        """Trains into a folder of this test; returns its path."""
        directory = self.folder / out
        result = run("train", *arguments, "--out", directory, ranks=ranks, timeout=timeout)
        self.assert_ends(result, code)
        return directory

    def train_hash(self, *arguments, out, ranks=1, code=0):
        return read_summary(self.train(*arguments, out=out, ranks=ranks, code=code))["model_sha256"]


def add_real_sets(case, name_of_test, paths):
    """Gives `case` a test for each of the data sets, by name, that is there."""
    for name, path in paths.items():
        if path.exists():
            def test(self, name=name):
                self.check(name)
            setattr(case, f"test_{name}_{name_of_test}", test)
        else:
            print(f"{name}: not tested, there is no {path.name} in the folder that "
                  "PARALOGIT_REAL_DATA names", file=sys.stderr)
