#!/usr/bin/python3
"""Data at the edges of what can be trained on, and what the program says about it."""
import json
import subprocess
import unittest

import h5py
import numpy as np

from support import BINARY, AppTest, gradient, made_up, objective, read_model, read_summary, run, write_data


class Edges(AppTest):
    def assert_optimal(self, directory, X, y, l2, weights=None, tolerance=1e-8):
        """The gradient at the model, in the features' own units, by long double."""
        w, b = read_model(directory)
        scale = np.append(np.std(X, axis=0), 1.0)
        scale[scale == 0] = 1.0
        slope = gradient(X, y, w, b, l2, weights)
        slope[:-1] -= slope[-1] * np.mean(X, axis=0)
        self.assertLess(float(np.abs(slope / scale).max()), tolerance)
        value = objective(X, y, w, b, l2, weights)
        self.assertAlmostEqual(read_summary(directory)["objective"], float(value),
                               delta=1e-13 * max(1.0, float(value)))

    def test_more_ranks_than_rows(self):
        X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 0])
        data = write_data(self.folder / "data.h5", X, y)
        hashes = {self.train_hash(data, "--l2", "1e-3", out=f"run{n}", ranks=n) for n in (1, 5, 8)}
        self.assertEqual(len(hashes), 1)
        self.assert_optimal(self.folder / "run5", X, y, 1e-3)

    def test_one_row_and_one_feature(self):
        data = write_data(self.folder / "data.h5", np.array([[2.0]]), np.array([1]))
        # One row is one class: only the intercept matters, and nothing holds it.
        directory = self.train(data, "--l2", "1e-3", ranks=2)
        summary = read_summary(directory)
        self.assertEqual(summary["stop_reason"], "separable")
        self.assertTrue(np.isfinite(read_model(directory)[1]))

    def test_a_constant_and_a_zero_column_get_coefficients_of_zero(self):
        X, y = made_up(500, 5)
        X[:, 1], X[:, 3] = 7.25, 0.0
        data = write_data(self.folder / "data.h5", X, y)
        for l2 in ("0", "1e-2"):
            directory = self.train(data, "--l2", l2, out=f"run{l2}", ranks=2)
            w, _ = read_model(directory)
            self.assertEqual(w[3], 0)
            self.assertAlmostEqual(w[1], 0, delta=1e-9)
            self.assert_optimal(directory, X, y, float(l2))

    def test_a_huge_constant_column_changes_nothing_whatever_the_penalty(self):
        X, y = made_up(500, 4)
        plain = self.train(write_data(self.folder / "plain.h5", X, y), "--l2", "1e-3", out="plain")
        for value in (1.0, 1e18, -1e200):
            wide = np.column_stack([X, np.full(500, value)])
            data = write_data(self.folder / "wide.h5", wide, y)
            for initial in ("zeros", "ones") if value == 1.0 else ("zeros",):
                out = self.train(data, "--l2", "1e-3", "--initial", initial,
                                 out=f"{value}-{initial}", ranks=2)
                self.assertEqual(read_model(out)[0][4], 0)
                self.assertAlmostEqual(read_summary(out)["objective"],
                                       read_summary(plain)["objective"], delta=1e-14)

    def test_rows_of_weight_zero_change_nothing_whatever_they_hold(self):
        X, y = made_up(600, 3)
        plain = self.train(write_data(self.folder / "plain.h5", X, y), out="plain")
        fill = np.full((7, 3), 9.96921e36)
        mixed = self.folder / "mixed.h5"
        with h5py.File(mixed, "w") as file:
            file["X"] = np.vstack([fill, X[:300], -1e20 * fill, X[300:], fill])
            file["y"] = np.concatenate([np.ones(7), y[:300], np.ones(7), y[300:], np.ones(7)])
            file["s"] = np.concatenate([np.zeros(7), np.ones(300), np.zeros(7), np.ones(300),
                                        np.zeros(7)])
        weighted = self.train(mixed, "--weights-name", "s", out="weighted", ranks=3)
        np.testing.assert_allclose(read_model(weighted)[0], read_model(plain)[0], rtol=1e-9)
        self.assertAlmostEqual(read_summary(weighted)["objective"],
                               read_summary(plain)["objective"], delta=1e-14)

    def test_a_column_too_far_from_zero_is_named(self):
        X, y = made_up(300, 3)
        X[:, 2] += 1e13
        result = run("train", write_data(self.folder / "far.h5", X, y), "--l2", "1e-3",
                     "--max-iterations", "5", "--out", self.folder / "run", ranks=2)
        self.assert_ends(result, 0)
        self.assertIn("column 2 has a mean of 1e+13", result.stderr)

    def test_soft_labels_have_no_wrong_rows(self):
        X, y = made_up(100, 2)
        for name, labels in (("hard", y), ("soft", np.random.default_rng(1).random(100))):
            result = run("train", write_data(self.folder / f"{name}.h5", X, labels), "--out",
                         self.folder / name)
            self.assert_ends(result, 0)
            self.assertEqual("rows wrong" in result.stdout, name == "hard")
            for file in ("metrics.jsonl", "summary.json"):
                self.assertEqual("rows_wrong" in (self.folder / name / file).read_text(),
                                 name == "hard", file)

    def test_all_rows_of_one_class_end_with_finite_numbers_and_a_warning(self):
        X, _ = made_up(300, 3)
        for label in (0, 1):
            data = write_data(self.folder / f"{label}.h5", X, np.full(300, label))
            result = run("train", data, "--out", self.folder / f"run{label}", ranks=2)
            self.assert_ends(result, 0)
            self.assertIn("all rows are of one class: only the intercept", result.stderr)
            self.assertNotIn("the classes are separable", result.stderr)  # no penalty would help
            summary = read_summary(self.folder / f"run{label}")
            self.assertEqual(summary["stop_reason"], "separable")
            w, b = read_model(self.folder / f"run{label}")
            self.assertTrue(np.isfinite(w).all() and np.isfinite(b))
            self.assertEqual(b > 0, label == 1)

    def test_separable_classes_without_penalty_are_named_and_stay_finite(self):
        X, y = made_up(400, 6, noise=0.0)
        data = write_data(self.folder / "data.h5", X, y)
        for solver in ("lbfgs", "gd"):
            result = run("train", data, "--solver", solver, "--max-iterations", "300", "--out",
                         self.folder / solver, ranks=2)
            self.assert_ends(result, 0)
            self.assertIn("the classes are separable", result.stderr)
            summary = read_summary(self.folder / solver)
            self.assertTrue(summary["is_separable"])
            self.assertTrue(np.isfinite(read_model(self.folder / solver)[0]).all())
        self.assertEqual(read_summary(self.folder / "lbfgs")["stop_reason"], "separable")
        # With a penalty the optimum is finite, and nothing is said.
        result = run("train", data, "--l2", "1e-4", "--out", self.folder / "l2")
        self.assert_ends(result, 0)
        self.assertNotIn("separable", result.stderr + result.stdout)
        self.assertEqual(read_summary(self.folder / "l2")["stop_reason"], "converged")

    def test_a_row_twice_is_a_row_of_weight_two(self):
        X, y = made_up(600, 4)
        weights = np.random.default_rng(5).integers(0, 4, size=600).astype(float)
        weighted = self.folder / "weighted.h5"
        with h5py.File(weighted, "w") as file:
            file["X"], file["y"], file["s"] = X, y, weights
        repeats = weights.astype(int)
        repeated = write_data(self.folder / "repeated.h5", np.repeat(X, repeats, axis=0),
                              np.repeat(y, repeats))
        a = self.train(weighted, "--weights-name", "s", "--l2", "1e-3", out="a", ranks=3)
        b = self.train(repeated, "--l2", "1e-3", out="b", ranks=2)
        np.testing.assert_allclose(read_model(a)[0], read_model(b)[0], rtol=1e-7)
        self.assertAlmostEqual(read_summary(a)["objective"], read_summary(b)["objective"],
                               delta=1e-14)
        self.assert_optimal(b, np.repeat(X, repeats, axis=0), np.repeat(y, repeats), 1e-3)

    def test_an_empty_file_among_others(self):
        X, y = made_up(100, 3)
        one = self.train_hash(write_data(self.folder / "one.h5", X, y), out="one")
        empty = write_data(self.folder / "empty.h5", X[:0], y[:0])
        parts = [empty, write_data(self.folder / "a.h5", X[:30], y[:30]), empty,
                 write_data(self.folder / "b.h5", X[30:], y[30:]), empty]
        self.assertEqual(self.train_hash(*parts, out="parts", ranks=2), one)

    def test_columns_from_tiny_to_huge_converge(self):
        X, y = made_up(800, 5)
        scales = np.array([1e-250, 1e-20, 1.0, 1e20, 1e250])
        data = write_data(self.folder / "data.h5", X * scales, y)
        plain = self.train(write_data(self.folder / "plain.h5", X, y), out="plain")
        scaled = self.train(data, out="scaled", ranks=2)
        self.assertEqual(read_summary(scaled)["stop_reason"], "converged")
        np.testing.assert_allclose(read_model(scaled)[0] * scales, read_model(plain)[0], rtol=1e-6)

    def test_a_column_far_from_zero_converges(self):
        X, y = made_up(2000, 3)
        X = np.round(X * 2**20) / 2**20  # so that the shift is exact
        shifted = X.copy()
        shifted[:, 1] += 1.6e6
        plain = self.train(write_data(self.folder / "plain.h5", X, y), out="plain")
        far = self.train(write_data(self.folder / "far.h5", shifted, y), out="far", ranks=2)
        self.assertIn(read_summary(far)["stop_reason"], ("converged", "precision_limit"))
        self.assertAlmostEqual(read_summary(far)["loss"], read_summary(plain)["loss"], delta=1e-9)

    def test_a_column_whose_first_rows_are_unlike_the_others_is_not_lost(self):
        X, y = made_up(4000, 3, seed=11)
        late = X.copy()
        late[:20, 1] = late[0, 1]  # a constant start
        for name, scale, shift in (("tiny", 1e-11, 0.0), ("huge", 1e285, 0.0), ("far", 1e-8, 1.0),
                                   ("lowest", 1e-200, 0.0)):
            values = late.copy()
            values[:, 1] = (late[:, 1] - late[0, 1]) * scale + shift
            typical = np.roll(values, -100, axis=0)
            l2 = "0"
            first = self.train(write_data(self.folder / f"{name}.h5", values, y), "--l2", l2,
                               out=name, ranks=2)
            rolled = self.train(write_data(self.folder / f"{name}-rolled.h5", typical,
                                           np.roll(y, -100)), "--l2", l2, out=f"{name}-rolled")
            self.assertNotEqual(read_model(first)[0][1], 0, name)
            a, b = read_summary(first), read_summary(rolled)
            self.assertEqual(a["stop_reason"], b["stop_reason"], name)
            # The margins of the far column have half of the digits.
            self.assertAlmostEqual(a["objective"] / b["objective"], 1,
                                   delta=1e-9 if name == "far" else 1e-12, msg=name)
            # Another command, another way through the data: the same loss.
            told = run("evaluate", first / "model.h5", self.folder / f"{name}.h5", "--json")
            self.assert_ends(told, 0)
            self.assertAlmostEqual(json.loads(told.stdout)["log_loss"] / a["loss"], 1, delta=1e-12)

    def test_a_huge_value_in_one_row_does_not_end_training_before_the_optimum_of_the_others(self):
        X, y = made_up(1000, 3)
        others = self.train(write_data(self.folder / "others.h5", X[:-1], y[:-1]), out="others")
        # Its margin is so large that the row adds nothing.
        best = read_summary(others)["objective"] * 999 / 1000
        y[-1] = 1
        for solver, value, row in (("newton", 1e11, -1), ("newton", 1e15, 3),
                                   ("newton-cg", 1e12, -1), ("lbfgs", 1e12, -1)):
            stretched = np.vstack([X[:-1], X[-1:]])
            stretched[-1] = [value, 0, 0]
            order = np.insert(np.arange(999), row % 1000, 999)
            data = write_data(self.folder / "data.h5", stretched[order], y[order])
            out = self.folder / f"{solver}{value}"
            result = run("train", data, "--solver", solver, "--out", out, ranks=2)
            self.assert_ends(result, 0)
            self.assertIn("warning: column 0 has a standard deviation of", result.stderr)
            self.assertAlmostEqual(read_summary(out)["objective"], best, delta=1e-9)

    def test_first_rows_of_hardly_any_weight_do_not_set_the_scale(self):
        X, y = made_up(3000, 3, seed=12)
        weights = np.ones(len(y))
        weights[:15] = 1e-30
        X[:15] *= 1e12
        data = self.folder / "data.h5"
        with h5py.File(data, "w") as file:
            file["X"], file["y"], file["w"] = X, y, weights
        out = self.train(data, "--weights-name", "w", out="weighted", ranks=3)
        plain = self.train(write_data(self.folder / "plain.h5", X[15:], y[15:]), out="plain")
        np.testing.assert_allclose(read_model(out)[0], read_model(plain)[0], rtol=1e-6)

    def test_a_row_of_weight_zero_may_have_any_margin(self):
        X, y = made_up(1000, 3, seed=13)
        weights = np.ones(len(y))
        weights[500], X[500] = 0.0, 1e308
        data = self.folder / "data.h5"
        with h5py.File(data, "w") as file:
            file["X"], file["y"], file["w"] = X, y, weights
        for solver in ("newton", "newton-cg", "lbfgs"):
            out = self.train(data, "--weights-name", "w", "--l2", "1e-3", "--solver", solver,
                             out=solver, ranks=2)
            self.assertEqual(read_summary(out)["stop_reason"], "converged", solver)
        told = run("evaluate", self.folder / "lbfgs" / "model.h5", data, "--weights-name", "w",
                   "--json")
        self.assert_ends(told, 0)
        self.assertAlmostEqual(json.loads(told.stdout)["log_loss"],
                               read_summary(self.folder / "lbfgs")["loss"], delta=1e-14)

    def test_row_weights_beyond_double_arithmetic_are_refused_by_every_command(self):
        X, y = made_up(500, 3)
        model = self.train(write_data(self.folder / "good.h5", X, y), out="good") / "model.h5"
        for weight, word in ((1e306, "large"), (1e-300, "small"), (5e-324, "small")):
            data = self.folder / f"{word}.h5"
            with h5py.File(data, "w") as file:
                file["X"], file["y"], file["w"] = X, y, np.full(len(y), weight)
            for command in (("train", data, "--out", self.folder / "none"),
                            ("evaluate", model, data)):
                result = run(*command, "--weights-name", "w", ranks=2)
                self.assert_ends(result, 3)
                about = {"large": r"about 1e30\d", "small": "below 1e-271"}[word]
                self.assertRegex(result.stderr,
                                 rf"the row weights are so {word} \(sums of them are {about}\)")

    def test_soft_labels_without_intercept_and_initial_parameters(self):
        X, _ = made_up(700, 4)
        y = np.random.default_rng(8).uniform(size=700)
        data = write_data(self.folder / "data.h5", X, y)
        soft = self.train(data, "--l2", "1e-3", out="soft", ranks=2)
        self.assert_optimal(soft, X, y, 1e-3)
        without = self.train(data, "--intercept", "no", out="without", ranks=2)
        w, b = read_model(without)
        self.assertEqual(b, 0)
        self.assertLess(float(np.abs(gradient(X, y, w, 0.0, 0.0)[:-1] / X.std(0)).max()), 1e-7)
        for initial in ("ones", soft / "model.h5"):
            again = self.train(data, "--l2", "1e-3", "--initial", initial,
                               out=f"from-{str(initial)[-4:]}", ranks=2)
            np.testing.assert_allclose(read_model(again)[0], read_model(soft)[0], rtol=1e-6)
        self.assertLessEqual(read_summary(again)["iterations"], 2)

    def test_more_than_two_dimensions_are_flattened(self):
        X, y = made_up(300, 12)
        flat = self.train_hash(write_data(self.folder / "flat.h5", X, y), out="flat")
        cube = write_data(self.folder / "cube.h5", X.reshape(300, 2, 3, 2), y.reshape(-1, 1))
        self.assertEqual(self.train_hash(cube, out="cube", ranks=2), flat)

    def test_a_learning_rate_that_diverges_is_exit_code_5(self):
        X, y = made_up(200, 3)
        data = write_data(self.folder / "data.h5", X, y)
        # Not quite as bad: finite, but higher than at the start.
        result = run("train", data, "--solver", "gd", "--learning-rate", "1e3", "--l2", "1",
                     "--max-iterations", "5", "--out", self.folder / "high", ranks=2)
        self.assert_ends(result, 0)
        self.assertIn("smaller --learning-rate", result.stderr)
        result = run("train", data, "--solver", "gd", "--learning-rate", "1e200", "--l2", "10",
                     "--out", self.folder / "run", ranks=2)
        self.assert_ends(result, 5)
        self.assertIn("--learning-rate", result.stderr)
        self.assertFalse((self.folder / "run" / "model.h5").exists())


