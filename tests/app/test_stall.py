#!/usr/bin/python3
"""A rank that is stopped or hangs: the others name it, wait or end, and nothing is lost."""
import contextlib
import os
import shlex
import signal
import subprocess
import time
import unittest

from jobs import Job, wait_for
from kill_campaign import newest_checkpoint
from support import BINARY, IRIS, LAUNCHER, AppTest, made_up, read_summary, write_data

STALLED = 7
# Small steps over a long way: it never comes to an end by itself.
SOLVER = ("--solver", "gd", "--learning-rate", "1e-4", "--standardize", "no", "--tolerance", 0)


def stop(rank, function):
    """What a job's command line begins with for a rank to be stopped where it first calls that."""
    return ("env", f"LD_PRELOAD={os.environ['PARALOGIT_STOP_IN_MPI']}", f"STOP_IN={function}",
            f"STOP_RANK={rank}")


class ARankThatIsStopped(AppTest):
    def setUp(self):
        super().setUp()
        self.data = write_data(self.folder / "data.h5", *made_up(2000, 20, seed=7))
        self.out = self.folder / "run"

    def start(self, timeout, ranks=3):
        return self.start_with("--stall-timeout", timeout, ranks=ranks)

    def start_with(self, *options, ranks):
        return Job("train", self.data, "--out", self.out, *SOLVER, *options,
                   "--max-iterations", 10**9, ranks=ranks)

    def stop(self, job, rank):
        """Stops a rank that has iterated; returns its pid."""
        self.assertTrue(wait_for(lambda: list(self.out.glob("checkpoints/*.h5"))), job.stderr())
        pid = job.rank_process(rank)
        os.kill(pid, signal.SIGSTOP)
        return pid

    def test_ends_the_job_with_its_name_and_exit_code_7_and_resumes_to_the_same_bits(self):
        for stopped in (2, 0):
            with self.subTest(rank=stopped), self.start("2s") as job:
                self.stop(job, stopped)
                self.assertTrue(job.wait_until_gone(), job.stderr())
                self.assertEqual(job.mpirun.returncode, STALLED, job.stderr())
                lines = [line for line in job.whole_lines() if "stalled" in line]
                self.assertEqual(len(lines), 1, job.stderr())
                self.assertRegex(lines[0], rf"stalled: .*rank {stopped} on \S+ has not answered")
                self.assertIn("--resume", lines[0])
            iteration, fault = newest_checkpoint(self.out)
            self.assertIsNone(fault)
            options = (self.data, *SOLVER, "--max-iterations", iteration + 20)
            self.train(*options, "--resume", out="run", ranks=2)
            whole = self.train_hash(*options, out=f"whole-{stopped}")
            self.assertEqual(read_summary(self.out)["model_sha256"], whole)
            for part in self.out.rglob("*"):
                if part.is_file():
                    part.unlink()

    def test_is_named_and_waited_for_when_it_goes_on_in_time(self):
        with self.start("20s", ranks=2) as job:
            pid = self.stop(job, 1)
            self.assertTrue(wait_for(lambda: "rank 1 on" in job.stderr(), 15), job.stderr())
            os.kill(pid, signal.SIGCONT)
            before = len(list(job.whole_lines()))
            self.assertTrue(wait_for(lambda: len(job.whole_lines()) > before, 30), job.stderr())
            self.assertNotIn("stalled", job.stderr())

    def test_has_the_time_that_the_config_file_gives(self):
        config = self.folder / "run.conf"
        config.write_text("stall-timeout = 2s\n")
        with self.start_with("--config", config, ranks=2) as job:
            self.stop(job, 1)
            self.assertTrue(job.wait_until_gone(), job.stderr())
            self.assertEqual(job.mpirun.returncode, STALLED, job.stderr())
            self.assertRegex(job.stderr(), r"stalled: .*rank 1 on \S+ has not answered.*--resume")


