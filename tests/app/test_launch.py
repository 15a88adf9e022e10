#!/usr/bin/python3
"""Ranks that do not belong together: started by the launcher of another MPI, of another build of the
program, or with other options. One message, one exit code, no output; and no false alarm. What the
scripts of launch/ say, and the batch scripts where SLURM is a stub."""
import os
import subprocess
import unittest
from pathlib import Path

from support import BINARY, IRIS, LAUNCHER, SOURCE, AppTest, read_summary, run

USAGE = 2
TRAIN = ("train", IRIS, "--l2", "0.1", "--max-iterations", "2")


def run_differently(*programs):
    """One mpirun; of each (ranks, command line) so many ranks."""
    words = []
    for ranks, command in programs:
        words += [":"] * bool(words) + ["-n", str(ranks), *map(str, command)]
    return subprocess.run([*LAUNCHER, *words], capture_output=True, text=True, timeout=60,
                          check=False, stdin=subprocess.DEVNULL)


class RanksOfOneJob(AppTest):
    def setUp(self):
        super().setUp()
        self.out = self.folder / "run"

    def assert_refused(self, result, *says):
        self.assert_ends(result, USAGE)
        self.assertEqual(result.stderr.count("paralogit: error: "), 1, result.stderr)
        for text in says:
            self.assertIn(text, result.stderr)
        self.assertFalse(self.out.exists())

    def test_must_have_the_same_options(self):
        own = (BINARY, *TRAIN, "--out", self.out)
        config = self.folder / "run.conf"
        config.write_text("tolerance = 1e-3\n")
        copy = self.folder / "copy.h5"
        copy.write_bytes(IRIS.read_bytes())
        for other, of_root, of_other in (
                ((BINARY, "train", IRIS, "--l2", "0.2", "--max-iterations", "2", "--out", self.out),
                 "--l2 0.1", "--l2 0.2"),
                ((*own, "--verify"), "no --verify", "--verify"),
                ((*own, "--config", config), "no --config", f"--config {config}"),
                ((*own, copy), f"DATA... {IRIS}", f"DATA... {IRIS} {copy}"),
                ((*own, "--help"), "no --help", "--help"),
                ((BINARY, "--version"), "train", "--version")):
            with self.subTest(of_other):
                self.assert_refused(run_differently((2, own), (1, other)),
                                    f"was started with {of_root}, but rank 2 on ",
                                    f" with {of_other}; start all ranks with the same command line")
        # It is rank 0 that is held against all others.
        self.assert_refused(run_differently((1, (*own, "--verify")), (2, own)),
                            "rank 0 on ", "started with --verify, but rank 1 on ")

    def test_may_compute_in_ways_of_their_own_and_write_options_as_they_like(self):
        result = run_differently(
            (1, (BINARY, *TRAIN, "--out", self.out, "--threads", "1", "--isa", "portable")),
            (2, (BINARY, "train", "--out", self.out, "--l2=0.1", "--max-iterations=2", IRIS,
                 "--threads", "2", "--memory-limit", "1G")))
        self.assert_ends(result, 0)
        self.assertEqual(read_summary(self.out)["model_sha256"],
                         self.train_hash(*TRAIN[1:], out="whole"))

    def test_must_be_of_the_same_build(self):
        program = Path(BINARY).read_bytes()
        # The note of the linker: lengths of name and number, kind, name, number.
        head = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"
        self.assertEqual(program.count(head), 1)
        at = program.index(head) + len(head)
        number = program[at:at + 20]
        other = self.folder / "other"
        other.write_bytes(program[:at] + bytes([number[0] ^ 1]) + program[at + 1:])
        other.chmod(0o755)
        options = (*TRAIN, "--out", self.out)
        self.assert_refused(
            run_differently((2, (BINARY, *options)), (1, (other, *options))),
            f"build {number.hex()}, ", f"build {bytes([number[0] ^ 1]).hex()}{number[1:].hex()}, ",
            "but rank 2 on ", "install the same build")

    def test_are_not_jobs_of_one_rank_each(self):
        # What the launchers of other MPIs tell the processes that they start.
        for count, number in (("PMI_SIZE", "PMI_RANK"), ("MV2_COMM_WORLD_SIZE", "PMI_RANK"),
                              ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
                              ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID")):
            with self.subTest(count):
                result = run(*TRAIN, "--out", self.out, env={count: "4", number: "0"})
                self.assert_refused(result, f"the launcher started 4 processes ({count}=4), but to ")
                self.assertIn("--mpi=pmix" if "SLURM" in count else "the mpirun that belongs to",
                              result.stderr)
        quiet = run(*TRAIN, "--out", self.out, env={"PMI_SIZE": "4", "PMI_RANK": "3"})
        self.assert_ends(quiet, USAGE)
        self.assertEqual(quiet.stderr, "")

    def test_that_another_launcher_started_for_real_say_so_once(self):
        # What starts them knows nothing of the MPI that the program has, and the other way round.
        alone = ('exec > "$OUTPUT.$OMPI_COMM_WORLD_RANK" 2>&1; '
                 'env -i PATH="$PATH" PMI_SIZE=3 PMI_RANK="$OMPI_COMM_WORLD_RANK" "$0" "$@"; '
                 'echo code $?')
        output = self.folder / "printed"
        result = subprocess.run(
            [*LAUNCHER, "-n", "3", "sh", "-c", alone, BINARY, *map(str, TRAIN), "--out",
             str(self.out)], capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "OUTPUT": str(output)})
        self.assert_ends(result, 0)
        printed = [Path(f"{output}.{rank}").read_text() for rank in range(3)]
        self.assertIn("the launcher started 3 processes (PMI_SIZE=3)", printed[0])
        self.assertTrue(printed[0].endswith("code 2\n"), printed[0])
        self.assertEqual(printed[1:], ["code 2\n"] * 2)
        self.assertFalse(self.out.exists())

    def test_are_let_be_in_the_shell_of_a_job(self):
        # Where sbatch and salloc put a user who asked for four tasks.
        shell = {"SLURM_JOB_ID": "1", "SLURM_NTASKS": "4", "SLURM_NPROCS": "4", "SLURM_PROCID": "0",
                 "SLURM_LOCALID": "0", "SLURM_TASKS_PER_NODE": "4"}
        self.assert_ends(run(*TRAIN, "--out", self.out, env=shell), 0)
        # One rank by mpirun, whose daemons srun has started, one on each of three hosts.
        daemons = ("env", "SLURM_STEP_NUM_TASKS=3", "SLURM_PROCID=1")
        result = run_differently((1, (*daemons, BINARY, *TRAIN, "--out", self.folder / "second")))
        self.assert_ends(result, 0)