class Labels(AppTest):
    def train_labels(self, name, labels, *options):
        X, _ = made_up(200, 3)
        path = self.folder / f"{name}.h5"
        with h5py.File(path, "w") as file:
            file["X"] = X
            file.create_dataset("y", data=labels)
        return self.train_hash(path, "--l2", "1e-3", *options, out=name, ranks=2)

    def test_every_way_to_write_two_classes_gives_one_model(self):
        y = made_up(200, 3)[1].astype(int)
        one = self.train_labels("plain", y)
        self.assertEqual(self.train_labels("signs", 2 * y - 1), one)
        self.assertEqual(self.train_labels("float", (2.0 * y - 1)), one)
        self.assertEqual(self.train_labels("bool", y.astype(bool)), one)
        self.assertEqual(self.train_labels("true", y.astype(bool), "--positive-label", "True"), one)
        self.assertEqual(self.train_labels("false", y == 0, "--positive-label", "False"), one)
        self.assertEqual(self.train_labels("column", y.reshape(-1, 1)), one)
        self.assertEqual(self.train_labels("row", y.reshape(1, -1)), one)
        self.assertEqual(self.train_labels("two", 2 - y, "--positive-label", "1"), one)
        texts = np.where(y == 1, "signal", "noise")
        self.assertEqual(self.train_labels("fixed", texts.astype("S"), "--positive-label",
                                           "signal"), one)
        self.assertEqual(self.train_labels("variable", texts.astype(object), "--positive-label",
                                           "signal"), one)
        kind = h5py.enum_dtype({"noise": 7, "signal": 9}, basetype="i2")
        self.assertEqual(self.train_labels("enum", np.where(y == 1, 9, 7).astype("i2").astype(kind),
                                           "--positive-label", "signal"), one)


