#!/usr/bin/python3
"""The textbook configs: one command each, and the figures that they name."""
import json
import unittest

import h5py
import numpy as np

from support import IRIS, SOURCE, AppTest, read_model, read_summary, run

DATA = SOURCE / "configs" / "data"


class Textbook(AppTest):
    def train_config(self, name, *arguments, ranks=2):
        out = self.folder / name
        result = run("train", "--config", f"configs/{name}.conf", *arguments, "--out", out,
                     ranks=ranks, cwd=SOURCE)
        self.assert_ends(result, 0)
        return out

    def test_iris_row_by_row(self):
        out = self.train_config("textbook-iris")
        lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual(len(lines), 21)
        self.assertAlmostEqual(2 * lines[1]["loss"], 0.55, delta=0.01)
        self.assertAlmostEqual(2 * lines[-1]["loss"], 0.066, delta=0.001)
        self.assertEqual(lines[-1]["rows_wrong"], 0)
        w, b = read_model(out)
        with h5py.File(IRIS) as file:
            X, y = file["X"][...], file["y"][...]
        p = 1 / (1 + np.exp(-X @ w - b))
        losses = -np.log(np.where(y == 1, p, 1 - p))
        self.assertAlmostEqual(losses[y == 0].mean() + losses[y == 1].mean(), 0.066, delta=0.001)
        self.assertTrue(np.array_equal(p > 0.5, y == 1))
        self.assertAlmostEqual(p[0], 0.02, delta=0.005)
        self.assertAlmostEqual(p[-1], 0.98, delta=0.015)

    def test_full_batch_gradient_descent(self):
        out = self.train_config("textbook-descent")
        w, b = read_model(out)
        np.testing.assert_allclose([b, *w], [0.34324124, 0.90687697, 1.55688748], atol=5e-9)
        self.assertAlmostEqual(read_summary(out)["validation"]["loss"], 0.27879988486, delta=1e-11)

    def test_the_exam(self):
        out = self.folder / "exam.csv"
        result = run("predict", "--config", "configs/textbook-exam.conf", "--out", out, cwd=SOURCE)
        self.assert_ends(result, 0)
        self.assertAlmostEqual(float(out.read_text().split()[-1]), 1 / (1 + np.exp(-8.25)),
                               delta=1e-15)
        self.assertEqual(f"{float(out.read_text().split()[-1]):.5f}", "0.99974")

    def test_ascent_on_the_likelihood_is_descent_on_bce(self):
        with h5py.File(DATA / "textbook.h5") as file:
            X, y = file["X"][...], file["y"][...]
        ones = np.hstack([np.ones((80, 1)), X])
        theta = np.zeros(3)
        path = [theta]
        for _ in range(200):
            theta = theta + 0.001 * ones.T @ (y - 1 / (1 + np.exp(-ones @ theta)))
            path.append(theta)
        for steps in (1, 2, 200):
            w, b = read_model(self.train_config("textbook-ascent", "--max-iterations", str(steps),
                                                "--overwrite"))
            np.testing.assert_allclose([b, *w], path[steps], rtol=1e-12)


if __name__ == "__main__":
    unittest.main()
