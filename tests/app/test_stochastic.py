#!/usr/bin/python3
"""Solvers that step after batches: the steps of a plain implementation, the same bits for any
number of ranks, and after any stop; the optimum with the settings that README names."""
import json
import re
import signal
import subprocess
import sys
import time
import unittest

import h5py
import numpy as np

import stochastic_reference as reference
from support import (IRIS, REAL_DATA, AppTest, command, made_up, read_model, read_summary, run,
                     write_data)
from test_sparse import made_up as made_up_sparse
from test_sparse import write_csr

# name: options of the program, and of the reference
SETTINGS = {
    "sgd": ({"solver": "sgd", "batch-size": 64, "learning-rate": 0.05}, {}),
    "single rows": ({"solver": "sgd", "batch-size": 1, "learning-rate": 0.002}, {}),
    "momentum": ({"solver": "sgd", "batch-size": 50, "learning-rate": 0.02, "momentum": 0.9,
                  "schedule": "inverse", "decay": 0.5, "seed": 9}, {}),
    "nesterov": ({"solver": "sgd", "batch-size": 77, "learning-rate": 0.02, "momentum": 0.8,
                  "nesterov": True, "clip": 0.3, "schedule": "step", "decay": 0.5,
                  "decay-epochs": 2}, {}),
    "in stored order": ({"solver": "sgd", "batch-size": 100, "learning-rate": 0.1,
                         "shuffle": "no", "average": 1}, {"shuffle": False}),
    "in groups": ({"solver": "sgd", "batch-size": 100, "learning-rate": 0.1,
                   "shuffle": "groups"}, {"shuffle": "groups"}),
    "adam": ({"solver": "adam", "batch-size": 64, "learning-rate": 0.01, "schedule": "cosine",
              "schedule-epochs": 6, "warmup": 0.5}, {}),
    "adamw": ({"solver": "adam", "batch-size": 128, "learning-rate": 0.01, "beta1": 0.8,
               "beta2": 0.99, "epsilon": 1e-6, "weight-decay": "decoupled", "average": 2},
              {"decoupled": True}),
    "adagrad": ({"solver": "adagrad", "batch-size": 64, "learning-rate": 0.1},
                {"epsilon": 1e-10}),
}


def arguments_of(options):
    return [text for name, value in options.items()
            for text in ([f"--{name}"] if value is True else [f"--{name}", str(value)])]


def reference_of(options, changes):
    named = {name.replace("-", "_"): value for name, value in options.items()
             if name not in ("weight-decay", "shuffle")}
    return {**named, **changes}