def run_script(name, *arguments, **environment):
    """A script of launch/, outside of any job that this runs in."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SLURM")}
    return subprocess.run([SOURCE / "launch" / name, *map(str, arguments)], capture_output=True,
                          text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
                          env={**kept, **environment})


class TheScripts(AppTest):
    def test_print_their_help(self):
        for name, of_the_end in (("mpirun.sh", "asks for a checkpoint and exit code 75."),
                                 ("chain.sh", "launch/train.sbatch DATA... --out DIR [options]"),
                                 ("train.sbatch", "and where the site forbids it")):
            with self.subTest(name):
                result = run_script(name, "--help")
                self.assert_ends(result, 0)
                self.assertTrue(result.stdout.strip().endswith(of_the_end), result.stdout)
                self.assertNotIn("#SBATCH --", result.stdout)
                self.assertEqual(result.stderr, "")
        # In the shell of a job as well.
        self.assert_ends(run_script("train.sbatch", "--help", SLURM_JOB_ID="1"), 0)
        self.assert_ends(run_script("chain.sh", "0", "launch/train.sbatch", "data.h5"), 2)

    def test_refuse_hosts_that_mpirun_would_not_read_and_numbers_beyond_all_machines(self):
        windows = self.folder / "from windows.txt"
        windows.write_bytes(b"node7 slots=64\r\n\r\nnode8 slots=64\r\n")
        pipe, end = os.pipe()
        os.write(end, b"node7\n")
        os.close(end)
        self.addCleanup(os.close, pipe)
        for options, says in (
                (("--hosts", windows), "lines end as on Windows, which mpirun does not read; "
                                       f"sed -i 's/\\r//' '{windows}'"),
                (("--hosts", self.folder), f"--hosts {self.folder}: expected a file with a host on"),
                (("--hosts", f"/proc/{os.getpid()}/fd/{pipe}"), "expected a file with a host on"),
                (("--ranks", 10**20 - 1), f"--ranks {10**20 - 1}: expected a number of 1 or more"),
                (("--threads", 2**63), f"--threads {2**63}: expected a number of 1 or more"),
                (("--cores", 10**9), "and of 9 digits at most")):
            with self.subTest(options):
                result = run_script("mpirun.sh", "--dry-run", "--program", BINARY, *options, "--",
                                    "train", "data.h5")
                self.assert_ends(result, USAGE)
                self.assertIn(says, result.stderr)
                self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        # What is proposed makes it a list of two hosts.
        subprocess.run(["sed", "-i", r"s/\r//", windows], check=True)
        result = run_script("mpirun.sh", "--dry-run", "--program", BINARY, "--hosts", windows,
                            "--cores", 8, "--domains", 1, "--", "train", "data.h5")
        self.assert_ends(result, 0)
        self.assertIn("mpirun -n 2 ", result.stderr)


# One rank, without SLURM.
SRUN = """#!/bin/sh
while :; do case $1 in --*) shift ;; *) break ;; esac; done
exec "$@"
"""


class AJob(AppTest):
    """launch/train.sbatch where SLURM's commands are stubs."""

    def setUp(self):
        super().setUp()
        self.out = self.folder / "run"
        self.commands = self.folder / "bin"
        self.commands.mkdir()
        self.add_command("srun", SRUN)
        for name in ("squeue", "scancel", "scontrol"):
            self.add_command(name, "#!/bin/sh\n")

    def add_command(self, name, text):
        path = self.commands / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def start(self, script, *arguments, **environment):
        return run_script(script, *arguments, **{
            "PATH": f"{self.commands}:{os.environ['PATH']}", "PARALOGIT": BINARY,
            "LAUNCHER": "srun", "SLURM_JOB_END_TIME": "never", **environment})

    def test_of_a_sweep_may_have_resume_and_overwrite_on_its_line(self):
        sweep = self.folder / "sweep.txt"
        sweep.write_text("--l2 0.1 --resume\n--overwrite --l2 0.2\n--l2 0.3 --resume\n")
        def run_task(task, *options):
            return self.start("train.sbatch", IRIS, "--out", self.out, *options, SWEEP=str(sweep),
                              SLURM_JOB_ID=f"1{task}", SLURM_ARRAY_JOB_ID="10",
                              SLURM_ARRAY_TASK_ID=str(task))
        for task, penalty in enumerate((0.1, 0.2, 0.3), start=1):
            self.train(IRIS, "--l2", "0.1", out=f"run/{task}")
            # The second one alone may replace the earlier run.
            self.assert_ends(run_task(task), 4 if task == 3 else 0)
            self.assertEqual(read_summary(self.out / str(task))["l2"], 0.1 if task == 3 else penalty)
        # Among the options it is for all tasks, and on the line once more.
        for task in (2, 3):
            self.assert_ends(run_task(task, "--overwrite"), 0)
        self.assertEqual(read_summary(self.out / "3")["l2"], 0.3)
        self.assertEqual(list(self.out.glob("*.overwrite")), [])

    def chain(self, *programs):
        """Of so many jobs, each with a program of its own, one after the other; the last one's log."""
        self.folder.joinpath("jobs").unlink(missing_ok=True)
        self.add_command("sbatch", f"""#!/bin/bash
jobs={self.folder}/jobs
echo >>$jobs
number=$(wc -l <$jobs)
while [[ $1 == --* ]]; do shift; done
export SLURM_JOB_ID=7$number PARALOGIT={self.folder}/program-$number
"$@" >{self.folder}/log 2>&1
echo $SLURM_JOB_ID
""")
        for number, text in enumerate(programs, start=1):
            self.add_command(f"../program-{number}", f"#!/bin/sh\n{text}\n")
        # It may be a job of another chain that submits it.
        self.assert_ends(self.start("chain.sh", len(programs), SOURCE / "launch" / "train.sbatch",
                                    IRIS, "--out", self.out, "--l2", "0.2", "--overwrite",
                                    NAME_OF_CHAIN="other", IS_LATER_OF_CHAIN="yes"), 0)
        return (self.folder / "log").read_text()

    def test_of_a_chain_replaces_the_earlier_run_that_the_first_one_could_not_remove(self):
        self.train(IRIS, "--l2", "0.1")
        # Two nodes fail before the program begins.
        log = self.chain("exit 1", "exit 1", f'exec {BINARY} "$@"')
        self.assertIn("exit code 0", log)
        self.assertEqual(read_summary(self.out)["l2"], 0.2)
        self.assertFalse(self.folder.joinpath("run.overwrite").exists())

    def test_of_a_chain_goes_on_with_what_the_one_before_has_begun(self):
        self.train(IRIS, "--l2", "0.1")
        log = self.chain(f'{BINARY} "$@" --max-iterations 1; exit 75', f'exec {BINARY} "$@"')
        self.assertIn("resuming after iteration 1,", log)
        self.assertIn("exit code 0", log)

    def test_of_a_chain_needs_to_know_of_it(self):
        self.add_command("sbatch", "#!/bin/sh\necho 7\n")
        for options, environment, code in ((("--export=NONE",), {}, 2),
                                           (("--export", "A=1,B"), {}, 2),
                                           ((), {"SBATCH_EXPORT": "NONE"}, 2),
                                           (("--export=A=1,ALL",), {}, 0), ((), {}, 0)):
            result = self.start("chain.sh", 1, *options, "train.sbatch", "data.h5", **environment)
            self.assert_ends(result, code)
            self.assertEqual("write ALL" in result.stderr, code == 2)

    def test_of_a_chain_leaves_the_run_that_another_chain_should_have_replaced(self):
        self.train(IRIS, "--l2", "0.1")
        self.chain("exit 1")
        mark = self.folder / "run.overwrite"
        earlier = mark.read_text()
        # Its own first job has left no mark.
        log = self.chain(f"echo '{earlier}' >{mark}; exit 1", f'exec {BINARY} "$@"')
        self.assertIn("cannot resume", log)
        self.assertEqual(read_summary(self.out)["l2"], 0.1)


if __name__ == "__main__":
    unittest.main()
