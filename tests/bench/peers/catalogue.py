"""Who takes part, with which settings, and which problem each of them solves.

A peer has branches of settings from loose to tight. Each branch is probed until it reaches the
tightest target, so a peer is shown at the loosest setting that does the job."""
import ctypes
import functools
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .data import Absent
from .optimum import Problem, SparseProblem

HERE = Path(__file__).resolve().parent

PROBLEMS = {
    "same": "mean BCE + l2/2 |w|^2, the intercept free: the problem of paralogit",
    "scaled": "the penalty is on the coefficients of the columns scaled to unit variance: its "
              "optimum is another, and results are held against that",
    "intercept": "the intercept is penalised too: its optimum is another, and results are held "
                 "against that",
    "no penalty": "l2 = 0: its optimum is another, and results are held against that",
}


def problem_of(kind, data):
    if data.is_sparse:
        return SparseProblem(data.X, data.y, data.l2, data.intercept)
    if kind == "no penalty":
        return Problem(data.X, data.y, 0.0)
    if kind == "scaled":
        return Problem(data.X, data.y, data.l2, p=variance(data.X))
    return Problem(data.X, data.y, data.l2, q=1.0 if kind == "intercept" else 0.0)


def variance(X):
    """By columns, as StandardScaler takes it: 1 for a constant column."""
    rows = max(1, 4_000_000 // X.shape[1])
    parts = [X[begin:begin + rows] for begin in range(0, len(X), rows)]
    mean = sum(part.sum(axis=0, dtype=np.float64) for part in parts) / len(X)
    squares = sum(((part - mean) ** 2).sum(axis=0) for part in parts) / len(X)
    return np.where(squares > 0, squares, 1.0)


@dataclass
class Setting:
    label: str
    values: dict = field(default_factory=dict)


@dataclass
class Peer:
    name: str
    version: str
    problem: str
    branches: list  # of lists of Settings, loose to tight
    command: object  # (data, values, out) -> the words of a command
    read: object  # (out, output) -> w, b, a dict with the seconds of "fit"
    processes: int = 1
    env: dict = field(default_factory=dict)


def last_json(output):
    return json.loads(output.strip().splitlines()[-1])


def read_npz(out, output):
    with np.load(out) as file:
        return file["w"], float(file["b"]), last_json(output)


# ---- paralogit

def paralogit(binary, layout, solver):
    """`layout` is (ranks, threads)."""
    ranks, threads = layout
    version, usage = (subprocess.run([binary, *words], capture_output=True, text=True,
                                     check=True).stdout
                      for words in (["--version"], ["train", "--help"]))
    has_threads = "--threads" in usage
    if threads > 1 and not has_threads:
        raise Absent("this build has no --threads")
    if ranks * threads > len(os.sched_getaffinity(0)):
        raise Absent("more than the cores of this machine")
    # Without this mpirun binds a single rank to one core, with all of its threads.
    words = ["mpirun", "--bind-to", "none", "-n", ranks, binary, "train"]
    more = ["--threads", threads] if has_threads else []
    if solver != "auto":
        more += ["--solver", solver]

    def command(data, values, out):
        return [*words, data.path, "--out", out, "--overwrite", "--l2", repr(data.l2),
                "--tolerance", values["tol"], *more,
                *([] if data.intercept else ["--intercept", "no"])]

    def read(out, _):
        import h5py
        with h5py.File(out / "model.h5") as file:
            w, b = file["coefficients"][...], float(file["intercept"][0])
        summary = json.loads((out / "summary.json").read_text())
        return w, b, {"fit": summary["seconds"]["train"], "iterations": summary["iterations"],
                      **{key: summary[key] for key in ("solver", "passes", "stop_reason", "seconds",
                                                       "model_sha256")}}

    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    called = "paralogit " + ("" if solver == "auto" else f"{solver} ")
    return Peer(f"{called}{ranks}x{threads}", version.strip(), "same",
                [ladder("tolerance", [f"1e-{k}" for k in range(3, 12)])], command, read,
                processes=ranks, env=root if os.geteuid() == 0 else {})


def ladder(word, tolerances, label="", **values):
    return [Setting(f"{label}{word} {tol}", {"tol": tol, **values}) for tol in tolerances]


# ---- Python

@functools.cache
def module_version(python, module, distribution):
    """Also pulls the module's files into the page cache, before any clock runs."""
    code = (f"import h5py, {module}; from importlib.metadata import version; "
            f"print(version({distribution!r}))")
    result = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Absent(f"{distribution} is not installed for {Path(python).name}")
    return result.stdout.strip()


def scripted(python, script, name, version, problem, branches, add):
    def command(data, values, out):
        return [python, HERE / script, data.path, out, json.dumps({**values, **add(data)})]
    return Peer(name, version, problem, branches, command, read_npz)


# Tolerances mean the gradient of the sum in some versions and of the mean in others, so the ladders
# are long. newton-cg, sag and saga take the time they take: the newest version only.
SCIKIT_LEARN = {
    "lbfgs": (1e2, 1e0, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10),
    "newton-cholesky": (1e-2, 1e-4, 1e-6, 1e-8, 1e-10),
    "newton-cg": (1e2, 1e0, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10),
    "liblinear": (1e-2, 1e-4, 1e-6, 1e-8),
    "sag": (1e-3, 1e-4, 1e-6, 1e-8, 1e-10),
    "saga": (1e-3, 1e-4, 1e-6, 1e-8, 1e-10),
}


def scikit_learn(python, solver, scaled, types, intercept, dual=False):
    version = module_version(python, "sklearn", "scikit-learn")
    branches = [ladder("tol", SCIKIT_LEARN[solver][:5 if kind == "float32" else None], f"{kind}, ",
                       type=kind, solver=solver, scaled=scaled, dual=dual, intercept=intercept,
                       max_iter=100_000)
                for kind in types]
    return scripted(
        python, "fit_scikit_learn.py",
        f"scikit-learn {version} {'StandardScaler + ' if scaled else ''}{solver}"
        f"{', dual' if dual else ''}", version,
        "scaled" if scaled else "intercept" if solver == "liblinear" and intercept else "same",
        branches,
        lambda data: {"C": 1 / (data.rows * data.l2)})


def liblinear(python):
    version = module_version(python, "liblinear.liblinearutil", "liblinear-official")
    return scripted(python, "fit_liblinear.py", f"LIBLINEAR {version} -s 0 -B 1", version,
                    "intercept", [ladder("-e", (1e-2, 1e-4, 1e-6, 1e-8), bias=1)],
                    lambda data: {"C": 1 / (data.rows * data.l2)})


def liblinear_library(python):
    """Debian's library, on sparse rows and without an intercept."""
    version = module_version(python, "scipy", "scipy")
    try:
        ctypes.CDLL("liblinear.so.4")
    except OSError:
        raise Absent("Debian's liblinear4 is not installed") from None
    return scripted(python, "fit_liblinear_library.py", "LIBLINEAR -s 0 -B -1", version, "same",
                    [[Setting(f"-e {tol:g}", {"tol": tol}) for tol in (1e-3, 1e-5, 1e-7)]],
                    lambda data: {"C": 1 / (data.rows * data.l2)})


def xgboost(python):
    version = module_version(python, "xgboost", "xgboost")
    branches = [[Setting(f"{updater}, {rounds} rounds", {"updater": updater, "rounds": rounds})
                 for rounds in (10, 100, 1000, 10_000)] for updater in ("coord_descent", "shotgun")]
    return scripted(python, "fit_xgboost.py", f"XGBoost {version} gblinear", version, "same",
                    branches, lambda data: {"l2": data.l2})


def torch(python):
    version = module_version(python, "torch", "torch")
    branches = [ladder("tolerance_grad", (1e-4, 1e-6, 1e-8, 1e-10), f"{kind}, ", type=kind,
                       max_iter=5000) for kind in ("float32", "float64")]
    return scripted(python, "fit_torch.py", f"PyTorch {version} LBFGS", version, "same", branches,
                    lambda data: {"l2": data.l2})


# ---- programs that read no HDF5: their input is written before any clock runs

def liblinear_train(data, work):
    """The command of Debian's liblinear-tools: no clock of its own, so whole-process time only."""
    program = shutil.which("liblinear-train")
    if program is None:
        raise Absent("Debian's liblinear-tools is not installed either")
    if data.X.size > 2e7:
        raise Absent("its text format is not for a data set of this size")
    text = work / f"{data.path.stem}.svm"
    if not text.exists():
        with open(work / f"{data.path.stem}.partial.svm", "w") as file:
            for x, y in zip(data.X, data.y):
                values = " ".join(f"{j + 1}:{x[j]:.9g}" for j in np.flatnonzero(x))
                file.write(f"{int(y)} {values}\n")
        os.replace(file.name, text)

    def command(data, values, out):
        return [program, "-s", 0, "-B", 1, "-c", repr(1 / (data.rows * data.l2)), "-e",
                values["tol"], "-q", text, out]

    def read(out, _):
        head, _, tail = out.read_text().partition("\nw\n")
        v = np.array(tail.split(), dtype=np.float64)
        sign = 1.0 if "\nlabel 1 " in head else -1.0
        return sign * v[:-1], sign * v[-1], {"fit": None}

    return Peer("liblinear-train -s 0 -B 1", "", "intercept",
                [ladder("-e", (1e-2, 1e-4, 1e-6, 1e-8))], command, read)


def r_glm(data, work):
    program = shutil.which("Rscript")
    if program is None:
        raise Absent("R is not installed")
    if data.rows < 20 * data.features or data.X.size > 1.5e8 or not data.recipe.options:
        raise Absent("without a penalty only where rows are many and the fit is finite")
    version = subprocess.run([program, "-e", "cat(as.character(getRversion()))"],
                             capture_output=True, text=True, check=True).stdout
    raw = work / f"{data.path.stem}.doubles"
    if not raw.exists():
        with open(work / f"{data.path.stem}.partial.doubles", "wb") as file:
            for column in data.X.T:
                file.write(column.astype(np.float64).tobytes())
            file.write(data.y.tobytes())
        os.replace(file.name, raw)

    def command(data, values, out):
        return [program, "--vanilla", HERE / "fit_glm.R", raw, out, data.rows, data.features,
                values["tol"]]

    def read(out, output):
        v = np.fromfile(out)
        return v[1:], v[0], last_json(output)

    return Peer(f"R {version} glm.fit", version, "no penalty",
                [ladder("epsilon", (1e-4, 1e-8, 1e-12))], command, read)


def sparse_makers(pythons):
    """Of peers that take sparse rows as they are."""
    python = pythons[0]
    # newton-cholesky would make a matrix of features x features; sag is slower than saga or equal.
    for solver, dual in (("newton-cg", False), ("lbfgs", False), ("liblinear", False),
                         ("liblinear", True), ("saga", False)):
        yield (f"scikit-learn {solver}{', dual' if dual else ''}",
               lambda words=(python, solver, False, ("float64",), False, dual):
               scikit_learn(*words))
    yield "LIBLINEAR", lambda: liblinear_library(python)


def dense_makers(data, pythons):
    newest = pythons[-1]
    for python in pythons:
        for solver in SCIKIT_LEARN if python == newest else ("lbfgs", "newton-cholesky"):
            # liblinear and the older lbfgs convert to float64; sag and saga get nowhere without it.
            single = data.X.dtype == np.float32 and (
                solver.startswith("newton") or solver == "lbfgs" and python == newest)
            types = ("float32", "float64") if single else ("float64",)
            for scaled in (False, True) if solver in ("lbfgs", "saga") else (False,):
                yield (f"scikit-learn {'scaled ' if scaled else ''}{solver}",
                       lambda words=(python, solver, scaled, types, True): scikit_learn(*words))
    yield "LIBLINEAR", lambda: liblinear(newest)
    yield "XGBoost", lambda: xgboost(newest)
    yield "PyTorch", lambda: torch(newest)


def peers_for(data, chosen, skip):
    """All of the `chosen` options that take part on this data set; `skip` is told the name and the
    reason of the rest."""
    makers = [(f"paralogit {solver} {r}x{t}",
               lambda at=(r, t), by=solver: paralogit(chosen.binary, at, by))
              for solver in chosen.solvers for r, t in chosen.layouts]
    if data.is_sparse:
        makers += sparse_makers(chosen.pythons)
    else:
        makers += dense_makers(data, chosen.pythons)
        makers += [("R", lambda: r_glm(data, chosen.work))]
    peers = []
    for name, make in makers:
        if not (re.search(chosen.peers, name) or name.startswith("paralogit")):
            continue
        try:
            peers.append(make())
        except Absent as absent:
            skip(name, str(absent))
            if name == "LIBLINEAR" and not data.is_sparse:
                try:
                    peers.append(liblinear_train(data, chosen.work))
                except Absent as absent:
                    skip("liblinear-train", str(absent))
    return peers
