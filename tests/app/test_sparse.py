#!/usr/bin/python3
"""Sparse rows train to the bits and the optimum that they have made dense."""
import json
import subprocess
import sys
import unittest

import h5py
import numpy as np

from support import (PEAK, REAL_DATA, AppTest, command, objective, read_model, read_summary, run,
                     write_data)


def write_csr(path, X, y=None, value_type=np.float64, index_type=np.int32, weights=None, **options):
    """The rows as AnnData has them; zeros have no entry."""
    rows, features = X.shape
    at = [np.flatnonzero(row) for row in X]
    with h5py.File(path, "w") as file:
        group = file.create_group("X")
        group.attrs["encoding-type"] = "csr_matrix"
        group.attrs["encoding-version"] = "0.1.0"
        group.attrs["shape"] = np.array([rows, features])
        values = np.concatenate([X[i, j] for i, j in enumerate(at)])
        group.create_dataset("data", data=values.astype(value_type), **options)
        group.create_dataset("indices", data=np.concatenate(at).astype(index_type), **options)
        group.create_dataset("indptr", data=np.cumsum([0, *map(len, at)]).astype(np.int64))
        if y is not None:
            file["y"] = y
        if weights is not None:
            file["weights"] = weights
    return path


def made_up(rows=3000, features=60, seed=3):
    """Small integers, a few in a row; the last columns are rare or empty."""
    random = np.random.default_rng(seed)
    share = 0.3 / (1 + np.arange(features) / 4)
    X = random.integers(1, 9, size=(rows, features)) * (random.random((rows, features)) < share)
    X[:, -3:] = 0
    X[17:40] = 0
    w = random.normal(size=features) / 3
    y = (X @ w - 0.3 + random.logistic(size=rows) > 0).astype(np.uint8)
    return X.astype(np.float64), y


