#!/usr/bin/python3
"""Rows that a run is validated by, and early stopping."""
import json
import os
import signal
import unittest

import h5py
import numpy as np

from jobs import Job, wait_for
from support import AppTest, gradient, made_up, objective, read_model, read_summary, run, text_of, \
    write_data

RANKS = (1, 2, 3, 5)


def read_best(directory):
    with h5py.File(directory / "best_model.h5") as file:
        return (file["coefficients"][...], file["intercept"][0],
                text_of(file, "model_sha256"))


def metrics(directory):
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def without_times(directory):
    """What a run says of its iterations and of validation, but not how long they took."""
    lines = metrics(directory)
    for line in lines:
        del line["seconds"]
    summary = read_summary(directory)
    return lines, {name: summary[name] for name in
                   ("model_sha256", "validation", "stop_reason", "rows", "iterations")}


def roc_auc(margins, y):
    """The part of the pairs of both classes that are in the right order."""
    above = margins[y == 1][:, None] - margins[y == 0][None, :]
    return ((above > 0).mean() + (above >= 0).mean()) / 2


def average_precision(margins, y):
    """Of scores that differ."""
    y = y[np.argsort(-margins)]
    precision = np.cumsum(y) / np.arange(1, len(y) + 1)
    return precision[y == 1].mean()


class OverfittingTest(AppTest):
    """Few rows, many features: the loss on other rows rises after some iterations."""

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(5)
        X = random.normal(size=(900, 60))
        y = (X[:, :3].sum(axis=1) + 2 * random.logistic(size=900) > 0).astype(np.uint8)
        self.X, self.y = X, y
        self.data = write_data(self.folder / "data.h5", X[:200], y[:200])
        self.validation = write_data(self.folder / "validation.h5", X[200:], y[200:])
        # Many small steps.
        self.slow = ("--solver", "gd", "--learning-rate", "0.5", "--max-iterations", "300")


