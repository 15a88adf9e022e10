#!/usr/bin/python3
"""`--inference` gives what R's summary(glm) gives (tests/golden/inference.json)."""
import csv
import json
import sys
import unittest

import h5py
import numpy as np

from support import IRIS, REAL_DATA, SOURCE, AppTest, add_real_sets, read_model, read_summary, run

GOLDEN = json.loads((SOURCE / "tests" / "golden" / "inference.json").read_text())
COLUMNS = ("estimate", "standard_error", "z", "p", "lower", "upper", "robust_standard_error")
NUMBERS = ("null_deviance", "residual_deviance", "aic", "bic", "log_likelihood",
           "null_degrees_of_freedom", "residual_degrees_of_freedom")


def path_of(name):
    return IRIS if GOLDEN[name]["file"] == "iris.h5" else REAL_DATA / "hdf5" / GOLDEN[name]["file"]


def statistics_of(directory):
    return json.loads((directory / "inference.json").read_text())


def column(statistics, name):
    return np.array([np.nan if row[name] is None else row[name]
                     for row in statistics["parameters"]])


def noisy(rows, features, seed):
    """Features, labels that are not separable, and row weights, some of them 0."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, features)) * np.logspace(-1, 2, features) + 5
    y = (random.random(rows) < 1 / (1 + np.exp(-(X[:, 0] - 5) * 5))).astype(np.uint8)
    return X, y, random.integers(0, 4, rows) / 2


class Inference(AppTest):
    def write(self, X, y, weights=None, names=None, file="data.h5"):
        path = self.folder / file
        with h5py.File(path, "w") as data:
            data["X"], data["y"] = X, y
            if weights is not None:
                data["weights"] = weights
            if names is not None:
                data["feature_names"] = names
        return path

    def infer(self, path, *options, **arguments):
        return statistics_of(self.train(path, "--inference", *options, **arguments))

    def write_golden(self, name):
        golden = GOLDEN[name]
        with h5py.File(path_of(name)) as file:
            X = file[golden["features_name"]][...][:, :golden["features"]].astype(np.float64)
            y = (file[golden["labels_name"]][...].reshape(-1) > 0).astype(np.uint8)
        if golden["file"] == "iris.h5":
            y[::3] = 1 - y[::3]
        weights = 1.0 + np.arange(len(y)) % 3 if "weighted" in name else None
        return self.write(X, y, weights), ["--weights-name", "weights"] * (weights is not None)

    def check(self, name):
        path, options = self.write_golden(name)
        statistics = self.infer(path, *options, ranks=2)
        largest = 0
        for key in COLUMNS:
            difference = np.abs(column(statistics, key) / np.array(GOLDEN[name][key]) - 1)
            largest = max(largest, difference.max())
            self.assertLess(difference.max(), 1e-8, key)
        for key in NUMBERS:
            self.assertLess(abs(statistics[key] / GOLDEN[name][key] - 1), 1e-12, key)
        print(f"{name}: largest relative difference from R {largest:.1e}", file=sys.stderr)

    def test_iris_has_the_statistics_of_glm(self):
        self.check("iris")

    def test_weighted_iris_has_the_statistics_of_glm(self):
        self.check("iris, weighted")

    def test_the_bits_do_not_depend_on_ranks_threads_or_instructions(self):
        X, y, weights = noisy(3000, 11, 1)
        path = self.write(X, y, weights)
        texts = set()
        for ranks, threads, isa in ((1, 1, "auto"), (2, 2, "portable"), (3, 1, "avx2"),
                                    (5, 2, "auto")):
            directory = self.train(path, "--inference", "--weights-name", "weights", "--threads",
                                   threads, "--isa", isa, out=f"{ranks}-{threads}", ranks=ranks)
            texts.add((directory / "inference.json").read_text())
            texts.add((directory / "inference.csv").read_text())
        self.assertEqual(len(texts), 2)

    def test_sparse_rows_have_the_statistics_of_dense_ones(self):
        X, y, _ = noisy(400, 6, 2)
        X[np.random.default_rng(3).random(X.shape) < 0.7] = 0
        dense = self.infer(self.write(X, y), out="dense")
        path = self.folder / "sparse.h5"
        with h5py.File(path, "w") as file:
            group = file.create_group("X")
            group["data"] = X[X != 0]
            group["indices"] = np.nonzero(X)[1]
            group["indptr"] = np.concatenate([[0], np.cumsum((X != 0).sum(1))])
            group.attrs["shape"] = X.shape
            file["y"] = y
        sparse = self.infer(path, out="sparse")
        for key in COLUMNS:
            np.testing.assert_allclose(column(sparse, key), column(dense, key), rtol=1e-8)

    def test_the_penalised_statistics_are_those_of_the_penalised_hessian(self):
        X, y, _ = noisy(300, 3, 4)
        l2 = 0.05
        directory = self.train(self.write(X, y), "--inference", "--l2", l2)
        statistics = statistics_of(directory)
        w, b = read_model(directory)
        Z = np.column_stack([np.ones(len(X)), X]).astype(np.longdouble)
        p = 1 / (1 + np.exp(-(Z @ np.append(b, w))))
        H = (Z * (p * (1 - p))[:, None]).T @ Z
        penalty = np.diag([0] + [l2 * len(X)] * 3)
        V = np.linalg.inv((H + penalty).astype(float))
        scores = Z * (p - y)[:, None]
        robust = V @ (scores.T @ scores).astype(float) @ V
        self.assertEqual(statistics["kind"], "l2-penalised")
        np.testing.assert_allclose(column(statistics, "standard_error"), np.sqrt(np.diag(V)),
                                   rtol=1e-9)
        np.testing.assert_allclose(column(statistics, "robust_standard_error"),
                                   np.sqrt(np.diag(robust)), rtol=1e-9)
        self.assertAlmostEqual(statistics["effective_parameters"],
                               float(np.trace(V @ H.astype(float))), places=9)

    def test_the_penalised_statistics_of_collinear_columns_are_those_of_exact_arithmetic(self):
        random = np.random.default_rng(1)
        n = 500
        monthly = np.round(random.lognormal(10.3, 0.6, n))
        age = random.integers(18, 80, n).astype(float)
        margin = -0.5 + 2e-5 * (monthly - 40000) + 0.03 * (age - 45)
        y = (random.random(n) < 1 / (1 + np.exp(-margin))).astype(np.uint8)
        for l2, shift in ((1e-2, 0), (1e-4, 600), (1e-6, 0)):
            path = self.write(np.column_stack([monthly, 12 * monthly + shift, age]), y)
            result = run("train", path, "--inference", "--l2", l2, "--overwrite", "--out",
                         self.folder / "run")
            self.assert_ends(result, 0)
            self.assertNotIn("warning", result.stderr)
            statistics = statistics_of(self.folder / "run")
            self.assertLess(statistics["distance_to_optimum"], 1e-3)
            w, b = read_model(self.folder / "run")
            # s = w0 + 12 w1 has the penalty s^2 / 145, and t, by w = (s/145 + 12 t, 12 s/145 - t),
            # has nothing but a penalty: in units in which no digit is lost.
            Z = np.column_stack([np.ones(n), (monthly - 40000) / 2e4, (age - 45) / 20])
            s = w[0] + 12 * w[1]
            p = 1 / (1 + np.exp(-(b + shift * w[1] + s * monthly + w[2] * age)))
            penalty = n * l2 * np.array([0, 1 / 145 / 4e8, 1 / 400])
            H = (Z * (p * (1 - p))[:, None]).T @ Z
            V = np.linalg.inv(H + np.diag(penalty))
            scores = Z * (p - y)[:, None]
            of_t = 1 / (145 * n * l2)
            by = np.array([[1, -2 - 12 * shift / 2e4 / 145, -2.25], [0, 1 / 2e4 / 145, 0],
                           [0, 12 / 2e4 / 145, 0], [0, 0, 1 / 20]])
            variance = np.diag(by @ V @ by.T) + of_t * np.array([shift**2, 144, 1, 0])
            robust = np.diag(by @ V @ (scores.T @ scores) @ V @ by.T)
            np.testing.assert_allclose(column(statistics, "standard_error"), np.sqrt(variance),
                                       rtol=1e-7)
            np.testing.assert_allclose(column(statistics, "robust_standard_error"),
                                       np.sqrt(robust), rtol=1e-7)
            self.assertLess(abs(12 * w[0] - w[1]) / 145, 1e-6 * np.sqrt(of_t))
            self.assertAlmostEqual(statistics["effective_parameters"], np.trace(V @ H), places=6)

    def test_coefficients_that_bounds_give_are_offsets(self):
        X, y, _ = noisy(300, 3, 9)
        X = (X - 5) / X.std(0)
        bounds = self.folder / "lower.txt", self.folder / "upper.txt"
        bounds[0].write_text("-inf\n-20\n1.5\n")
        bounds[1].write_text("inf\n20\n1.5\n")
        options = ("--lower", bounds[0], "--upper", bounds[1])
        directory = self.train(self.write(X, y), "--inference", *options, ranks=2)
        statistics = statistics_of(directory)
        w, b = read_model(directory)
        self.assertEqual(w[2], 1.5)
        Z = np.column_stack([np.ones(300), X[:, :2]])
        p = 1 / (1 + np.exp(-(Z @ np.append(b, w[:2]) + 1.5 * X[:, 2])))
        np.testing.assert_allclose(Z.T @ (p - y), 0, atol=1e-10)
        V = np.linalg.inv((Z * (p * (1 - p))[:, None]).T @ Z)
        np.testing.assert_allclose(column(statistics, "standard_error"),
                                   np.append(np.sqrt(np.diag(V)), np.nan), rtol=1e-9)
        self.assertEqual([row["remark"] for row in statistics["parameters"]],
                         [None, None, None, "fixed by its bounds"])
        self.assertEqual(statistics["rank"], 3)
        self.assertEqual(statistics["residual_degrees_of_freedom"], 297)
        self.assertTrue(statistics["is_at_optimum"])
        # A bound that chooses a coefficient takes the standard errors away.
        bounds[1].write_text("inf\n-10\n1.5\n")
        result = run("train", self.folder / "data.h5", "--inference", *options, "--overwrite",
                     "--out", self.folder / "run")
        self.assert_ends(result, 0)
        self.assertIn("no standard errors: the coefficient of column 1 lies on a bound",
                      result.stderr)
        self.assertFalse((self.folder / "run" / "inference.json").exists())

    def test_robust_errors_keep_their_digits_beside_a_row_of_huge_weight(self):
        random = np.random.default_rng(11)
        x = random.normal(size=100)
        y = (random.random(100) < 1 / (1 + np.exp(-x))).astype(float)
        # It lies at margin 0, where its soft label has no slope.
        path = self.write(np.append(x, 0.0)[:, None], np.append(y, 0.5),
                          weights=np.append(np.ones(100), 1e14))

        statistics = self.infer(path, "--intercept", "no", "--weights-name", "weights",
                                "--tolerance", "1e-26")

        row = statistics["parameters"][0]
        p = 1 / (1 + np.exp(-row["estimate"] * x))
        expected = np.sqrt(np.sum((x * (p - y))**2)) / np.sum(p * (1 - p) * x**2)
        self.assertLess(abs(row["robust_standard_error"] / expected - 1), 1e-11)

    def test_no_intercept_and_another_level(self):
        X, y, _ = noisy(500, 2, 5)
        directory = self.train(self.write(X - 5, y), "--inference", "--intercept", "no",
                               "--confidence", "0.9")
        statistics = statistics_of(directory)
        w, _ = read_model(directory)
        p = 1 / (1 + np.exp(-((X - 5) @ w)))
        V = np.linalg.inv(((X - 5) * (p * (1 - p))[:, None]).T @ (X - 5))
        error = np.sqrt(np.diag(V))
        np.testing.assert_allclose(column(statistics, "estimate"), w, rtol=0)
        np.testing.assert_allclose(column(statistics, "standard_error"), error, rtol=1e-10)
        np.testing.assert_allclose(column(statistics, "upper"), w + 1.6448536269514722 * error,
                                   rtol=1e-10)
        self.assertAlmostEqual(statistics["null_deviance"], 2 * len(y) * np.log(2), places=9)

    def test_collinear_and_constant_columns_have_no_statistics_of_their_own(self):
        X, y, _ = noisy(300, 4, 6)
        without = self.infer(self.write(X[:, [0, 1, 3]], y), out="without")
        with_it = np.column_stack([X[:, 0], X[:, 1], 2 * X[:, 1] - 4, np.full(len(X), 7.0), X[:, 3]])
        path = self.write(with_it, y, names=[b"a", b"b", b"c", b"d", b"e"], file="more.h5")
        result = run("train", path, "--inference", "--out", self.folder / "run")
        self.assert_ends(result, 0)
        self.assertIn("c = 2 b - 4", result.stderr)
        statistics = statistics_of(self.folder / "run")
        self.assertEqual(statistics["rank"], 4)
        errors = column(statistics, "standard_error")
        np.testing.assert_array_equal(np.isnan(errors), [True, False, True, True, True, False])
        expected = column(without, "standard_error")
        np.testing.assert_allclose(errors[[1, 5]], expected[[1, 3]], rtol=1e-8)
        for key in ("log_likelihood", "aic", "bic"):
            self.assertAlmostEqual(statistics[key] / without[key], 1, places=10)

    def test_the_table_on_the_screen_and_in_the_csv_file(self):
        X, y, _ = noisy(4000, 2, 7)
        X[:, 1] = np.where(y == 1, X[:, 1] + 400, X[:, 1])
        y[:40] = 1 - y[:40]
        path = self.write(X, y, names=[b"first, with a comma", b"strong"])
        result = run("train", path, "--inference", "--out", self.folder / "run")
        self.assert_ends(result, 0)
        self.assertIn("Pr(>|z|)", result.stdout)
        self.assertIn("97.5 %", result.stdout)
        with open(self.folder / "run" / "inference.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["name"] for row in rows],
                         ["(intercept)", "first, with a comma", "strong"])
        statistics = statistics_of(self.folder / "run")
        for row, other in zip(rows, statistics["parameters"]):
            for key in COLUMNS:
                self.assertEqual(float(row[key]), other[key])

    def test_a_model_that_is_not_at_the_optimum_says_so(self):
        X, y, _ = noisy(300, 4, 8)
        result = run("train", self.write(X, y), "--inference", "--max-iterations", "1", "--solver",
                     "gd", "--out", self.folder / "run")
        self.assert_ends(result, 0)
        self.assertIn("NOT AT THE OPTIMUM", result.stdout)
        self.assertFalse(statistics_of(self.folder / "run")["is_at_optimum"])

    def test_an_outlier_takes_no_standard_errors_away(self):
        random = np.random.default_rng(11)
        X = random.normal(1000, 3, size=(1000, 3))
        y = (X[:, 0] - 1000 + random.logistic(size=1000) > 0).astype(np.uint8)
        X[-1], y[-1] = [1e9, 0, 0], 1
        directory = self.train(self.write(X, y), "--inference", ranks=2)
        statistics = statistics_of(directory)
        self.assertEqual(statistics["collinear"], [])
        w, b = read_model(directory)
        # The outlier has no curvature.
        Z = np.column_stack([X - 1000, np.ones(1000)])[:-1]
        p = 1 / (1 + np.exp(-(X[:-1] @ w + b)))
        V = np.linalg.inv((Z * (p * (1 - p))[:, None]).T @ Z)
        np.testing.assert_allclose(column(statistics, "standard_error")[1:],
                                   np.sqrt(np.diag(V))[:3], rtol=1e-7)
        by_intercept = np.array([-1000, -1000, -1000, 1])
        np.testing.assert_allclose(column(statistics, "standard_error")[0],
                                   np.sqrt(by_intercept @ V @ by_intercept), rtol=1e-7)

    def test_a_rare_category_without_an_optimum_has_no_statistics_and_the_others_have(self):
        random = np.random.default_rng(12)
        X = np.column_stack([random.normal(size=(4000, 2)), np.zeros(4000)])
        y = (X[:, 0] + random.logistic(size=4000) > 0).astype(np.uint8)
        X[7, 2], y[7] = 1, 0
        path = self.write(X, y)
        for solver in ("newton", "lbfgs"):
            result = run("train", path, "--inference", "--solver", solver, "--out",
                         self.folder / solver)
            self.assert_ends(result, 0)
            self.assertNotIn("collinear", result.stderr)
            self.assertIn("NO FINITE OPTIMUM", result.stdout)
            statistics = statistics_of(self.folder / solver)
            self.assertFalse(statistics["is_at_optimum"])
            self.assertEqual([row["remark"] for row in statistics["parameters"]],
                             [None, None, None, "no finite optimum"])
            for key in COLUMNS[1:]:
                np.testing.assert_array_equal(np.isnan(column(statistics, key)),
                                              [False, False, False, True])
            # As if the row that the category tells were not there.
            Z = np.column_stack([np.ones(4000), X[:, :2]])[X[:, 2] == 0]
            p = 1 / (1 + np.exp(-Z @ column(statistics, "estimate")[:3]))
            V = np.linalg.inv((Z * (p * (1 - p))[:, None]).T @ Z)
            np.testing.assert_allclose(column(statistics, "standard_error")[:3],
                                       np.sqrt(np.diag(V)), rtol=1e-5)

    def test_a_dummy_for_each_category_is_told_in_the_summary_too(self):
        random = np.random.default_rng(13)
        x = random.normal(size=500)
        X = np.column_stack([x, np.eye(4)[random.integers(0, 4, 500)]])
        path = self.write(X, (x + random.logistic(size=500) > 0).astype(np.uint8))
        directory = self.train(path, "--inference", ranks=2)
        equation = "column 4 = -column 1 - column 2 - column 3 + 1"
        (text,) = read_summary(directory)["diagnosis"]
        self.assertIn(f"collinear features: {equation};", text)
        statistics = statistics_of(directory)
        self.assertEqual(statistics["collinear"], [equation])
        self.assertEqual([row["remark"] for row in statistics["parameters"]],
                         ["collinear", None] + ["collinear"] * 4)

    def test_separable_classes_have_no_standard_errors(self):
        result = run("train", IRIS, "--inference", "--out", self.folder / "run")
        self.assert_ends(result, 0)
        self.assertIn("no standard errors", result.stderr)
        self.assertFalse((self.folder / "run" / "inference.json").exists())

    def test_coefficients_that_l1_chooses_are_refused(self):
        result = run("train", IRIS, "--inference", "--l1", "0.1", "--out", self.folder / "run")
        self.assert_ends(result, 2)
        self.assertIn("--inference", result.stderr)

    def test_too_many_features_are_refused_with_the_numbers(self):
        path = self.write(np.zeros((4, 10_001), np.int8), np.array([0, 1, 0, 1], np.uint8))
        result = run("train", path, "--inference", "--out", self.folder / "run")
        self.assert_ends(result, 2)
        self.assertIn("10002 x 10002", result.stderr)


add_real_sets(Inference, "has_the_statistics_of_glm",
              {name: path_of(name) for name in GOLDEN
               if not name.startswith("_") and GOLDEN[name]["file"] != "iris.h5"})

if __name__ == "__main__":
    unittest.main()
