#!/usr/bin/python3
"""The model is the optimum that independent solvers found (tests/golden/optima.json)."""
import json
import sys
import unittest

import numpy as np

from support import IRIS, REAL_DATA, SOURCE, AppTest, add_real_sets, read_model, read_summary

OPTIMA = json.loads((SOURCE / "tests" / "golden" / "optima.json").read_text())
PENALTIES = ("0.001", "1e-05")


def path_of(name):
    if name == "iris":
        return IRIS
    return REAL_DATA / "hdf5" / OPTIMA[name]["file"]


class Optimum(AppTest):
    def check(self, name, solver_options=(), excess=1e-9):
        entry = OPTIMA[name]
        for l2 in PENALTIES:
            with self.subTest(set=name, l2=l2):
                golden = entry["optimum"][l2]
                directory = self.train(path_of(name), *entry["options"], "--l2", l2,
                                       *solver_options, out=f"{name}-{l2}", ranks=2)
                summary = read_summary(directory)
                best = float(golden["objective"])
                print(f"{name:14} l2 {l2:6} {summary['stop_reason']:15} "
                      f"passes {summary['passes']:4}  excess "
                      f"{summary['objective'] / best - 1:9.1e}", file=sys.stderr)
                self.assertIn(summary["stop_reason"], ("converged", "precision_limit"))
                self.assertLess(abs(summary["objective"] / best - 1), excess)
                if golden["condition"] < 1e4 and excess <= 1e-9:
                    w, b = read_model(directory)
                    golden_w = np.array([float(c) for c in golden["coefficients"]])
                    np.testing.assert_allclose(w, golden_w, rtol=1e-6,
                                               atol=1e-6 * np.abs(golden_w).max())
                    self.assertAlmostEqual(b, float(golden["intercept"]),
                                           delta=1e-6 * max(1, abs(b)))

    def test_iris_reaches_the_optimum_of_an_independent_solver(self):
        self.check("iris")

    def test_gradient_descent_reaches_the_same_optimum(self):
        self.check("iris", ("--solver", "gd", "--max-iterations", "100000",
                            "--tolerance", "1e-12"))


add_real_sets(Optimum, "reaches_the_optimum_of_an_independent_solver",
              {name: path_of(name) for name in OPTIMA
               if not name.startswith("_") and name != "iris"})

if __name__ == "__main__":
    unittest.main()
