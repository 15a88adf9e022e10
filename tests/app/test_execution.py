#!/usr/bin/python3
"""One model, bit for bit, over threads, instruction sets and solvers; and what is said of them."""
import os
import subprocess
import sys
import unittest

import h5py
import numpy as np

from support import PEAK, AppTest, command, made_up, read_summary, run, write_data

# Of the same path: what may differ between the runs that are compared.
LAYOUTS = [(ranks, threads, isa) for ranks in (1, 2, 3, 5) for threads in (1, 2, 4)
           for isa in ("portable", "avx2", "avx512")]
# Each solver ends soon: the bits are compared, not the optimum.
SOLVERS = {
    "newton": ("--max-iterations", "3"),
    "newton-all-rows": ("--solver", "newton", "--hessian-fraction", "1", "--max-iterations", "2"),
    "newton-cg": ("--max-iterations", "3"),
    "lbfgs": ("--max-iterations", "6"),
    "gd": ("--max-iterations", "4"),
}
TYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")


def solver_options(name):
    options = SOLVERS[name]
    return options if "--solver" in options else ("--solver", name, *options)


class SameBits(AppTest):
    def supported(self, isa):
        """The machine may lack some; then the program says so."""
        if not hasattr(self, "lacking"):
            data = write_data(self.folder / "tiny.h5", *made_up(50, 3))
            self.lacking = [each for each in ("portable", "avx2", "avx512")
                            if run("train", data, "--isa", each, "--out",
                                   self.folder / f"tiny-{each}").returncode == 2]
            if self.lacking:
                print(f"not on this machine: {', '.join(self.lacking)}", file=sys.stderr)
        return isa not in self.lacking

    def test_ranks_threads_and_instructions_give_one_model_with_every_solver(self):
        # Enough values for four threads on each of five ranks, and features on other scales.
        X, y = made_up(25_000, 60, seed=5)
        X[4711, 7] = 1e8
        data = write_data(self.folder / "data.h5", X.astype(np.float32), y)
        for name in SOLVERS:
            layouts = LAYOUTS if name == "newton" else LAYOUTS[::5]
            hashes = set()
            threads_used = set()
            for ranks, threads, isa in layouts:
                if not self.supported(isa):
                    continue
                out = f"{name}-{ranks}-{threads}-{isa}"
                summary = read_summary(self.train(data, *solver_options(name), "--threads",
                                                  str(threads), "--isa", isa, out=out, ranks=ranks))
                self.assertEqual(summary["isa"], isa)
                threads_used.add(summary["threads"])
                hashes.add(summary["model_sha256"])
            self.assertEqual(len(hashes), 1, name)
            self.assertEqual(threads_used, {1, 2, 4}, name)

    def test_the_stored_type_does_not_matter_to_any_solver(self):
        X, y = made_up(3000, 20, seed=6)
        X = np.abs(np.round(X)) % 2
        paths = [write_data(self.folder / f"{i}.h5", X.astype(kind), y)
                 for i, kind in enumerate(TYPES)]
        for name in SOLVERS:
            hashes = {self.train_hash(path, *solver_options(name), out=f"{name}-{path.stem}")
                      for path in paths}
            self.assertEqual(len(hashes), 1, name)

    def test_predictions_do_not_depend_on_threads_and_instructions(self):
        X, y = made_up(9000, 30)
        data = write_data(self.folder / "data.h5", X, y)
        model = self.train(data) / "model.h5"
        contents = set()
        scores = set()
        for threads, isa in ((1, "portable"), (2, "avx2"), (4, "avx512"), (3, "auto")):
            if isa != "auto" and not self.supported(isa):
                continue
            options = ("--threads", threads, "--isa", isa)
            out = self.folder / f"p-{isa}.csv"
            self.assert_ends(run("predict", model, data, "--out", out, *options), 0)
            contents.add(out.read_bytes())
            result = run("evaluate", model, data, "--json", *options)
            self.assert_ends(result, 0)
            scores.add(result.stdout)
        self.assertEqual(len(contents), 1)
        self.assertEqual(len(scores), 1)


class WithoutLauncher(AppTest):
    def test_processes_that_run_side_by_side_do_not_disturb_each_other(self):
        data = write_data(self.folder / "data.h5", *made_up(500, 5))
        temporary = self.folder / "tmp"
        temporary.mkdir()
        environment = {**os.environ, "TMPDIR": str(temporary)}
        for turn in range(4):
            runs = [subprocess.Popen(
                command("train", data, "--quiet", "--out", self.folder / f"{turn}-{i}"),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
                for i in range(6)]
            for process in runs:
                _, errors = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 0, errors)
        self.assertEqual(os.listdir(temporary), [])