class Commands(AppTest):
    def setUp(self):
        super().setUp()
        self.X, self.y = made_up(900, 4, seed=11)
        self.data = write_data(self.folder / "data.h5", self.X, self.y)
        self.model = self.train(self.data, "--l2", "1e-3") / "model.h5"
        w, b = read_model(self.folder / "run")
        self.p = 1 / (1 + np.exp(-(self.X @ w + b)))

    def test_predict_writes_probabilities_or_classes_in_row_order(self):
        for end in (".csv", ".h5"):
            out = self.folder / f"p{end}"
            self.assert_ends(run("predict", self.model, self.data, "--out", out, ranks=3), 0)
            classes = self.folder / f"c{end}"
            self.assert_ends(run("predict", self.model, self.data, "--out", classes, "--threshold",
                                 "0.25", ranks=2), 0)
            if end == ".csv":
                p = np.loadtxt(out, skiprows=1)
                c = np.loadtxt(classes, skiprows=1)
            else:
                p = h5py.File(out)["probability"][...]
                c = h5py.File(classes)["class"][...]
            np.testing.assert_allclose(p, self.p, rtol=1e-12)
            np.testing.assert_array_equal(c, self.p > 0.25)

    def test_evaluate_counts_as_numpy_does(self):
        for threshold in ("0.5", "0.8"):
            result = run("evaluate", self.model, self.data, "--threshold", threshold, "--json",
                         ranks=3)
            self.assert_ends(result, 0)
            scores = json.loads(result.stdout)
            says, is_one = self.p > float(threshold), self.y == 1
            expected = {"true_positives": (says & is_one).sum(),
                        "false_positives": (says & ~is_one).sum(),
                        "true_negatives": (~says & ~is_one).sum(),
                        "false_negatives": (~says & is_one).sum()}
            self.assertEqual(scores["confusion"], expected)
            self.assertAlmostEqual(scores["accuracy"], (says == is_one).mean(), delta=1e-15)
            self.assertAlmostEqual(scores["precision"], is_one[says].mean(), delta=1e-15)
            self.assertAlmostEqual(scores["recall"], says[is_one].mean(), delta=1e-15)
            self.assertAlmostEqual(scores["f1"], 2 * (says & is_one).sum() /
                                   (says.sum() + is_one.sum()), delta=1e-15)
            loss = -np.where(is_one, np.log(self.p), np.log1p(-self.p)).mean()
            self.assertAlmostEqual(scores["log_loss"], loss, delta=1e-12)

    def test_checkpoints_without_a_given_interval_leave_most_of_the_time_to_training(self):
        X, y = made_up(50, 2)
        data = write_data(self.folder / "data.h5", X, y)
        written = {}
        for name, options in (("given", ("--checkpoint-every", 10)), ("spared", ())):
            out = self.train(data, "--solver", "gd", "--learning-rate", "1e-3", "--tolerance", 0,
                             "--max-iterations", 500, "--keep-checkpoints", 1000, *options,
                             out=name, ranks=2)
            written[name] = len(list((out / "checkpoints").glob("*.h5")))
        # Ten of these iterations are much shorter than a checkpoint.
        self.assertEqual(written["given"], 50)
        self.assertLess(written["spared"], 25)

    def test_quiet_prints_the_result_alone_and_help_needs_nothing_else(self):
        result = run("train", self.data, "--l2", "1e-3", "--out", self.folder / "q", "--quiet")
        self.assert_ends(result, 0)
        # (MPI may have remarks of its own on an odd machine.)
        self.assertNotIn("iteration", result.stderr)
        self.assertNotIn("paralogit", result.stderr)
        self.assertIn("model_sha256", result.stdout)
        for arguments in (("--help",), ("--version",), ("train", "--help"), ("generate", "--help")):
            result = run(*arguments, ranks=2)
            self.assert_ends(result, 0)
            self.assertNotIn("error", result.stderr)
        self.assert_ends(run(), 2)

    def test_predict_does_not_replace_its_input(self):
        before = self.data.read_bytes()
        for out, inputs in ((self.data, (self.model, self.data)),
                            (self.model, (self.model, self.data))):
            result = run("predict", *inputs, "--out", out, "--overwrite", ranks=2)
            self.assert_ends(result, 2)
            self.assertIn("would replace the input", result.stderr)
        self.assertEqual(self.data.read_bytes(), before)

    def test_a_full_log_is_no_reason_to_stop_but_lost_results_are_an_error(self):
        shell = f"'{BINARY}' train '{self.data}' --verbose --out '{self.folder}/x' >/dev/null 2>/dev/full"
        self.assertEqual(subprocess.run(shell, shell=True, check=False).returncode, 0)
        shell = f"'{BINARY}' train '{self.data}' --out '{self.folder}/lost' >/dev/full"
        lost = subprocess.run(shell, shell=True, timeout=60, check=False, capture_output=True)
        self.assertEqual(lost.returncode, 0)
        self.assertIn(f"the results are in {self.folder}/lost", lost.stderr.decode())
        self.assertTrue((self.folder / "lost" / "model.h5").exists())
        (self.folder / "rows.csv").write_text("a,y\n1.5,0\n2.5,1\n")
        shell = f"'{BINARY}' convert '{self.folder}/rows.csv' '{self.folder}/rows.h5' >/dev/full"
        lost = subprocess.run(shell, shell=True, timeout=60, check=False, capture_output=True)
        self.assertEqual(lost.returncode, 0)
        self.assertIn(f"the results are in {self.folder}/rows.h5", lost.stderr.decode())
        shell = f"'{BINARY}' evaluate '{self.model}' '{self.data}' >/dev/full 2>/dev/null"
        self.assertEqual(subprocess.run(shell, shell=True, check=False).returncode, 6)
        for asked in ("--help", "--version", "--help-markdown", "train --help"):
            lost = subprocess.run(f"'{BINARY}' {asked} >/dev/full", shell=True, check=False,
                                  capture_output=True)
            self.assertEqual(lost.returncode, 6, asked)
            self.assertIn("stdout cannot be written", lost.stderr.decode())

    def test_a_reader_of_the_log_that_goes_away_does_not_end_the_run(self):
        shell = (f"'{BINARY}' train '{self.data}' --verbose --out '{self.folder}/x' 2>&1 | head -1"
                 "; exit ${PIPESTATUS[0]}")
        subprocess.run(["bash", "-c", shell], check=False, capture_output=True)
        self.assertTrue((self.folder / "x" / "model.h5").exists())

    def test_feature_names_need_not_be_utf8(self):
        path = self.folder / "latin.h5"
        with h5py.File(path, "w") as file:
            file["X"], file["y"] = self.X, self.y
            file["feature_names"] = np.array([b"Gr\xf6\xdfe", b"b", b"c", b"d"])
        out = self.train(path, "--l2", "1", out="latin", ranks=2)
        self.assert_ends(run("evaluate", out / "model.h5", path, ranks=2), 0)

    def test_generate_makes_what_was_asked_for(self):
        out = self.folder / "g.h5"
        self.assert_ends(run("generate", out, "--rows", 20000, "--features", 5, "--correlation",
                             "0.6", "--scale-decades", "2", "--type", "float64", "--seed", "7",
                             ranks=2), 0)
        with h5py.File(out) as file:
            X, y = file["X"][...], file["y"][...]
        np.testing.assert_allclose(abs(np.log10(X.std(0)[-1] / X.std(0)[0])), 2, atol=0.05)
        upper = np.corrcoef(X.T)[np.triu_indices(5, 1)]
        np.testing.assert_allclose(upper, 0.6, atol=0.03)
        self.assertTrue(0.3 < y.mean() < 0.7)
        # Separable when there is no noise.
        clean = self.folder / "clean.h5"
        self.assert_ends(run("generate", clean, "--rows", 500, "--features", 3, "--noise", 0), 0)
        self.assertTrue(read_summary(self.train(clean, out="clean"))["is_separable"])


class Readme(AppTest):
    def test_its_option_tables_are_those_of_the_program(self):
        from support import SOURCE
        readme = (SOURCE / "README.md").read_text()
        tables = run("--help-markdown").stdout.strip()
        begin, end = "<!-- begin: paralogit --help-markdown -->", "<!-- end -->"
        self.assertEqual(readme.split(begin)[1].split(end)[0].strip(), tables)

    def test_every_config_runs(self):
        from support import SOURCE
        for config in sorted((SOURCE / "configs").glob("*.conf")):
            with self.subTest(config=config.name):
                # One that names a model is for predicting.
                predicts = "\nmodel = " in config.read_text()
                command = ("predict", ".csv") if predicts else ("train", "")
                out = self.folder / f"{config.stem}{command[1]}"
                self.assert_ends(run(command[0], "--config", config, "--out", out, ranks=2,
                                     cwd=SOURCE), 0)


if __name__ == "__main__":
    unittest.main()
