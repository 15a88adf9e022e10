#!/usr/bin/python3
"""What files tell of columns and rows: names of features, row weights, and how they are listed."""
import re
import unittest

import h5py
import numpy as np

from support import AppTest, made_up, run, text_of, write_data

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


class Named(AppTest):
    def setUp(self):
        super().setUp()
        (self.folder / "train.csv").write_text(
            "age,home,y\n1,OWN,0\n2,RENT,1\n3,OWN,1\n4,RENT,1\n")
        (self.folder / "test.csv").write_text(
            "home,age,y\nOWN,1,0\nMORTGAGE,2,1\nOWN,3,1\nRENT,4,0\n")
        self.train_data, self.test_data = (
            self.converted(f"{name}.csv") for name in ("train", "test"))
        self.model = self.train(self.train_data, "--l2", "1") / "model.h5"

    def converted(self, table, *options):
        out = self.folder / table.replace(".csv", ".h5")
        self.assert_ends(run("convert", self.folder / table, out, "--overwrite", *options), 0)
        return out

    def assert_refused(self, code, says, *arguments):
        result = run(*arguments)
        self.assert_ends(result, code)
        self.assertIn(says, result.stderr)

    def assert_all_refuse(self, data, of_model, of_data):
        out = self.folder / "new"
        self.assert_refused(4, of_model, "evaluate", self.model, data)
        self.assert_refused(4, of_model, "predict", self.model, data, "--out", f"{out}.csv")
        self.assert_refused(4, of_model, "train", data, "--initial", self.model, "--out", out)
        self.assert_refused(3, of_data, "train", self.train_data, "--validation", data, "--out", out)

    def test_other_names_are_no_matter_of_order(self):
        more = self.folder / "more.csv"
        more.write_text("age,town,y\n1,Ulm,0\n2,Bonn,1\n3,Ulm,1\n")
        other = self.converted("more.csv")
        text = ("these are not the features of {} ('home=OWN' is missing), so that no order helps: "
                f"convert the table of {other} with --like and {{}}")
        self.assert_all_refuse(
            other, text.format("the model", "the data set that it was trained on"),
            text.format(self.train_data, self.train_data))

    def test_the_same_names_in_another_order_are(self):
        (self.folder / "turned.csv").write_text("home,age,y\nOWN,1,0\nRENT,2,1\nOWN,3,1\n")
        turned = self.converted("turned.csv")
        text = f"put the columns into the order of {{}}: convert the table of {turned} with --like"
        self.assert_all_refuse(turned, text.format("the model"), text.format(self.train_data))
        with h5py.File(turned, "a") as file:
            del file.attrs["generator"]
        self.assert_refused(4, "put the columns into the order of the model\n", "evaluate",
                            self.model, turned)

    def test_inspect_lists_the_features_and_what_stands_in_for_missing_ones(self):
        (self.folder / "m.csv").write_text("age,home,y\n1,OWN,0\n,RENT,1\n5,OWN,1\n")
        data = self.converted("m.csv", "--missing", "mean", "--reference", "home=RENT")
        listed = run("inspect", data, "--verbose")
        self.assert_ends(listed, 0)
        for line in ("  'age' (column 0), missing ones filled in by 3\n",
                     "  'home=OWN' (column 1)",
                     "2 texts, of which 'RENT' is the reference and no feature\n"):
            self.assertIn(line, listed.stdout)
        self.assertNotIn("list of features", run("inspect", data).stdout)
        unnamed = write_data(self.folder / "unnamed.h5", *made_up(10, 2))
        self.assertIn("list of features:\n  column 0\n  column 1\n",
                      run("inspect", unnamed, "--verbose").stdout)

    def test_inspect_prints_the_parameters_of_a_model_by_name(self):
        printed = run("inspect", self.model, ranks=2)
        self.assert_ends(printed, 0)
        with h5py.File(self.model) as file:
            w, b = file["coefficients"][:], file["intercept"][0]
            fingerprint, sha = (text_of(file, name) for name in ("data_fingerprint", "model_sha256"))
        for name, number in zip(("age", "home=OWN", "home=RENT"), w):
            self.assertRegex(printed.stdout, f" {re.escape(repr(float(number)))}  {name}\n")
        for line in (f"{self.model}: a model of 3 features\n", f"\nintercept: {float(b)!r}\n",
                     "0 and 1\n", "converged\n", f"fingerprint {fingerprint}\n", f"{sha}\n"):
            self.assertIn(line, printed.stdout)
        X, y = made_up(50, 150)
        wide = write_data(self.folder / "wide.h5", X, y)
        model = self.train(wide, "--l2", "1", "--intercept", "no", out="wide") / "model.h5"
        self.assertIn("column 99\n  ... and 50 more, which --verbose lists\n",
                      run("inspect", model).stdout)
        whole = run("inspect", model, "--verbose").stdout
        self.assertIn("intercept: 0, trained without one\n", whole.replace("0.0", "0"))
        self.assertIn("column 149\n", whole)
        self.assertNotIn("more, which", whole)
        model.write_bytes(model.read_bytes()[:-2000])
        self.assertIn(run("inspect", model).returncode, (3, 4))


