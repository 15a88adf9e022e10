#!/usr/bin/python3
"""Sparse rows, AnnData and many files as users have them: what is taken, and what is refused."""
import re
import sys
import unittest

import h5py
import numpy as np

from refusals import RefusalTest
from support import REAL_DATA, AppTest, run

ROWS, FEATURES = 3000, 40


def csr(rows=ROWS, features=FEATURES, seed=3):
    """Random rows, some of them without entries: data, indices, indptr."""
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 9, rows)
    indices = [np.sort(random.choice(features, n, replace=False)) for n in lengths]
    return (random.normal(size=lengths.sum()).astype(np.float32),
            np.concatenate([*indices, np.empty(0, int)]).astype(np.int64),
            np.concatenate([[0], np.cumsum(lengths)]))


def write_csr(path, matrix, y=None, shape=(ROWS, FEATURES), index_type=np.int64, **storage):
    with h5py.File(path, "w") as file:
        group = file.create_group("X")
        for name, values in zip(("data", "indices", "indptr"), matrix):
            group.create_dataset(name, data=values.astype(index_type) if name == "indices"
                                 else values, **storage)
        if shape is not None:
            group.attrs["shape"] = shape
        rows = len(matrix[2]) - 1
        file["y"] = np.arange(rows) % 2 if y is None else y
    return path


class WrongSparseRows(RefusalTest):
    """Each fault has its own words and exit code 3, the same on any number of ranks."""

    def setUp(self):
        super().setUp()
        self.values, self.indices, self.offsets = csr()
        # A row of the last third, so that it is not of the first rank.
        self.row = next(i for i in range(2100, ROWS) if self.offsets[i + 1] - self.offsets[i] > 3)
        self.entry = self.offsets[self.row] + 1

    def refuse(self, *says, index_type=np.int64, **storage):
        matrix = self.values, self.indices, self.offsets
        write_csr(self.path("bad.h5"), matrix, index_type=index_type, **storage)
        return self.assert_data_refused("bad.h5", says=says)

    def refuse_index(self, *says):
        where = f"bad.h5:/X/indices row {self.row}: "
        lines = {self.refuse(where, *says),
                 self.refuse(where, *says, index_type=np.int32),
                 self.refuse(where, *says, chunks=(500,), compression="gzip", shuffle=True)}
        self.assertEqual(len(lines), 1, lines)

    def test_indices_that_fall(self):
        e = self.entry
        self.indices[[e, e + 1]] = self.indices[[e + 1, e]]
        self.refuse_index("must rise", "X.sort_indices()")

    def test_an_index_that_occurs_twice(self):
        self.indices[self.entry] = self.indices[self.entry + 1]
        self.refuse_index("occurs twice", "X.sum_duplicates()")

    def test_a_negative_index(self):
        self.indices[self.entry] = -1
        self.refuse_index("the index -1", "is negative")

    def test_an_index_that_is_too_large(self):
        self.indices[self.entry + 1] = FEATURES
        self.refuse_index(f"the index {FEATURES}", f"there are {FEATURES} features")

    def test_the_lowest_row_of_several_faults(self):
        self.indices[self.entry] = -1
        low = next(i for i in range(300, ROWS) if self.offsets[i + 1] - self.offsets[i] > 3)
        self.indices[self.offsets[low]] = self.indices[self.offsets[low] + 1]
        self.offsets[2900] = self.offsets[2901] + 1
        self.refuse(f"bad.h5:/X/indices row {low}: ", "occurs twice")

    def test_indptr_that_decreases(self):
        self.offsets[self.row] = self.offsets[self.row - 1] - 1
        self.refuse(f"bad.h5:/X/indptr row {self.row - 1}: ", "must not decrease")

    def test_indptr_that_leaves_the_entries(self):
        self.offsets[self.row + 1] = len(self.values) + 5
        self.refuse(f"bad.h5:/X/indptr row {self.row}: ", f"has {len(self.values)} entries")

    def test_indptr_that_begins_or_ends_elsewhere(self):
        self.offsets[0] = 1
        self.refuse("/X/indptr begins with 1", "begin with 0")
        self.offsets[0] = 0
        self.values, self.indices = self.values[:-2], self.indices[:-2]
        self.offsets[-1] = len(self.values) - 3
        self.offsets = np.minimum(self.offsets, self.offsets[-1])
        self.refuse("/X/indptr ends with", f"/X/data has {len(self.values)} entries")

    def test_indices_and_data_of_different_lengths(self):
        self.indices = self.indices[:-1]
        self.refuse(f"/X/data has {len(self.values)} values, but /X/indices has")

    def test_a_matrix_by_column_and_one_without_a_shape(self):
        matrix = self.values, self.indices, self.offsets
        write_csr(self.path("csc.h5"), matrix, shape=(50, ROWS), y=np.arange(50) % 2)
        self.assert_data_refused("csc.h5", says=("by column (CSC)", "adata.X = adata.X.tocsr()"))
        write_csr(self.path("untold.h5"), matrix, shape=None)
        self.assert_data_refused("untold.h5", says=("how many features", "attribute 'shape'"))

    def test_a_value_that_is_not_finite(self):
        self.values[self.entry] = np.nan
        self.refuse(f"bad.h5:/X row {self.row}", "must be finite")

    def test_a_row_weight_that_is_not_finite_or_too_large(self):
        for value, says in ((np.nan, f"bad.h5:/w row {self.row}: the row weight is nan"),
                            (np.inf, f"bad.h5:/w row {self.row}: the row weight is inf"),
                            (1e308, "bad.h5:/w: the row weights are so large")):
            write_csr(self.path("bad.h5"), (self.values, self.indices, self.offsets))
            with h5py.File(self.path("bad.h5"), "a") as file:
                weights = np.ones(ROWS)
                weights[self.row] = value
                file["w"] = weights
            self.assert_data_refused("bad.h5", options=("--weights-name", "w"), says=says)


