#!/usr/bin/env python3
"""`evaluate`: the metrics that scikit-learn computes (tests/golden/metrics.json), the files and
pictures that it writes, the same bytes on any number of ranks and threads."""
import csv
import hashlib
import itertools
import json
import os
import shutil
import sys
import unittest

import h5py
import numpy as np

from support import SOURCE, AppTest, made_up, run, text_of, write_data

sys.path.insert(0, str(SOURCE / "tests" / "golden"))
from metric_cases import cases  # noqa: E402

GOLDEN = json.loads((SOURCE / "tests" / "golden" / "metrics.json").read_text())
CURVES = ("roc", "precision_recall", "calibration", "lift")


class MetricsTest(AppTest):
    def setUp(self):
        super().setUp()
        # A model whose margins are the feature itself.
        data = write_data(self.folder / "two.h5", np.array([[1.0], [2.0]]),
                          np.array([0, 1], dtype=np.uint8))
        self.model = self.train(data, "--initial", "ones", "--intercept", "no",
                                "--max-iterations", "0", out="identity") / "model.h5"

    def data(self, z, y, weights=None, name="data"):
        path = self.folder / f"{name}.h5"
        with h5py.File(path, "w") as file:
            file["X"], file["y"] = np.asarray(z, dtype=float)[:, None], y
            if weights is not None:
                file["w"] = weights
        return path, () if weights is None else ("--weights-name", "w")

    def evaluate(self, z, y, weights=None, *options, ranks=None):
        path, names = self.data(z, y, weights)
        result = run("evaluate", self.model, path, "--json", *names, *options, ranks=ranks)
        self.assert_ends(result, 0)
        return json.loads(result.stdout)

    def assert_same(self, found, expected, where):
        if expected is None or found is None:
            self.assertEqual(found, expected, where)
        else:
            self.assertLessEqual(abs(found - expected), 1e-12 * max(1, abs(expected)),
                                 f"{where}: {found} is not {expected}")


class GoldenNumbers(MetricsTest):
    def test_metrics_are_those_of_scikit_learn(self):
        turns = itertools.cycle(zip((None, 2, 3), GOLDEN["plain"]["thresholds"]))
        for name, case in cases().items():
            golden = GOLDEN[name]
            # Each case at one threshold, those with ties at all of them.
            for ranks, threshold in itertools.islice(turns, 3 if "ties" in name else 1):
                found = self.evaluate(*case, "--threshold", threshold, ranks=ranks)
                for metric in ("log_loss", "brier_score", "roc_auc", "average_precision",
                               "kolmogorov_smirnov"):
                    self.assert_same(found[metric], golden[metric], f"{name}: {metric}")
                for metric, expected in golden["thresholds"][threshold].items():
                    where = f"{name}: {metric} at {threshold}"
                    if metric == "confusion":
                        for cell, weight in expected.items():
                            self.assert_same(found[metric][cell], weight, f"{where}: {cell}")
                    else:
                        self.assert_same(found[metric], expected, where)
                if name != "extreme margins":  # probabilities that are 1 are not told apart
                    for metric, of in (("largest_f1", ("best_f1", "f1")),
                                       ("youden", ("best_youden", "youden"))):
                        best = found[of[0]]
                        self.assert_same(best and best[of[1]], golden[metric], f"{name}: {metric}")

    def test_calibration_is_that_of_scikit_learn(self):
        for name, case in cases().items():
            if case[2] is not None:
                continue
            bins = [each for each in self.evaluate(*case)["calibration"]["equal_width"]
                    if each["weight"] > 0]
            expected = GOLDEN[name]["calibration"]
            self.assertEqual(len(bins), len(expected), name)
            for each, (mean, share) in zip(bins, expected):
                self.assert_same(each["mean_probability"], mean, name)
                self.assert_same(each["positive_rate"], share, name)

    def test_a_row_weight_of_three_is_the_row_three_times(self):
        z, y, _ = cases()["ties"]
        weights = np.arange(len(z)) % 4
        weighted = self.evaluate(z, y, weights.astype(float), ranks=2)
        repeated = self.evaluate(np.repeat(z, weights), np.repeat(y, weights))
        for each in (weighted, repeated):
            del each["rows"]
        self.assertEqual(set(weighted), set(repeated))
        for name, value in repeated.items():
            if name in ("log_loss", "brier_score"):
                self.assert_same(weighted[name], value, name)
            else:
                self.assertEqual(weighted[name], value, name)

    def test_soft_labels_are_parts_of_both_classes(self):
        z, _, _ = cases()["plain"]
        y = np.round((np.arange(len(z)) * 37 % 101) / 100, 2)
        soft = self.evaluate(z, y, ranks=2)
        both = self.evaluate(np.tile(z, 2), np.repeat([1, 0], len(z)).astype(np.uint8),
                             np.concatenate([y, 1 - y]))
        self.assertEqual(soft["soft_rows"], np.count_nonzero((y > 0) & (y < 1)))
        for name in ("roc_auc", "average_precision", "accuracy", "f1", "log_loss",
                     "kolmogorov_smirnov", "expected_calibration_error", "lift", "confusion"):
            if isinstance(both[name], float):
                self.assert_same(soft[name], both[name], name)
            else:
                np.testing.assert_allclose(
                    [list(e.values()) if isinstance(e, dict) else e
                     for e in (soft[name] if name == "lift" else soft[name].values())],
                    [list(e.values()) if isinstance(e, dict) else e
                     for e in (both[name] if name == "lift" else both[name].values())], rtol=1e-11)
        p = 1 / (1 + np.exp(-z))
        self.assert_same(soft["brier_score"], ((p - y) ** 2).mean(), "brier_score")


