#!/usr/bin/python3
"""README's table of conversions: given another tool's parameters in that tool's words, the model has
the objective and the nonzero coefficients that glmnet and scikit-learn found
(tests/golden/penalties.json)."""
import json
import sys
import unittest

import numpy as np

from support import REAL_DATA, SOURCE, AppTest, read_model, read_summary, write_data

sys.path.insert(0, str(SOURCE / "tests" / "golden"))
from penalty_cases import SETS, factors, wide  # noqa: E402

GOLDEN = json.loads((SOURCE / "tests" / "golden" / "penalties.json").read_text())
EXCESS = 1e-8
FEATURES = {"wdbc": 30, "splice": 60, "higgs7k": 28, "a9a": 123}


class Peers(AppTest):
    def options_of(self, tool, case, features):
        """What README's table says."""
        if tool == "glmnet":
            options = ["--penalty", "elasticnet", "--lambda", case["lambda"], "--l1-ratio",
                       case["alpha"]]
        elif case["l1_ratio"] == 1:
            options = ["--penalty", "l1", "--C", case["C"]]
        else:
            options = ["--penalty", "elasticnet", "--C", case["C"], "--l1-ratio", case["l1_ratio"]]
        if case.get("standardize") or case.get("scaled"):
            options += ["--penalty-scale", "standardized"]
        if not case.get("fit_intercept", True):
            options += ["--intercept", "no"]
        if "lower" in case:
            options += ["--lower", case["lower"]]
        if "factor" in case:
            path = self.folder / "factors"
            np.savetxt(path, factors(case, features))
            options += ["--penalty-factors", path]
        return options

    def check(self, name, path, features):
        for k, golden in enumerate(GOLDEN[name]):
            with self.subTest(set=name, by=golden["by"], case=golden["case"]):
                options = self.options_of(golden["tool"], golden["case"], features)
                directory = self.train(path, *options, out=f"{name}-{k}", ranks=None)
                summary = read_summary(directory)
                excess = summary["objective"] / float(golden["objective"]) - 1
                support = np.flatnonzero(read_model(directory)[0]).tolist()
                print(f"{name:8} {golden['tool']:12} {summary['stop_reason']:10} {summary['solver']:12}"
                      f"passes {summary['passes']:3}  nonzeros {len(support):4}  excess {excess:8.1e}",
                      file=sys.stderr)
                self.assertEqual(summary["stop_reason"], "converged")
                self.assertLess(abs(excess), EXCESS)
                self.assertEqual(support, golden["support"])

    def test_200_rows_of_10_000_features(self):
        X, y = wide()
        self.check("wide", write_data(self.folder / "wide.h5", X, y), X.shape[1])


def add_real_sets():
    for name, (file, *_) in SETS.items():
        path = REAL_DATA / "hdf5" / file
        if path.exists():
            def test(self, name=name, path=path):
                self.check(name, path, FEATURES[name])
            setattr(Peers, f"test_{name}", test)
        else:
            print(f"{name}: not tested, there is no {file} in the folder that PARALOGIT_REAL_DATA "
                  "names", file=sys.stderr)


add_real_sets()

if __name__ == "__main__":
    unittest.main()