class Steps(AppTest):
    def setUp(self):
        super().setUp()
        self.X, self.y = made_up(700, 11, seed=5)
        self.X = (self.X - 3) / 4
        self.weights = np.random.default_rng(2).integers(0, 4, 700) / 2
        self.data = write_data(self.folder / "data.h5", self.X, self.y)

    def check(self, name, *more, epochs=4, rtol=1e-12, data=None, **changes):
        options, own = SETTINGS[name]
        expected = reference.train(self.X, self.y.astype(float), epochs=epochs, l2=1e-2,
                                   **{**reference_of(options, own), **changes})
        directory = self.train(data or self.data, *arguments_of(options), *more, "--l2", "1e-2",
                               "--max-iterations", epochs, ranks=1 + len(name) % 3,
                               out=f"{name}-{len(more)}")
        w, b = read_model(directory)
        scale = np.abs(expected[-1]).max()
        np.testing.assert_allclose(np.append(w, b) / scale, expected[-1] / scale, rtol=0,
                                   atol=rtol, err_msg=name)

    def test_are_those_of_a_plain_implementation(self):
        for name in SETTINGS:
            with self.subTest(name):
                self.check(name, "--standardize", "no")

    def test_are_taken_in_standardised_variables(self):
        for name in ("momentum", "adamw"):
            self.check(name, rtol=1e-11, standardize=True)

    def test_count_rows_by_their_weights(self):
        data = self.folder / "weights.h5"
        with h5py.File(data, "w") as file:
            file["X"], file["y"], file["w"] = self.X, self.y, self.weights
        self.check("sgd", "--standardize", "no", "--weights-name", "w", data=data,
                   weights=self.weights)

    def test_have_as_many_rows_as_they_should_where_rows_are_held_out(self):
        directory = self.train(self.data, "--solver", "sgd", "--batch-size", 7, "--max-iterations",
                               1, "--validation-fraction", 0.9, out="held-out")
        summary = read_summary(directory)
        self.assertAlmostEqual(summary["batches"]["steps"], summary["rows"] / 7, delta=1)

    def test_are_of_soft_labels_too(self):
        self.y = np.random.default_rng(4).random(700)
        data = write_data(self.folder / "soft.h5", self.X, self.y)
        for name in ("sgd", "in groups"):
            self.check(name, "--standardize", "no", data=data)

    def test_of_sparse_rows_are_those_of_dense_ones(self):
        X = np.where(np.random.default_rng(1).random(self.X.shape) < 0.3, self.X, 0)
        data = self.folder / "sparse.h5"
        with h5py.File(data, "w") as file:
            rows, columns = np.nonzero(X)
            group = file.create_group("X")
            group["data"], group["indices"] = X[rows, columns], columns
            group["indptr"] = np.searchsorted(rows, np.arange(len(X) + 1))
            group.attrs["shape"] = X.shape
            file["y"] = self.y
        self.X = X
        self.check("adam", "--standardize", "no", data=data)

    def test_of_one_rank_alone_are_the_usual_ones(self):
        options = (self.data, "--solver", "sgd", "--batch-size", "80", "--max-iterations", "3")
        alone = self.train_hash(*options, out="alone")
        self.assertEqual(self.train_hash(*options, "--local-steps", "4", out="local"), alone)

    def test_that_ranks_take_by_themselves_are_averaged_by_rows(self):
        # Three blocks of 32 rows for the first rank, two for the second.
        X, y = self.X[:160], self.y[:160].astype(float)
        data = write_data(self.folder / "two.h5", X, self.y[:160])
        directory = self.train(data, "--solver", "sgd", "--batch-size", "64", "--learning-rate",
                               "0.1", "--standardize", "no", "--local-steps", "1000",
                               "--max-iterations", "1", "--momentum", "0.5", ranks=2, out="two")
        parts = [reference.train(X[a:b], y[a:b], "sgd", 1, size, 0.1, momentum=0.5, seed=seed)[-1]
                 for a, b, seed, size in ((0, 96, 1, 64), (96, 160, 1 ^ 1 << 40, 32))]
        w, b = read_model(directory)
        # Both take two steps: the first of 64 and 32 rows, the second of 32 each.
        self.assertEqual(read_summary(directory)["batches"]["steps"], 2)
        self.assertEqual(read_summary(directory)["batches"]["allreduces"], 1)
        self.assertLess(np.abs(np.append(w, b) - 0.6 * parts[0] - 0.4 * parts[1]).max(), 1e-14)