class Thresholds(MetricsTest):
    def test_the_brier_score_of_soft_labels_is_the_distance_to_them(self):
        data = write_data(self.folder / "even.h5", np.zeros((200, 1)), np.full(200, 0.5))
        model = self.train(data, out="even") / "model.h5"
        told = run("evaluate", model, data)
        self.assert_ends(told, 0)
        self.assertRegex(told.stdout, r"Brier score +0, of \(p - y\)\^2")

    def test_rules_give_the_threshold_that_predict_can_use(self):
        z, y, weights = cases()["ties and weights"]
        path, names = self.data(z, y, weights)
        golden = GOLDEN["ties and weights"]
        for rule, check in (
                ("f1", lambda m: self.assert_same(m["f1"], golden["largest_f1"], "f1")),
                ("youden", lambda m: self.assert_same(m["recall"] + m["specificity"] - 1,
                                                      golden["youden"], "youden")),
                ("precision=0.5", lambda m: self.assertGreaterEqual(m["precision"], 0.5))):
            found = self.evaluate(z, y, weights, "--threshold", rule, ranks=2)
            self.assertEqual(found["threshold_rule"], rule)
            check(found)
            out = self.folder / f"{rule}.csv"
            self.assert_ends(run("predict", self.model, path, "--threshold",
                                 repr(found["threshold"]), "--out", out), 0)
            says = np.loadtxt(out, skiprows=1) == 1
            self.assert_same(found["confusion"]["true_positives"], weights[says & (y == 1)].sum(),
                             rule)
            self.assert_same(found["confusion"]["false_positives"], weights[says & (y == 0)].sum(),
                             rule)

    def test_a_wanted_precision_comes_with_the_largest_recall(self):
        z, y, _ = cases()["plain"]
        order = np.argsort(-z, kind="stable")
        right = np.cumsum(y[order])
        precise = right / np.arange(1, len(z) + 1) >= 0.6
        last = np.append(np.diff(z[order]) != 0, True)  # rows that tie come together
        found = self.evaluate(z, y, None, "--threshold", "precision=0.6")
        self.assertEqual(found["confusion"]["true_positives"], right[precise & last].max())

    def test_what_no_rule_can_give_is_an_error(self):
        z, y, _ = cases()["negatives only"]
        path, _ = self.data(z, y)
        for rule, says in (("f1", "there is no row with the positive label"),
                           ("youden", "all rows are of one class"),
                           ("precision=0.9", "at no threshold the precision is as high, and the "
                                             "highest is 0;")):
            for ranks in (None, 2):
                result = run("evaluate", self.model, path, "--threshold", rule, ranks=ranks)
                self.assert_ends(result, 3)
                self.assertIn(says, result.stderr)
        for value in ("F1", "precision", "precision=", "precision=0", "precision=1.5", "roc"):
            result = run("evaluate", self.model, path, "--threshold", value)
            self.assert_ends(result, 2)
            self.assertIn(f"--threshold {value}: expected", result.stderr)

    def test_a_precision_out_of_reach_tells_the_highest(self):
        path, _ = self.data(np.array([4.0, 3, 2, 1]), np.array([0, 1, 1, 0]))
        for ranks in (None, 2):
            result = run("evaluate", self.model, path, "--threshold", "precision=0.7", ranks=ranks)
            self.assert_ends(result, 3)
            self.assertIn(f"and the highest is {2 / 3};", result.stderr)
        self.assert_ends(run("evaluate", self.model, path, "--threshold", "precision=0.66"), 0)

    def test_what_is_undefined_is_said_and_null(self):
        z, y, _ = cases()["positives only"]
        found = self.evaluate(z, y)
        for name in ("roc_auc", "kolmogorov_smirnov", "specificity", "balanced_accuracy",
                     "matthews_correlation", "best_youden"):
            self.assertIsNone(found[name], name)
        result = run("evaluate", self.model, self.folder / "data.h5")
        self.assert_ends(result, 0)
        self.assertIn("ROC AUC               undefined: one of the classes has no row",
                      result.stdout)
        self.assertNotIn("nan", result.stdout)


