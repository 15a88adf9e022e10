#!/usr/bin/python3
"""Neither a period in the order of the rows nor their weights mislead the Hessians of some rows."""
import unittest

import h5py
import numpy as np

from support import AppTest, made_up, read_summary, write_data

MOST_PASSES = 13


class RowOrder(AppTest):
    def passes(self, name, X, y, weights=None):
        path = write_data(self.folder / f"{name}.h5", X, y)
        options = []
        if weights is not None:
            with h5py.File(path, "a") as file:
                file["s"] = weights
            options = ["--weights-name", "s"]
        found = []
        for penalty in ("--l1", "--l2"):
            run_of = self.train(path, *options, penalty, "1e-4", out=name + penalty)
            found.append(read_summary(run_of)["passes"])
        return found

    def test_hours_of_a_day_in_turn_cost_no_more_passes_than_shuffled_ones(self):
        X, _ = made_up(60_000, 4)
        random = np.random.default_rng(5)
        hour = np.arange(len(X)) % 24
        effect = random.normal(size=24)
        margin = effect[hour] + X[:, 0] - 0.5 * X[:, 1]
        y = (random.random(len(X)) < 1 / (1 + np.exp(-margin))).astype(np.uint8)
        X = np.column_stack([X, (hour[:, None] == np.arange(1, 24)).astype(np.float32)])
        for found in self.passes("hours", X, y):
            self.assertLessEqual(found, MOST_PASSES)

    def test_weights_on_few_rows_cost_no_more_passes_than_these_rows_alone(self):
        X, y = made_up(60_000, 8)
        weights = (np.arange(len(X)) % 32 == 31).astype(float)
        for found in self.passes("few", X, y, weights):
            self.assertLessEqual(found, MOST_PASSES)


if __name__ == "__main__":
    unittest.main()