class Threads(AppTest):
    def setUp(self):
        super().setUp()
        self.data = write_data(self.folder / "data.h5", *made_up(20_000, 40))

    def threads(self, *options, env=None, out="run", ranks=None):
        result = run("train", self.data, "--max-iterations", "1", "--out", self.folder / out,
                     *options, env=env, ranks=ranks)
        self.assert_ends(result, 0)
        return read_summary(self.folder / out)["threads"], result.stderr

    def test_the_option_wins_over_the_environment_and_that_over_the_cores(self):
        cores = len(os.sched_getaffinity(0))
        without = {"OMP_NUM_THREADS": ""}
        self.assertEqual(self.threads(env=without, out="a")[0], min(cores, 12))
        self.assertEqual(self.threads(env={"OMP_NUM_THREADS": "3"}, out="b")[0], 3)
        self.assertEqual(self.threads(env={"OMP_NUM_THREADS": "3,2"}, out="c")[0], 3)
        self.assertEqual(self.threads("--threads", "5", env={"OMP_NUM_THREADS": "3"}, out="d")[0],
                         5)
        self.assertEqual(self.threads("--threads", "auto", env=without, out="e")[0],
                         min(cores, 12))

    def test_ranks_that_may_use_the_same_cores_share_them(self):
        cores = len(os.sched_getaffinity(0))
        threads, _ = self.threads(env={"OMP_NUM_THREADS": ""}, ranks=2)
        self.assertEqual(threads, min(max(cores // 2, 1), 6))

    def test_more_threads_than_cores_get_a_warning(self):
        cores = len(os.sched_getaffinity(0))
        _, said = self.threads("--threads", str(cores + 1))
        self.assertIn(f"1 rank on {os.uname().nodename} has {cores + 1} threads for {cores} core",
                      said)
        _, said = self.threads("--threads", "1", out="one")
        self.assertNotIn("threads for", said)

    def test_ranks_on_one_core_get_a_warning(self):
        core = min(os.sched_getaffinity(0))
        result = subprocess.run(["taskset", "-c", str(core),
                                 *command("train", self.data, "--out", self.folder / "run",
                                          "--max-iterations", "1", ranks=2)],
                                capture_output=True, text=True, timeout=60, check=False)
        self.assert_ends(result, 0)
        self.assertIn("all 2 ranks on", result.stderr)
        self.assertIn("bound to one core", result.stderr)

    def test_threads_that_openmp_binds_have_all_cores(self):
        cores = len(os.sched_getaffinity(0))
        for number, bound in enumerate(({"OMP_PROC_BIND": "true"}, {"OMP_PLACES": "cores"},
                                        {"GOMP_CPU_AFFINITY": f"0-{cores - 1}"})):
            threads, said = self.threads(env={"OMP_NUM_THREADS": "", **bound}, out=str(number))
            self.assertEqual(threads, min(cores, 12))
            self.assertNotIn("threads for", said)

    def test_ranks_that_openmp_binds_to_the_same_cores_get_a_warning(self):
        _, said = self.threads("--threads", "1", env={"OMP_PROC_BIND": "true"}, ranks=2)
        self.assertIn("binds the threads of 2 ranks on", said)
        _, said = self.threads("--threads", "1", env={"OMP_PROC_BIND": "false"}, ranks=2, out="b")
        self.assertNotIn("OMP_PROC_BIND", said)

    def test_small_data_is_left_to_one_thread(self):
        small = write_data(self.folder / "small.h5", *made_up(500, 10))
        out = self.folder / "small"
        self.assert_ends(run("train", small, "--threads", "4", "--out", out), 0)
        self.assertEqual(read_summary(out)["threads"], 1)

    def test_values_that_are_none_are_refused(self):
        for option, value, expected in (("--threads", "0", "an integer from 1 to 4096"),
                                        ("--threads", "many", "an integer from 1 to 4096"),
                                        ("--isa", "sse9", "portable, avx2, avx512"),
                                        ("--hessian-fraction", "0", "> 0"),
                                        ("--hessian-fraction", "1.5", "<= 1"),
                                        ("--solver", "sgdx", "newton-cg")):
            result = run("train", self.data, "--out", self.folder / "none", option, value, ranks=2)
            self.assert_ends(result, 2)
            self.assertIn(option, result.stderr)
            self.assertFalse((self.folder / "none").exists())


class Solvers(AppTest):
    def test_auto_names_what_it_chose_and_why(self):
        tall = write_data(self.folder / "tall.h5", *made_up(5000, 10))
        wide = write_data(self.folder / "wide.h5", *made_up(50, 80))
        for data, solver, reason in ((tall, "newton", "a Hessian costs as much as"),
                                     (wide, "newton-cg", "fewer rows than variables")):
            out = self.folder / solver
            result = run("train", data, "--l2", "1e-3", "--out", out)
            self.assert_ends(result, 0)
            self.assertIn(reason, result.stderr)
            self.assertEqual(read_summary(out)["solver"], solver)

    def test_a_fraction_of_the_hessian_that_nothing_uses_gets_a_warning(self):
        data = write_data(self.folder / "data.h5", *made_up(2000, 500))
        for solver, says_so in (("auto", True), ("newton", False)):
            result = run("train", data, "--solver", solver, "--hessian-fraction", "0.5", "--out",
                         self.folder / solver, "--max-iterations", "1")
            self.assert_ends(result, 0)
            self.assertEqual("--hessian-fraction is not used" in result.stderr, says_so, solver)

    def test_all_solvers_come_to_the_same_optimum(self):
        data = write_data(self.folder / "data.h5", *made_up(3000, 12, seed=8))
        found = {}
        for solver in ("newton", "newton-cg", "lbfgs"):
            summary = read_summary(self.train(data, "--l2", "1e-4", "--solver", solver,
                                              out=solver))
            self.assertEqual(summary["stop_reason"], "converged", solver)
            self.assertEqual(summary["hessians"] > 0, solver == "newton")
            self.assertEqual(summary["hessian_products"] > 0, solver == "newton-cg")
            found[solver] = summary["objective"]
        lowest = min(found.values())
        for solver, objective in found.items():
            self.assertLessEqual(objective - lowest, 1e-13 * lowest, solver)

    def test_a_resumed_run_may_not_change_the_solver_that_auto_chose(self):
        data = write_data(self.folder / "data.h5", *made_up(3000, 12, seed=8))
        self.train(data, "--max-iterations", "2", out="run")
        result = run("train", data, "--resume", "--solver", "lbfgs", "--out", self.folder / "run")
        self.assert_ends(result, 4)
        self.assertIn("started with --solver newton, but now it is lbfgs", result.stderr)
        whole = self.train_hash(data, out="whole")
        self.train(data, "--resume", "--solver", "newton", out="run", ranks=2)
        self.assertEqual(read_summary(self.folder / "run")["model_sha256"], whole)


class Memory(AppTest):
    def test_a_rank_needs_little_more_than_its_shard_as_stored(self):
        rows, features = 3_000_000, 10
        X = np.ones((rows, features), dtype=np.float32)
        X[::3] = 2.0
        X[:, 1] = np.arange(rows) % 101
        y = (np.arange(rows) % 7 == 0).astype(np.uint8)
        contiguous = write_data(self.folder / "contiguous.h5", X, y)
        chunked = self.folder / "chunked.h5"
        with h5py.File(chunked, "w") as file:
            file.create_dataset("X", data=X, chunks=(8192, features), compression="gzip",
                                compression_opts=1, shuffle=True)
            file.create_dataset("y", data=y)
        most = 1.1 * (X.nbytes + y.nbytes) + 64 * 2**20
        for data in (contiguous, chunked):
            for solver in ("newton", "lbfgs"):
                self.assertLess(self.peak(data, f"{data.stem}-{solver}", "--solver", solver), most,
                                f"{data.stem}, {solver}")

    def test_large_chunks_are_not_held_in_memory_beside_the_rows(self):
        rows, features = 500_000, 32
        X = np.arange(rows * features, dtype=np.float32).reshape(rows, features) % 1009
        y = (np.arange(rows) % 7 == 0).astype(np.uint8)
        most = 1.1 * (X.nbytes + y.nbytes) + 64 * 2**20
        transposed = ("--transposed",)
        zipped = {"compression": "gzip", "compression_opts": 1}
        for name, stored, chunks, filters, options, allowed in (
                # Of columns without filters all are read for the first row; of those below a part.
                ("columns", X, (rows, 1), {}, (), 100),
                ("halves", X, (rows // 2, features), {}, (), 40),
                ("transposed", X.T, (1, rows), {}, transposed, 40),
                ("zipped", X.T, (8, rows // 10), zipped, transposed, 60)):
            data = self.folder / f"{name}.h5"
            with h5py.File(data, "w") as file:
                file.create_dataset("X", data=stored, chunks=chunks, **filters)
                file.create_dataset("y", data=y)
            self.assertLess(self.peak(data, name, *options), most, name)
            out = f"{name}-streamed"
            peak = self.peak(data, out, *options, "--threads", "1", "--memory-limit",
                             f"{allowed}M")
            self.assertLess(peak, (allowed + 32) * 2**20, name)
            self.assertEqual(read_summary(self.folder / out)["rows_are"], "streamed", name)

    def peak(self, data, out, *options):
        """Of a process of its own, for the system keeps one maximum for all children."""
        arguments = command("train", data, "--max-iterations", "2", *options, "--out",
                            self.folder / out)
        return int(subprocess.run([sys.executable, "-c", PEAK, *arguments], capture_output=True,
                                  text=True, timeout=120, check=True).stdout)


if __name__ == "__main__":
    unittest.main()
