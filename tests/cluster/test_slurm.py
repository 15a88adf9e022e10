#!/usr/bin/python3
"""The shipped batch scripts on a real SLURM: jobs that finish, are stopped, queued again, cancelled,
run as an array or a chain, lose a rank or have little memory; always the same bits."""
import os
import re
import signal
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "app"))
from kill_campaign import newest_checkpoint  # noqa: E402
from slurm import Slurm, wait_for, what_is_missing  # noqa: E402
from support import BINARY, SOURCE, AppTest, made_up, read_summary, write_data  # noqa: E402

SCRIPT = SOURCE / "launch" / "train.sbatch"
CHAIN = SOURCE / "launch" / "chain.sh"
# Small steps over a long way: it never comes to an end by itself.
SLOW = ("--solver", "gd", "--learning-rate", "1e-4", "--standardize", "no", "--tolerance", "0",
        "--checkpoint-every", "100")
ENDLESS = 10**9
FURTHER = 20  # iterations after the stop


def setUpModule():
    global slurm
    slurm = Slurm(cpus=16)
    unittest.enterModuleContext(slurm)


class Jobs(AppTest):
    def setUp(self):
        super().setUp()
        self.data = write_data(self.folder / "data.h5", *made_up(3000, 20, seed=5))
        self.out = self.folder / "run"
        self.log = self.folder / "job.log"
        self.environment = {"PARALOGIT": BINARY}

    def submit(self, *options, sbatch=(), out=None, **variables):
        return slurm.submit(
            f"--output={self.log}", *(sbatch or ("-n", "2")), SCRIPT, self.data, "--out",
            out or self.out, *options,
            env={**self.environment, **variables}, cwd=self.folder)

    def config(self, iterations):
        """Options that the test may change while a job waits to be queued again."""
        path = self.folder / "run.conf"
        path.write_text(f"max-iterations = {iterations}\n")
        return ("--config", path)

    def printed(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for_iterations(self, out=None, count=1):
        def is_there():
            try:
                return newest_checkpoint(out or self.out)[0] >= count
            except (OSError, ValueError, IndexError, TypeError, KeyError):
                return False
        wait_for(is_there, 60, f"iteration {count}:\n{self.printed()}")

    def wait_for_requeue(self, job):
        """Until it waits for its second start, and nothing of the first is left."""
        wait_for(lambda: slurm.fields(job).get("Restarts") == "1" and "train.sbatch: exit code" in self.printed(),
                 60, f"job {job} to be queued again:\n{self.printed()}")

    def assert_completed(self, job, seconds=90):
        state = slurm.wait_for_end(job, seconds)["JobState"]
        self.assertEqual(state, "COMPLETED", self.printed())

    def assert_bits_of_one_go(self, *options, out=None, name="whole"):
        whole = self.train_hash(self.data, *options, out=name, ranks=1)
        self.assertEqual(read_summary(out or self.out)["model_sha256"], whole)


class AJob(Jobs):
    def test_trains_on_all_its_tasks_by_srun_and_by_mpirun(self):
        for launcher in ("srun", "mpirun"):
            with self.subTest(launcher):
                out = self.folder / launcher
                job = self.submit(sbatch=("--ntasks-per-node=3",), out=out, LAUNCHER=launcher)
                self.assert_completed(job)
                self.assertEqual(read_summary(out)["ranks"], 3)
                self.assert_bits_of_one_go(out=out, name=f"whole-{launcher}")

    def test_has_as_many_ranks_as_sbatch_alone_says(self):
        for ranks, options in ((4, ("-n", "4")), (3, ("-N", "1", "--ntasks=3")),
                               (1, ("--nodes=1",))):
            with self.subTest(options):
                out = self.folder / f"ranks-{ranks}"
                self.assert_completed(self.submit(sbatch=options, out=out))
                self.assertEqual(read_summary(out)["ranks"], ranks)

    def test_may_be_told_to_resume_and_replaces_an_earlier_run_in_its_first_start_only(self):
        self.train(self.data, "--l2", "1", out="run")
        self.assert_completed(self.submit("--l2", "1", "--resume"))
        options = (*SLOW, *self.config(ENDLESS))
        # The name of a folder as a shell completes it.
        job = self.submit(*options, "--overwrite", out=f"{self.out}/", LAUNCHER="srun")
        self.wait_for_iterations(count=100)
        slurm.scancel("--signal=USR1", "--batch", job)
        self.wait_for_requeue(job)
        stopped_at = newest_checkpoint(self.out)[0]
        self.config(stopped_at + FURTHER)
        self.assert_completed(job)
        self.assertIn(f"resuming after iteration {stopped_at},", self.printed())
        self.assertFalse(self.folder.joinpath("run.overwrite").exists())

    def test_that_gets_bad_options_fails_and_is_not_queued_again(self):
        job = self.submit("--solver", "none")
        self.assertEqual(slurm.wait_for_end(job)["JobState"], "FAILED")
        self.assertIn("paralogit: error:", self.printed())
        self.assertNotIn("Restarts=1", slurm.scontrol("show", "job", job))

    def test_whose_tasks_are_no_ranks_of_one_job_is_refused_before_it_does_anything(self):
        train = (BINARY, "train", self.data, "--out", self.out)
        with self.assertRaises(RuntimeError) as refused:
            slurm.run("srun", "--mpi=none", "-n", "3", *train)
        self.assertIn("the launcher started 3 processes (SLURM_STEP_NUM_TASKS=3)",
                      str(refused.exception))
        self.assertIn("start it by srun --mpi=pmix", str(refused.exception))
        self.assertEqual(str(refused.exception).count("paralogit: error"), 1)
        self.assertFalse(self.out.exists())

    def test_may_start_one_process_by_hand(self):
        command = " ".join(map(str, (BINARY, "train", self.data, "--out", self.out)))
        slurm.run("sbatch", "--wait", "--ntasks=3", f"--output={self.log}", "--wrap", command)
        self.assertEqual(read_summary(self.out)["ranks"], 1)
        self.assert_bits_of_one_go()

    def test_that_lost_a_rank_ends_within_seconds_and_resumes_to_the_same_bits(self):
        job = self.submit(*SLOW, *self.config(ENDLESS), LAUNCHER="srun")
        self.wait_for_iterations(count=100)
        ranks = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                 if f"SLURM_JOB_ID={job}".encode() in environment_of(pid)
                 and program_of(pid) == Path(BINARY).name]
        self.assertEqual(len(ranks), 2)
        os.kill(ranks[0], signal.SIGKILL)
        self.assertEqual(slurm.wait_for_end(job, seconds=30)["JobState"], "FAILED")
        target = newest_checkpoint(self.out)[0] + FURTHER
        again = self.submit(*SLOW, *self.config(target), LAUNCHER="srun")
        self.assert_completed(again)
        self.assert_bits_of_one_go(*SLOW, "--max-iterations", target)


