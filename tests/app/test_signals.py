#!/usr/bin/python3
"""Signals and time limits: a checkpoint, one exit code, and the bits of an uninterrupted run."""
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

import h5py

from jobs import Job, wait_for
from kill_campaign import metrics, newest_checkpoint
from support import BINARY, KILL_WAIT, AppTest, made_up, read_summary, run, write_data

STOPPED_BY_SIGNAL = 75
# Small steps over a long way: it never comes to an end by itself.
SOLVER = ("--solver", "gd", "--learning-rate", "1e-4", "--standardize", "no", "--tolerance", 0)
ENDLESS = ("--max-iterations", 10**9)
FURTHER = 20  # iterations after the stop

# Leaves the exit code of each rank in a file: $0 is the folder.
WRAPPER = ("sh", "-c", '"$@"; code=$?; echo $code > "$0/rank-$OMPI_COMM_WORLD_RANK"; exit $code')


def is_iterating(job):
    return any(line.startswith("iteration    5 ") for line in job.whole_lines())


def listens(pid):
    """Whether the process has a handler for SIGTERM."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def send(pid, number):
    """Whether the process was still there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


class Stopped(AppTest):
    def setUp(self):
        super().setUp()
        self.data = write_data(self.folder / "data.h5", *made_up(6000, 40, seed=11))

    def start(self, *options, out, ranks, data=None, **settings):
        return Job("train", data or self.data, "--out", self.folder / out, "--verbose", *SOLVER,
                   *(options or ENDLESS), ranks=ranks, **settings)

    def assert_goes(self, job):
        self.assertTrue(job.wait_until_gone(), f"it hangs:\n{job.stderr()}")

    def assert_stopped(self, job, out, reason="signal", code=STOPPED_BY_SIGNAL):
        self.assert_goes(job)
        self.assertEqual(job.mpirun.returncode, code, job.stderr())
        summary = read_summary(self.folder / out)
        self.assertEqual(summary["stop_reason"], reason)
        iteration, fault = newest_checkpoint(self.folder / out)
        self.assertIsNone(fault)
        self.assertEqual(iteration, summary["iterations"])
        # A run that was stopped half-way by a signal has no model to offer.
        self.assertEqual((self.folder / out / "model.h5").exists(), reason != "signal")

    def assert_resumes_to_the_same_bits(self, *outs, ranks=(3, 1, 2), data=None):
        """Each goes on from its checkpoint, on other numbers of ranks, to one and the same end."""
        data = data or self.data
        target = max(newest_checkpoint(self.folder / out)[0] for out in outs) + FURTHER
        options = (data, *SOLVER, "--max-iterations", target)
        whole = self.train(*options, out="whole", ranks=2)
        for i, out in enumerate(outs):
            before = newest_checkpoint(self.folder / out)[0]
            resumed = self.train(*options, "--resume", out=out, ranks=ranks[i % len(ranks)])
            for name in ("model_sha256", "iterations", "passes", "objective", "stop_reason"):
                self.assertEqual(read_summary(resumed)[name], read_summary(whole)[name], out)
            # Each iteration once and in order, with the numbers of the uninterrupted run.
            self.assertEqual(metrics(resumed), metrics(whole), f"{out}, stopped after {before}")

    def test_any_signal_to_any_one_rank_stops_the_run(self):
        cases = (("TERM", 0, 2), ("TERM", 2, 3), ("USR1", 0, 3), ("USR1", 1, 2), ("USR2", 1, 2),
                 ("INT", 0, 1), ("INT", 1, 3))
        outs = []
        for name, rank, ranks in cases:
            with self.subTest(signal=name, rank=rank, ranks=ranks):
                outs.append(f"{name}-{rank}-{ranks}")
                with self.start(out=outs[-1], ranks=ranks) as job:
                    self.assertTrue(wait_for(lambda: is_iterating(job)), job.stderr())
                    os.kill(job.rank_process(rank), getattr(signal, f"SIG{name}"))
                    self.assert_stopped(job, outs[-1])
        self.assert_resumes_to_the_same_bits(*outs)

    def test_all_ranks_end_with_the_same_exit_code(self):
        for signalled in range(3):
            codes = self.folder / f"codes-{signalled}"
            codes.mkdir()
            # mpirun waits for the other ranks instead of killing them after the first exit code
            # that is not 0, so that each can tell its own; then its own exit code tells nothing.
            with self.start(out=f"run-{signalled}", ranks=3, wrapper=(*WRAPPER, codes),
                            mca={"orte_abort_on_non_zero_status": 0}) as job:
                self.assertTrue(wait_for(lambda: is_iterating(job)), job.stderr())
                os.kill(job.rank_process(signalled), signal.SIGTERM)
                self.assert_goes(job)
            self.assertEqual({path.name: path.read_text().strip() for path in codes.iterdir()},
                             {f"rank-{rank}": str(STOPPED_BY_SIGNAL) for rank in range(3)})

    def test_mpirun_passes_on_a_user_signal_and_the_exit_code(self):
        for name in ("USR1", "USR2"):
            with self.start(out=name, ranks=2) as job:
                self.assertTrue(wait_for(lambda: is_iterating(job)), job.stderr())
                job.mpirun.send_signal(getattr(signal, f"SIG{name}"))
                self.assert_stopped(job, name)
        self.assert_resumes_to_the_same_bits("USR1", "USR2")

    def test_terminating_mpirun_leaves_a_checkpoint(self):
        for name in ("TERM", "INT"):
            # The time between SIGTERM and SIGKILL, on a machine that may be busy.
            with self.start(out=name, ranks=2, mca={KILL_WAIT: 3}) as job:
                self.assertTrue(wait_for(lambda: is_iterating(job)), job.stderr())
                job.mpirun.send_signal(getattr(signal, f"SIG{name}"))
                self.assert_goes(job)
                self.assertNotEqual(job.mpirun.returncode, 0)
            iteration, fault = newest_checkpoint(self.folder / name)
            self.assertIsNone(fault)
            self.assertGreaterEqual(iteration, 5)
        self.assert_resumes_to_the_same_bits("TERM", "INT")

    def test_further_signals_change_nothing(self):
        with self.start(out="twice", ranks=2) as job:
            self.assertTrue(wait_for(lambda: is_iterating(job)), job.stderr())
            processes = [job.rank_process(rank) for rank in range(2)]
            # As long as there is a rank to take them, the writing of the checkpoint and the end of
            # MPI included.
            while job.mpirun.poll() is None and any([
                    send(pid, number) for pid in processes
                    for number in (signal.SIGTERM, signal.SIGUSR1)]):
                time.sleep(0.001)
            self.assert_stopped(job, "twice")
        self.assert_resumes_to_the_same_bits("twice")

    def test_a_signal_before_the_first_iteration_waits_for_it(self):
        # Compressed, so that loading takes its time.
        X, y = made_up(40_000, 40, seed=5)
        data = self.folder / "large.h5"
        with h5py.File(data, "w") as file:
            file.create_dataset("X", data=X, chunks=(500, 40), compression="gzip")
            file.create_dataset("y", data=y)

        with self.start(out="loading", ranks=2, data=data) as job:
            self.assertTrue(wait_for(lambda: "training on 2 ranks" in job.stderr()), job.stderr())
            os.kill(job.rank_process(1), signal.SIGTERM)
            self.assert_stopped(job, "loading")
        # While MPI starts: the rank listens to signals before that.
        with self.start(out="starting", ranks=2, data=data) as job:
            pid = wait_for(lambda: job.rank_process(0))
            self.assertTrue(wait_for(lambda: listens(pid)), job.stderr())
            os.kill(pid, signal.SIGUSR1)
            self.assert_stopped(job, "starting")
        # While a resumed run loads: what it was to resume is still there.
        with self.start("--resume", *ENDLESS, out="loading", ranks=3, data=data) as job:
            self.assertTrue(wait_for(lambda: "training on 3 ranks" in job.stderr()), job.stderr())
            os.kill(job.rank_process(2), signal.SIGUSR1)
            self.assert_stopped(job, "loading")
        self.assert_resumes_to_the_same_bits("loading", "starting", data=data)

    def test_stopping_again_and_again_gives_the_bits_of_one_run(self):
        last = -1
        for ranks in (2, 3, 1, 2):
            with self.start("--resume", *ENDLESS, out="often", ranks=ranks) as job:
                self.assertTrue(wait_for(lambda: any(
                    line.startswith(f"iteration {last + 3:>4} ") for line in job.whole_lines())),
                    job.stderr())
                os.kill(job.rank_process(ranks - 1), signal.SIGUSR1)
                self.assert_stopped(job, "often")
            iteration, _ = newest_checkpoint(self.folder / "often")
            self.assertGreater(iteration, last)
            last = iteration
        self.assert_resumes_to_the_same_bits("often")

    def test_a_time_limit_ends_well_with_a_model_and_a_checkpoint(self):
        for limit in ("2", "0:00:01"):
            with self.start("--time-limit", limit, *ENDLESS, out=f"limit-{len(limit)}",
                            ranks=2) as job:
                self.assert_stopped(job, f"limit-{len(limit)}", reason="time_limit", code=0)
                self.assertIn("not converged", job.stderr())
        self.assertGreater(read_summary(self.folder / "limit-1")["seconds"]["total"], 2)
        self.assert_resumes_to_the_same_bits("limit-1", "limit-7")

    def test_a_time_limit_leaves_no_time_for_inference(self):
        with self.start("--time-limit", "1", "--inference", *ENDLESS, out="inferred",
                        ranks=1) as job:
            self.assert_stopped(job, "inferred", reason="time_limit", code=0)
            self.assertIn("no standard errors: the time limit leaves no time for them", job.stderr())
        out = self.folder / "inferred"
        self.assertTrue((out / "model.h5").exists())
        self.assertFalse((out / "inference.json").exists())

    def test_a_time_limit_counts_anew_when_resuming(self):
        before = -1
        for ranks in (1, 2):
            with self.start("--resume", "--time-limit", "3s", *ENDLESS, out="limit",
                            ranks=ranks) as job:
                self.assert_stopped(job, "limit", reason="time_limit", code=0)
            iteration, _ = newest_checkpoint(self.folder / "limit")
            self.assertGreater(iteration, before)
            before = iteration

    def test_each_start_in_a_job_that_is_nearly_over_makes_an_iteration(self):
        for starts in (1, 2, 3):
            job = {"SLURM_JOB_ID": "1", "SLURM_JOB_END_TIME": str(int(time.time()) + 5)}
            result = run("train", self.data, *SOLVER, *ENDLESS, "--time-limit", "auto", "--resume",
                         "--out", self.folder / "short", ranks=starts, env=job)
            self.assert_ends(result, STOPPED_BY_SIGNAL)
            self.assertIn("the job ends in less than a minute", result.stderr)
            summary = read_summary(self.folder / "short")
            self.assertEqual((summary["stop_reason"], summary["iterations"]), ("time_limit", starts))
        self.assert_resumes_to_the_same_bits("short")


class Ended(AppTest):
    """Commands that have nothing to save."""

    def test_a_signal_leaves_nothing_of_an_unfinished_output(self):
        for name in ("TERM", "USR1"):
            number = getattr(signal, f"SIG{name}")
            with subprocess.Popen([BINARY, "generate", self.folder / "out.h5", "--rows", "2000000",
                                   "--features", "64"], stderr=subprocess.PIPE, text=True) as job:
                self.assertTrue(wait_for(lambda: list(self.folder.glob(".out.h5.*.tmp"))))
                job.send_signal(number)
                _, said = job.communicate(timeout=20)
                self.assertEqual(job.returncode, -number)
            self.assertIn("ended by a signal; the unfinished output was removed", said)
            self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