class Sparse(AppTest):
    def data(self, name="rows.h5", **options):
        X, y = made_up()
        return write_csr(self.folder / name, X, y, **options)

    def convert(self, text, *options):
        path = self.folder / f"{text.stem}.h5"
        self.assert_ends(run("convert", text, path, "--layout", "csr", *options, ranks=2), 0)
        return path

    def test_the_model_has_the_same_bits_for_any_ranks_threads_and_instruction_set(self):
        path = self.data()
        for solver in ("newton", "newton-cg", "lbfgs"):
            hashes = set()
            for ranks in (1, 2, 3, 5):
                for threads, isa in ((1, "portable"), (3, "avx2")):
                    hashes.add(self.train_hash(
                        path, "--l2", 1e-3, "--solver", solver, "--threads", threads, "--isa", isa,
                        out=f"{solver}-{ranks}-{threads}", ranks=ranks))
            self.assertEqual(len(hashes), 1, solver)

    def test_the_model_has_the_same_bits_for_any_stored_type_and_files(self):
        X, y = made_up()
        options = ("--l2", 1e-3, "--solver", "newton-cg")
        first = self.train_hash(self.data(), *options, out="first")
        for value_type in (np.float32, np.float16, np.int8, np.uint16, np.int64):
            path = self.data("typed.h5", value_type=value_type, index_type=np.int64)
            self.assertEqual(self.train_hash(path, *options, out=f"as-{value_type.__name__}"), first)
        path = self.data("chunked.h5", chunks=(999,), compression="gzip", shuffle=True)
        self.assertEqual(self.train_hash(path, *options, out="chunked", ranks=2), first)
        parts = [write_csr(self.folder / f"part-{i}.h5", X[a:b], y[a:b])
                 for i, (a, b) in enumerate(((0, 1), (1, 1700), (1700, 3000)))]
        self.assertEqual(self.train_hash(*parts, *options, out="parts", ranks=3), first)

    def test_every_solver_finds_the_optimum_of_the_dense_rows(self):
        X, y = made_up()
        sparse = self.data()
        dense = write_data(self.folder / "dense.h5", X, y)
        l2 = 1e-3
        expected = self.train(dense, "--l2", l2, "--solver", "newton", out="dense")
        w, b = read_model(expected)
        best = objective(X, y, w, b, l2)
        for solver in ("auto", "newton", "newton-cg", "lbfgs", "gd"):
            # Gradient descent would need some ten thousand iterations to come so near.
            is_slow = solver == "gd"
            directory = self.train(sparse, "--l2", l2, "--solver", solver, "--max-iterations", 10000,
                                   "--tolerance", 1e-5 if is_slow else 1e-10, out=solver, ranks=2)
            v, c = read_model(directory)
            self.assertEqual(read_summary(directory)["stop_reason"], "converged", solver)
            self.assertLess(abs(objective(X, y, v, c, l2) / best - 1), 1e-7 if is_slow else 1e-12)
            if not is_slow:
                np.testing.assert_allclose(v, w, rtol=1e-6, atol=1e-6)
                self.assertAlmostEqual(b, c, delta=1e-6)

    def test_row_weights_count_as_repeated_rows(self):
        X, y = made_up(600)
        weights = np.random.default_rng(1).integers(0, 4, size=600)
        weighted = write_csr(self.folder / "weighted.h5", X, y, weights=weights.astype(np.float64))
        repeated = write_csr(self.folder / "repeated.h5", np.repeat(X, weights, axis=0),
                             np.repeat(y, weights))
        a, b = (read_model(self.train(path, "--l2", 1e-3, *options, out=path.stem))
                for path, options in ((weighted, ("--weights-name", "weights")), (repeated, ())))
        np.testing.assert_allclose(a[0], b[0], rtol=1e-7, atol=1e-8)

    def test_features_without_entries_change_no_optimum(self):
        X, y = made_up(400, 30)
        wide = np.zeros((400, 5000))
        places = np.sort(np.random.default_rng(4).choice(5000, 30, replace=False))
        wide[:, places] = X
        narrow_model = self.train(write_csr(self.folder / "narrow.h5", X, y), "--l2", 1e-3,
                                  "--solver", "newton-cg", out="narrow")
        path = write_csr(self.folder / "wide.h5", wide, y)
        hashes = set()
        for ranks in (1, 3):
            wide_model = self.train(path, "--l2", 1e-3, "--solver", "newton-cg",
                                    out=f"wide-{ranks}", ranks=ranks)
            hashes.add(read_summary(wide_model)["model_sha256"])
        self.assertEqual(len(hashes), 1)
        w, b = read_model(narrow_model)
        v, c = read_model(wide_model)
        self.assertEqual(v.shape, (5000,))
        np.testing.assert_allclose(v[places], w, rtol=1e-6, atol=1e-8)
        self.assertEqual(np.count_nonzero(np.delete(v, places)), 0)
        self.assertAlmostEqual(b, c, delta=1e-8)
        # A model of all features is where another run can begin.
        again = self.train(path, "--l2", 1e-3, "--initial", wide_model / "model.h5", out="again")
        self.assertLessEqual(read_summary(again)["iterations"], 1)

    def test_features_without_entries_stay_where_they_begin(self):
        X, y = made_up(rows=100, features=2000)
        X[:, 40:] = 0
        options = ("--solver", "gd", "--max-iterations", 3, "--l2", 0)
        sparse = write_csr(self.folder / "rows.h5", X, y)
        dense = write_data(self.folder / "dense.h5", X, y)
        for start, standardize, end in (("ones", "no", 1), ("zeros", "no", 0), ("ones", "yes", 0)):
            models = [read_model(self.train(data, *options, "--initial", start, "--standardize",
                                            standardize, out=f"{start}-{standardize}-{data.stem}"))
                      for data in (sparse, dense)]
            for model in models:
                self.assertEqual(set(np.asarray(model[0])[40:]), {end}, (start, standardize))
            np.testing.assert_allclose(models[0][0], models[1][0], rtol=1e-9)

    def test_a_resumed_run_has_the_same_bits(self):
        path = self.data()
        whole = self.train_hash(path, "--l2", 1e-3, "--solver", "lbfgs", out="whole")
        directory = self.train(path, "--l2", 1e-3, "--solver", "lbfgs", "--max-iterations", 7,
                               out="parts", ranks=2)
        result = run("train", path, "--l2", 1e-3, "--solver", "lbfgs", "--resume", "--out",
                     directory, ranks=3)
        self.assert_ends(result, 0)
        self.assertEqual(read_summary(directory)["model_sha256"], whole)

    def test_predicts_and_evaluates_as_for_dense_rows(self):
        X, y = made_up()
        sparse = self.data()
        dense = write_data(self.folder / "dense.h5", X, y)
        model = self.train(sparse, "--l2", 1e-3, out="model") / "model.h5"
        predictions = []
        scores = []
        for path in (sparse, dense):
            out = self.folder / f"{path.stem}-predictions.h5"
            self.assert_ends(run("predict", model, path, "--out", out, ranks=2), 0)
            with h5py.File(out) as file:
                predictions.append(file["probability"][...].ravel())
            result = run("evaluate", model, path, ranks=2)
            self.assert_ends(result, 0)
            scores.append(result.stdout)
        np.testing.assert_allclose(predictions[0], predictions[1], rtol=1e-13)
        w, b = read_model(model.parent)
        np.testing.assert_allclose(predictions[0], 1 / (1 + np.exp(-(X @ w + b))), rtol=1e-12)
        self.assertIn("accuracy", scores[0])
        self.assertEqual(len(scores[0].splitlines()), len(scores[1].splitlines()))

    def test_a_rank_needs_little_more_than_its_shard_and_three_vectors(self):
        path = self.folder / "wide.h5"
        features = 2_500_000
        self.assert_ends(run("generate", path, "--rows", 25_000, "--features", features,
                             "--density", 0.000144), 0)
        most = 1.1 * path.stat().st_size + 3 * 8 * features + 64 * 2**20
        for threads in (1, 2):
            arguments = command("train", path, "--l2", 4e-5, "--max-iterations", 3, "--threads",
                                threads, "--out", self.folder / f"wide-{threads}")
            # Of a process of its own, for the system keeps one maximum for all children.
            peak = int(subprocess.run([sys.executable, "-c", PEAK, *arguments], timeout=120,
                                      capture_output=True, text=True, check=True).stdout)
            print(f"peak of a rank: {peak / 1e6:.0f} MB of {most / 1e6:.0f}", file=sys.stderr)
            self.assertLess(peak, most)

    def test_few_rows_of_many_features_need_few_hessian_products(self):
        path = self.folder / "few.h5"
        self.assert_ends(run("generate", path, "--rows", 1000, "--features", 100_000,
                             "--density", 0.0036), 0)
        summary = read_summary(self.train(path, "--l2", 1e-3, "--tolerance", 1e-9, out="few"))
        self.assertEqual(summary["solver"], "newton-cg")
        # By the diagonal of the Hessian alone it took 107.
        self.assertLess(summary["hessian_products"], 75)

    def test_the_record_begins_at_the_start_where_features_of_one_row_follow_the_others(self):
        path = self.folder / "few.h5"
        self.assert_ends(run("generate", path, "--rows", 1000, "--features", 200_000,
                             "--density", 0.0009), 0)
        begin = []
        for solver in ("newton-cg", "lbfgs"):
            directory = self.train(path, "--l2", 1e-3, "--solver", solver, "--max-iterations", 1,
                                   out=solver)
            lines = (directory / "metrics.jsonl").read_text().splitlines()
            begin.append({key: value for key, value in json.loads(lines[0]).items()
                          if key in ("iteration", "passes", "objective", "gradient_norm")})
            summary = read_summary(directory)
            self.assertLess(summary["objective"], begin[-1]["objective"])
        self.assertEqual(*begin)
        self.assertEqual(begin[0]["iteration"], 0)
        # Without an iteration the model is the start.
        w, b = read_model(self.train(path, "--l2", 1e-3, "--solver", "newton-cg",
                                     "--max-iterations", 0, out="none"))
        self.assertEqual((np.abs(w).max(), b), (0, 0))

    def test_features_of_one_row_follow_the_others_to_one_optimum(self):
        path = self.folder / "few.h5"
        self.assert_ends(run("generate", path, "--rows", 2000, "--features", 200_000,
                             "--density", 0.0009, "--type", "float64"), 0)
        arguments = (path, "--l2", 1e-3, "--tolerance", 1e-9, "--solver", "newton-cg")
        one = self.train_hash(*arguments, out="one")
        for ranks, threads, isa in ((1, 3, "avx2"), (2, 1, "portable"), (3, 2, "auto"),
                                    (5, 1, "avx2")):
            self.assertEqual(self.train_hash(*arguments, "--threads", threads, "--isa", isa,
                                             out=f"{ranks}-{threads}", ranks=ranks), one)
        streamed = self.train(*arguments, "--memory-limit", "10M", "--threads", 2,
                              out="streamed")
        self.assertEqual(read_summary(streamed)["rows_are"], "streamed")
        self.assertEqual(read_summary(streamed)["model_sha256"], one)
        parts = self.train(*arguments, "--max-iterations", 2, out="parts", ranks=2)
        self.assert_ends(run("train", *arguments, "--resume", "--out", parts, ranks=3), 0)
        self.assertEqual(read_summary(parts)["model_sha256"], one)

        with h5py.File(path) as file:
            values, indices, ends = (file[f"X/{name}"][...] for name in
                                     ("data", "indices", "indptr"))
            y = file["y"][...]
        entries = np.bincount(indices, minlength=200_000)
        self.assertGreater((entries == 1).sum(), (entries > 1).sum())
        w, b = read_model(self.folder / "one")
        rows = np.repeat(np.arange(2000), np.diff(ends))
        z = np.bincount(rows, values * w[indices], 2000) + b
        slopes = (1 / (1 + np.exp(-z)) - (y > 0)) / 2000
        gradient = np.bincount(indices, slopes[rows] * values, 200_000) + 1e-3 * w
        self.assertLess(np.abs(gradient).max(), 1e-9)
        self.assertLess(abs(slopes.sum()), 1e-9)
        # No other solver knows of them.
        v, c = read_model(self.train(path, "--l2", 1e-3, "--tolerance", 1e-10, "--solver", "lbfgs",
                                     out="lbfgs"))
        np.testing.assert_allclose(w, v, atol=1e-7)
        self.assertAlmostEqual(b, c, delta=1e-7)

    def test_a_value_that_is_not_finite_is_named(self):
        X, y = made_up(500)
        row = int(np.flatnonzero(X[:, 5])[-1])
        X[row, 5] = np.nan
        path = write_csr(self.folder / "bad.h5", X, y)
        for ranks in (1, 3):
            result = run("train", path, "--out", self.folder / "bad", ranks=ranks)
            self.assert_ends(result, 3)
            self.assertIn(f"row {row}, column 5: the value is nan", result.stderr)