class AJobThatIsStopped(Jobs):
    def assert_goes_on_to_the_same_bits(self, job):
        """From the moment when it waits to start again; it then has an end."""
        target = newest_checkpoint(self.out)[0] + FURTHER
        self.config(target)
        self.assert_completed(job)
        self.assertEqual(read_summary(self.out)["iterations"], target)
        self.assertIn("exit code 75", self.printed())  # the log of the first start is still there
        self.assert_bits_of_one_go(*SLOW, "--max-iterations", target)

    def test_by_the_notice_before_its_time_limit_is_queued_again_and_ends_with_the_same_bits(self):
        # SLURM gives the notice of 55 s within the first seconds of a job of one minute.
        job = self.submit(*SLOW, *self.config(ENDLESS),
                          sbatch=("-n", "2", "--time=1", "--signal=B:USR1@55"), LAUNCHER="srun")
        self.wait_for_requeue(job)
        self.assert_goes_on_to_the_same_bits(job)

    def test_by_the_notice_under_mpirun_is_queued_again_and_ends_with_the_same_bits(self):
        job = self.submit(*SLOW, *self.config(ENDLESS), LAUNCHER="mpirun")
        self.wait_for_iterations()
        slurm.scancel("--signal=USR1", "--batch", job)
        self.wait_for_requeue(job)
        self.assert_goes_on_to_the_same_bits(job)

    def test_by_its_own_look_at_the_clock_is_queued_again_and_ends_with_the_same_bits(self):
        # Of a job of one minute nothing is left for the training but its first iterations.
        job = self.submit(*SLOW, *self.config(ENDLESS), "--time-limit", "auto",
                          sbatch=("-n", "2", "--time=1", "--signal=B:USR1@0"), LAUNCHER="srun")
        self.wait_for_requeue(job)
        slurm.scontrol("update", f"JobId={job}", "TimeLimit=60")
        self.assertIn("stopped by --time-limit", self.printed())
        self.assert_goes_on_to_the_same_bits(job)

    def test_by_preemption_writes_a_checkpoint_and_ends_with_the_same_bits(self):
        job = self.submit(*SLOW, *self.config(ENDLESS), LAUNCHER="srun")
        self.wait_for_iterations()
        slurm.scontrol("requeue", job)
        self.wait_for_requeue(job)
        self.assert_goes_on_to_the_same_bits(job)

    def test_by_its_user_has_a_checkpoint_and_is_not_queued_again(self):
        job = self.submit(*SLOW, *self.config(ENDLESS), LAUNCHER="srun")
        self.wait_for_iterations()
        slurm.scancel(job)
        self.assertEqual(slurm.wait_for_end(job)["JobState"], "CANCELLED")
        self.assertEqual(read_summary(self.out)["stop_reason"], "signal")
        self.assertEqual(slurm.fields(job)["Restarts"], "0")
        iteration, fault = newest_checkpoint(self.out)
        self.assertIsNone(fault)
        self.assertEqual(iteration, read_summary(self.out)["iterations"])

    def test_so_often_as_is_allowed_says_how_to_go_on(self):
        job = self.submit(*SLOW, *self.config(ENDLESS), LAUNCHER="srun", MAX_RESTARTS="0")
        self.wait_for_iterations()
        slurm.scancel("--signal=USR1", "--batch", job)
        self.assertEqual(slurm.wait_for_end(job)["JobState"], "FAILED")
        self.assertIn("queued again 0 times already; go on with: sbatch", self.printed())


