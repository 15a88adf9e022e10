#!/usr/bin/python3
"""Sparse rows that the program makes up: the layout, the same bytes on any ranks, and training."""
import unittest

import h5py
import numpy as np

from support import AppTest, read_summary, run

ROWS, FEATURES = 5000, 2000


class SparseGenerate(AppTest):
    def generate(self, name, *options, ranks=None, density=0.01):
        path = self.folder / name
        self.assert_ends(run("generate", path, "--rows", ROWS, "--features", FEATURES,
                             "--density", density, *options, ranks=ranks), 0)
        return path

    def test_the_same_bytes_on_any_ranks(self):
        for kind in ("float32", "uint8"):
            files = {self.generate(f"{kind}{n}.h5", "--type", kind, ranks=n).read_bytes()
                     for n in (1, 2, 3)}
            self.assertEqual(len(files), 1, kind)

    def test_the_layout_is_that_of_anndata(self):
        with h5py.File(self.generate("a.h5", ranks=2)) as file:
            group = file["X"]
            self.assertEqual(group.attrs["encoding-type"], "csr_matrix")
            self.assertEqual(group.attrs["encoding-version"], "0.1.0")
            self.assertEqual(list(group.attrs["shape"]), [ROWS, FEATURES])
            self.assertEqual([group[name].dtype for name in ("data", "indices", "indptr")],
                             [np.float32, np.int32, np.int64])
            ends, indices = group["indptr"][...], group["indices"][...]
            self.assertEqual((ends[0], ends[-1], len(ends)), (0, len(group["data"]), ROWS + 1))
            self.assertAlmostEqual(len(indices) / (ROWS * FEATURES), 0.01, delta=3e-4)
            for first, end in zip(ends[:-1], ends[1:]):
                self.assertLess(first, end)
                self.assertTrue((np.diff(indices[first:end]) > 0).all())
            self.assertAlmostEqual(file["y"][...].mean(), 0.5, delta=0.05)

    def test_it_trains(self):
        data = self.generate("a.h5")
        summary = read_summary(self.train(data, "--l2", "1e-3", ranks=2))
        self.assertLess(summary["objective"], 0.69)

    def test_densities_out_of_range_are_refused(self):
        for density in ("0", "1.5", "nan", "x"):
            result = run("generate", self.folder / "a.h5", "--rows", 5, "--features", 5,
                         "--density", density)
            self.assert_ends(result, 2)
            self.assertIn("--density", result.stderr)


if __name__ == "__main__":
    unittest.main()