class SameBits(AppTest):
    def setUp(self):
        super().setUp()
        X, y = made_up(6_000, 40, seed=3)
        X[17, 5] = 1e6
        # With a limit of 400 kB most of these have to stay in the file.
        self.data = write_data(self.folder / "data.h5", X.astype("f4"), y)
        with h5py.File(self.folder / "chunks.h5", "w") as file:
            file.create_dataset("X", data=X.astype("f4"), chunks=(100, 13), compression="gzip")
            file["y"] = y

    def test_on_any_number_of_ranks_and_threads_resident_and_streamed(self):
        # Batches end within groups, and are worth several threads where they are large.
        for rows, *solver in (("300", "sgd", "--momentum", "0.9", "--average", "1"), ("300", "adam"),
                              ("1300", "adagrad", "--shuffle", "groups")):
            options = ("--solver", *solver, "--batch-size", rows, "--max-iterations", "2",
                       "--validation-fraction", "0.1", "--class-weights", "1,2")
            hashes = {self.train_hash(self.data, *options, out=f"{solver[0]}-{ranks}", ranks=ranks)
                      for ranks in (1, 2, 3, 5)}
            hashes.add(self.train_hash(self.data, *options, "--threads", "3", "--isa", "portable",
                                       out=f"{solver[0]}-threads", ranks=2))
            limit = ("--memory-limit", "1500k")
            for name in ("data", "chunks"):
                directory = self.train(self.folder / f"{name}.h5", *options, *limit, ranks=2,
                                       out=f"{solver[0]}-{name}-streamed")
                summary = read_summary(directory)
                self.assertEqual(summary["rows_are"], "streamed")
                hashes.add(summary["model_sha256"])
            self.assertEqual(len(hashes), 1, solver)

    def test_of_sparse_rows_resident_and_streamed(self):
        X, y = made_up_sparse(rows=20_000)
        whole = {"plain": {}, "packed": {"chunks": (3000,), "compression": "gzip",
                                         "index_type": np.int64}}
        paths = {name: [write_csr(self.folder / f"{name}.h5", X, y, **options)]
                 for name, options in whole.items()}
        cuts = [0, 1, 7_000, 20_000]
        paths["parts"] = [write_csr(self.folder / f"part-{i}.h5", X[a:b], y[a:b])
                          for i, (a, b) in enumerate(zip(cuts, cuts[1:]))]

        def summary_of(name, *options, out, ranks=1):
            return read_summary(self.train(*paths[name], *options, "--batch-size", "700",
                                           "--max-iterations", "2", "--threads", "1", out=out,
                                           ranks=ranks))

        def check(name, *options, out, ranks, limit, resident):
            summary = summary_of(name, *options, "--memory-limit", limit, out=out, ranks=ranks)
            self.assertEqual(summary["rows_are"], "streamed", out)
            self.assertEqual(summary["model_sha256"], resident["model_sha256"], out)

        options = ("--solver", "adam", "--validation-fraction", "0.1", "--class-weights", "1,2")
        resident = summary_of("plain", *options, out="resident")
        self.assertEqual(resident["rows_are"], "resident")
        for name, ranks, limit in (("plain", 1, "1200k"), ("plain", 2, "700k"),
                                   ("plain", 3, "500k"), ("plain", 5, "350k"),
                                   ("packed", 2, "800k"), ("parts", 2, "700k")):
            check(name, *options, out=f"{name}-{ranks}", ranks=ranks, limit=limit,
                  resident=resident)
        options = ("--solver", "sgd", "--shuffle", "no")
        resident = summary_of("plain", *options, out="in-order")
        check("plain", *options, out="in-order-streamed", ranks=2, limit="700k", resident=resident)
        options = ("--solver", "adagrad", "--local-steps", "3")
        resident = summary_of("plain", *options, out="local", ranks=2)
        check("parts", *options, out="local-streamed", ranks=2, limit="700k", resident=resident)

    def test_after_a_stop_at_every_epoch(self):
        for solver in (("sgd", "--momentum", "0.9", "--nesterov", "--average", "2"),
                       ("adam", "--schedule", "cosine", "--schedule-epochs", "6"),
                       ("adagrad", "--shuffle", "groups")):
            options = (self.data, "--solver", *solver, "--evaluate-every", "2")
            whole = self.train_hash(*options, "--max-iterations", "4", out=f"whole-{solver[0]}")
            stopped = f"stopped-{solver[0]}"
            # The average of sgd is from behind the first stops, which --resume allows.
            for stop in range(5):
                self.train(*options, "--resume", "--max-iterations", stop, out=stopped,
                           ranks=1 + stop % 3)
            self.assertEqual(read_summary(self.folder / stopped)["model_sha256"], whole)
            lines = (self.folder / stopped / "metrics.jsonl").read_text().splitlines()
            self.assertEqual([json.loads(line)["iteration"] for line in lines], list(range(5)))

    def test_after_a_stop_where_ranks_with_fewer_rows_skip_local_steps(self):
        X, y = made_up(33, 2)
        data = write_data(self.folder / "few.h5", X, y)
        options = (data, "--solver", "adam", "--local-steps", "2", "--batch-size", "4")
        whole = self.train_hash(*options, "--max-iterations", "6", out="whole", ranks=2)
        self.train(*options, "--max-iterations", "3", out="stopped", ranks=2)
        resumed = self.train_hash(*options, "--max-iterations", "6", "--resume", out="stopped",
                                  ranks=2)
        self.assertEqual(resumed, whole)

    def test_after_a_signal_in_the_middle_of_an_epoch(self):
        # Epochs of a second or so, of single rows.
        options = (self.data, "--solver", "sgd", "--batch-size", "1", "--learning-rate", "0.001",
                   "--max-iterations", "40", "--evaluate-every", "50")
        out = self.folder / "stopped"
        process = subprocess.Popen(command("train", *options, "--out", out),
                                   stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        metrics = out / "metrics.jsonl"
        while process.poll() is None and not (
                metrics.exists() and len(metrics.read_text().splitlines()) > 2):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 75)
        iterations = read_summary(out)["iterations"]
        self.assertLess(iterations, 40)
        self.train(*options[:-4], "--max-iterations", iterations + 2, "--evaluate-every", "50",
                   "--resume", out="stopped", ranks=2)
        whole = self.train_hash(*options[:-4], "--max-iterations", iterations + 2,
                                "--evaluate-every", "50", out="whole", ranks=1)
        self.assertEqual(read_summary(out)["model_sha256"], whole)


