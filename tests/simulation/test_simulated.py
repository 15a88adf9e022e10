#!/usr/bin/python3
"""The program on a simulated cluster: the model of the real one, and the time that is to be expected."""
import os
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "app"), str(HERE)]
from simulate import CLUSTERS, fit, seconds_of_pass, simulate, train_options  # noqa: E402
from support import IRIS, AppTest, read_summary  # noqa: E402

PROGRAM = Path(os.environ["PARALOGIT_SIMULATED"])
SECONDS_PER_ROW = 1e-3


class SimulatedCluster(AppTest):
    def simulated(self, ranks, seconds_per_row=0.0, cluster="fat-tree-100gbit"):
        out = self.folder / f"simulated-{ranks}"
        simulate(self.folder, CLUSTERS[cluster], ranks, train_options(IRIS, out), seconds_per_row,
                 program=PROGRAM)
        return read_summary(out)

    def test_trains_the_model_of_the_real_program(self):
        real = self.train_hash(IRIS, *train_options(IRIS, "")[5:], out="real", ranks=2)
        for ranks in (1, 2, 5):
            summary = self.simulated(ranks)
            self.assertEqual(summary["model_sha256"], real)
            self.assertEqual(summary["ranks"], ranks)

    def test_rows_take_as_long_as_they_are_to_take(self):
        # 100 rows in blocks of 32: the first of two ranks has two of the four.
        alone = seconds_of_pass(self.simulated(1, SECONDS_PER_ROW))
        whole, compute, allreduce = seconds_of_pass(self.simulated(2, SECONDS_PER_ROW))
        self.assertAlmostEqual(alone[0], 100 * SECONDS_PER_ROW, delta=1e-9)
        self.assertAlmostEqual(whole, 64 * SECONDS_PER_ROW, delta=50e-6)
        self.assertAlmostEqual(whole, compute + allreduce, delta=1e-9)

    def test_a_message_takes_what_the_network_takes(self):
        # Nine sums of two words and eight words, 208 bytes, in one exchange between two hosts, over
        # two links of 0.5 us.
        whole, compute, allreduce = seconds_of_pass(self.simulated(2))
        self.assertEqual(compute, 0)
        self.assertAlmostEqual(allreduce, 1e-6, delta=0.3e-6)
        self.assertGreater(seconds_of_pass(self.simulated(2, cluster="ethernet-10gbit"))[0],
                           10 * whole)


class Fit(unittest.TestCase):
    def test_finds_the_constants_that_made_the_points(self):
        def point(series, ranks, features):
            compute = 0 if series == "message" else 1000 / ranks * 1e-6
            rest = 3e-6 * (ranks.bit_length() - 1) + 2e-9 * features * (1 - 1 / ranks)
            return {"series": series, "ranks": ranks, "rows": 1000, "features": features,
                    "pass_seconds": compute + rest}

        found = fit([point("strong", ranks, 64) for ranks in (1, 2, 8, 64)]
                    + [point("message", ranks, 5000) for ranks in (4, 1024)], 1e-6)
        self.assertAlmostEqual(found["alpha_seconds"], 3e-6, delta=1e-15)
        self.assertAlmostEqual(found["beta_seconds"], 2e-9, delta=1e-18)
        self.assertLess(max(found["largest_relative_errors"].values()), 1e-9)


if __name__ == "__main__":
    build = subprocess.run(
        [os.environ["PARALOGIT_CMAKE"], "--build", os.environ["PARALOGIT_BUILD"], "--target",
         "paralogit_simulated"], capture_output=True, text=True, check=False)
    if build.returncode != 0:
        sys.exit(build.stdout + build.stderr)
    unittest.main()
