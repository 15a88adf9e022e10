#!/usr/bin/python3
"""Ranks on several hosts: the bits of one host, and an end within the stall timeout when a link is
cut or a rank is killed, with nothing lost."""
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "app"))
from hosts import Hosts, wait_until_gone, what_is_missing  # noqa: E402
from jobs import wait_for  # noqa: E402
from kill_campaign import newest_checkpoint  # noqa: E402
from support import BINARY, SOURCE, AppTest, made_up, read_summary, write_data  # noqa: E402

# Small steps over a long way: it never comes to an end by itself.
SLOW = ("--solver", "gd", "--learning-rate", "1e-4", "--standardize", "no", "--tolerance", "0")
ENDLESS = ("--max-iterations", 10**9)
KILLED = 137
STALLED = 7


class RanksOnHosts(AppTest):
    def setUp(self):
        super().setUp()
        self.data = write_data(self.folder / "data.h5", *made_up(3000, 20, seed=8))
        self.out = self.folder / "run"

    def start(self, hosts, *options, ranks_per_host=1, out=None):
        self.printed = self.folder / "printed"
        with open(self.printed, "wb") as printed:
            process = subprocess.Popen(
                hosts.mpirun(ranks_per_host, BINARY, "train", self.data, "--out", out or self.out,
                             *options),
                stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT)
        self.addCleanup(process.kill)
        return process

    def wait_for_checkpoint(self):
        self.assertTrue(wait_for(lambda: list(self.out.glob("checkpoints/*.h5"))),
                        self.printed.read_text())

    def assert_resumes_to_the_bits_of_one_go(self):
        iteration, fault = newest_checkpoint(self.out)
        self.assertIsNone(fault)
        options = (self.data, *SLOW, "--max-iterations", iteration + 20)
        self.train(*options, "--resume", out="run", ranks=2)
        self.assertEqual(read_summary(self.out)["model_sha256"],
                         self.train_hash(*options, out="whole"))

    def test_train_the_model_that_one_host_trains(self):
        whole = self.train_hash(self.data, out="whole")
        for count, ranks_per_host in ((2, 1), (3, 2)):
            with self.subTest(hosts=count), Hosts(count) as hosts:
                out = self.folder / f"run-{count}"
                process = self.start(hosts, ranks_per_host=ranks_per_host, out=out)
                self.assertIsNotNone(wait_until_gone(process, 60), self.printed.read_text())
                self.assertEqual(process.returncode, 0, self.printed.read_text())
                summary = read_summary(out)
                self.assertEqual(summary["ranks"], count * ranks_per_host)
                self.assertEqual(summary["model_sha256"], whole)

    def test_are_started_by_the_helper_with_a_list_of_hosts(self):
        with Hosts(2) as hosts:
            names = self.folder / "hosts.txt"
            names.write_text("# by name\nh1 slots=2\nh2 slots=2\n")
            helper = [SOURCE / "launch" / "mpirun.sh", "--hosts", names, "--ranks", "4", "--threads",
                      "1", "--cores", "2", "--bind", "none", "--interface", "eth0", "--program",
                      BINARY, "--", "train", self.data, "--out", self.out]
            result = subprocess.run(
                [*hosts.hosts[1].enter, *map(str, helper)], capture_output=True, text=True,
                env={**os.environ, "OMPI_MCA_plm_rsh_agent": str(hosts.agent),
                     "OMPI_MCA_mpi_yield_when_idle": "1"}, check=False, timeout=60)
        self.assert_ends(result, 0)
        self.assertEqual(read_summary(self.out)["ranks"], 4)
        self.assertEqual({rank["host"] for rank in read_summary(self.out)["seconds_of_ranks"]},
                         {"h1", "h2"})
        self.assertEqual(read_summary(self.out)["model_sha256"],
                         self.train_hash(self.data, out="whole"))

    def test_end_within_the_stall_timeout_when_a_link_is_cut(self):
        with Hosts(2) as hosts:
            process = self.start(hosts, *SLOW, *ENDLESS, "--stall-timeout", "4s")
            self.wait_for_checkpoint()
            hosts.cut(2)
            # Rank 0 ends itself; mpirun cannot reach the other host's daemon and has to be ended,
            # unless it is told to look whether the link lives, as launch/train.sbatch does.
            found = wait_for(lambda: "stalled: " in self.printed.read_text(), 15)
            self.assertTrue(found, self.printed.read_text())
            self.assertRegex(self.printed.read_text(), r"rank 1 on h2 has not answered")
            self.assertTrue(wait_for(lambda: not hosts.pids_of(1, Path(BINARY).name), 15))
            self.assertTrue(wait_for(lambda: not hosts.pids_of(2, Path(BINARY).name), 15))
            process.kill()
            process.wait()
        self.assert_resumes_to_the_bits_of_one_go()

    def test_end_at_once_when_a_rank_is_killed(self):
        with Hosts(2) as hosts:
            process = self.start(hosts, *SLOW, *ENDLESS)
            self.wait_for_checkpoint()
            os.kill(hosts.pids_of(2, Path(BINARY).name)[0], signal.SIGKILL)
            self.assertIsNotNone(wait_until_gone(process, 15), self.printed.read_text())
            self.assertEqual(process.returncode, KILLED, self.printed.read_text())
        self.assert_resumes_to_the_bits_of_one_go()


if __name__ == "__main__":
    missing = what_is_missing()
    if missing:
        if os.environ.get("PARALOGIT_REQUIRE_NAMESPACES"):
            sys.exit(f"error: {missing}")
        print(f"SKIPPED: {missing}")
        sys.exit(77)  # ctest: SKIP_RETURN_CODE
    unittest.main()
