"""The data sets: made once into the work folder, kept for the next run."""
import gzip
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from .features import read_features


class Absent(Exception):
    """A data set or a peer that is not on this machine; the text says what is missing."""


@dataclass(frozen=True)
class Recipe:
    name: str
    rows: int
    features: int
    l2: float
    options: tuple = ()  # of 'paralogit generate'; data that exists has none
    about: str = ""
    intercept: bool = True


CORRELATED = ("--correlation", "0.5", "--scale-decades", "2", "--type", "float32")
RECIPES = {recipe.name: recipe for recipe in (
    Recipe("tall", 2_000_000, 64, 1e-6, CORRELATED,
           "synthetic, correlation 0.5, scales over two decades"),
    Recipe("fashion", 60_000, 784, 1e-4, (), "Fashion-MNIST, even against odd classes"),
    Recipe("pbmc", 700, 765, 1e-3, (), "pbmc68k, its most frequent cell type against the rest"),
    Recipe("wide", 200, 10_000, 1e-3, CORRELATED,
           "synthetic, correlation 0.5, scales over two decades"),
    Recipe("long", 5_000_000, 10, 1e-6, CORRELATED,
           "synthetic, correlation 0.5, scales over two decades"),
    Recipe("broad", 100_000, 2_000, 1e-5, CORRELATED,
           "synthetic, correlation 0.5, scales over two decades"),
    # LIBLINEAR would penalise an intercept: without one all solve the same problem. C is 1.
    Recipe("sparse-long", 1_000_000, 100_000, 1e-6, ("--density", "0.0005"),
           "synthetic, sparse, columns by Zipf's law", intercept=False),
    Recipe("sparse-wide", 25_000, 2_500_000, 4e-5, ("--density", "0.000144"),
           "synthetic, sparse, columns by Zipf's law", intercept=False),
)}


@dataclass
class DataSet:
    recipe: Recipe
    path: Path
    X: np.ndarray  # in its stored type; of sparse rows a csr_matrix
    y: np.ndarray  # float64, 0 and 1

    @property
    def name(self):
        return self.recipe.name

    @property
    def l2(self):
        return self.recipe.l2

    @property
    def intercept(self):
        return self.recipe.intercept

    @property
    def is_sparse(self):
        return not isinstance(self.X, np.ndarray)

    @property
    def rows(self):
        return self.X.shape[0]

    @property
    def features(self):
        return self.X.shape[1]


def prepare(recipe, scale, work, binary, pbmc):
    """The data set of a recipe, with `scale` times its rows; raises Absent."""
    rows = recipe.rows if scale == 1 else max(int(recipe.rows * scale), min(recipe.rows, 200))
    path = work / f"{recipe.name}-{rows}.h5"
    if not path.exists():
        # A run that is interrupted here must not leave half a data set under the final name.
        partial = work / f"{recipe.name}-{rows}.partial.h5"
        if recipe.options:
            generate(recipe, rows, partial, binary)
        else:
            X, y = fashion() if recipe.name == "fashion" else cell_type(pbmc)
            with h5py.File(partial, "w") as file:
                file["X"], file["y"] = X[:rows], y[:rows]
        os.replace(partial, path)
    with h5py.File(path) as file:
        return DataSet(recipe, path, read_features(file), file["y"][...].astype(np.float64))


def generate(recipe, rows, path, binary):
    command = [binary, "generate", path, "--rows", rows, "--features", recipe.features,
               *recipe.options, "--overwrite"]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def fashion():
    """The training images of the Debian package; y is 1 for the odd classes."""
    try:
        listing = subprocess.run(["dpkg", "-L", "dataset-fashion-mnist"], capture_output=True,
                                 text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        raise Absent("the Debian package dataset-fashion-mnist is not installed") from None

    def values(part, header):
        path = next(name for name in listing if part in name)
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    labels = values("train-labels-idx1", 8)
    images = values("train-images-idx3", 16)
    return images.reshape(len(labels), -1), labels % 2


def cell_type(path):
    """X of an AnnData file, and whether a cell is of the most frequent type."""
    if path is None:
        raise Absent("no .h5ad file was given with --pbmc")
    with h5py.File(path) as file:
        obs = file["obs"]
        if isinstance(obs, h5py.Group):
            codes = obs["bulk_labels"]["codes"][...]
        else:  # the older layout: one compound table
            codes = obs[...]["bulk_labels"]
        return file["X"][...], (codes == np.bincount(codes).argmax()).astype(np.uint8)
