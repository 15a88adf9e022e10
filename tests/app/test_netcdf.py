#!/usr/bin/python3
"""netCDF-4 files: packed values are refused, and so are rows that the file marks as missing."""
import unittest

import h5py
import numpy as np

from refusals import RefusalTest
from support import run
from test_sparse import write_csr

MARK = -9999.0


class NetCdf(RefusalTest):
    def netcdf(self, name, X, attributes=None, y=None, of_labels=None):
        """Every dataset has a mark, as the usual writers make it."""
        path = self.path(name)
        with h5py.File(path, "w") as file:
            file["features"] = X
            file["features"].attrs.update({"_FillValue": MARK, **(attributes or {})})
            file["labels"] = self.y if y is None else y
            file["labels"].attrs.update({"_FillValue": np.int8(-128), **(of_labels or {})})
        return path

    def test_packed_features_are_refused_by_every_command(self):
        packed = self.netcdf("packed.nc", self.X, {"scale_factor": 0.01, "add_offset": 273.15})
        says = ("packed.nc:/features is packed", "scale_factor 0.01 and add_offset 273.15",
                "ncpdq -U packed.nc", "open_dataset('packed.nc')",
                "drop_encoding()")
        self.assert_data_refused("packed.nc", says=says, ranks=(None, 2))
        model = self.train(self.data, out="sound") / "model.h5"
        for command in (("evaluate", model, "packed.nc"), ("inspect", "packed.nc"),
                        ("predict", model, "packed.nc", "--out", "p.csv"),
                        ("train", self.data, "--validation", "packed.nc", "--out", self.out)):
            self.assert_refused(3, *command, says=says, ranks=(None,))
        self.assertTrue(packed.exists())

    def test_one_attribute_is_enough_and_a_neutral_one_is_none(self):
        for attributes, code in (({"scale_factor": np.float32(2)}, 3), ({"add_offset": [1]}, 3),
                                 ({"scale_factor": 1.0, "add_offset": 0}, 0)):
            self.netcdf("one.nc", self.X, attributes)
            result = run("train", "one.nc", "--out", "one", "--overwrite", cwd=self.folder)
            self.assert_ends(result, code)

    def test_integers_that_stand_for_others_by_their_sign_are_refused(self):
        X = np.clip(self.X + 120, 0, 255).astype(np.uint8)
        marks = {"_FillValue": np.int8(-1)}
        self.netcdf("signed.nc", X.view(np.int8), {**marks, "_Unsigned": "true"})
        self.assert_data_refused(
            "signed.nc", ranks=(None,),
            says=("signed.nc:/features holds int8, but by its attribute _Unsigned", "without sign",
                  "drop_encoding()"))
        self.netcdf("unsigned.nc", X, {**marks, "_Unsigned": np.bytes_(b"false")})
        self.assert_data_refused("unsigned.nc", says="integers with sign", ranks=(None,))
        self.netcdf("same.nc", X, {"_FillValue": np.uint8(7), "_Unsigned": "true"})
        self.assert_ends(run("inspect", "same.nc", cwd=self.folder), 0)

    def test_packed_labels_and_weights_are_refused(self):
        self.netcdf("labels.nc", self.X, of_labels={"add_offset": 1})
        self.assert_data_refused("labels.nc", says="labels.nc:/labels is packed", ranks=(None,))
        path = self.netcdf("weights.nc", self.X)
        with h5py.File(path, "a") as file:
            file["mass"] = np.ones(len(self.y))
            file["mass"].attrs["scale_factor"] = 3
        self.assert_data_refused(path, options=("--weights-name", "mass"), ranks=(None,),
                                 says="/mass is packed: by its attribute scale_factor 3")

    def test_a_missing_value_is_told_with_its_row_and_column_and_the_lowest_row_wins(self):
        X = self.X.copy()
        self.assert_ends(run("train", self.netcdf("sound.nc", X), "--out", self.folder / "sound"), 0)
        X[4321, 2] = X[5000, 0] = MARK
        path = self.netcdf("gap.nc", X)
        says = ("gap.nc:/features row 4321, column 2: the value is missing: -9999 marks it",
                "remove the row or impute the value")
        self.assert_data_refused(path, says=says)
        # In one block: rows 4320 to 4351.
        X[4325, 1] = np.nan
        self.assert_data_refused(self.netcdf("gap.nc", X), says=says, ranks=(None,))
        X[4320, 1] = np.nan
        self.assert_data_refused(self.netcdf("gap.nc", X), ranks=(None,),
                                 says="row 4320, column 1: the value is nan")

    def test_a_mark_counts_in_its_own_file_only_and_in_the_type_of_the_values(self):
        X = self.X.astype(np.float32)
        X[7, 3] = 1e20
        with h5py.File(self.path("plain.h5"), "w") as file:
            file["features"], file["labels"] = X, self.y
        marked = self.netcdf("marked.nc", self.X.astype(np.float32), {"missing_value": 1e20})
        files = ("plain.h5", marked)
        self.assert_ends(run("train", *files, "--out", "two", "--max-iterations", "2",
                             cwd=self.folder), 0)
        self.netcdf("gap.nc", X, {"missing_value": 1e20})
        self.assert_data_refused(marked, "gap.nc", ranks=(None, 2),
                                 says="gap.nc:/features row 7, column 3: the value is missing: "
                                      "1.00000002004")

    def test_marks_among_the_entries_of_sparse_rows(self):
        X = np.where(np.abs(self.X) > 3, self.X, 0)
        def sparse(name, X):
            path = write_csr(self.path(name), X, self.y)
            with h5py.File(path, "a") as file:
                file["X/data"].attrs["_FillValue"] = MARK
            return path
        self.assert_ends(run("train", sparse("sound.nc", X), "--out", self.folder / "sound"), 0)
        X[4321, 2] = X[5000, 0] = MARK
        path = sparse("gap.nc", X)
        says = "gap.nc:/X row 4321, column 2: the value is missing: -9999 marks it"
        self.assert_data_refused(path, says=says)
        self.assert_data_refused("sound.nc", options=("--validation", path), says=says,
                                 ranks=(None,))
        X[4321, 1] = np.nan
        self.assert_data_refused(sparse("gap.nc", X), ranks=(None,),
                                 says="row 4321, column 1: the value is nan")
        X[4321, 1], X[4321, 3] = 0, np.inf
        self.assert_data_refused(sparse("gap.nc", X), ranks=(None,), says=says)
        with h5py.File(path, "a") as file:
            file["X/data"].attrs["scale_factor"] = 0.5
        self.assert_data_refused(path, says="gap.nc:/X/data is packed", ranks=(None,))

    def test_a_missing_label(self):
        y = self.y.astype(np.int8)
        y[12] = -128
        self.netcdf("gap.nc", self.X, y=y)
        self.assert_data_refused("gap.nc", ranks=(None, 2),
                                 says="gap.nc:/labels row 12: the value is missing: -128 marks it")


