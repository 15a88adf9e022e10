#!/usr/bin/python3
"""Data larger than --memory-limit: read from the files in each pass, with the same results."""
import os
import re
import signal
import subprocess
import sys
import time
import unittest

import h5py
import numpy as np

from support import AppTest, command, made_up, read_summary, run, write_data
from test_sparse import made_up as made_up_sparse
from test_sparse import write_csr

MEBIBYTE = 1 << 20
PEAK_OF_CHILD = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], check=False).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


class Streaming(AppTest):
    def setUp(self):
        super().setUp()
        self.X, self.y = made_up(20_000, 40, seed=5)  # 6.4 MB
        self.data = write_data(self.folder / "data.h5", self.X, self.y)

    def train_streamed(self, *arguments, out, limit, ranks=1, streams=True):
        """Returns the hash of the model; checks that rows were streamed."""
        summary = read_summary(
            self.train(*arguments, "--memory-limit", limit, out=out, ranks=ranks))
        self.assertEqual(summary["rows_are"], "streamed" if streams else "resident", out)
        self.assertEqual(summary["streamed_bytes"] > 0, streams, out)
        return summary["model_sha256"]

    def test_one_model_over_ranks_threads_and_memory(self):
        one = self.train_streamed(self.data, out="resident", limit="1G", streams=False)
        places = ((1, 1, "600k"), (1, 2, "0.9M"), (2, 2, "600k"), (3, 1, "0.9M"), (5, 2, "600k"))
        for ranks, threads, limit in places:
            name = f"{ranks}-{threads}-{limit}"
            self.assertEqual(
                self.train_streamed(self.data, "--threads", threads, out=name, limit=limit,
                                    ranks=ranks), one, name)

    def test_one_model_over_solvers(self):
        for solver in ("newton", "newton-cg", "lbfgs", "gd"):
            arguments = (self.data, "--solver", solver, "--max-iterations", 15)
            self.assertEqual(
                self.train_streamed(*arguments, out=f"streamed-{solver}", limit="800k", ranks=2),
                self.train_streamed(*arguments, out=f"resident-{solver}", limit="1G",
                                    streams=False), solver)

    def test_one_model_over_thinned_hessians(self):
        for solver, fraction in (("newton", "0.3"), ("newton-cg", "0.01")):
            arguments = (self.data, "--solver", solver, "--hessian-fraction", fraction,
                         "--max-iterations", 5)
            self.assertEqual(
                self.train_streamed(*arguments, "--threads", 2, out=f"streamed-{solver}",
                                    limit="800k", ranks=3),
                self.train_streamed(*arguments, out=f"resident-{solver}", limit="1G",
                                    streams=False), solver)

    def test_rows_that_are_held_out_are_copied_from_what_is_streamed(self):
        arguments = (self.data, "--validation-fraction", "0.1", "--class-weights", "balanced",
                     "--solver", "lbfgs")
        one = self.train_streamed(*arguments, out="resident", limit="1G", streams=False)
        validation = read_summary(self.folder / "resident")["validation"]
        for ranks, limit in ((1, "2M"), (3, "1.2M")):
            self.assertEqual(
                self.train_streamed(*arguments, "--threads", 2, out=f"run-{ranks}", limit=limit,
                                    ranks=ranks), one)
            self.assertEqual(read_summary(self.folder / f"run-{ranks}")["validation"], validation)
        result = run("train", *arguments, "--out", self.folder / "short", "--memory-limit", "900k")
        self.assert_ends(result, 3)
        self.assertIn("MB even when only the rows that are held out for validation stay in it, and the "
                      "others are read from the file in each pass; allow", result.stderr)

    def test_validation_files_share_the_limit(self):
        validation = write_data(self.folder / "validation.h5", *made_up(10_000, 40, seed=6))
        arguments = (self.data, "--validation", validation)
        one = self.train_streamed(*arguments, out="resident", limit="1G", streams=False)
        expected = read_summary(self.folder / "resident")["validation"]
        for ranks, limit in ((1, "2M"), (2, "1.5M")):
            out = f"run-{ranks}"
            result = run("train", *arguments, "--threads", 2, "--memory-limit", limit, "--out",
                         self.folder / out, ranks=ranks)
            self.assert_ends(result, 0)
            self.assertRegex(result.stderr,
                             r"validation +.*; \d\.\d MB are read from files in each pass")
            summary = read_summary(self.folder / out)
            self.assertEqual((summary["rows_are"], summary["model_sha256"]), ("streamed", one))
            self.assertEqual(summary["validation"], expected)
        # All of the one fits, but not with the other.
        self.train_streamed(*arguments, out="both", limit="8M")
        self.train_streamed(self.data, out="alone", limit="8M", streams=False)

    def test_one_model_over_layouts(self):
        one = self.train_streamed(self.data, out="resident", limit="1G", streams=False)
        layouts = {
            "gzip": {"chunks": (1000, 7), "compression": "gzip", "shuffle": True},
            "fletcher": {"chunks": (333, 40), "fletcher32": True},
            "plain_chunks": {"chunks": (100, 40)},
            "big_endian": {"dtype": ">f8"},
        }
        for name, options in layouts.items():
            path = self.folder / f"{name}.h5"
            with h5py.File(path, "w") as file:
                file.create_dataset("X", data=self.X, **options)
                file.create_dataset("y", data=self.y)
            self.assertEqual(
                self.train_streamed(path, "--threads", 2, out=name, limit="5M"), one, name)
        turned = write_data(self.folder / "turned.h5", np.ascontiguousarray(self.X.T), self.y)
        self.assertEqual(
            self.train_streamed(turned, "--transposed", "--threads", 1, out="turned", limit="5M"),
            one)
        cuts = [0, 1, 700, 700, 5_000, 9_999, 15_000, len(self.y)]
        parts = [write_data(self.folder / f"part-{i}.h5", self.X[a:b], self.y[a:b])
                 for i, (a, b) in enumerate(zip(cuts, cuts[1:]))]
        self.assertEqual(
            self.train_streamed(*parts, "--threads", 2, out="parts", limit="1M", ranks=2), one)

    def test_predict_and_evaluate_give_the_same_bytes(self):
        model = self.train(self.data, out="run") / "model.h5"
        for ending in ("h5", "csv"):
            outputs = []
            for limit in ("1G", "700k"):
                out = self.folder / f"p-{limit}.{ending}"
                self.assert_ends(run("predict", model, self.data, "--out", out, "--memory-limit",
                                     limit, ranks=2), 0)
                outputs.append(out.read_bytes())
            self.assertEqual(*outputs)
        scores = [run("evaluate", model, self.data, "--json", "--memory-limit", limit, ranks=2)
                  for limit in ("1G", "700k")]
        self.assert_ends(scores[1], 0)
        self.assertEqual(scores[0].stdout, scores[1].stdout)

    def test_the_plan_is_printed_and_what_is_read_is_counted(self):
        result = run("train", self.data, "--out", self.folder / "run", "--memory-limit", "1M",
                     "--solver", "lbfgs", ranks=2)
        self.assert_ends(result, 0)
        self.assertRegex(result.stderr, r"memory +streamed: \d\.\d MB of 6\.4 MB are read from "
                         r"files in each pass, \d\.\d MB by a rank; a rank may take 1\.0 MB "
                         r"\(--memory-limit 1M\)")
        summary = read_summary(self.folder / "run")
        rows = self.X.nbytes + len(self.y)
        self.assertEqual(summary["bytes_read"],
                         rows + summary["passes"] * summary["streamed_bytes"])
        resident = run("train", self.data, "--out", self.folder / "resident", ranks=2)
        self.assertRegex(resident.stderr, r"memory +resident: all rows are read once; a rank may")
        self.assertEqual(read_summary(self.folder / "resident")["bytes_read"], rows)

    def test_a_limit_that_is_too_low_is_an_error_that_names_what_is_needed(self):
        result = run("train", self.data, "--out", self.folder / "run", "--memory-limit", "100k",
                     ranks=2)
        self.assert_ends(result, 3)
        self.assertRegex(result.stderr, r"a rank may take 102\.4 kB of memory "
                         r"\(--memory-limit 100k\), but needs \d+\.\d kB even when its rows are "
                         r"read from the file in each pass; allow it more")
        for bad in ("0", "-1", "4Q", "many", "nan", "1e30"):
            result = run("train", self.data, "--out", self.folder / "run", "--memory-limit", bad)
            self.assert_ends(result, 2)
            self.assertIn(f"--memory-limit {bad}: expected a size > 0", result.stderr)

    def test_of_bad_values_the_one_in_the_lowest_row_is_named(self):
        # Row 5000 is held, by the second thread, and row 8000 streamed, by the first one.
        self.X[[5000, 8000], 2] = np.nan
        data = write_data(self.folder / "bad.h5", self.X, self.y)
        for limit in ("3M", "1G"):
            result = run("train", data, "--out", self.folder / "run", "--threads", 2,
                         "--memory-limit", limit)
            self.assert_ends(result, 3)
            self.assertIn("bad.h5:/X row 5000, column 2: the value is nan", result.stderr)

    def sparse_data(self, name="sparse.h5", features=60, first=0, end=60_000, **options):
        """Some 200 000 entries in 60 000 rows; of many features most have none."""
        X, y = made_up_sparse(rows=60_000)
        path = write_csr(self.folder / name, X[first:end], y[first:end], **options)
        if features > X.shape[1]:
            with h5py.File(path, "r+") as file:
                file["X"].attrs["shape"] = np.array([end - first, features])
                file["X/indices"][...] = file["X/indices"][...] * (features // X.shape[1])
        return path

    @staticmethod
    def sparse_limit(ranks, threads, solver):
        """Enough for what a rank of so many needs beside its rows, not for them."""
        return f"{3300 // ranks + (190 if solver == 'newton' else 20) + 75 * threads}k"

    def test_sparse_rows_give_one_model_over_ranks_threads_solvers_and_memory(self):
        data = self.sparse_data()
        for solver in ("newton", "newton-cg", "lbfgs", "gd"):
            arguments = (data, "--solver", solver, "--max-iterations", 15, "--l2", 1e-3)
            one = self.train_streamed(*arguments, out=f"{solver}-resident", limit="1G",
                                      streams=False)
            places = ((1, 3), (1, 1), (2, 2), (3, 1), (5, 1))
            for ranks, threads in places if solver == "lbfgs" else places[:1]:
                name = f"{solver}-{ranks}-{threads}"
                self.assertEqual(
                    self.train_streamed(*arguments, "--threads", threads, out=name, ranks=ranks,
                                        limit=self.sparse_limit(ranks, threads, solver)), one,
                    name)

    def test_sparse_rows_give_one_model_over_layouts_and_uses(self):
        arguments = ("--solver", "lbfgs", "--max-iterations", 15, "--l2", 1e-3,
                     "--validation-fraction", "0.1", "--class-weights", "balanced")
        one = self.train_streamed(self.sparse_data(), *arguments, out="resident", limit="1G",
                                  streams=False)
        validation = read_summary(self.folder / "resident")["validation"]
        layouts = {
            "gzip": {"chunks": (1000,), "compression": "gzip", "index_type": np.int64},
            "float32": {"value_type": np.float32, "index_type": np.uint16},
        }
        for name, options in layouts.items():
            data = self.sparse_data(f"{name}.h5", **options)
            self.assertEqual(self.train_streamed(data, *arguments, "--threads", 2, out=name,
                                                 limit="4M"), one, name)
            self.assertEqual(read_summary(self.folder / name)["validation"], validation, name)
        cuts = [0, 1, 20_000, 60_000]
        parts = [self.sparse_data(f"part-{i}.h5", first=a, end=b)
                 for i, (a, b) in enumerate(zip(cuts, cuts[1:]))]
        self.assertEqual(self.train_streamed(*parts, *arguments, out="parts", limit="2M", ranks=2),
                         one)

    def test_sparse_rows_with_features_that_none_uses(self):
        data = self.sparse_data(features=30_000)
        arguments = (data, "--solver", "lbfgs", "--max-iterations", 15, "--l2", 1e-3)
        one = self.train_streamed(*arguments, out="resident", limit="1G", streams=False)
        self.assertEqual(self.train_streamed(*arguments, out="streamed", limit="4M"), one)

    def test_sparse_rows_are_scored_alike(self):
        data = self.sparse_data()
        model = self.train(data, "--l2", 1e-3, out="run") / "model.h5"
        outputs = []
        for limit in ("1G", "3M"):
            out = self.folder / f"p-{limit}.csv"
            self.assert_ends(run("predict", model, data, "--out", out, "--memory-limit", limit), 0)
            outputs.append(out.read_bytes())
        self.assertEqual(*outputs)
        scores = [run("evaluate", model, data, "--json", "--memory-limit", limit, ranks=2)
                  for limit in ("1G", "1500k")]
        self.assert_ends(scores[1], 0)
        self.assertEqual(scores[0].stdout, scores[1].stdout)

    def test_too_little_for_streamed_sparse_rows_is_an_error(self):
        data = self.sparse_data(chunks=(100_000,))
        result = run("train", data, "--out", self.folder / "run", "--memory-limit", "2M")
        self.assert_ends(result, 3)
        self.assertRegex(result.stderr, r"a rank may take 2\.1 MB of memory \(--memory-limit 2M\), but "
                         r"needs \d+\.\d MB even when its rows are read from the file in each pass")
        # There are so many entries that all features are known to have some.
        result = run("train", self.sparse_data(), "--out", self.folder / "run", "--solver", "newton",
                     "--threads", 1, "--memory-limit", "1500k")
        self.assert_ends(result, 3)
        self.assertRegex(result.stderr, r"needs \d+\.\d MB even when its rows are read from the file in "
                         r"each pass, of which the solver takes up to \d+\.\d kB")

    def test_the_history_and_the_matrices_of_sparse_rows_have_to_fit(self):
        data = self.folder / "wide.h5"
        self.assert_ends(run("generate", data, "--rows", 2000, "--features", 40_000, "--density",
                             "0.0005"), 0)
        dense = write_data(self.folder / "dense.h5", np.eye(40, 300), np.arange(40) % 2)
        sparse = self.folder / "sparse.h5"
        with h5py.File(sparse, "w") as file:
            file["X/data"] = np.ones(300)
            file["X/indices"] = np.arange(300)
            file["X/indptr"] = np.append(np.arange(40), 300)
            file["X"].attrs["shape"] = (40, 300)
            file["y"] = np.arange(40) % 2
        for path, options, limit in (
                (data, ("--solver", "owl-qn", "--l1", 1e-3, "--history", 50), "3M"),
                (sparse, ("--inference", "--l2", 1, "--solver", "gd"), "4M"),
                (dense, ("--inference", "--l2", 1, "--solver", "gd"), "4M")):
            arguments = ("train", path, *options, "--max-iterations", 2, "--threads", 1,
                         "--overwrite", "--out", self.folder / "run")
            result = run(*arguments, "--memory-limit", limit)
            self.assert_ends(result, 3)
            enough = re.search(r"allow it more \(--memory-limit (\d+[kM])\)", result.stderr)[1]
            self.assert_ends(run(*arguments, "--memory-limit", enough), 0)

    def test_newton_plans_with_the_features_that_have_entries_and_refuses_too_many(self):
        rows, each = 200, 60
        for used, limit, code in ((300, "40M", 0), (rows * each, "4G", 2)):
            data = self.folder / f"{used}.h5"
            rng = np.random.default_rng(3)
            # One of 250 features has entries: first each once, then any.
            order = np.concatenate([np.arange(used), rng.integers(0, used, rows * each - used)])
            with h5py.File(data, "w") as file:
                indices = [np.unique(row) * 250 for row in order.reshape(rows, each)]
                file["X/data"] = np.ones(sum(map(len, indices)))
                file["X/indices"] = np.concatenate(indices)
                file["X/indptr"] = np.cumsum([0, *map(len, indices)])
                file["X"].attrs["shape"] = (rows, used * 250)
                file["y"] = np.arange(rows) % 2
            result = run("train", data, "--out", self.folder / "run", "--solver", "newton", "--l2",
                         1, "--threads", 1, "--memory-limit", limit, "--overwrite")
            self.assert_ends(result, code)
            if code == 0:
                self.assertEqual(read_summary(self.folder / "run")["rows_are"], "resident")
            else:
                self.assertIn(f"--solver newton: a model of {used + 1} parameters needs a matrix",
                              result.stderr)
                self.assertIn("take --solver newton-cg", result.stderr)

    def test_the_first_error_names_enough_memory_for_wide_rows(self):
        data = self.folder / "wide.h5"
        self.assert_ends(run("generate", data, "--rows", 20000, "--features", 3000, "--density",
                             "0.005"), 0)
        for limit in ("400k", "3M"):
            options = ("--max-iterations", 1, "--overwrite", "--out", self.folder / "run")
            result = run("train", data, *options, "--memory-limit", limit)
            self.assert_ends(result, 3)
            self.assertIn("--solver newton-cg", result.stderr)
            enough = re.search(r"allow it more \(--memory-limit (\d+k)\)", result.stderr)[1]
            self.assertLess(int(enough[:-1]), 5000)
            self.assert_ends(run("train", data, *options, "--memory-limit", enough), 0)

    def test_the_memory_of_wide_sparse_rows_stays_within_the_limit_that_is_advised(self):
        data = self.folder / "wide.h5"
        self.assert_ends(run("generate", data, "--rows", 12_000, "--features", 400_000, "--density",
                             "0.0003"), 0)
        for name, *options in (("newton-cg", "--validation-fraction", "0.2"),
                               ("lbfgs", "--history", "6"), ("adam", "--average", "1")):
            arguments = ("train", data, "--solver", name, *options, "--l2", 1e-3,
                         "--max-iterations", 8, "--threads", 2, "--overwrite", "--out",
                         self.folder / "run")
            if name == "adam":
                arguments += ("--learning-rate", 1e-4)
            result = run(*arguments, "--memory-limit", "10M")
            self.assert_ends(result, 3)
            enough = int(re.search(r"allow it more \(--memory-limit (\d+)M\)", result.stderr)[1])
            result = subprocess.run(
                [sys.executable, "-c", PEAK_OF_CHILD,
                 *command(*arguments, "--memory-limit", f"{enough}M")],
                capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            self.assert_ends(result, 0)
            peak = int(result.stdout.splitlines()[-1]) * 1024
            print(f"{name}: {peak / MEBIBYTE:.0f} MiB with {enough} MiB allowed", file=sys.stderr)
            self.assertLess(peak, (enough + 48) * MEBIBYTE, name)

    def test_of_sparse_rows_a_bad_value_is_named(self):
        data = self.sparse_data()
        with h5py.File(data, "r+") as file:
            row = int(np.searchsorted(file["X/indptr"], 150_000, side="right")) - 1
            file["X/data"][150_000] = np.nan
        for limit in (self.sparse_limit(1, 3, "lbfgs"), "1G"):
            result = run("train", data, "--out", self.folder / "run", "--memory-limit", limit,
                         "--solver", "lbfgs", "--threads", 3)
            self.assert_ends(result, 3)
            self.assertIn(f"row {row}", result.stderr)

    def test_features_that_no_memory_has_room_for_are_an_error(self):
        data = self.sparse_data()
        with h5py.File(data, "r+") as file:
            file["X"].attrs["shape"] = np.array([60_000, 4_000_000_000])
        result = run("train", data, "--out", self.folder / "run", "--memory-limit", "30G", ranks=2)
        self.assert_ends(result, 3)
        self.assertIn("a rank may take 32.2 GB of memory (--memory-limit 30G), but needs 128.0 GB: "
                      "vectors as long as its 4000000000 features take 128.0 GB of it; is the "
                      "largest index, or the shape, what it should be?", result.stderr)

    def test_stopped_by_a_signal_and_resumed(self):
        arguments = (self.data, "--solver", "gd", "--max-iterations", "1000", "--tolerance", "0")
        whole = self.train(*arguments, out="whole")
        stopped = self.folder / "stopped"
        with subprocess.Popen(
                command("train", *arguments, "--out", stopped, "--memory-limit", "700k"),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            metrics = stopped / "metrics.jsonl"
            while not (metrics.exists() and metrics.read_text().count("\n") > 5):
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 75)
        self.assertLess(read_summary(stopped)["iterations"], 1000)
        self.train(*arguments, "--resume", "--memory-limit", "600k", out="stopped", ranks=2)
        self.assertEqual(read_summary(stopped)["model_sha256"],
                         read_summary(whole)["model_sha256"])

    def test_a_file_that_changes_between_passes_gives_no_model(self):
        out = self.folder / "run"
        with subprocess.Popen(
                command("train", self.data, "--solver", "gd", "--max-iterations", "1000000",
                        "--tolerance", "0", "--out", out, "--memory-limit", "700k"),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            metrics = out / "metrics.jsonl"
            while not (metrics.exists() and metrics.read_text().count("\n") > 2):
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            os.utime(self.data)
            _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3)
        self.assertIn("data.h5: the file has changed since the run began", errors)
        self.assertFalse((out / "model.h5").exists())

    def test_no_checkpoint_is_written_of_rows_that_changed(self):
        arguments = (self.data, "--solver", "gd", "--learning-rate", "1e-3", "--tolerance", "0",
                     "--checkpoint-every", "1")
        out = self.folder / "run"
        before = self.data.read_bytes()
        with subprocess.Popen(
                command("train", *arguments, "--out", out, "--max-iterations", "1000000", ranks=2),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            metrics = out / "metrics.jsonl"
            while not (metrics.exists() and metrics.read_text().count("\n") > 2):
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            with open(self.data, "r+b") as file:
                file.seek(len(before) // 3)
                file.write(bytes(len(before) // 3))
            _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3)
        self.assertIn("data.h5: the file has changed since the run began", errors)
        self.data.write_bytes(before)
        newest = max(int(name.name.split("-")[1]) for name in (out / "checkpoints").iterdir())
        hashes = [read_summary(self.train(*arguments, *more, "--max-iterations", newest + 3,
                                          out=to))["model_sha256"]
                  for more, to in ((("--resume",), "run"), ((), "whole"))]
        self.assertEqual(hashes[0], hashes[1])

    def start_streamed(self, data, limit, out):
        """A run over streamed rows, past its first iterations, that does not end by itself."""
        out = self.folder / out
        process = subprocess.Popen(
            command("train", data, "--solver", "gd", "--max-iterations", "1000000", "--tolerance",
                    "0", "--threads", 1, "--out", out, "--memory-limit", limit),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        metrics = out / "metrics.jsonl"
        while not (metrics.exists() and metrics.read_text().count("\n") > 2):
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        return process

    def test_a_streamed_file_that_is_cut_is_told_as_one_that_has_changed(self):
        limit = self.sparse_limit(1, 1, "gd")
        for cut in (1_000_000, 5_000):
            data = self.sparse_data(chunks=(10_000,))
            process = self.start_streamed(data, limit, f"cut-{cut}")
            os.truncate(data, cut)
            _, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 3)
            self.assertIn("sparse.h5: the file has changed since the run began", errors)
            data.unlink()

    def test_a_streamed_file_that_is_moved_ends_the_run_and_says_so(self):
        # README: it is opened again in each pass.
        for data, limit in ((self.data, "700k"),
                            (self.sparse_data(chunks=(10_000,)), self.sparse_limit(1, 1, "gd"))):
            process = self.start_streamed(data, limit, f"run-{data.stem}")
            data.rename(self.folder / "moved.h5")
            _, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 3)
            self.assertIn(f"{data.name}: there is no such file any more", errors)
            self.assertIn("leave it where it is until the run has ended", errors)

    def test_the_memory_of_the_process_stays_within_the_limit(self):
        path = self.folder / "large.h5"
        self.assert_ends(run("generate", path, "--rows", 600_000, "--features", 64), 0)  # 154 MB
        with h5py.File(self.folder / "gzip.h5", "w") as file, h5py.File(path) as source:
            file.create_dataset("X", data=source["X"][:300_000], chunks=(4096, 64),
                                compression="gzip", compression_opts=1)
            file.create_dataset("y", data=source["y"][:300_000])
        for data, limits in ((path, (24, 72)), (self.folder / "gzip.h5", (24,))):
            for limit in limits:
                # A process inherits the peak of the one that starts it: that must be a small one.
                result = subprocess.run(
                    [sys.executable, "-c", PEAK_OF_CHILD,
                     *command("train", data, "--out", self.folder / f"run-{data.stem}-{limit}",
                              "--memory-limit", f"{limit}M", "--threads", 2)],
                    capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
                self.assert_ends(result, 0)
                peak = int(result.stdout.splitlines()[-1]) * 1024
                self.assertLess(peak, (limit + 64) * MEBIBYTE, f"{data.name} with {limit} MiB")
        # So much is streamed from a mapping.
        hashes = {read_summary(self.folder / f"run-large-{limit}")["model_sha256"]
                  for limit in (24, 72)}
        self.assertEqual(hashes, {self.train_hash(path, out="resident")})


if __name__ == "__main__":
    unittest.main()
