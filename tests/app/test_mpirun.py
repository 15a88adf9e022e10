#!/usr/bin/python3
"""launch/mpirun.sh: the command that it makes for hosts of many kinds, and a run on this one."""
import os
import shlex
import subprocess
import unittest

from support import BINARY, IRIS, SOURCE, AppTest, read_summary

HELPER = SOURCE / "launch" / "mpirun.sh"
# Two hosts of 64 cores in four domains, and one of 8 in two.
LARGE = ("--cores", "64", "--domains", "4")
SMALL = ("--cores", "8", "--domains", "2")


def run_helper(*arguments, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    return subprocess.run([str(HELPER), *map(str, arguments)], capture_output=True, text=True,
                          env={**kept, **environment}, check=False, timeout=60)


class TheHelper(AppTest):
    def setUp(self):
        super().setUp()
        self.hosts = self.folder / "hosts.txt"
        self.hosts.write_text("# the rack\nnode7 slots=64\n\nnode8 slots=64 # new\n")

    def words(self, *options, **environment):
        """Of the command that a dry run prints."""
        result = run_helper("--dry-run", "--program", BINARY, *options, "--", "train", "a b.h5",
                            "--out", "run", **environment)
        self.assert_ends(result, 0)
        words = shlex.split(result.stderr.splitlines()[-1])
        self.assertEqual(words[0], "mpirun")
        self.assertEqual(words[-5:], [BINARY, "train", "a b.h5", "--out", "run"])
        return words

    def assert_has(self, words, *expected):
        for part in expected:
            self.assertIn(f" {part} ", " ".join(words))

    def test_gives_each_domain_a_rank_with_a_thread_for_each_core(self):
        self.assert_has(self.words(*SMALL), "-n 2", "--map-by ppr:1:numa:pe=4 --bind-to core",
                        "-x OMP_NUM_THREADS=4")
        self.assert_has(self.words(*LARGE, "--hosts", self.hosts), "-n 8",
                        f"--hostfile {self.hosts}", "--map-by ppr:1:numa:pe=16 --bind-to core",
                        "-x OMP_NUM_THREADS=16")
        self.assert_has(self.words(*SMALL, SLURM_JOB_NUM_NODES="3"), "-n 6")

    def test_spreads_as_many_ranks_as_are_asked_for(self):
        self.assert_has(self.words(*LARGE, "--hosts", self.hosts, "--ranks", "128"),
                        "-n 128", "ppr:16:numa:pe=1 --bind-to core", "OMP_NUM_THREADS=1")
        # Three on a host with four domains: whole cores, but no domain of their own.
        self.assert_has(self.words(*LARGE, "--hosts", self.hosts, "--ranks", "6"),
                        "ppr:3:node:pe=21 --bind-to core", "OMP_NUM_THREADS=21")
        self.assert_has(self.words(*SMALL, "--ranks", "4", "--threads", "1"),
                        "ppr:2:numa:pe=1", "OMP_NUM_THREADS=1")
        self.assert_has(self.words(*SMALL, "--ranks", "2", "--threads", "4"), "ppr:1:numa:pe=4")
        self.assert_has(self.words("--cores", "9", "--domains", "2", "--ranks", "1"),
                        "ppr:1:node:pe=9")

    def test_binds_as_it_is_told(self):
        self.assert_has(self.words(*SMALL, "--bind", "numa"), "--map-by ppr:1:numa --bind-to numa")
        self.assert_has(self.words(*SMALL, "--bind", "none"), "--map-by ppr:2:node --bind-to none")

    def test_says_so_when_there_are_more_threads_than_cores(self):
        result = run_helper("--dry-run", *SMALL, "--ranks", "3", "--threads", "3", "--program",
                            BINARY, "--", "train", "x")
        self.assert_ends(result, 0)
        self.assertIn("3 ranks x 3 threads on a host are more than its 8 cores", result.stderr)
        self.assertIn("--oversubscribe --bind-to none --mca mpi_yield_when_idle 1", result.stderr)

    def test_chooses_the_network_and_watches_it_between_hosts_alone(self):
        one = " ".join(self.words(*SMALL))
        self.assertNotIn("tcp", one)
        many = self.words(*LARGE, "--hosts", self.hosts)
        self.assert_has(many, "--mca oob_tcp_keepalive_time 10",
                        "--mca btl_tcp_if_exclude 127.0.0.0/8,docker0,virbr0")
        chosen = self.words(*LARGE, "--hosts", self.hosts, "--interface", "ib0")
        self.assert_has(chosen, "--mca btl_tcp_if_include ib0", "--mca oob_tcp_if_include ib0")
        self.assertNotIn("exclude", " ".join(chosen))

    def test_passes_on_words_for_mpirun(self):
        self.assert_has(self.words(*SMALL, MPIRUN_OPTIONS="--display-map --mca a 1"),
                        "--display-map --mca a 1")

    def test_refuses_what_makes_no_sense(self):
        train = ("--", "train", "x")
        nobody = self.folder / "nobody.txt"
        nobody.write_text("# nobody\n")
        for arguments, says in (
                (("--ranks", "0", *train), "--ranks 0: expected a number of 1 or more"),
                (("--threads", "x", *train), "--threads x: expected"),
                (("--hosts", nobody, *train), "no host stands in it"),
                (("--hosts", self.folder / "none", *train), "cannot be read"),
                (("--hosts", self.hosts, "--ranks", "3", *train), "evenly over 2 hosts"),
                (("--bind", "socket", *train), "--bind socket: expected core, numa or none"),
                ((*LARGE, "--bind", "numa", "--ranks", "3", *train), "evenly into 4 domains"),
                (("train", "x"), "'train' is not an option"),
                (("--ranks",), "--ranks needs a value"),
                (("--",), "what is to run?")):
            result = run_helper("--dry-run", "--program", BINARY, *arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn(says, result.stderr)

    def test_trains_and_ends_with_the_exit_code_of_the_program(self):
        out = self.folder / "run"
        options = ("--program", BINARY, "--ranks", "2", "--threads", "1", "--", "train", IRIS,
                   "--l2", "1", "--out", out)
        self.assert_ends(run_helper(*options), 0)
        self.assertEqual(read_summary(out)["ranks"], 2)
        self.assertEqual(read_summary(out)["threads"], 1)
        self.assert_ends(run_helper(*options), 2)  # the directory holds a run


if __name__ == "__main__":
    unittest.main()