class ARankThatDoesNotCome(AppTest):
    """Stopped before the options are known, or when all is done: the job ends nevertheless."""

    def assert_ends_stalled(self, job, *says):
        self.assertTrue(job.wait_until_gone(), job.stderr())
        self.assertEqual(job.mpirun.returncode, STALLED, job.stderr())
        lines = [line for line in job.whole_lines() if "stalled" in line]
        self.assertEqual(len(lines), 1, job.stderr())
        for text in says:
            self.assertRegex(lines[0], text)

    def test_ends_the_job_wherever_in_mpi_it_is_stopped(self):
        at_start = (r"stalled: while the job starts this rank has waited for others for 1\d s",
                    r"Start it again$")
        at_end = (r"stalled: at the end of the job this rank has waited", r"Nothing was left to do")
        model = self.train(IRIS, "--l2", 1, out="iris") / "model.h5"
        # All at once, since each only waits: ten times the timeout, which is longer where ranks
        # have work before.
        with contextlib.ExitStack() as jobs:
            started = []
            config = self.folder / "run.conf"
            config.write_text("stall-timeout = 3s\n")
            for function, stopped, ranks, says in (
                    ("MPI_Init_thread", 1, 2, at_start), ("MPI_Init_thread", 0, 2, at_start),
                    ("MPI_Comm_split_type", 1, 2, at_start), ("MPI_Allreduce", 0, 3, at_start),
                    ("MPI_Comm_free", 1, 2, at_end), ("MPI_Finalize", 0, 3, at_end)):
                timeout = "1s" if says is at_start else "2s"
                job = Job("inspect", IRIS, f"--stall-timeout={timeout}", ranks=ranks,
                          wrapper=stop(stopped, function))
                started.append((function, stopped, jobs.enter_context(job), says))
            # The end has the time of the config file, which is known by then.
            job = Job("evaluate", model, IRIS, "--config", config, ranks=2,
                      wrapper=stop(1, "MPI_Finalize"))
            started.append(("MPI_Finalize", 1, jobs.enter_context(job), at_end))
            # Between its start and its end a job may take as long as it likes.
            data = write_data(self.folder / "data.h5", *made_up(2000, 20, seed=7))
            longer = jobs.enter_context(Job(
                "train", data, "--out", self.folder / "run", *SOLVER, "--stall-timeout", "2s",
                "--max-iterations", 10**9, "--checkpoint-every", 0, ranks=2))
            for function, stopped, job, says in started:
                with self.subTest(function=function, rank=stopped):
                    self.assert_ends_stalled(job, *says)
            time.sleep(max(0, longer.begin + 22 - time.monotonic()))
            self.assertIsNone(longer.mpirun.poll(), longer.stderr())

    def test_ends_the_job_where_nobody_reads_what_it_prints(self):
        pipe = self.folder / "stderr"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(reader, bytes(4096))
        with Job("inspect", IRIS, "--stall-timeout=1s", ranks=2,
                 wrapper=("sh", "-c", f'exec "$@" 2> {shlex.quote(str(pipe))}', "sh",
                          *stop(1, "MPI_Init_thread"))) as job:
            self.assertTrue(job.wait_until_gone(), job.stderr())
            self.assertEqual(job.mpirun.returncode, STALLED, job.stderr())

    def test_is_named_when_it_stops_while_the_options_are_read(self):
        config = self.folder / "run.conf"
        config.write_text("l2 = 0.1\n")
        with Job("train", IRIS, "--config", config, "--out", self.folder / "run",
                 "--stall-timeout", "2s", ranks=3, wrapper=stop(1, "MPI_Bcast")) as job:
            self.assert_ends_stalled(job, r"stalled: .*rank 1 on \S+ has not answered",
                                     r"Start it again$")


class ALauncherThatDoesNotAnswer(AppTest):
    """As on a busy machine: mpirun gets no time while ranks take leave of it."""

    def test_does_not_make_a_finished_job_a_failed_one(self):
        wrapper = ("env", f"LD_PRELOAD={os.environ['PARALOGIT_STOP_IN_MPI']}", "STOP_LAUNCHER=3")
        # Many, since each would fail with some chance only.
        jobs = [subprocess.Popen([*LAUNCHER, "-n", "1", *wrapper, BINARY, "inspect", IRIS],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                for _ in range(12)]
        printed = [job.communicate()[0] for job in jobs]
        self.assertEqual([job.returncode for job in jobs], [0] * len(jobs), "\n".join(printed))


if __name__ == "__main__":
    unittest.main()