class PartsOfTheRows(RefusalTest):
    """X_train beside X_test: what is judged is not what was trained on."""

    def setUp(self):
        super().setUp()
        self.train_rows, self.test_rows = slice(0, 4000), slice(4000, None)
        self.model = self.train(self.data, out="model") / "model.h5"

    def both(self, form):
        """A file with both parts, named by a form such as '{part}/{name}'."""
        with h5py.File(self.path("both.h5"), "w") as file:
            for part, rows in (("train", self.train_rows), ("test", self.test_rows)):
                file[form.format(part=part, name="X")] = self.X[rows]
                file[form.format(part=part, name="y")] = self.y[rows]
        return self.path("both.h5")

    def test_training_takes_the_training_rows_and_says_so(self):
        result = run("train", self.both("{name}_{part}"), "--out", self.out)
        self.assert_ends(result, 0)
        self.assertIn("both.h5:/X_train: 4000 rows", result.stderr)

    def test_what_is_judged_must_be_named(self):
        self.both("{name}_{part}")
        says = ("2 datasets could be the features: /X_test (2000 x 4, float64), /X_train (4000 x 4",
                "name one: --features-name /X_test")
        self.assert_refused(3, "evaluate", self.model, "both.h5", says=says)
        self.assert_refused(3, "predict", self.model, "both.h5", "--out", "p.csv", says=says)
        self.assert_data_refused("data.h5", options=("--validation", "both.h5"), ranks=(None,),
                                 says=(says[0], "put the validation rows into a file of their own"))

    def test_named_features_have_the_labels_that_go_with_them(self):
        for form, X, y in (("{name}_{part}", "X_test", "y_test"), ("{part}/{name}", "test/X", "test/y"),
                           ("{part}_{name}", "test_X", "test_y")):
            result = run("evaluate", self.model, self.both(form), "--features-name", X)
            self.assert_ends(result, 0)
            self.assertIn(f"both.h5:/{X}, labels /{y}", result.stderr)
            self.assertRegex(result.stdout, r"rows +2000\n")

    def test_training_on_groups_is_proposed_the_training_rows(self):
        self.assert_data_refused(self.both("{part}/{name}"), ranks=(None,),
                                 says="name one: --features-name /train/X")
        result = run("train", "both.h5", "--features-name", "/train/X", "--out", "run",
                     cwd=self.folder)
        self.assert_ends(result, 0)
        self.assertIn("both.h5:/train/X: 4000 rows", result.stderr)

    def test_rows_of_a_test_alone_are_found(self):
        with h5py.File(self.path("test.h5"), "w") as file:
            file["X_test"], file["y_test"] = self.X[self.test_rows], self.y[self.test_rows]
        result = run("evaluate", self.model, self.path("test.h5"))
        self.assert_ends(result, 0)
        self.assertIn("test.h5:/X_test, labels /y_test", result.stderr)
        result = run("predict", self.model, "test.h5", "--out", "p.csv", cwd=self.folder)
        self.assert_ends(result, 0)
        self.assertIn("test.h5:/X_test", result.stderr)
        # Nobody trains on them without saying so.
        self.assert_data_refused("test.h5", ranks=(None,), says="name it: --features-name /X_test")


if __name__ == "__main__":
    unittest.main()