class Stored(AppTest):
    """What a model knows of where its features lay, and what is printed of many files."""

    def stored(self, name, **datasets):
        path = self.folder / name
        with h5py.File(path, "w") as file:
            for dataset, values in datasets.items():
                file[dataset] = values
        return path

    def assert_warned(self, says, *arguments):
        result = run(*arguments)
        self.assert_ends(result, 0)
        self.assertEqual([line for line in result.stderr.splitlines() if "warning" in line
                          and says in line] != [], bool(says), result.stderr)
        if not says:
            self.assertNotIn("warning", result.stderr)

    def test_files_that_gave_datasets_of_other_names_are_counted(self):
        X, y = made_up(40, 3)
        files = [self.stored("a.h5", X=X, y=y), self.stored("b.h5", features=X, label=y),
                 self.stored("c.h5", X=X, y=y), self.stored("d.h5", X=X, label=y)]
        says = f"2 of 4 files gave others, {files[1]} /features"
        result = run("train", *files, "--l2", "1", "--out", self.folder / "run")
        self.assert_ends(result, 0)
        self.assertIn(f"{says}, labels /label\n", result.stderr)
        model = self.folder / "run" / "model.h5"
        self.assertIn(f", and 3 more files; {says}, labels /label\n",
                      run("evaluate", model, *files).stderr)
        only = run("predict", model, *files, "--out", self.folder / "p.csv").stderr
        self.assertIn(f"1 of 4 files gave others, {files[1]} /features\n", only)
        with h5py.File(model) as file:
            self.assertNotIn("features_path", file.attrs)
        same = run("train", files[0], files[2], "--l2", "1", "--out", self.folder / "same")
        self.assertNotIn("gave others", same.stderr)

    def test_a_model_of_transposed_features_knows_them_again(self):
        X, y = made_up(60, 5)
        model = self.train(self.stored("t.h5", X=X.T, y=y), "--l2", "1", "--transposed",
                           out="t") / "model.h5"
        straight = self.train(self.stored("s.h5", X=X, y=y), "--l2", "1", out="s") / "model.h5"
        with h5py.File(model) as file:
            self.assertEqual([text_of(file, name) for name in ("features_path",
                                                               "features_stored_as")],
                             ["/X", "features x rows"])
        wide = self.stored("wide.h5", X=X[:7].T)
        out = ("--out", self.folder / "p.csv", "--overwrite")
        for of, says in ((model, "the model was trained with --transposed: use it here too"),
                         (straight, "if /X is stored as features x rows, use --transposed")):
            result = run("predict", of, wide, *out)
            self.assert_ends(result, 4)
            self.assertIn(f"the data has 7 features, but the model has 5 coefficients; it has as "
                          f"many rows", result.stderr)
            self.assertIn(says, result.stderr)
        tall = run("predict", straight, self.stored("tall.h5", X=X[:7]), "--transposed", *out)
        self.assert_ends(tall, 4)
        self.assertIn("is stored as rows x features, leave out --transposed", tall.stderr)
        square = self.stored("square.h5", X=X[:5].T, y=y[:5])
        says = f"{square}:/X is square, and {model} was trained with --transposed"
        self.assert_warned(says, "predict", model, square, *out)
        self.assert_warned(says, "evaluate", model, square)
        self.assert_warned("", "evaluate", model, square, "--transposed")
        self.assert_warned("", "predict", straight, square, *out)

    def test_a_model_of_other_features_in_the_same_file_says_so(self):
        X, y = made_up(60, 3)
        data = self.stored("a.h5", **{"X": X, "y": y, "layers/counts": X ** 2})
        counts = ("--features-name", "layers/counts")
        model = self.train(data, "--l2", "1", *counts) / "model.h5"
        says = f"{data}: /X is taken, but {model} was trained on /layers/counts"
        self.assert_warned(says, "predict", model, data, "--out", self.folder / "p.csv")
        self.assert_warned(says, "evaluate", model, data, data)
        self.assert_warned("", "evaluate", model, data, *counts)


class Weighted(AppTest):
    def setUp(self):
        super().setUp()
        self.X, self.y = made_up(100, 2)

    def data(self, weights, y=None):
        path = write_data(self.folder / "data.h5", self.X, y)
        with h5py.File(path, "a") as file:
            file["weights"] = weights
        return path

    def test_inspect_refuses_the_row_weights_that_train_does(self):
        for row, weight, says in ((17, -1.5, "row 17: the row weight is -1.5"),
                                  (3, np.nan, "row 3: the row weight is nan"),
                                  (99, np.inf, "row 99: the row weight is inf"),
                                  (slice(None), 0, "every row weight is 0")):
            weights = np.ones(100)
            weights[row] = weight
            path = self.data(weights, self.y)
            for command in (("inspect", path), ("train", path, "--out", self.folder / "run")):
                result = run(*command, "--weights-name", "weights")
                self.assert_ends(result, 3)
                self.assertIn(says, result.stderr)
        weights[50] = 1e-3
        self.assert_ends(run("inspect", self.data(weights, self.y), "--weights-name", "weights"), 0)

    def test_row_weights_are_not_proposed_as_labels(self):
        result = run("train", self.data(np.ones(100)), "--out", self.folder / "run")
        self.assert_ends(result, 3)
        self.assertIn("no dataset has a usual name of labels", result.stderr)
        self.assertIn("name it: --labels-name NAME", result.stderr)

    def test_weights_of_an_evaluation_are_rounded_for_people(self):
        data = self.data(np.full(100, 0.1), self.y)
        model = self.train(data, "--l2", "1") / "model.h5"
        printed = run("evaluate", model, data, "--weights-name", "weights").stdout
        self.assertIn("share of positives     row weights\n", printed)
        self.assertNotRegex(printed.split("calibration in")[1], r"\d\.\d{13}")
        self.assertIn("share of positives            rows\n", run("evaluate", model, data).stdout)


class Initial(AppTest):
    def test_a_model_to_begin_with_is_looked_for_before_the_data(self):
        result = run("train", "none.h5", "--initial", "nowhere.h5", "--out", self.folder / "run")
        self.assert_ends(result, 2)
        self.assertIn("--initial nowhere.h5: expected zeros, ones", result.stderr)


if __name__ == "__main__":
    unittest.main()
