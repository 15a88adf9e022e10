#!/usr/bin/python3
"""Penalties that are not smooth: the model fulfils the conditions of an optimum, computed here."""
import json
import unittest

import h5py
import numpy as np

from support import AppTest, gradient, made_up, objective, read_model, read_summary, run, write_data


def failure(X, y, w, b, l1=0.0, l2=0.0, lower=-np.inf, upper=np.inf):
    """The largest amount by which (w, b) fails the conditions of an optimum, each feature's in units
    of its standard deviation. `l1`, `l2` and the bounds are numbers or one number per feature."""
    l1, l2, lower, upper = (np.broadcast_to(v, w.shape) for v in (l1, l2, lower, upper))
    g = np.asarray(gradient(X, y, w, b, 0.0), dtype=float)
    slope, of_intercept = g[:-1] + l2 * w, g[-1]
    assert (w >= lower).all() and (w <= upper).all()
    to_the_right = slope + np.where(w >= 0, l1, -l1)
    to_the_left = slope + np.where(w > 0, l1, -l1)
    fails = np.maximum(np.where(w < upper, -to_the_right, 0), np.where(w > lower, to_the_left, 0))
    # The solver's intercept takes up the means, so a feature's slope is about its mean.
    return max(np.max(np.maximum(fails, 0) / np.std(X, axis=0)), abs(of_intercept))