class PositiveLabel(AppTest):
    def test_it_is_that_of_the_model(self):
        X, y = made_up(60, 2)
        data = write_data(self.folder / "texts.h5", X, np.where(y == 1, b"spam", b"ham"))
        model = self.train(data, "--positive-label", "spam", "--l2", "1e-2") / "model.h5"
        with h5py.File(model) as file:
            self.assertEqual((text_of(file, "label_kind"), text_of(file, "positive_label")),
                             ("one_against_rest", "spam"))
        known = run("evaluate", model, data)
        self.assert_ends(known, 0)
        said = run("evaluate", model, data, "--positive-label", "spam")
        self.assertEqual(known.stdout, said.stdout)
        self.assertGreater(float(known.stdout.split("ROC AUC")[1].split()[0]), 0.5)
        other = run("evaluate", model, data, "--positive-label", "ham", ranks=2)
        self.assert_ends(other, 2)
        self.assertIn(f"--positive-label ham: for {model} the label spam is the positive one",
                      other.stderr)
        renamed = write_data(self.folder / "renamed.h5", X, np.where(y == 1, b"Spam", b"ham"))
        unknown = run("evaluate", model, renamed)
        self.assert_ends(unknown, 3)
        self.assertIn(f"label 'Spam' is none of those that {model} was trained on, ham, spam;",
                      unknown.stderr)

    def test_rows_of_the_other_labels_alone_are_evaluated(self):
        X, y = made_up(60, 2)
        data = write_data(self.folder / "texts.h5", X, np.where(y == 1, b"spam", b"ham"))
        model = self.train(data, "--positive-label", "spam", "--l2", "1e-2") / "model.h5"
        ham = write_data(self.folder / "ham.h5", X, np.full(60, b"ham"))
        result = run("evaluate", model, ham, ranks=2)
        self.assert_ends(result, 0)
        self.assertIn("ROC AUC               undefined: one of the classes has no row",
                      result.stdout)

    def test_a_number_that_the_model_has_not_seen_is_an_error(self):
        X, y = made_up(60, 2)
        data = write_data(self.folder / "numbers.h5", X, y + 1)
        model = self.train(data, "--positive-label", "2", "--l2", "1e-2") / "model.h5"
        self.assert_ends(run("evaluate", model, data), 0)
        other = write_data(self.folder / "other.h5", X, np.where(np.arange(60) == 40, 3, y + 1))
        result = run("evaluate", model, other, ranks=2)
        self.assert_ends(result, 3)
        self.assertIn("row 40", result.stderr)
        self.assertIn(f"label 3 is none of those that {model} was trained on, 1, 2;",
                      result.stderr)

    def test_numbers_that_are_not_those_of_a_model_of_zero_and_one_are_an_error(self):
        X, y = made_up(60, 2)
        other = write_data(self.folder / "other.h5", X, y + 1)
        for name, labels, known in (("zero_one", y, "0, 1"), ("signs", 2 * y.astype(int) - 1, "-1, 1")):
            data = write_data(self.folder / f"{name}.h5", X, labels)
            model = self.train(data, "--l2", "1e-2", out=name) / "model.h5"
            right = run("evaluate", model, data)
            self.assert_ends(right, 0)
            self.assertEqual(run("evaluate", model, data, "--positive-label", "1").stdout,
                             right.stdout)
            for options in ((), ("--positive-label", "1")):
                result = run("evaluate", model, other, *options)
                self.assert_ends(result, 3)
                self.assertIn(f"label 2 is none of those that {model} was trained on, {known};",
                              result.stderr)
                self.assertNotIn("--positive-label", result.stderr)

    def test_zero_may_be_the_positive_one(self):
        data = write_data(self.folder / "zero.h5", *made_up(60, 2))
        model = self.train(data, "--positive-label", "0", "--l2", "1e-2") / "model.h5"
        known = run("evaluate", model, data)
        self.assertGreater(float(known.stdout.split("ROC AUC")[1].split()[0]), 0.5)
        self.assert_ends(run("evaluate", model, data, "--positive-label", "1"), 2)

    def test_false_may_be_the_positive_one_of_booleans(self):
        X, y = made_up(60, 2)
        data = write_data(self.folder / "bool.h5", X, y == 0)
        model = self.train(data, "--positive-label", "False", "--l2", "1e-2") / "model.h5"
        known = run("evaluate", model, data)
        self.assertGreater(float(known.stdout.split("ROC AUC")[1].split()[0]), 0.5)
        for label, code in (("False", 0), ("0", 0), ("True", 2), ("1", 2)):
            self.assert_ends(run("evaluate", model, data, "--positive-label", label), code)