class Validation(OverfittingTest):
    def test_the_loss_and_accuracy_of_each_iteration_are_those_of_the_rows(self):
        run_of = self.train(self.data, "--validation", self.validation, "--max-iterations", "3",
                            ranks=2)
        w, b = read_model(run_of)
        last = metrics(run_of)[-1]
        expected = objective(self.X[200:], self.y[200:], w, b, 0)
        right = ((self.X[200:] @ w + b > 0) == self.y[200:]).mean()
        self.assertEqual(last["iteration"], 3)
        self.assertAlmostEqual(last["validation_loss"], float(expected), delta=1e-14)
        self.assertAlmostEqual(last["validation_accuracy"], right, delta=1e-14)
        self.assertAlmostEqual(metrics(run_of)[0]["validation_loss"], np.log(2), delta=1e-15)
        margins, y = self.X[200:] @ w + b, self.y[200:]
        self.assertAlmostEqual(last["validation_roc_auc"], roc_auc(margins, y), delta=1e-14)
        self.assertAlmostEqual(last["validation_average_precision"],
                               average_precision(margins, y), delta=1e-14)
        self.assertEqual(metrics(run_of)[0]["validation_roc_auc"], 0.5)
        told = read_summary(run_of)["validation"]
        self.assertEqual(told["rows"], 700)
        self.assertEqual(told["roc_auc"], last["validation_roc_auc"])
        self.assertEqual(told["loss"], last["validation_loss"])
        # Training is as without validation.
        self.assertEqual(self.train_hash(self.data, "--max-iterations", "3", out="plain"),
                         read_summary(run_of)["model_sha256"])

    def test_the_best_model_is_that_of_the_lowest_loss(self):
        run_of = self.train(self.data, "--validation", self.validation, *self.slow)
        losses = [line["validation_loss"] for line in metrics(run_of)]
        best = int(np.argmin(losses))
        self.assertTrue(0 < best < 300, "the example must overfit")
        told = read_summary(run_of)
        self.assertEqual(told["validation"]["best_iteration"], best)
        self.assertEqual(told["validation"]["best_loss"], losses[best])
        w, b, sha256 = read_best(run_of)
        self.assertAlmostEqual(float(objective(self.X[200:], self.y[200:], w, b, 0)), losses[best],
                               delta=1e-14)
        self.assertEqual(sha256, told["validation"]["best_model_sha256"])
        # The same as a run that ends there.
        there = self.train_hash(self.data, *self.slow[:4], "--max-iterations", best, out="there")
        self.assertEqual(sha256, there)
        self.assertNotEqual(told["model_sha256"], there)
        # Other commands take it.
        result = run("evaluate", run_of / "best_model.h5", self.validation, "--json")
        self.assert_ends(result, 0)
        self.assertAlmostEqual(json.loads(result.stdout)["log_loss"], losses[best], delta=1e-14)

    def test_row_weights_of_validation_rows_count_and_class_weights_do_not(self):
        weights = np.arange(700) % 3
        data = self.folder / "weighted.h5"
        with h5py.File(data, "w") as file:
            file["X"], file["y"], file["s"] = self.X[:200], self.y[:200], np.ones(200)
        validation = self.folder / "weighted-validation.h5"
        with h5py.File(validation, "w") as file:
            file["X"], file["y"], file["s"] = self.X[200:], self.y[200:], weights
        run_of = self.train(data, "--weights-name", "s", "--validation", validation,
                            "--class-weights", "1,5", "--max-iterations", "2")
        w, b = read_model(run_of)
        self.assertAlmostEqual(
            metrics(run_of)[-1]["validation_loss"],
            float(objective(self.X[200:], self.y[200:], w, b, 0, weights)), delta=1e-14)

    def test_a_class_may_be_missing_and_types_may_differ(self):
        ones = self.y[200:] == 1
        other = write_data(self.folder / "ones.h5", self.X[200:][ones].astype(np.float32),
                           self.y[200:][ones].astype(np.int64))
        run_of = self.train(self.data, "--validation", other, "--max-iterations", "2", ranks=3)
        w, b = read_model(run_of)
        X = self.X[200:][ones].astype(np.float32)
        last = metrics(run_of)[-1]
        self.assertAlmostEqual(last["validation_loss"], float(objective(X, 1, w, b, 0)),
                               delta=1e-14)
        self.assertIsNone(last["validation_roc_auc"])
        self.assertEqual(last["validation_average_precision"], 1)

    def test_labels_mean_what_they_mean_in_training(self):
        # Of the validation labels alone, the other text would be as good a positive one.
        names = np.array([b"bad", b"good"])
        with h5py.File(self.folder / "t.h5", "w") as file:
            file["X"], file["y"] = self.X[:200], names[self.y[:200]]
        with h5py.File(self.folder / "v.h5", "w") as file:
            file["X"], file["y"] = self.X[200:], names[self.y[200:]]
        texts = self.train(self.folder / "t.h5", "--positive-label", "good", "--validation",
                           self.folder / "v.h5", out="texts", ranks=2)
        numbers = self.train(self.data, "--validation", self.validation, out="numbers")
        self.assertEqual(without_times(texts), without_times(numbers))

    def test_other_spellings_of_the_positive_label_are_told(self):
        data = self.folder / "t.h5"
        with h5py.File(data, "w") as file:
            file["X"] = self.X[:300]
            file["y"] = np.array([b"no", b"yes", b"Yes"])[np.arange(300) % 3]
        note = ("rows with the label 'Yes' count as negative: only 'yes' is positive; where they "
                "mean the same, spell them alike")
        run_of = ("train", data, "--positive-label", "yes", "--l2", "1", "--out")
        for command, sign in (((*run_of, self.folder / "alone"), "paralogit: warning: "),
                              ((*run_of, self.folder / "run", "--validation", data),
                               "paralogit: warning: "),
                              (("evaluate", self.folder / "run" / "model.h5", data),
                               "paralogit: warning: "),
                              (("inspect", data, "--positive-label", "yes"), "note: ")):
            result = run(*command, ranks=None if command[0] == "inspect" else 2)
            self.assert_ends(result, 0)
            said = result.stdout + result.stderr
            self.assertEqual(said.count(f"{sign}{note}\n"), 1, said)
            if command[0] != "evaluate":
                self.assertIn("'yes' against 2 others: 'Yes', 'no'", said)
        self.assertNotIn("count as negative", run("inspect", data, "--positive-label", "no").stdout)

    def test_rows_that_are_trained_on_as_well_are_told(self):
        copy = self.folder / "again.h5"
        copy.symlink_to(self.data)
        result = run("train", self.data, "--max-iterations", "1", "--validation", self.validation,
                     copy, "--out", self.folder / "again")
        self.assert_ends(result, 0)
        self.assertEqual(result.stderr.count("is trained on as well"), 1, result.stderr)
        self.assertIn(f"{copy} is among the validation files", result.stderr)

    def test_several_files_and_patterns_are_one_data_set(self):
        parts = [write_data(self.folder / f"v-{i}.h5", self.X[a:b], self.y[a:b])
                 for i, (a, b) in enumerate(((200, 201), (201, 600), (600, 900)))]
        whole = self.train(self.data, "--validation", self.validation, out="whole")
        listed = self.train(self.data, "--validation", *parts, out="listed", ranks=3)
        pattern = self.train(self.data, "--validation", self.folder / "v-*.h5", out="pattern")
        config = self.train("--config", listed / "config.used", out="config")
        for other in (listed, pattern, config):
            self.assertEqual(without_times(other), without_times(whole))

    def test_no_bit_depends_on_ranks_and_threads(self):
        X, y = made_up(9000, 12, seed=4)
        data = write_data(self.folder / "many.h5", X, y)
        other = write_data(self.folder / "others.h5", *made_up(5000, 12, seed=9))
        for name, options in {
            "fraction": ("--validation-fraction", "0.3", "--class-weights", "balanced"),
            "files": ("--validation", other, "--early-stopping", "2", "--early-stopping-metric",
                      "auc"),
        }.items():
            told = [without_times(self.train(data, *options, "--threads", threads, ranks=ranks,
                                             out=f"{name}-{ranks}-{threads}"))
                    for ranks in RANKS for threads in (1, 3)]
            for each in told[1:]:
                self.assertEqual(each, told[0], name)