class Penalty(AppTest):
    @classmethod
    def setUpClass(cls):
        cls.X, cls.y = made_up(3000, 24, noise=2.0)
        # Some features that say nothing, and two that are nearly alike.
        cls.X = np.hstack([cls.X, np.random.default_rng(5).normal(size=(3000, 8))])
        cls.X[:, -1] = cls.X[:, 0] + 1e-3 * cls.X[:, -2]

    def data(self, X=None, y=None, name="data"):
        return write_data(self.folder / f"{name}.h5", self.X if X is None else X,
                          self.y if y is None else y)

    def check(self, data, *options, out="run", ranks=None, X=None, y=None, tolerance=1e-8, **expected):
        X = self.X if X is None else X
        y = self.y if y is None else y
        directory = self.train(data, *options, out=out, ranks=ranks)
        w, b = read_model(directory)
        summary = read_summary(directory)
        self.assertEqual(summary["stop_reason"], "converged")
        self.assertLess(failure(X, y, w, b, **expected), tolerance)
        self.assertEqual(summary["nonzeros"], np.count_nonzero(w))
        return w, b, summary

    def test_the_scale_of_standard_deviations_has_one_objective_in_any_unit_or_none(self):
        X, y = self.X[:200, :3], self.y[:200]
        options = ("--penalty-scale", "standardized", "--l2", "0.1")
        values = []
        for exponent in (0, -140, 140):
            data = self.data(X * 10.0**exponent, y, f"units{exponent}")
            values.append(read_summary(self.train(data, *options, out=str(exponent)))["objective"])
        np.testing.assert_allclose(values, values[0], rtol=1e-12)
        for exponent, word in ((-170, "small"), (-158, "small"), (160, "large")):
            data = self.data(X * 10.0**exponent, y, f"units{exponent}")
            result = run("train", data, *options, "--out", self.folder / "refused")
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(f"is too {word} to be squared in double arithmetic", result.stderr)

    def test_the_model_fulfils_the_conditions_of_an_optimum_with_exact_zeros(self):
        data = self.data()
        for l1, l2, most, least in ((0.01, 0, 30, 1), (0.05, 0, 15, 1), (0.001, 0.01, 32, 10)):
            w, b, summary = self.check(data, "--l1", l1, "--l2", l2, out=f"{l1}-{l2}", ranks=2,
                                       l1=l1, l2=l2)
            self.assertTrue(least <= np.count_nonzero(w) <= most, np.count_nonzero(w))
            value = objective(self.X, self.y, w, b, l2) + l1 * np.abs(w).sum()
            self.assertAlmostEqual(summary["objective"], float(value), delta=1e-13)
            self.assertEqual((summary["l1"], summary["l2"]), (l1, l2))
            last = json.loads((self.folder / f"{l1}-{l2}" / "metrics.jsonl").read_text()
                              .splitlines()[-1])
            self.assertEqual(last["nonzeros"], np.count_nonzero(w))

    def test_without_intercept_or_standardised_variables_the_optimum_is_one_too(self):
        X = self.X[:, :6]
        data = self.data(X)
        w, b, _ = self.check(data, "--l1", 0.02, "--standardize", "no", X=X, l1=0.02)
        directory = self.train(data, "--l1", 0.02, "--intercept", "no", out="none")
        w, b = read_model(directory)
        self.assertEqual(b, 0)
        slope = np.asarray(gradient(X, self.y, w, 0.0, 0.0), dtype=float)[:-1]
        np.testing.assert_allclose(slope[w != 0], -0.02 * np.sign(w[w != 0]), atol=1e-7)
        self.assertTrue((np.abs(slope[w == 0]) <= 0.02).all())

    def test_a_penalty_that_is_too_large_leaves_the_intercept_alone(self):
        w, b, summary = self.check(self.data(), "--l1", 1000, l1=1000)
        self.assertEqual(summary["nonzeros"], 0)
        share = self.y.mean()
        self.assertAlmostEqual(b, np.log(share / (1 - share)), delta=1e-8)

    def test_any_ranks_and_threads_give_the_same_bits(self):
        data = self.data()
        hashes = {read_summary(self.train(data, "--l1", "3e-3", "--l2", "1e-4", "--threads", threads,
                                          out=f"r{ranks}-{threads}", ranks=ranks))["model_sha256"]
                  for ranks, threads in ((1, 1), (2, 2), (3, 1), (5, 2))}
        self.assertEqual(len(hashes), 1)

    def test_resuming_after_every_iteration_gives_the_model_of_the_whole_run(self):
        for solver, tolerance in (("prox-newton", "1e-9"), ("owl-qn", "0.005")):
            options = (self.data(), "--l1", "3e-3", "--l2", "1e-4", "--lower", "-0.2",
                       "--checkpoint-every", "1", "--solver", solver, "--tolerance", tolerance)
            whole = read_summary(self.train(*options, out=f"whole-{solver}", ranks=None))
            for stop in range(whole["iterations"] + 1):
                self.train(*options, "--resume", "--max-iterations", stop, out=f"parts-{solver}",
                           ranks=(None, 2, 3)[stop % 3])
            last = read_summary(self.folder / f"parts-{solver}")
            self.assertEqual(last["iterations"], whole["iterations"])
            self.assertEqual(last["model_sha256"], whole["model_sha256"])

    def test_a_run_is_not_resumed_under_another_penalty(self):
        data = self.data()
        self.train(data, "--l1", "3e-3", "--max-iterations", 1)
        result = run("train", data, "--l1", "4e-3", "--out", self.folder / "run", "--resume")
        self.assert_ends(result, 4)
        self.assertIn("--l1", result.stderr)

    def test_sparse_rows_give_the_model_of_dense_ones(self):
        # More features than a Hessian always has.
        random = np.random.default_rng(3)
        X = np.where(random.random((800, 400)) < 0.1, random.normal(size=(800, 400)), 0)
        y = (X[:, :5].sum(axis=1) + random.logistic(size=800) > 0.3).astype(np.uint8)
        rows, columns = np.nonzero(X)
        sparse = self.folder / "sparse.h5"
        with h5py.File(sparse, "w") as file:
            group = file.create_group("X")
            group["data"], group["indices"] = X[rows, columns], columns.astype(np.int32)
            group["indptr"] = np.searchsorted(rows, np.arange(len(X) + 1))
            group.attrs["shape"] = X.shape
            file["y"] = y
        w, b, summary = self.check(sparse, "--l1", "5e-3", X=X, y=y, l1=5e-3)
        self.assertTrue(0 < summary["nonzeros"] < 200)
        dense = self.data(X, y, "dense")
        w2, b2, _ = self.check(dense, "--l1", "5e-3", out="dense", X=X, y=y, l1=5e-3)
        np.testing.assert_allclose(w, w2, atol=1e-7)
        np.testing.assert_array_equal(w == 0, w2 == 0)
        for ranks, threads in ((2, 1), (3, 2)):
            again = self.train_hash(sparse, "--l1", "5e-3", "--threads", threads, out=f"s{ranks}",
                                    ranks=ranks)
            self.assertEqual(again, summary["model_sha256"])

    def test_a_solver_that_needs_a_smooth_objective_says_which_does_not(self):
        data = self.data()
        for solver in ("newton", "newton-cg", "lbfgs", "gd"):
            result = run("train", data, "--l1", "0.1", "--solver", solver, "--out",
                         self.folder / "run")
            self.assert_ends(result, 2)
            self.assertIn("--solver prox-newton", result.stderr)
        result = run("train", data, "--l1", "-1", "--out", self.folder / "run")
        self.assert_ends(result, 2)

    def test_the_solvers_for_kinks_minimise_a_smooth_objective_too(self):
        data = self.data()
        for solver in ("prox-newton", "owl-qn"):
            for l2 in (0, 1e-3):
                self.check(data, "--solver", solver, "--l2", l2, out=f"{solver}-{l2}", l2=l2)

    def test_a_factor_per_feature_multiplies_its_penalty(self):
        X = self.X[:, :6]
        names = [b"a", b"b", b"c", b"d", b"e", b"f"]
        data = self.data(X)
        with h5py.File(data, "a") as file:
            file["feature_names"] = names
            file["factors"] = np.array([0, 1, 2, 0.5, 1e6, 1])
        factors = np.array([0, 1, 2, 0.5, 1e6, 1])
        texts = {"names.txt": "# names\na 0\nc 2 # twice\nd +0.5\ne 1e6\n",
                 "numbers.txt": "0\n1\n2\n0.5\n1e6\n1\n"}
        hashes = set()
        for k, source in enumerate((f"{data}:/factors", *texts)):
            path = source
            if source in texts:
                path = self.folder / source
                path.write_text(texts[source])
            w, b, summary = self.check(data, "--l1", 0.05, "--l2", 0.01, "--penalty-factors", path,
                                       out=f"f{k}", ranks=(None, 2, 3)[k], X=X, l1=0.05 * factors,
                                       l2=0.01 * factors)
            hashes.add(summary["model_sha256"])
        self.assertEqual(len(hashes), 1)
        self.assertNotEqual(w[0], 0)
        self.assertEqual(w[4], 0)
        # Without l1 any solver takes factors.
        for solver in ("newton", "newton-cg", "lbfgs"):
            self.check(data, "--l2", 0.01, "--solver", solver, "--penalty-factors",
                       f"{data}:/factors", out=solver, X=X, l2=0.01 * factors)

    def test_bounds_hold_exactly_at_the_optimum_within_them(self):
        X = self.X[:, :8]
        data = self.data(X)
        free, _, _ = self.check(data, "--l2", "1e-3", X=X, l2=1e-3)
        self.assertLess(free.min(), -0.05)
        for k, (lower, upper) in enumerate(((0, np.inf), (-0.3, 0.1), (0.01, 0.07))):
            options = ["--lower", lower] + ([] if upper == np.inf else ["--upper", upper])
            w, _, _ = self.check(data, "--l2", "1e-3", *options, out=f"b{k}", ranks=(None, None, 2)[k], X=X,
                                 l2=1e-3, lower=lower, upper=upper)
            self.assertIn(lower, w)
        self.check(data, "--l1", "1e-3", "--lower", -0.03, "--solver", "owl-qn", out="owl", X=X,
                   l1=1e-3, lower=-0.03)
        bounds = self.folder / "upper.txt"
        bounds.write_text("0.1\ninf\n0\n-2\n1\n1\n1\n1\n")
        upper = np.array([0.1, np.inf, 0, -2, 1, 1, 1, 1])
        w, _, _ = self.check(data, "--l2", "1e-3", "--upper", bounds, out="each", X=X, l2=1e-3,
                             upper=upper)
        self.assertEqual(w[3], -2)

    def test_a_constant_column_stays_within_its_bounds(self):
        X = np.hstack([self.X[:, :3], np.full((len(self.X), 1), 7.0)])
        directory = self.train(self.data(X), "--l2", "1e-3", "--lower", 0.25, ranks=None)
        w, b = read_model(directory)
        self.assertEqual(w[3], 0.25)
        slope = np.asarray(gradient(X, self.y, w, b, 0.0), dtype=float)
        self.assertLess(abs(slope[-1]), 1e-9)

    def test_strengths_in_the_words_of_other_tools_give_the_same_bits(self):
        data = self.data()
        rows = len(self.X)
        own = {name: read_summary(self.train(data, *options, out=f"own-{name}",
                                        ranks=None))["model_sha256"]
               for name, options in (("mix", ("--l1", "0.005", "--l2", "0.015")),
                                     ("l1", ("--l1", "0.02")), ("l2", ("--l2", "0.02")))}
        for k, (name, *options) in enumerate((
                ("mix", "--penalty", "elasticnet", "--lambda", "0.02", "--l1-ratio", "0.25"),
                ("l1", "--penalty", "l1", "--lambda", "0.02"),
                ("l2", "--penalty", "l2", "--C", repr(1 / (0.02 * rows))))):
            directory = self.train(data, *options, out=f"other-{k}", ranks=None)
            self.assertEqual(read_summary(directory)["model_sha256"], own[name], name)

    def test_a_contradiction_among_penalties_is_named(self):
        data = self.data(self.X[:, :3])
        text = self.folder / "text"
        text.write_text("1\nx 2\n")
        for options, said in (
                (("--penalty", "l1"), "--lambda"),
                (("--penalty", "l1", "--C", "1", "--lambda", "1"), "--lambda"),
                (("--penalty", "elasticnet", "--C", "1"), "--l1-ratio"),
                (("--penalty", "l2", "--C", "1", "--l1-ratio", "0.5"), "--l1-ratio"),
                (("--penalty", "l2", "--C", "0"), "--C 0"),
                (("--penalty", "none", "--C", "1"), "--C"),
                (("--penalty", "l2", "--C", "1", "--l1", "1"), "--l1 1"),
                (("--C", "1"), "--penalty"),
                (("--lower", "1", "--upper", "0"), "column 0"),
                (("--lower", "nowhere"), "no such file"),
                (("--l1", "1", "--penalty-factors", "-1"),
                 "--penalty-factors: expected a finite number >= 0, found -1"),
                (("--l2", "1", "--penalty-factors", text), "has no names"),
                (("--lower", "nan"), "--lower: expected a number, found nan")):
            result = run("train", data, *options, "--out", self.folder / "none")
            self.assert_ends(result, 2)
            self.assertIn(said, result.stderr)
            self.assertFalse((self.folder / "none").exists())

    def test_sparse_features_without_entries_are_at_their_bounds_and_count(self):
        random = np.random.default_rng(5)
        X = np.where(random.random((300, 8)) < 0.4, random.integers(1, 9, (300, 8)), 0)
        X = np.hstack([X, np.zeros((300, 400))]).astype(np.uint8)
        y = random.integers(0, 2, 300)
        dense = write_data(self.folder / "dense.h5", X, y)
        with h5py.File(self.folder / "sparse.h5", "w") as file:
            rows, columns = np.nonzero(X)
            group = file.create_group("X")
            group["data"], group["indices"] = X[rows, columns], columns
            group["indptr"] = np.concatenate([[0], np.cumsum((X != 0).sum(1))])
            group.attrs["shape"], file["y"] = X.shape, y
        bounds = self.folder / "bounds.txt"
        bounds.write_text("0\n" * 407 + "0.25\n")
        for options in (("--lower", 0.5, "--upper", 2), ("--upper", -0.125), ("--lower", bounds)):
            arguments = ("--l2", "1e-2", *options, "--verify")
            of_dense, of_sparse = (
                read_summary(self.train(data, *arguments, "--overwrite", out="run", ranks=None))
                for data in (dense, self.folder / "sparse.h5"))
            self.assertAlmostEqual(of_sparse["objective"] / of_dense["objective"], 1, delta=1e-12)
            self.assertEqual(of_sparse["nonzeros"], of_dense["nonzeros"])

    def test_a_name_of_a_feature_may_have_blanks(self):
        data = self.data(self.X[:, :3])
        with h5py.File(data, "a") as file:
            file["feature_names"] = np.array([b"city=New York", b"b", b"c"])
        text = self.folder / "text"
        text.write_text("  city=New York \t 0 # free\n")
        free = self.train(data, "--l2", "10", "--penalty-factors", text, out="free", ranks=None)
        w, _ = read_model(free)
        self.assertGreater(abs(w[0]), 10 * abs(w[1:]).max())

    def test_a_name_of_two_features_is_an_error(self):
        data = self.data(self.X[:, :3])
        with h5py.File(data, "a") as file:
            file["feature_names"] = np.array([b"a", b"b", b"a"])
        text = self.folder / "text"
        for line, code in (("a 2", 2), ("b 2", 0)):
            text.write_text(f"{line}\n")
            result = run("train", data, "--l2", "1", "--penalty-factors", text, "--out",
                         self.folder / line)
            self.assert_ends(result, code)
            self.assertEqual("two features are called 'a', columns 0 and 2" in result.stderr,
                             code == 2)

    def test_a_feature_that_stands_twice_in_a_file_is_an_error(self):
        data = self.data(self.X[:, :3])
        with h5py.File(data, "a") as file:
            file["feature_names"] = np.array([b"a", b"b", b"c"])
        text = self.folder / "text"
        for lines, code in (("b 0\n# b\na 1\nb 0\n", 2), ("b 0\na 1\n", 0)):
            text.write_text(lines)
            for option in ("--upper", "--penalty-factors"):
                result = run("train", data, "--l2", "1", option, text, "--overwrite", "--out",
                             self.folder / "run")
                self.assert_ends(result, code)
                self.assertEqual(f"{text} line 4: 'b' has a number in line 1 already"
                                 in result.stderr, code == 2, result.stderr)

    def test_separable_classes_have_a_finite_optimum(self):
        X = self.X[:400, :5]
        y = (X[:, 0] > X[:, 0].mean()).astype(np.uint8)
        w, b, summary = self.check(self.data(X, y), "--l1", "1e-3", X=X, y=y, l1=1e-3)
        self.assertFalse(summary["is_separable"])


if __name__ == "__main__":
    unittest.main()
