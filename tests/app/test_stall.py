#!/usr/bin/python3
"""A rank that is stopped or hangs: the others name it, wait or end, and nothing is lost."""
import os
import signal
import unittest

from jobs import Job, wait_for
from kill_campaign import newest_checkpoint
from support import AppTest, made_up, read_summary, write_data

STALLED = 7
# Small steps over a long way: it never comes to an end by itself.
SOLVER = ("--solver", "gd", "--learning-rate", "1e-4", "--standardize", "no", "--tolerance", 0)


class ARankThatIsStopped(AppTest):
    def setUp(self):
        super().setUp()
        self.data = write_data(self.folder / "data.h5", *made_up(2000, 20, seed=7))
        self.out = self.folder / "run"

    def start(self, timeout, ranks=3):
        return Job("train", self.data, "--out", self.out, *SOLVER, "--stall-timeout", timeout,
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


if __name__ == "__main__":
    unittest.main()