class ManyFiles(RefusalTest):
    def write_parts(self, count):
        random = np.random.default_rng(5)
        for i in range(count):
            rows = 0 if i % 7 == 2 else int(random.integers(1, 200))
            write_csr(self.path(f"part-{i:03}.h5"), csr(rows, seed=i), shape=(rows, FEATURES))

    def test_a_file_that_differs_is_named_with_the_first(self):
        self.write_parts(40)
        other = self.path("part-037.h5")
        write_csr(other, csr(9), shape=(9, FEATURES + 1))
        self.assert_data_refused("part-*.h5", says=(
            f"part-037.h5 has {FEATURES + 1} features in /X", f"part-000.h5 has {FEATURES}"))
        with h5py.File(other, "w") as file:
            file["X"] = np.ones((4, FEATURES), np.float32)
            file["y"] = [0, 1, 0, 1]
        self.assert_data_refused("part-*.h5", says=(
            "part-037.h5 has dense features", "part-000.h5 has sparse features"))


class Inspect(AppTest):
    def inspect(self, path, *options):
        result = run("inspect", path, *options)
        return result.returncode, result.stdout

    def test_sparse_rows(self):
        code, text = self.inspect(write_csr(self.folder / "a.h5", csr()))
        self.assertEqual(code, 0)
        self.assertIn(f"features: /X ({ROWS} x {FEATURES}, sparse rows of float32)", text)

    def test_old_and_new_anndata(self):
        # Two files of one data set as scanpy's tests have them.
        if not (REAL_DATA / "hdf5").is_dir():
            print(f"NOT TESTED: the real data sets are not in {REAL_DATA}, which "
                  "PARALOGIT_REAL_DATA names", file=sys.stderr)
            return
        for name in ("pbmc68k_new.h5ad", "pbmc68k_legacy.h5ad"):
            path = REAL_DATA / "hdf5" / name
            code, text = self.inspect(path)
            self.assertEqual(code, 3)
            problem = re.search("problem: .*", text).group()
            for column in ("bulk_labels", "louvain", "phase", "n_genes"):
                self.assertIn(f"/obs/{column} (700, ", problem)
            self.assertIn("--labels-name /obs/bulk_labels", problem)
            self.assertIn("'CD56+ NK'", text)
            code, text = self.inspect(path, "--labels-name", "bulk_labels",
                                      "--positive-label", "Dendritic")
            self.assertEqual(code, 0, text)
            self.assertIn("read as 'Dendritic' against 9 others", text)
            self.assertIn("their names: /var/index", text)


class RowsWithoutEntries(AppTest):
    def test_the_model_is_the_intercept(self):
        """The optimum is known: log(positives / negatives)."""
        nothing = np.empty(0), np.empty(0, int), np.zeros(101, int)
        y = (np.arange(100) < 20).astype(np.int8)
        path = write_csr(self.folder / "none.h5", nothing, y, shape=(100, 7))
        digests = set()
        for ranks in (None, 3):
            for initial in ("zeros", "ones"):
                out = self.folder / f"run-{ranks}-{initial}"
                result = run("train", path, "--out", out, "--initial", initial, ranks=ranks)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("constant: all 7 columns, of which no row has an entry",
                              result.stdout + result.stderr)
                with h5py.File(out / "model.h5") as model:
                    self.assertEqual(model["coefficients"].shape, (7,))
                    self.assertFalse(model["coefficients"][:].any())
                    self.assertAlmostEqual(model["intercept"][0], np.log(0.25), delta=1e-8)
                    digests.add((initial, model.attrs["model_sha256"]))
        self.assertEqual(len(digests), 2)


if __name__ == "__main__":
    unittest.main()
