#!/usr/bin/python3
"""What is wrong with data or options is named, and --verify computes the optimum's conditions again."""
import json
import re
import unittest

import h5py
import numpy as np

from support import IRIS, AppTest, made_up, objective, read_model, read_summary, run, write_data


class Diagnosis(AppTest):
    def named(self, X, y, names):
        path = write_data(self.folder / "data.h5", X, y)
        with h5py.File(path, "a") as file:
            file["feature_names"] = [name.encode() for name in names]
        return path

    def diagnosis(self, path, *options, ranks=1):
        return read_summary(self.train(path, *options, out=f"run-{ranks}", ranks=ranks))["diagnosis"]

    def test_a_feature_that_alone_separates_the_classes_is_named_with_its_threshold(self):
        X, y = made_up(300, 3)
        # The first rows alone would have another one.
        X[:, 1] = np.where(y == 1, -2.0, 3.0) - np.arange(300) * 4.9 / 300
        path = self.named(X, y, "abc")
        for ranks in (1, 3):
            (text,) = self.diagnosis(path, ranks=ranks)
            self.assertIn("'b' (column 1) alone tells the classes apart: positive", text)
            threshold = float(re.search(r"below (-?[0-9.]+)", text).group(1))
            self.assertTrue(X[y == 1, 1].max() < threshold < X[y == 0, 1].min())

    def test_quasi_complete_separation_by_a_rare_category_is_named(self):
        X, y = made_up(400, 3)
        X[:, 2] = 0
        X[np.flatnonzero(y == 1)[:9], 2] = 1
        (text,) = self.diagnosis(self.named(X, y, "abc"), ranks=2)
        self.assertIn("'c' (column 2) alone tells the classes apart but for rows on the border", text)
        self.assertIn("above or at 0", text)
        # One row of the other class there, and there is an optimum.
        X[np.flatnonzero(y == 0)[0], 2] = 1
        write_data(self.folder / "other.h5", X, y)
        self.assertEqual(self.diagnosis(self.folder / "other.h5", ranks=3), [])

    def test_features_that_separate_together_are_named(self):
        random = np.random.default_rng(5)
        X = random.normal(size=(200, 4))
        y = (X[:, 0] - 2 * X[:, 3] > 0).astype(np.uint8)
        X[:, 0] += np.where(y == 1, 0.1, -0.1)
        (text,) = self.diagnosis(self.named(X, y, ["first", "b", "c", "last"]))
        self.assertIn("together they do, above all 'last' (column 3), 'first' (column 0)", text)

    def test_complete_separation_by_what_the_penalty_leaves_out_is_one_thing_by_any_solver(self):
        X = np.random.default_rng(3).normal(size=(200, 3))
        factors = self.folder / "factors.txt"
        factors.write_text("0\n0\n1\n")
        path = self.named(X, (X[:, 0] + X[:, 1] > 0).astype(np.uint8), "abc")
        held = ("--penalty-factors", factors, "--overwrite")
        for ranks, options in ((2, ()), (1, ("--solver", "lbfgs")), (1, ("--l1", "1e-3"))):
            directory = self.train(path, "--l2", "0.01", *held, *options, ranks=ranks)
            summary = read_summary(directory)
            self.assertEqual(summary["stop_reason"], "separable")
            self.assertTrue(summary["is_separable"])
            (text,) = summary["diagnosis"]
            self.assertRegex(text, r"^complete separation: no feature alone.*above all '[ab]' "
                             r"\(column .\), '[ab]' \(column .\); what the penalty leaves out has no "
                             "finite optimum: penalise it too$")
        (text,) = self.diagnosis(path, "--penalty", "l2", "--C", "1e10", "--overwrite")
        self.assertIn("complete separation, to rounding: 200 rows are told apart without doubt and 0",
                      text)
        self.assertNotIn("quasi", text)
        # Where it takes what is penalised to tell all rows apart, there is an optimum.
        path = self.named(X, (X.sum(1) > 0).astype(np.uint8), "abc")
        summary = read_summary(self.train(path, "--l2", "1e-5", *held))
        self.assertEqual((summary["rows_wrong"], summary["stop_reason"], summary["diagnosis"]),
                         (0, "converged", []))

    def test_quasi_complete_separation_by_several_features_together_is_named(self):
        random = np.random.default_rng(8)
        X = random.integers(-4, 5, size=(600, 3)).astype(float)
        total = X[:, 0] + X[:, 1]
        y = np.where(total == 0, random.integers(0, 2, size=600), total > 0).astype(np.uint8)
        path = self.named(X, y, "abc")
        plain = ("--standardize", "no")
        for ranks, options in ((1, ()), (3, ()), (2, ("--solver", "newton-cg")),
                               (1, ("--solver", "newton-cg", *plain)),
                               (1, ("--solver", "lbfgs", *plain)), (1, ("--solver", "newton", *plain))):
            (text,) = self.diagnosis(path, "--overwrite", *options, ranks=ranks)
            self.assertIn("quasi-complete separation, to rounding: "
                          f"{(total != 0).sum()} rows are told apart without doubt and "
                          f"{(total == 0).sum()} lie on the border", text)
            self.assertRegex(text, r"above all by ('a'.*'b'|'b'.*'a')")
        # One row on the wrong side, and there is an optimum.
        row = np.flatnonzero(total == 3)[0]
        y[row] = 1 - y[row]
        path = self.named(X, y, "abc")
        self.assertEqual(self.diagnosis(path, "--overwrite", ranks=2), [])
        # Nor is it taken for separation that a run has not come to rest yet.
        self.assertEqual(self.diagnosis(path, "--max-iterations", "3", "--overwrite"), [])

    def test_quasi_complete_separation_is_named_whatever_solver_came_to_rest_on_the_way(self):
        random = np.random.default_rng(5)
        towards = np.array([1, -2, 0.5, 0, 0, 1, 0, 0])
        X = random.normal(size=(2000, 8))
        X[:1000] -= np.outer(X[:1000] @ towards, towards) / (towards @ towards)
        y = X @ towards > 0
        y[:1000] = random.random(1000) < 1 / (1 + np.exp(-X[:1000, 3]))
        X = X * np.logspace(-2, 2, 8) + np.arange(8)
        path = self.named(X, y.astype(np.uint8), "abcdefgh")
        plain = ("--standardize", "no")
        for ranks, options in ((2, ("newton-cg",)), (1, ("newton-cg", *plain)), (1, ("lbfgs",)),
                               (3, ("lbfgs", *plain)), (1, ("newton", *plain))):
            (text,) = self.diagnosis(path, "--overwrite", "--solver", *options, ranks=ranks)
            self.assertIn("quasi-complete separation, to rounding: 1000 rows are told apart "
                          "without doubt and 1000 lie on the border, above all by 'b'", text)
        # A collinear column is named beside it.
        path = self.named(np.column_stack([X, 2 * X[:, 4] - 1]), y.astype(np.uint8), "abcdefghi")
        collinear, text = self.diagnosis(path, "--overwrite", "--solver", "newton-cg")
        self.assertIn("i = 2 e - 1", collinear.replace("'", ""))
        self.assertIn("1000 rows are told apart without doubt", text)
        # One row on the wrong side, and there is an optimum.
        y[1500] = not y[1500]
        path = self.named(X, y.astype(np.uint8), "abcdefgh")
        self.assertEqual(self.diagnosis(path, "--overwrite", "--solver", "newton-cg", *plain), [])

    def test_a_baseline_and_a_rare_row_beside_it_are_all_named(self):
        random = np.random.default_rng(1)
        level = random.integers(0, 4, 300)
        level[0] = 1
        x = random.normal(size=300)
        rare = np.arange(300) == 0
        y = np.where(level == 0, 0, random.random(300) < 0.4)
        y[0] = 1
        X = np.column_stack([level == 1, level == 2, level == 3, rare, x]).astype(float)
        path = self.named(X, y.astype(np.uint8), ["B", "C", "D", "rare", "x"])
        for ranks, options in ((1, ()), (3, ("--solver", "newton-cg")), (1, ("--solver", "lbfgs"))):
            alone, together = self.diagnosis(path, "--overwrite", *options, ranks=ranks)
            self.assertIn("'rare' (column 3) alone tells the classes apart but for rows", alone)
            apart = np.count_nonzero((level == 0) | rare)
            self.assertIn(f"{apart} rows are told apart without doubt and {300 - apart} lie",
                          together)
            self.assertTrue(together.endswith("concerned: 'B' (column 0), 'C' (column 1), 'D' "
                                              "(column 2), 'rare' (column 3), the intercept"))
        directory = self.train(path, "--inference", "--overwrite")
        statistics = json.loads((directory / "inference.json").read_text())["parameters"]
        self.assertEqual([row["remark"] for row in statistics], ["no finite optimum"] * 5 + [None])
        # As if the rows that are told apart were not there, and with them the baseline.
        Z = X[(level > 0) & ~rare][:, [0, 1, 2, 4]]
        w, b = read_model(directory)
        p = 1 / (1 + np.exp(-(Z @ w[[0, 1, 2, 4]] + b)))
        error = np.sqrt(np.linalg.inv((Z * (p * (1 - p))[:, None]).T @ Z)[3, 3])
        self.assertLess(abs(statistics[5]["standard_error"] / error - 1), 1e-5)

    def test_noise_beside_a_joint_separation_is_not_named(self):
        random = np.random.default_rng(41)
        A = random.integers(-3, 4, size=(200, 2)).astype(float)
        total = A.sum(1)
        y = np.where(total == 0, random.integers(0, 2, 200), total > 0).astype(np.uint8)
        X = np.column_stack([A, random.normal(size=200)])
        (text,) = self.diagnosis(self.named(X, y, ["a", "b", "noise"]))
        self.assertNotIn("noise", text)
        self.assertTrue(text.endswith("concerned: 'a' (column 0), 'b' (column 1)"))

    def test_margins_as_small_as_a_tiny_difference_of_columns_are_no_border(self):
        for seed, options in ((127, ()), (127, ("--inference",)), (121, ("--inference",))):
            random = np.random.default_rng(seed)
            x = random.normal(size=(500, 2)) + 50
            y = random.random(500) < 1 / (1 + np.exp(50 - x[:, 0]))
            X = np.column_stack([x[:, 0], x[:, 0] + 3e-6 * random.normal(size=500), x[:, 1]])
            path = write_data(self.folder / "near.h5", X, y.astype(np.uint8))
            # Its maximum is an ordinary one: in the difference it is that of any three columns.
            self.assertEqual(self.diagnosis(path, "--overwrite", *options), [])

    def test_what_the_penalty_leaves_out_is_looked_at_as_without_a_penalty(self):
        random = np.random.default_rng(7)
        X = random.normal(size=(300, 3))
        factors = self.folder / "factors.txt"
        factors.write_text("0\n1\n1\n")
        options = ("--l2", "0.01", "--penalty-factors", factors, "--overwrite")
        path = self.named(X, (X[:, 0] > 0).astype(np.uint8), "abc")
        (text,) = self.diagnosis(path, *options)
        self.assertIn("'a' (column 0) alone tells the classes apart:", text)
        self.assertIn("its coefficient is not penalised and has no finite optimum", text)
        X[:, 0] = X[:, 0] > 1
        y = ((X[:, 0] == 1) | (random.random(300) < 0.4)).astype(np.uint8)
        directory = self.train(self.named(X, y, "abc"), *options, "--inference", ranks=2)
        self.assertIn("(quasi-complete)", read_summary(directory)["diagnosis"][0])
        statistics = json.loads((directory / "inference.json").read_text())["parameters"]
        self.assertEqual([row["remark"] for row in statistics],
                         [None, "no finite optimum", None, None])
        # A feature that is penalised may separate as it likes.
        factors.write_text("1\n0\n0\n")
        self.assertEqual(self.diagnosis(self.named(X, y, "abc"), *options), [])
        # Columns of which none is penalised.
        y = (random.random(300) < 1 / (1 + np.exp(-X[:, 1]))).astype(np.uint8)
        path = self.named(np.column_stack([X[:, 1], 2 * X[:, 1], X[:, 2]]), y, "abc")
        factors.write_text("0\n0\n1\n")
        (text,) = self.diagnosis(path, *options)
        self.assertIn("b = 2 a", text)
        factors.write_text("0\n1\n1\n")
        self.assertEqual(self.diagnosis(path, *options), [])

    def test_a_penalty_that_holds_nothing_is_told(self):
        random = np.random.default_rng(7)
        X = random.normal(size=(300, 3))
        X[:, 0] = X[:, 0] > 1
        y = ((X[:, 0] == 1) | (random.random(300) < 0.4)).astype(np.uint8)
        path = self.named(X, y, "abc")
        directory = self.train(path, "--penalty", "l2", "--C", "1e10", "--inference")
        (text,) = read_summary(directory)["diagnosis"]
        self.assertIn("only a penalty next to nothing holds its coefficient", text)
        statistics = json.loads((directory / "inference.json").read_text())["parameters"]
        self.assertEqual([row["remark"] for row in statistics],
                         [None, "held by little", None, None])
        for l2 in ("1e-3", "1e-5"):
            self.assertEqual(self.diagnosis(path, "--l2", l2, "--overwrite"), [])
        # More features than rows are an ordinary ridge.
        X = random.normal(size=(60, 90))
        path = write_data(self.folder / "wide.h5", X, np.arange(60) % 2)
        self.assertEqual(self.diagnosis(path, "--l2", "1e-3", "--overwrite"), [])

    def test_integers_far_from_0_that_doubles_hold_are_not_collinear(self):
        random = np.random.default_rng(3)
        X = np.column_stack([1e15 + np.rint(3 * random.normal(size=400)), random.normal(size=400)])
        y = (random.random(400) < 0.5).astype(np.uint8)
        path = write_data(self.folder / "far.h5", X, y)
        self.assertEqual(self.diagnosis(path, "--overwrite"), [])

    def test_more_features_than_rows_are_told_in_one_line(self):
        random = np.random.default_rng(5)
        X = random.normal(size=(40, 240))
        y = (random.random(40) < 0.5).astype(np.uint8)
        few, together = self.diagnosis(write_data(self.folder / "wide.h5", X, y), ranks=2)
        self.assertIn("more features (240) than rows (40) can tell", few)
        self.assertLess(len(few) + len(together), 500)
        # The equations between fewer features are told as far as one would read them.
        X = random.normal(size=(400, 16))
        X = np.column_stack([X, X[:, :8] + 1, X.sum(1)])
        y = (X[:, 0] + random.logistic(size=400) > 0).astype(np.uint8)
        texts = self.diagnosis(write_data(self.folder / "many.h5", X, y), "--overwrite")
        self.assertEqual(len(texts), 6)
        self.assertIn("column 16 = column 0 + 1", texts[0])
        self.assertEqual(texts[-1], "4 more such equations between features")

    def test_nothing_is_said_of_a_penalised_or_a_sound_run(self):
        self.assertEqual(self.diagnosis(IRIS, "--l2", "1e-3"), [])
        self.assertEqual(self.diagnosis(write_data(self.folder / "sound.h5", *made_up(500, 4)),
                                        ranks=2), [])

    def test_a_learning_rate_that_is_too_large_gets_a_better_one(self):
        path = write_data(self.folder / "data.h5", *made_up(300, 4))
        options = ("--solver", "gd", "--max-iterations", "300")
        directory = self.train(path, *options, "--learning-rate", "60", out="long")
        (text,) = read_summary(directory)["diagnosis"]
        rate = re.search(r"and ([0-9.e+-]+) is a good one", text).group(1)
        limit = float(re.search(r"below --learning-rate ([0-9.e+-]+),", text).group(1))
        Z = made_up(300, 4)[0]
        Z = np.column_stack([(Z - Z.mean(0)) / Z.std(0), np.ones(len(Z))])
        bound = np.linalg.eigvalsh(Z.T @ Z / len(Z) / 4).max()
        self.assertLess(abs(limit * bound / 2 - 1), 0.05)
        good = read_summary(self.train(path, *options, "--learning-rate", rate, out="good"))
        self.assertEqual(good["diagnosis"], [])
        self.assertLess(good["objective"], read_summary(directory)["objective"])

    def test_a_diverged_stochastic_run_gets_a_smaller_learning_rate(self):
        path = write_data(self.folder / "data.h5", *made_up(300, 4))
        Z = made_up(300, 4)[0]
        Z = np.column_stack([(Z - Z.mean(0)) / Z.std(0), np.ones(len(Z))])
        bound = np.linalg.eigvalsh(Z.T @ Z / len(Z) / 4).max()
        for momentum, ranks in ((0, 1), (0.5, 3)):
            options = ("--solver", "sgd", "--batch-size", "32", "--max-iterations", "30",
                       "--momentum", momentum)
            directory = self.train(path, *options, "--learning-rate", "1000", out=f"sgd-{ranks}",
                                   ranks=ranks, code=5)
            (text,) = read_summary(directory)["diagnosis"]
            limit = float(re.search(r"below --learning-rate ([0-9.e+-]+),", text).group(1))
            self.assertLess(abs(limit * bound / 2 / (1 - momentum) - 1), 0.05)
            rate = float(re.search(r"try ([0-9.e+-]+)$", text).group(1))
            self.assertLess(abs(rate / limit - 0.05), 0.001)
            good = self.train(path, *options, "--learning-rate", rate, out=f"good-{ranks}")
            self.assertLess(read_summary(good)["objective"], 0.69)
        directory = self.train(path, "--solver", "adam", "--batch-size", "32", "--learning-rate",
                               "1000", out="adam", code=5)
        (text,) = read_summary(directory)["diagnosis"]
        self.assertIn("try a tenth of the rate: --learning-rate 100", text)

    def test_a_stochastic_run_that_ends_above_its_start_gets_a_smaller_learning_rate(self):
        path = write_data(self.folder / "data.h5", *made_up(300, 4))
        options = ("--batch-size", "32", "--max-iterations", "20", "--overwrite")
        (text,) = self.diagnosis(path, "--solver", "sgd", "--learning-rate", "50", *options, ranks=2)
        self.assertRegex(text, r"safe only below --learning-rate [0-9.]+, .*: try [0-9.]+$")
        (text,) = self.diagnosis(path, "--solver", "adam", "--learning-rate", "8", *options)
        self.assertIn("try a tenth of the rate: --learning-rate 0.8", text)

    def test_the_learning_rate_that_is_proposed_counts_the_decay_beside_the_steps(self):
        X, y = made_up(300, 4)
        path = write_data(self.folder / "data.h5", X, y)
        factors = self.folder / "factors.txt"
        factors.write_text("1\n2\n1\n1\n")
        Z = np.column_stack([X, np.ones(len(X))])
        bound = np.linalg.eigvalsh(Z.T @ Z / len(Z) / 4).max()
        options = (path, "--batch-size", "32", "--max-iterations", "20", "--l2", "20",
                   "--penalty-factors", factors, "--weight-decay", "decoupled", "--standardize",
                   "no", "--solver")
        for solver, expected in (("sgd", 0.1 / (bound + 40)), ("adam", 0.1 / 40)):
            long = self.train(*options, solver, "--learning-rate", "3", out=f"{solver}-long", code=5)
            (text,) = read_summary(long)["diagnosis"]
            limit = float(re.search(r"below (?:--learning-rate )?([0-9.e-]+)[,:]", text).group(1))
            rate = float(re.search(r"try (?:--learning-rate )?([0-9.e-]+)$", text).group(1))
            self.assertLess(abs(rate / expected - 1), 0.006)
            self.assertLess(abs(limit / rate - 20), 0.2)
            summary = read_summary(self.train(*options, solver, "--learning-rate", rate, out=solver))
            self.assertEqual(summary["diagnosis"], [])
            self.assertLess(summary["loss"], np.log(2))

    def test_verify_computes_objective_and_conditions_of_the_written_model(self):
        X, y = made_up(500, 4)
        path = write_data(self.folder / "data.h5", X, y)
        for options in (("--l2", "0.01"), ("--l1", "0.02", "--l2", "0.001"), ("--intercept", "no")):
            directory = self.train(path, "--verify", *options, "--overwrite", ranks=3)
            summary = read_summary(directory)
            verification = summary["verification"]
            self.assertTrue(verification["is_consistent"])
            self.assertLess(verification["violation"], 2e-9)
            w, b = read_model(directory)
            expected = objective(X, y, w, b, summary["l2"]) + summary["l1"] * np.abs(w).sum()
            self.assertLess(abs(verification["objective"] / expected - 1), 1e-14)

    def test_collinear_and_constant_columns_are_named_in_a_plain_run(self):
        X, y = made_up(3000, 3)
        X = np.rint(4 * X)
        X = np.column_stack([X[:, 0], X[:, 1], 2 * X[:, 0] - X[:, 1] + 1, np.full(len(X), 7.0),
                             X[:, 2]])
        path = self.named(X, y, "abcde")
        for ranks in (1, 3):
            for options in (("--solver", "newton"),
                            ("--solver", "newton", "--hessian-fraction", "0.125"),
                            *((("--solver", solver) for solver in ("newton-cg", "lbfgs", "gd",
                                                                   "adam")) if ranks == 1 else ()),
                            ("--standardize", "no")):
                constant, collinear = self.diagnosis(path, *options, "--overwrite", ranks=ranks)
                self.assertIn("constant: 'd' (column 3)", constant)
                self.assertIn("collinear features: c = 2 a - b + 1;", collinear)
        # A penalty determines the coefficients.
        (text,) = self.diagnosis(path, "--l2", "0.01", "--overwrite")
        self.assertIn("constant", text)

    def test_integers_that_a_double_cannot_tell_apart_are_not_called_equal(self):
        y = made_up(60, 1)[1]
        far = (1 << 62) + np.arange(60, dtype=np.int64) % 7
        for column, is_rounded in ((far, True), (np.full(60, 7, dtype=np.int64), False)):
            path = self.named(np.column_stack([column, np.arange(60) % 5]), y, "ab")
            text = self.diagnosis(path, "--overwrite")[0]
            self.assertIn("constant: 'a' (column 0)", text)
            self.assertEqual("as far as a double tells integers of that size apart" in text,
                             is_rounded, text)

    def test_an_equation_that_two_rows_of_all_do_not_obey_is_none(self):
        X, y = made_up(4000, 3)
        X = np.column_stack([X, np.zeros(len(X))])
        X[:, 3] = X[:, 0] + X[:, 1]
        path = self.named(X, y, "abcd")
        options = ("--solver", "newton", "--hessian-fraction", "0.0625", "--max-iterations", "1",
                   "--overwrite")
        (text,) = self.diagnosis(path, *options, ranks=2)
        self.assertIn("d = a + b;", text)
        # No rows of the sixteenth that the Hessian is of, one of each class: nothing is separable.
        X[[37, 53], 3] += 5
        y[[37, 53]] = 0, 1
        self.assertEqual(self.diagnosis(self.named(X, y, "abcd"), *options, ranks=2), [])

    def test_verify_allows_for_bounds_and_for_rows_that_are_streamed(self):
        X, y = made_up(20000, 12)
        path = write_data(self.folder / "data.h5", X, y)
        for options in (("--lower", "0", "--l1", "0.001"), ("--lower", "-0.1", "--upper", "0.1"),
                        ("--memory-limit", "1M"), ("--memory-limit", "1M", "--l1", "0.01")):
            with self.subTest(options=options):
                summary = read_summary(self.train(path, "--verify", *options, "--overwrite",
                                                  ranks=2))
                self.assertTrue(summary["verification"]["is_consistent"])
                self.assertLess(summary["verification"]["violation"], 1e-8)
                self.assertEqual(summary["rows_are"] == "streamed", "--memory-limit" in options)

    def test_verify_reports_how_many_digits_the_arithmetic_lost(self):
        X, y = made_up(500, 3)
        far = X.copy()
        far[:, 1] += 1e9
        farther = X.copy()
        farther[:, 1] = np.rint(10 * X[:, 1]) / 10 + 1e13
        stamps = (1.7e18 + np.rint(1e8 * X[:, :1])).astype(np.int64)
        double = np.column_stack([X, X[:, 0] + 1e-9 * made_up(500, 5)[0][:, 4]])
        powers = np.vander(np.linspace(0, 1, 500), 12)[:, :-1]
        for data, options, ranks in ((far, (), None), (far, (), 2), (farther, (), None),
                                     (farther, ("--l1", "1e-3"), None), (stamps, (), None),
                                     (double, (), None), (powers, ("--solver", "newton-cg"), None)):
            path = write_data(self.folder / "data.h5", data, y)
            result = run("train", path, "--verify", "--overwrite", "--out", self.folder / "run",
                         *options, ranks=ranks)
            self.assert_ends(result, 0)
            summary = read_summary(self.folder / "run")
            verification = summary["verification"]
            self.assertTrue(verification["is_consistent"])
            # That is little next to what the optimum is uncertain by.
            self.assertLess(verification["violation_rounding"], 0.05)
            if data is far:
                self.assertLess(verification["violation_rounding"], 5e-6)
                self.assertIn("(rounding of the margins: ", result.stdout)
        # None of it where nothing is lost.
        verification = read_summary(self.train(write_data(self.folder / "data.h5", X, y),
                                               "--verify", "--overwrite"))["verification"]
        self.assertLess(verification["violation_rounding"], 2e-13)
        self.assertLess(verification["objective_rounding"], 1e-14)

    def test_verify_of_too_many_sparse_features_is_refused_before_the_run(self):
        features = 12000
        with h5py.File(self.folder / "wide.h5", "w") as file:
            group = file.create_group("X")
            group.attrs["shape"] = np.array([features // 2, features])
            group["data"] = np.ones(features, dtype=np.float32)
            group["indices"] = np.arange(features, dtype=np.int32)
            group["indptr"] = np.arange(0, features + 1, 2, dtype=np.int64)
            file["y"] = (np.arange(features // 2) % 2).astype(np.uint8)
        result = run("train", self.folder / "wide.h5", "--verify", "--out", self.folder / "run",
                     ranks=2)
        self.assert_ends(result, 2)
        self.assertIn("--verify: sparse rows of 12000 features", result.stderr)
        self.assertFalse((self.folder / "run" / "model.h5").exists())
        self.assertFalse((self.folder / "run" / "metrics.jsonl").exists())

    def test_verify_tells_how_far_an_unfinished_run_is(self):
        path = write_data(self.folder / "data.h5", *made_up(500, 4))
        result = run("train", path, "--verify", "--solver", "gd", "--max-iterations", "3", "--out",
                     self.folder / "run")
        self.assert_ends(result, 0)
        self.assertIn("verified", result.stdout)
        summary = read_summary(self.folder / "run")
        self.assertLess(abs(summary["verification"]["violation"] / summary["gradient_norm"] - 1),
                        1e-6)


if __name__ == "__main__":
    unittest.main()