class Files(MetricsTest):
    def setUp(self):
        super().setUp()
        X, y = made_up(5000, 20)
        self.train_data = write_data(self.folder / "rows.h5", X, y)
        self.weights = np.random.default_rng(3).uniform(0, 2, len(y))
        self.parts = []
        for k, rows in enumerate((slice(0, 1), slice(1, 1700), slice(1700, 5000))):
            path = write_data(self.folder / f"part-{k}.h5", X[rows], y[rows])
            self.parts.append(path)
            with h5py.File(path, "a") as file:
                file["w"] = self.weights[rows]
        with h5py.File(self.train_data, "a") as file:
            file["w"] = self.weights
        self.trained = self.train(self.train_data) / "model.h5"

    def hash_of(self, data, *options, out, ranks=None):
        """Of metrics.json and of the curves."""
        result = run("evaluate", self.trained, *data, "--out", self.folder / out, *options,
                     ranks=ranks)
        self.assert_ends(result, 0)
        digest = hashlib.sha256()
        for name in ("metrics.json", *(f"{each}.csv" for each in CURVES)):
            digest.update((self.folder / out / name).read_bytes())
        return digest.hexdigest()

    def test_no_byte_depends_on_ranks_threads_files_and_memory(self):
        for weights in ((), ("--weights-name", "w")):
            hashes = {self.hash_of([self.train_data], *weights, out=f"{len(weights)}-whole")}
            for data in ([self.train_data], self.parts)[:2 if not weights else 1]:
                for ranks in (1, 2, 3, 5):
                    for threads in (1, 2):
                        out = f"{len(weights)}-{len(data)}-{ranks}-{threads}"
                        hashes.add(self.hash_of(data, *weights, "--threads", threads, out=out,
                                                ranks=ranks))
            # 800 kB of rows: most of them are streamed.
            hashes.add(self.hash_of([self.train_data], *weights, "--memory-limit", "300k",
                                    out=f"{len(weights)}-streamed", ranks=2))
            self.assertEqual(len(hashes), 1)

    def test_json_on_stdout_is_the_content_of_the_file_in_sorted_order(self):
        result = run("evaluate", self.trained, self.train_data, "--json", "--out",
                     self.folder / "out")
        self.assert_ends(result, 0)
        text = (self.folder / "out" / "metrics.json").read_text()
        self.assertEqual(result.stdout, text)
        names = list(json.loads(text))
        self.assertEqual(names, sorted(names))

    def test_curves_hold_what_the_metrics_say(self):
        out = self.folder / "out"
        self.assert_ends(run("evaluate", self.trained, self.train_data, "--out", out, ranks=3), 0)
        metrics = json.loads((out / "metrics.json").read_text())
        roc = np.loadtxt(out / "roc.csv", delimiter=",", skiprows=1)
        fpr, tpr = roc[:, 2], roc[:, 3]
        self.assertEqual([fpr[0], tpr[0], fpr[-1], tpr[-1]], [0, 0, 1, 1])
        self.assertTrue((np.diff(roc[:, 1]) < 0).all())
        area = (np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2).sum()
        self.assertAlmostEqual(area, metrics["roc_auc"], delta=1e-12)
        curve = np.loadtxt(out / "precision_recall.csv", delimiter=",", skiprows=1)
        steps = np.diff(np.append(0, curve[:, 2]))
        self.assertAlmostEqual((steps * curve[:, 3]).sum(), metrics["average_precision"],
                               delta=1e-12)
        with open(out / "calibration.csv", newline="") as file:
            bins = list(csv.DictReader(file))
        self.assertEqual(sum(float(b["weight"]) for b in bins if b["bins"] == "equal_width"), 5000)
        self.assertEqual([float(b["weight"]) for b in bins if b["bins"] == "equal_weight"],
                         [500.0] * 10)
        lift = np.loadtxt(out / "lift.csv", delimiter=",", skiprows=1)
        self.assertEqual(list(lift[-1]), [1, 1, 1])

    def test_a_long_curve_is_thinned_to_what_can_be_seen(self):
        z, y, _ = cases()["many rows"]
        path, _ = self.data(z, y)
        out = self.folder / "thin"
        self.assert_ends(run("evaluate", self.model, path, "--out", out, ranks=2), 0)
        roc = np.loadtxt(out / "roc.csv", delimiter=",", skiprows=1)
        self.assertLessEqual(len(roc), 10_001)
        self.assertLess(np.diff(roc[:, 2]).max(), 5e-4)
        area = (np.diff(roc[:, 2]) * (roc[1:, 3] + roc[:-1, 3]) / 2).sum()
        self.assertAlmostEqual(area, GOLDEN["many rows"]["roc_auc"], delta=1e-4)

    def test_nothing_is_replaced_without_being_told(self):
        out = self.folder / "out"
        arguments = ("evaluate", self.trained, self.train_data, "--out", out)
        self.assert_ends(run(*arguments), 0)
        before = (out / "metrics.json").read_bytes()
        refused = run(*arguments, "--threshold", "0.1", ranks=2)
        self.assert_ends(refused, 2)
        self.assertIn("metrics.json: exists already; choose another --out", refused.stderr)
        self.assertEqual((out / "metrics.json").read_bytes(), before)
        self.assert_ends(run(*arguments, "--threshold", "0.1", "--overwrite"), 0)
        self.assertNotEqual((out / "metrics.json").read_bytes(), before)
        self.assertEqual(sorted(p.name for p in out.iterdir()),
                         sorted(["metrics.json", *(f"{each}.csv" for each in CURVES)]))

    def test_a_place_that_cannot_be_written_to_is_an_error(self):
        (self.folder / "file").write_text("no directory")
        # Before a row is read: there is no such model either.
        for option in ("--out", "--plots"):
            for place in ("file", "file/below"):
                result = run("evaluate", self.folder / "none.h5", self.train_data, option,
                             self.folder / place, ranks=2)
                self.assert_ends(result, 2 if place == "file" else 6)
                self.assertIn(f"file is a file, and {option} names a directory", result.stderr)


