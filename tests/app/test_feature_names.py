#!/usr/bin/python3
"""Columns are held against one another by their names; where these are missing it is said."""
import unittest

import h5py
import numpy as np

from support import AppTest, made_up, run, write_data

NAMES = [b"height", b"width", b"weight", b"age"]


class Unnamed(AppTest):
    def setUp(self):
        super().setUp()
        self.X, self.y = made_up(2000, len(NAMES), seed=12)
        self.named = self.data_with_names("named.h5", NAMES)
        self.unnamed = write_data(self.folder / "unnamed.h5", self.X, self.y)

    def data_with_names(self, name, names):
        path = write_data(self.folder / name, self.X, self.y)
        with h5py.File(path, "a") as file:
            file["feature_names"] = np.array(names)
        return path

    def warning(self, unnamed, named):
        return (f"paralogit: warning: {unnamed} has no names of features, as {named} has: columns "
                "in another order are not noticed")

    def assert_warned(self, unnamed, named, *arguments, ranks=None):
        result = run(*arguments, ranks=ranks)
        self.assert_ends(result, 0)
        self.assertEqual(result.stderr.count(self.warning(unnamed, named)), 1, result.stderr)
        self.assertEqual(result.stderr.count("has no names"), 1, result.stderr)

    def test_rows_that_a_model_with_names_is_used_on_and_the_other_way_round(self):
        for data, other in ((self.named, self.unnamed), (self.unnamed, self.named)):
            model = self.train(data, "--l2", "1", out=data.stem) / "model.h5"
            roles = (other, model) if other == self.unnamed else (model, other)
            self.assert_warned(*roles, "predict", model, other, "--out",
                               self.folder / f"{data.stem}.csv", ranks=2)
            self.assert_warned(*roles, "evaluate", model, other)
            self.assert_warned(*roles, "train", other, "--initial", model, "--out",
                               self.folder / f"{data.stem}-again", ranks=2)

    def test_files_that_are_trained_on_together_or_validated_by(self):
        for k, (first, second) in enumerate(((self.named, self.unnamed),
                                             (self.unnamed, self.named))):
            out = ("--l2", "1", "--out")
            self.assert_warned(self.unnamed, self.named, "train", first, second, *out,
                               self.folder / f"both{k}", ranks=2)
            self.assert_warned(self.unnamed, self.named, "train", first, "--validation", second,
                               *out, self.folder / f"validated{k}", ranks=2)

    def test_nothing_is_said_where_both_have_names_or_none_or_a_list_is_told_to_be_unfit(self):
        for data in (self.named, self.unnamed):
            model = self.train(data, "--l2", "1", out=data.stem) / "model.h5"
            for command in (("evaluate", model, data), ("train", data, data, "--validation", data,
                                                        "--out", self.folder / f"{data.stem}-2")):
                result = run(*command)
                self.assert_ends(result, 0)
                self.assertNotIn("no names", result.stderr)
        unfit = self.data_with_names("unfit.h5", NAMES[:3])
        result = run("train", self.named, unfit, "--out", self.folder / "unfit")
        self.assert_ends(result, 0)
        self.assertIn("has 3 names, but there are 4 features", result.stderr)
        self.assertNotIn("has no names", result.stderr)


if __name__ == "__main__":
    unittest.main()