class AJobOnANodeThatFails(Jobs):
    def test_goes_on_by_itself_on_another_node_to_the_same_bits(self):
        with Slurm(cpus=4, nodes=2) as cluster:
            job = cluster.submit(
                f"--output={self.log}", SCRIPT, self.data, "--out", self.out, *SLOW,
                *self.config(ENDLESS), env={**self.environment, "LAUNCHER": "mpirun"},
                cwd=self.folder)
            self.wait_for_iterations(count=100)
            first = cluster.fields(job)["BatchHost"]
            cluster.crash(first)
            wait_for(lambda: cluster.fields(job).get("Restarts") == "1", 60, "the next start")
            iteration, fault = newest_checkpoint(self.out)
            self.assertIsNone(fault)
            target = iteration + FURTHER
            self.config(target)
            fields = cluster.wait_for_end(job)
            self.assertEqual(fields["JobState"], "COMPLETED", self.printed())
            self.assertNotEqual(fields["BatchHost"], first)
        self.assertIn("start 2:", self.printed())
        self.assertEqual(read_summary(self.out)["iterations"], target)
        self.assert_bits_of_one_go(*SLOW, "--max-iterations", target)


class AJobThatComesNoFurther(Jobs):
    def test_is_not_queued_again_for_ever(self):
        # Stopped at once, each time, at the iteration that it began with.
        program = self.folder / "program"
        program.write_text('#!/bin/sh\nmkdir -p "$4"\n'
                           'echo \'  "iterations": 7,\' > "$4/summary.json"\nexit 75\n')
        program.chmod(0o755)
        starts = self.folder / "run.fruitless"
        self.out.mkdir()
        (self.out / "summary.json").write_text('  "iterations": 7,\n')
        starts.write_text("2\n")
        job = self.submit(LAUNCHER="srun", PARALOGIT=str(program))
        self.wait_for_requeue(job)
        self.assertEqual(starts.read_text(), "3\n")
        starts.write_text("4\n")
        self.assertEqual(slurm.wait_for_end(job)["JobState"], "FAILED")
        self.assertIn("5 starts in a row came to no new iteration", self.printed())
        self.assertFalse(starts.exists())

    def test_begins_to_count_anew_when_it_does(self):
        self.folder.joinpath("run.fruitless").write_text("4\n")
        job = self.submit(*SLOW, *self.config(ENDLESS), LAUNCHER="srun")
        self.wait_for_iterations()
        slurm.scancel("--signal=USR1", "--batch", job)
        self.wait_for_requeue(job)
        self.assertFalse(self.folder.joinpath("run.fruitless").exists())
        slurm.scancel(job)