class Pictures(MetricsTest):
    def test_pictures_are_drawn_without_a_display(self):
        for name in ("plain", "positives only", "negatives only", "one score"):
            z, y, _ = cases()[name]
            path, _ = self.data(z, y)
            plots = self.folder / "a 'quoted' place" / name
            result = run("evaluate", self.model, path, "--plots", plots, ranks=2,
                         env={"DISPLAY": ""})
            self.assert_ends(result, 0)
            for each in CURVES:
                picture = (plots / f"{each}.png").read_bytes()
                self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n", f"{name}: {each}")
                self.assertGreater(len(picture), 10_000, f"{name}: {each}")
                self.assertEqual(picture[-8:-4], b"IEND")
                self.assertTrue((plots / f"{each}.gnuplot").exists())
            self.assertEqual(len(list(plots.iterdir())), 8)

    def test_without_gnuplot_nothing_begins(self):
        tools = self.folder / "tools"
        tools.mkdir()
        for name in ("sh", "ssh", "orted"):  # which MPI starts programs with
            if shutil.which(name):
                (tools / name).symlink_to(shutil.which(name))
        z, y, _ = cases()["plain"]
        path, _ = self.data(z, y)
        result = run("evaluate", self.model, path, "--plots", self.folder / "plots", "--out",
                     self.folder / "out", env={"PATH": str(tools)})
        self.assert_ends(result, 2)
        self.assertIn("install it (Debian: gnuplot-nox)", result.stderr)
        self.assertFalse((self.folder / "out").exists())
        self.assertFalse((self.folder / "plots").exists())

    def test_a_gnuplot_that_fails_leaves_no_picture(self):
        tools = self.folder / "tools"
        tools.mkdir()
        z, y, _ = cases()["plain"]
        path, _ = self.data(z, y)
        for script in ("exit 3", "exit 0"):
            (tools / "gnuplot").write_text(f"#!/bin/sh\n{script}\n")
            os.chmod(tools / "gnuplot", 0o755)
            result = run("evaluate", self.model, path, "--plots", self.folder / "plots",
                         "--overwrite", env={"PATH": f"{tools}:{os.environ['PATH']}"})
            self.assert_ends(result, 6)
            self.assertIn("gnuplot did not draw it", result.stderr)
            self.assertFalse(list((self.folder / "plots").glob("*.png*")))
        shutil.rmtree(tools)


if __name__ == "__main__":
    unittest.main()
