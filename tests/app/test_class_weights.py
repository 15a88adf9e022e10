#!/usr/bin/python3
"""Class weights: the optimum of an independent solver, and the bits of row weights."""
import json
import unittest

import h5py
import numpy as np

from support import SOURCE, AppTest, made_up, read_model, read_summary, run, text_of, write_data


class ClassWeights(AppTest):
    def test_they_lead_to_the_optimum_of_scikit_learn(self):
        golden = json.loads((SOURCE / "tests" / "golden" / "class_weights.json").read_text())
        with h5py.File(SOURCE / "configs" / "data" / "iris.h5") as file:
            X, y = file["X"][...], file["y"][...].reshape(-1)
        kept = np.flatnonzero((y == 0) | (np.cumsum(y) > 20))
        data = self.folder / "iris.h5"
        with h5py.File(data, "w") as file:
            file["X"], file["y"] = X[kept], y[kept]
            file["s"] = 1.0 + np.arange(len(kept)) % 3
        for name, expected in golden.items():
            if name.startswith("_"):
                continue
            options = ("--weights-name", "s") if name.endswith("weighted rows") else ()
            run_of = self.train(data, "--class-weights", name.split(", ")[0], *options, "--l2",
                                expected["l2"], "--tolerance", "1e-12", out=name, ranks=2)
            told = read_summary(run_of)
            w, b = read_model(run_of)
            self.assertAlmostEqual(told["objective"], expected["objective"], delta=1e-13)
            np.testing.assert_allclose(w, expected["coefficients"], rtol=1e-7)
            self.assertAlmostEqual(b, expected["intercept"], delta=1e-6)
            self.assertAlmostEqual(told["class_weights"]["negative"], expected["class_weights"][0],
                                   delta=1e-15)
            self.assertAlmostEqual(told["class_weights"]["positive"], expected["class_weights"][1],
                                   delta=1e-15)

    def test_powers_of_two_give_the_bits_of_rows_that_have_these_weights(self):
        X, y = made_up(5000, 6, seed=3)
        data = self.folder / "data.h5"
        with h5py.File(data, "w") as file:
            file["X"], file["y"] = X, y
            file["s"] = np.where(y == 1, 4.0, 0.5)
        by_row = self.train(data, "--weights-name", "s", out="row")
        by_class = self.train(data, "--class-weights", "0.5,4", out="class", ranks=3)
        for name in ("model_sha256", "data_fingerprint", "objective", "passes"):
            self.assertEqual(read_summary(by_class)[name], read_summary(by_row)[name], name)
        with h5py.File(by_class / "model.h5") as file:
            self.assertEqual(text_of(file, "class_weights"), "0.5,4")
            self.assertEqual(text_of(file, "class-weights"), "0.5,4")

    def test_the_share_of_rows_is_told_beside_that_of_weights(self):
        X, y = made_up(2000, 3, seed=6)
        y[:1500] = 0
        data = write_data(self.folder / "data.h5", X, y)
        share = f"{100 * y.mean():.1f} % positive"
        for weights, told in ((), share + "\n"), (("balanced",), share + ", 50.0 % by weight\n"):
            result = run("train", data, *(("--class-weights", *weights) if weights else ()), "--out",
                         self.folder / "run", "--overwrite")
            self.assert_ends(result, 0)
            self.assertIn(told, result.stderr)

    def test_extreme_ones_leave_both_classes(self):
        data = write_data(self.folder / "data.h5", *made_up(500, 3, seed=6))
        result = run("train", data, "--class-weights", "1e-20,1e20", "--l2", 1e-3, "--out",
                     self.folder / "run")
        self.assert_ends(result, 0)
        self.assertNotIn("one class", result.stderr + result.stdout)

    def test_equal_weights_change_nothing(self):
        data = write_data(self.folder / "data.h5", *made_up(3000, 6, seed=3))
        self.assertEqual(self.train_hash(data, "--class-weights", "2,2", out="two"),
                         self.train_hash(data, out="one"))


if __name__ == "__main__":
    unittest.main()