class HeldOutRows(AppTest):
    def setUp(self):
        super().setUp()
        self.X, self.y = made_up(6000, 8, seed=6)
        self.data = write_data(self.folder / "data.h5", self.X, self.y)

    def find_held_out(self, *options):
        """From outside: a feature that is 1 in a single row of all has a coefficient that training
        moves only when the row is trained on; one run asks for 2000 rows."""
        rows = 2000
        X = np.eye(rows, dtype=np.int8)
        y = np.arange(rows) % 2
        path = write_data(self.folder / "eye.h5", X, y.astype(np.uint8))
        run_of = self.train(path, *options, "--standardize", "no", "--solver", "gd",
                            "--learning-rate", "1", "--max-iterations", "1", "--intercept", "no",
                            out="eye" + "-".join(map(str, options)))
        return read_model(run_of)[0] == 0

    def test_training_is_that_of_a_file_without_them(self):
        is_out = np.zeros(len(self.y), dtype=bool)
        is_out[:2000] = self.find_held_out("--validation-fraction", "0.25")
        # What lies behind them is weighed 0 in both.
        weights = np.where(np.arange(len(self.y)) < 2000, 1.0, 0.0)
        data, rest = self.folder / "weighted.h5", self.folder / "rest.h5"
        with h5py.File(data, "w") as file:
            file["X"], file["y"], file["s"] = self.X, self.y, weights
        with h5py.File(rest, "w") as file:
            file["X"], file["y"], file["s"] = self.X[~is_out], self.y[~is_out], weights[~is_out]
        options = ("--weights-name", "s", "--l2", "1e-3")
        held = self.train(data, *options, "--validation-fraction", "0.25", out="held", ranks=2)
        without = self.train(rest, *options, out="without")
        self.assertAlmostEqual(read_summary(held)["objective"],
                               read_summary(without)["objective"], delta=1e-12)
        for a, b in zip(read_model(held), read_model(without)):
            np.testing.assert_allclose(a, b, rtol=1e-6)
        w, b = read_model(held)
        kept = ~is_out & (weights > 0)
        self.assertLess(float(np.abs(gradient(self.X[kept], self.y[kept], w, b, 1e-3)).max()), 1e-7)
        out = is_out[:2000]
        self.assertAlmostEqual(read_summary(held)["validation"]["loss"],
                               float(objective(self.X[:2000][out], self.y[:2000][out], w, b, 0)),
                               delta=1e-13)

    def test_they_are_the_same_in_any_cut_and_others_for_another_seed(self):
        is_out = self.find_held_out("--validation-fraction", "0.25")
        self.assertTrue(420 < is_out.sum() < 580, is_out.sum())
        other = self.find_held_out("--validation-fraction", "0.25", "--validation-seed", "2")
        self.assertTrue(75 < (is_out & other).sum() < 175)
        parts = [write_data(self.folder / f"part-{i}.h5", self.X[a:b], self.y[a:b])
                 for i, (a, b) in enumerate(((0, 7), (7, 4000), (4000, 6000)))]
        options = ("--validation-fraction", "0.1")
        self.assertEqual(without_times(self.train(self.data, *options, out="whole")),
                         without_times(self.train(*parts, *options, out="parts", ranks=3)))

    def test_rows_of_a_report_are_those_trained_on(self):
        told = read_summary(self.train(self.data, "--validation-fraction", "0.25"))
        self.assertEqual(told["rows"] + told["validation"]["rows"], 6000)
        self.assertTrue(1300 < told["validation"]["rows"] < 1700)
        w, b = read_model(self.folder / "run")
        self.assertLess(told["rows_wrong"], told["rows"])