class AnArray(Jobs):
    def test_trains_each_line_of_the_sweep_into_its_own_folder(self):
        sweep = self.folder / "sweep.txt"
        penalties = ("1e-3", "1e-2", "1e-1")
        # As an editor on Windows writes it.
        sweep.write_bytes(b"".join(f"--l2 {penalty}\r\n".encode() for penalty in penalties))
        job = self.submit(sbatch=("-n", "2", "--array=1-3%2"), SWEEP=str(sweep))
        wait_for(lambda: not any(one.startswith(job) for one in slurm.jobs()), 90,
                 f"the tasks of array {job}")
        for task, penalty in enumerate(penalties, start=1):
            with self.subTest(penalty):
                self.assert_bits_of_one_go("--l2", penalty, out=self.out / str(task),
                                           name=f"whole-{task}")

    def test_queues_only_the_task_again_that_got_a_notice(self):
        sweep = self.folder / "sweep.txt"
        sweep.write_text("".join(f"--l2 {penalty}\n" for penalty in (0.1, 0.2, 0.3)))
        job = self.submit(*SLOW, *self.config(ENDLESS), "--time-limit", "auto",
                          sbatch=("--array=1-3", "--ntasks-per-node=1"), SWEEP=str(sweep))
        for task in (1, 2, 3):
            self.wait_for_iterations(self.out / str(task))
        # The last one has the number of the whole array.
        slurm.scancel("--signal=USR1", "--batch", f"{job}_3")
        wait_for(lambda: self.printed().count(f"job {job}_3 on") == 2, 60, "the task's second start")
        self.assertEqual([self.printed().count(f"job {job}_{task} on") for task in (1, 2)], [1, 1])
        slurm.scancel(job)
        wait_for(lambda: not any(one.startswith(job) for one in slurm.jobs()), 60, "the array to end")

    def test_with_fewer_lines_than_tasks_names_the_line(self):
        sweep = self.folder / "sweep.txt"
        sweep.write_text("--l2 0.1\n")
        job = self.submit(sbatch=("--array=2",), SWEEP=str(sweep))
        wait_for(lambda: not any(one.startswith(job) for one in slurm.jobs()), 90, "the array")
        self.assertIn("has no options on line 2", self.printed())


class AChain(Jobs):
    def test_goes_on_in_the_next_job_and_removes_the_rest_when_the_model_is_there(self):
        options = [self.data, "--out", self.out, *SLOW, *self.config(ENDLESS), "--overwrite"]
        result = slurm.run(CHAIN, "3", "-n", "2", f"--output={self.log}", SCRIPT, *options,
                           env={**self.environment, "LAUNCHER": "srun"}, cwd=self.folder)
        first, second, third = re.findall(r"^job \d of 3: (\d+)$", result, re.MULTILINE)
        self.wait_for_iterations()
        slurm.wait_for_state(first, "RUNNING")
        # By the name of the chain the next job knows whether the first has removed an earlier run.
        mark = self.folder / "run.overwrite"
        self.assertTrue(mark.read_text().startswith("chain-"), mark.read_text())
        slurm.scancel("--signal=USR1", "--batch", first)
        self.assertEqual(slurm.wait_for_end(first)["JobState"], "FAILED")
        target = newest_checkpoint(self.out)[0] + FURTHER
        # The second may have started with the endless options.
        self.config(target)
        if slurm.wait_for_state(second, "RUNNING", "COMPLETED"):
            time.sleep(1)
        self.assert_completed(second)
        wait_for(lambda: third not in slurm.jobs(), 60, "the third job to be removed")
        self.assertIn("resuming after iteration ", self.printed())
        self.assertFalse(mark.exists())


class AJobWithLittleMemory(Jobs):
    def test_streams_its_rows_and_ends_with_the_same_bits(self):
        self.data = write_data(self.folder / "big.h5", *made_up(200_000, 40, seed=6))  # 64 MB
        job = self.submit("--max-iterations", "3",
                          sbatch=("--ntasks-per-node=1", "--mem-per-cpu=100"), LAUNCHER="srun")
        self.assert_completed(job)
        self.assertIn("SLURM_MEM_PER_CPU", self.printed())
        self.assertIn("streamed", self.printed())
        self.assert_bits_of_one_go("--max-iterations", "3")


def environment_of(pid):
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def program_of(pid):
    try:
        return Path(os.readlink(f"/proc/{pid}/exe")).name
    except OSError:
        return None


if __name__ == "__main__":
    missing = what_is_missing()
    if missing:
        if os.environ.get("PARALOGIT_REQUIRE_SLURM"):
            sys.exit(f"error: {missing}")
        print(f"SKIPPED: {missing}")
        sys.exit(77)  # ctest: SKIP_RETURN_CODE
    unittest.main()
