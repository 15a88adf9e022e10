#!/usr/bin/python3
"""tests/bench/compare_peers.py: it compares, and it refuses what is not the optimum."""
import json
import os
import subprocess
import sys
import unittest

import numpy as np

from support import BINARY, SOURCE, AppTest, gradient, made_up, objective

SCRIPT = SOURCE / "tests" / "bench" / "compare_peers.py"
sys.path.insert(0, str(SCRIPT.parent))

from peers import optimum, process  # noqa: E402 # pylint: disable=wrong-import-position

# A paralogit that moves one coefficient of its models, by so little that nobody would see it.
TAMPERING = """#!{python}
import subprocess, sys
import h5py
code = subprocess.run([{binary!r}, *sys.argv[1:]]).returncode
if "--out" in sys.argv and sys.argv[sys.argv.index("--tolerance") + 1] in {tolerances!r}:
    with h5py.File(sys.argv[sys.argv.index("--out") + 1] + "/model.h5", "r+") as file:
        file["coefficients"][0] += 1e-2
sys.exit(code)
"""


class ComparePeers(AppTest):
    def compare(self, *arguments, binary=BINARY):
        return subprocess.run(
            [sys.executable, "-B", SCRIPT, "--work", self.folder, "--sets", "tall", "--scale",
             "0.0005", "--repeat", "1", "--layouts", "1x1", "--binary", str(binary), *arguments],
            capture_output=True, text=True, timeout=120, check=False)

    def tampered(self, tolerances):
        path = self.folder / "tampered"
        path.write_text(TAMPERING.format(python=sys.executable, binary=BINARY,
                                         tolerances=tolerances))
        os.chmod(path, 0o755)
        return path

    def test_every_result_is_validated_and_timed(self):
        file = self.folder / "all.json"
        result = self.compare("--peers", "^scikit-learn newton-cholesky", "--json", str(file))
        self.assert_ends(result, 0)
        found = json.loads(file.read_text())["sets"]["tall"]
        left_out = [entry["peer"] for entry in found["left_out"]]
        for target, entries in found["tables"].items():
            peers = {entry["peer"]: entry for entry in entries}
            self.assertEqual(len(peers), 1 if "scikit-learn newton-cholesky" in left_out else 2)
            for entry in peers.values():
                self.assertLessEqual(entry["excess"], float(target))
                self.assertGreater(entry["whole_median"], entry["fit_median"])
                self.assertEqual(len(entry["timed"]), 1)
            self.assertIn("paralogit 1x1", result.stdout)

    def test_a_model_that_is_not_the_optimum_gets_no_time(self):
        looser = [f"1e-{k}" for k in range(3, 12)]
        result = self.compare("--peers", "^none$", binary=self.tampered(looser))
        self.assert_ends(result, 1)
        self.assertIn("to 1e-09: not reached", result.stderr)

    def test_a_reference_run_that_is_not_the_optimum_ends_the_comparison(self):
        result = self.compare("--peers", "^none$", binary=self.tampered(["1e-13"]))
        self.assert_ends(result, 1)
        self.assertIn("it is not the optimum", result.stderr)


class Reference(AppTest):
    def test_the_optimum_has_no_gradient_and_the_oracle_s_objective(self):
        for rows, features in ((500, 7), (30, 60)):
            X, y = made_up(rows, features)
            v, value, _ = optimum.optimum(optimum.Problem(X, y, 1e-3))
            slope = gradient(X, y, v[:-1], v[-1], 1e-3).astype(np.float64)
            self.assertLess(np.abs(slope).max(), 1e-9)
            self.assertAlmostEqual(value / float(objective(X, y, v[:-1], v[-1], 1e-3)), 1,
                                   delta=1e-14)

    def test_other_penalties_are_those_of_transformed_features(self):
        X, y = made_up(300, 5)
        scale = X.std(axis=0)
        _, scaled, _ = optimum.optimum(optimum.Problem(X, y, 1e-2, p=scale ** 2))
        _, plain, _ = optimum.optimum(optimum.Problem(X / scale, y, 1e-2))
        self.assertAlmostEqual(scaled / plain, 1, delta=1e-13)
        problem = optimum.Problem(X, y, 1e-2, q=1.0)
        v, value, _ = optimum.optimum(problem)
        free = float(objective(X, y, v[:-1], v[-1], 1e-2))
        self.assertAlmostEqual(value / (free + 1e-2 / 2 * v[-1] ** 2), 1, delta=1e-13)
        for change in (1e-4, -1e-4):
            self.assertGreater(problem.value(v + change), value)

    def test_nothing_is_below_the_optimum(self):
        self.assertAlmostEqual(optimum.excess(0.5 * (1 + 1e-6), 0.5, "a peer"), 1e-6, delta=1e-15)
        optimum.excess(0.5 * (1 - 1e-13), 0.5, "rounding")
        for value in (0.5 * (1 - 1e-11), float("nan")):
            with self.assertRaises(optimum.Wrong):
                optimum.excess(value, 0.5, "a peer")

    def test_a_run_beyond_the_cap_is_ended(self):
        outcome = process.run(["sleep", 30], 0.2, self.folder / "log")
        self.assertEqual(outcome["status"], "cap")
        self.assertLess(outcome["whole"], 10)
        outcome = process.run(["false"], 10, self.folder / "log")
        self.assertEqual(outcome["status"], "failed")

    def test_the_peak_is_that_of_the_run_and_not_of_the_comparison(self):
        data = np.ones(25_000_000)
        outcome = process.run(["true"], 10, self.folder / "log")
        self.assertLess(outcome["peak"], data.nbytes / 1e6 / 4)


if __name__ == "__main__":
    unittest.main()