class EarlyStopping(OverfittingTest):
    def test_it_ends_a_run_whose_validation_loss_rises(self):
        options = (self.data, "--validation", self.validation, *self.slow)
        losses = [line["validation_loss"] for line in metrics(self.train(*options, out="whole"))]
        best = int(np.argmin(losses))
        for patience in (1, 7):
            run_of = self.train(*options, "--early-stopping", patience, out=f"p{patience}", ranks=2)
            told = read_summary(run_of)
            self.assertEqual(told["stop_reason"], "early_stopping")
            self.assertEqual(told["iterations"], best + patience)
            self.assertEqual(told["validation"]["best_iteration"], best)
            with h5py.File(run_of / "model.h5") as last, \
                    h5py.File(run_of / "best_model.h5") as kept:
                self.assertEqual(text_of(last, "stop_reason"), "early_stopping")
                self.assertEqual(text_of(kept, "best_iteration"), str(best))
            self.assertEqual(read_best(run_of)[2], told["validation"]["best_model_sha256"])

    def test_it_goes_by_the_area_under_the_curve_where_told_so(self):
        options = (self.data, "--validation", self.validation, *self.slow,
                   "--early-stopping-metric", "auc")
        lines = metrics(self.train(*options, out="whole"))
        areas = [line["validation_roc_auc"] for line in lines]
        told = read_summary(self.folder / "whole")["validation"]
        best = int(np.argmax(areas))
        self.assertNotEqual(best, int(np.argmin([line["validation_loss"] for line in lines])))
        self.assertEqual(told["best_iteration"], best)
        self.assertEqual(told["best_roc_auc"], areas[best])
        self.assertEqual(told["best_is"], "largest roc_auc")
        patience = 3
        stop = next(k for k in range(len(areas)) if k - int(np.argmax(areas[:k + 1])) == patience)
        stopped = self.train(*options, "--early-stopping", patience, out="stopped", ranks=2)
        self.assertEqual(read_summary(stopped)["iterations"], stop)
        self.assertEqual(read_summary(stopped)["validation"]["best_iteration"], stop - patience)
        # Resumed after some iteration it is the same; by another metric it is another run.
        part = self.train(*options[:-4], "--max-iterations", "3", *options[-2:], out="part")
        result = run("train", *options[:-2], "--resume", "--out", part)
        self.assert_ends(result, 4)
        self.assertIn("early-stopping-metric", result.stderr)
        self.train(*options, "--early-stopping", patience, "--resume", out="part", ranks=3)
        self.assertEqual(without_times(part), without_times(stopped))

    def test_rows_of_one_class_have_no_area_to_go_by(self):
        ones = self.y[200:] == 1
        other = write_data(self.folder / "ones.h5", self.X[200:][ones], self.y[200:][ones])
        result = run("train", self.data, "--validation", other, "--early-stopping-metric", "auc",
                     "--out", self.folder / "run", ranks=2)
        self.assert_ends(result, 3)
        self.assertIn("ones.h5:/y: all validation rows are of one class", result.stderr)
        result = run("train", self.data, "--early-stopping-metric", "auc", "--out",
                     self.folder / "run")
        self.assert_ends(result, 2)
        self.assertIn("give --validation FILE or --validation-fraction", result.stderr)

    def test_it_says_nothing_where_the_run_converges_first(self):
        run_of = self.train(self.data, "--l2", "0.1", "--validation", self.validation,
                            "--early-stopping", "50")
        self.assertEqual(read_summary(run_of)["stop_reason"], "converged")

    def test_resuming_after_every_iteration_gives_the_bits_of_the_whole_run(self):
        for name, rows in (("files", ("--validation", self.validation)),
                           ("fraction", ("--validation-fraction", "0.5"))):
            options = (self.data, *rows, "--solver", "gd", "--learning-rate", "0.7",
                       "--early-stopping", "4", "--checkpoint-every", "1")
            whole = self.train(*options, out=f"whole-{name}")
            end = read_summary(whole)["iterations"]
            self.assertEqual(read_summary(whole)["stop_reason"], "early_stopping")
            self.assertGreater(end, 5)
            for stop in range(end + 1):
                self.train(*options, "--resume", "--max-iterations", stop, out=f"cut-{name}",
                           ranks=1 + stop % 3)
            cut = self.train(*options, "--resume", out=f"cut-{name}", ranks=2)
            self.assertEqual(without_times(cut), without_times(whole))
            self.assertEqual((cut / "best_model.h5").read_bytes(),
                             (whole / "best_model.h5").read_bytes())
            # From the middle, while the loss still falls.
            self.train(*options, "--max-iterations", "2", out=f"once-{name}")
            once = self.train(*options, "--resume", out=f"once-{name}", ranks=3)
            self.assertEqual(without_times(once), without_times(whole))

    def test_patience_may_change_and_come_later_on_resume(self):
        options = (self.data, "--validation", self.validation, *self.slow)
        whole = self.train(*options, "--early-stopping", "9", out="whole")
        self.train(*options, "--early-stopping", "2", out="cut")
        self.assertEqual(without_times(self.train(*options, "--early-stopping", "9", "--resume",
                                                  out="cut", ranks=3)), without_times(whole))
        end = read_summary(whole)["iterations"]
        self.train(*options[:-1], end - 1, out="later")
        self.assertEqual(without_times(self.train(*options, "--early-stopping", "9", "--resume",
                                                  out="later")), without_times(whole))

    def test_a_signal_keeps_the_best_model(self):
        X, y = made_up(40_000, 50, seed=2)
        data = write_data(self.folder / "large.h5", X, y)
        out = self.folder / "stopped"
        with Job("train", data, "--out", out, "--validation-fraction", "0.5", "--solver", "gd",
                 "--learning-rate", "1e-3", "--max-iterations", 10**9, "--tolerance", 0,
                 ranks=2) as job:
            self.assertTrue(wait_for(lambda: "iteration    5 " in job.stderr()), job.stderr())
            os.kill(job.rank_process(1), signal.SIGTERM)
            self.assertTrue(job.wait_until_gone(), job.stderr())
            self.assertEqual(job.mpirun.returncode, 75, job.stderr())
        told = read_summary(out)
        self.assertEqual(told["stop_reason"], "signal")
        self.assertEqual(read_best(out)[2], told["validation"]["best_model_sha256"])
        self.assertFalse((out / "model.h5").exists())


if __name__ == "__main__":
    unittest.main()