REFERENCE = REAL_DATA / "reference.json"


def train_url1000(self):
    path = self.convert(REAL_DATA / "text" / "url1000.svm", "--features", 3231961)
    with h5py.File(path) as file:
        rows, features = file["X"].attrs["shape"]
        entries = (file["X/data"][...].astype(float), file["X/indices"][...], file["X/indptr"][...])
        y = file["y"][...]
    self.assertEqual((rows, features), (2000, 3231961))
    hashes = {self.train_hash(path, "--l2", 1e-3, out=f"url-{ranks}", ranks=ranks)
              for ranks in (1, 2, 3, 5)}
    self.assertEqual(len(hashes), 1)
    values, indices, ends = entries
    w, b = read_model(self.folder / "url-1")
    z = np.add.reduceat(values * w[indices], ends[:-1]) + b
    # The optimum has no gradient, by the intercept and by each feature.
    slopes = (1 / (1 + np.exp(-z)) - (y > 0)) / rows
    gradient = np.bincount(indices, np.repeat(slopes, np.diff(ends)) * values, features)
    self.assertLess(np.abs(gradient + 1e-3 * w).max(), 1e-7)
    self.assertLess(abs(slopes.sum()), 1e-7)


def add_real_sets():
    if not REFERENCE.exists():
        print("real sparse sets: not tested, there is no reference.json in the folder that "
              "PARALOGIT_REAL_DATA names", file=sys.stderr)
        return
    reference = json.loads(REFERENCE.read_text())
    texts = {"agaricus": "agaricus.train"}
    setattr(Sparse, "test_url1000_trains_to_the_same_bits_on_any_ranks", train_url1000)
    for name in ("a9a", "agaricus", "phishing"):
        def test(self, name=name):
            path = REAL_DATA / "hdf5" / f"{name}.h5"
            with h5py.File(path) as file:
                rows = len(file["X/indptr"]) - 1
                indptr, indices = file["X/indptr"][...], file["X/indices"][...]
                X = np.zeros((rows, reference[name]["features"]))
                X[np.repeat(np.arange(rows), np.diff(indptr)), indices] = file["X/data"][...]
                dense = write_data(self.folder / "dense.h5", X, file["y"][...])
            text = self.convert(REAL_DATA / "text" / f"{texts.get(name, name)}.svm", "--features",
                                X.shape[1])
            for l2, optimum in reference[name]["optimum"].items():
                models = []
                for kind, source in (("csr", path), ("dense", dense), ("text", text)):
                    for solver in ("auto", "newton-cg") if source != text else ("auto",):
                        out = f"{kind}-{solver}-{l2}"
                        directory = self.train(source, "--l2", l2, "--solver", solver,
                                               "--tolerance", 1e-12, out=out, ranks=2)
                        excess = (read_summary(directory)["objective"]
                                  / float(optimum["objective"]) - 1)
                        self.assertLess(abs(excess), 1e-9, out)
                        models.append(read_model(directory)[0])
                for w in models[1:]:
                    np.testing.assert_allclose(w, models[0], rtol=1e-6,
                                               atol=1e-6 * np.abs(models[0]).max())
        setattr(Sparse, f"test_{name}_reaches_the_reference_optimum", test)


add_real_sets()

if __name__ == "__main__":
    unittest.main()