class Optimum(AppTest):
    # What README names.
    SOLVERS = {
        "sgd": ("--solver", "sgd", "--batch-size", "64", "--learning-rate", "0.3", "--schedule",
                "cosine", "--momentum", "0.9", "--max-iterations", "60"),
        "adam": ("--solver", "adam", "--batch-size", "64", "--learning-rate", "0.02",
                 "--schedule", "cosine", "--max-iterations", "60"),
    }

    def test_is_near_with_the_settings_of_readme(self):
        for name in ("higgs7k", "magic04"):
            path = REAL_DATA / "hdf5" / f"{name}.h5"
            if not path.exists():
                print(f"{name}: not tested, there is no {path.name} in the folder that "
                      "PARALOGIT_REAL_DATA names", file=sys.stderr)
                continue
            label = ("--positive-label", "g") if name == "magic04" else ()
            options = (path, "--l2", "0.001", *label)
            # Which test_optimum.py holds against other programs.
            best = read_summary(self.train(*options, out=name))["objective"]
            for solver, more in self.SOLVERS.items():
                summary = read_summary(self.train(*options, *more, out=f"{name}-{solver}"))
                excess = summary["objective"] - best
                print(f"{name:10} {solver:6} {excess:9.1e} above the optimum", file=sys.stderr)
                self.assertLess(abs(excess), 1e-4, (name, solver))


class Ends(AppTest):
    def test_a_rate_that_is_too_large_is_recognised_and_a_smaller_one_proposed(self):
        X, y = made_up(300, 5)
        data = write_data(self.folder / "data.h5", X, y)
        for k, options in enumerate((("--learning-rate", "1000", "--standardize", "no"),
                                     ("--learning-rate", "1000000000"))):
            out = self.folder / f"run{k}"
            result = run("train", data, "--solver", "sgd", *options, "--out", out, ranks=(2, None)[k])
            self.assert_ends(result, 5)
            self.assertIn("no model is written", result.stderr)
            proposed = re.search(r"a smaller one: try ([0-9.e+-]+)$", result.stderr, re.MULTILINE)
            self.assertTrue(proposed, result.stderr)
            self.assertLess(float(proposed[1]), 1)
            self.assertFalse((out / "model.h5").exists())

    def test_the_summary_tells_what_a_message_for_each_batch_costs(self):
        directory = self.train(IRIS, "--solver", "sgd", "--batch-size", "10", "--max-iterations",
                               "3", "--evaluate-every", "2", ranks=2)
        summary = read_summary(directory)
        self.assertEqual(summary["batches"]["steps"], 30)
        self.assertEqual(summary["batches"]["allreduces"], 30)
        self.assertGreater(summary["batches"]["seconds_per_allreduce"], 0)
        lines = [json.loads(line) for line in
                 (directory / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual([line.get("is_evaluated") for line in lines], [None, False, True, False])
        self.assertNotEqual(summary["objective"], lines[-1]["objective"])

    def test_options_of_other_solvers_are_refused(self):
        for arguments, text in (
                (("--batch-size", "10"), "--batch-size is an option of --solver sgd, adam and adagrad"),
                (("--solver", "adam", "--momentum", "0.5"), "--momentum is an option of"),
                (("--solver", "sgd", "--decay", "0.5"), "--schedule inverse and step"),
                (("--solver", "sgd", "--nesterov"), "--nesterov needs --momentum"),
                (("--solver", "sgd", "--nesterov", "--momentum", "0"), "--nesterov needs --momentum"),
                (("--solver", "sgd", "--batch-size", "0"), "from 1 to 1048576"),
                (("--solver", "adam", "--beta1", "1"), ">= 0 and < 1")):
            result = run("train", IRIS, *arguments, "--out", self.folder / "run")
            self.assert_ends(result, 2)
            self.assertIn(text, result.stderr)


if __name__ == "__main__":
    unittest.main()
