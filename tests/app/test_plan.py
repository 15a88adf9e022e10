#!/usr/bin/python3
"""How many ranks pay off: `paralogit plan`, its constants from options and measured."""
import json
import math
import unittest

import h5py
import numpy as np

from refusals import RefusalTest
from support import AppTest, made_up, run, write_data

# 100 us a message, 1 Gbit/s, 10 us a row.
GIVEN = ("--latency", "1e-4", "--bandwidth", "1", "--seconds-per-row", "1e-5")


class Plan(AppTest):
    def setUp(self):
        super().setUp()
        self.X, self.y = made_up(8192, 20, seed=3)
        self.data = write_data(self.folder / "data.h5", self.X, self.y)

    def plan(self, *options, ranks=None):
        result = run("plan", self.data, *options, "--json", ranks=ranks)
        self.assert_ends(result, 0)
        return json.loads(result.stdout)

    def test_predicts_passes_from_what_is_given(self):
        plan = self.plan(*GIVEN, "--most-ranks", 300)

        self.assertEqual([one["ranks"] for one in plan["passes"]], [2**k for k in range(9)])
        for one in plan["passes"]:
            ranks = one["ranks"]
            seconds = 8192 / ranks * 1e-5
            if ranks > 1:
                seconds += 1e-4 * math.log2(ranks) + 20 * 32 / 125e6 * (1 - 1 / ranks)
            self.assertAlmostEqual(one["seconds"], seconds, delta=1e-12)
            self.assertAlmostEqual(one["efficiency"], 8192e-5 / ranks / seconds, delta=1e-9)
        best = min(plan["passes"], key=lambda one: one["seconds"])
        self.assertEqual(plan["fastest_ranks"], best["ranks"])
        worth = [one["ranks"] for one in plan["passes"] if one["efficiency"] >= 0.8]
        self.assertEqual(plan["efficient_ranks"], max(worth))

    def test_says_when_the_rows_fit_into_memory(self):
        # 8192 rows of 20 float64 and a label, on nodes of 65 MB; the program takes 64 MB of these.
        shard = 8192 * (20 * 8 + 1)
        plan = self.plan(*GIVEN, "--node-memory", 65 * 2**20)

        self.assertEqual(plan["bytes"], shard)
        self.assertEqual(plan["resident_ranks"], 2)
        self.assertFalse(plan["passes"][0]["is_resident"])

    def test_measures_a_pass_and_prints_a_table_on_any_number_of_ranks(self):
        for ranks in (None, 2):
            result = run("plan", self.data, "--network", "10gbit", "--ranks-per-node", 2, ranks=ranks)
            self.assert_ends(result, 0)
            self.assertIn("8192 rows x 20 features, float64", result.stdout)
            self.assertRegex(result.stdout, r"measured here: \d+ threads?, 8192 rows")
            self.assertRegex(result.stdout, r"80 % efficient +up to \d+ ranks")
        self.assertGreater(self.plan()["seconds_per_row"], 0)


class WrongPlans(RefusalTest):
    def test_values_that_are_refused(self):
        for option, value in (("--seconds-per-row", "0"), ("--seconds-per-row", "nan"),
                              ("--latency", "-1"), ("--bandwidth", "0"), ("--network", "1gbit"),
                              ("--ranks-per-node", "0"), ("--most-ranks", "0"),
                              ("--efficiency", "0"), ("--efficiency", "1.1"),
                              ("--node-memory", "none")):
            self.assert_refused(2, "plan", self.data, option, value, says=(option, value),
                                ranks=(None,))

    def test_sparse_rows_are_not_measured(self):
        path = self.folder / "sparse.h5"
        with h5py.File(path, "w") as file:
            group = file.create_group("X")
            group.create_dataset("data", data=np.ones(4))
            group.create_dataset("indices", data=[0, 1, 0, 2])
            group.create_dataset("indptr", data=[0, 2, 4])
            group.attrs["shape"] = [2, 3]
            file.create_dataset("y", data=[0, 1])
        self.assert_refused(2, "plan", path, says="--seconds-per-row", ranks=(None, 2))
        self.assert_ends(run("plan", path, "--seconds-per-row", "1e-6"), 0)

    def test_a_file_that_is_not_there(self):
        self.assert_refused(3, "plan", self.folder / "no.h5", says="no.h5", ranks=(None,))


if __name__ == "__main__":
    unittest.main()
