#!/usr/bin/python3
"""Preempts short training jobs on a real SLURM at random times, again and again, and checks that
each was queued again every time and ended with the bits of a run in one go.

    PARALOGIT_BINARY=... PARALOGIT_SOURCE=. /usr/bin/python3 tests/cluster/preemption_campaign.py \\
        --preemptions 200 --seed 1

Half of the preemptions are `scontrol requeue`, as a scheduler does it; the others are the notice
(SIGUSR1 to the batch script) before a time limit. Prints the seconds from the signal to the end of
the ranks, by the time stamps in the jobs' logs.
"""
import argparse
import random
import re
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "app"))
from kill_campaign import newest_checkpoint  # noqa: E402
from slurm import Slurm, wait_for, what_is_missing  # noqa: E402
from support import BINARY, SOURCE, made_up, read_summary, run, write_data  # noqa: E402

# Both go on for much longer than a job of the campaign takes.
SOLVERS = {
    "fixed rate": ("--solver", "gd", "--learning-rate", "1e-4", "--standardize", "no"),
    "backtracking": ("--solver", "gd", "--standardize", "no"),
}
LINE = re.compile(r"^\[(\S+ \S+)\] train\.sbatch: (SIGUSR1|SIGTERM|exit code (\d+))", re.MULTILINE)


def stops_in(log):
    """For each start that got a signal: the kind, the seconds from it to the end, the exit code."""
    found, begun = [], None
    for stamp, kind, code in LINE.findall(log):
        then = datetime.fromisoformat(stamp)
        if code:
            if begun:
                found.append((begun[0], (then - begun[1]).total_seconds(), int(code)))
            begun = None
        elif begun is None:
            begun = (kind, then)
    return found


class Campaign:
    def __init__(self, slurm, folder, seed):
        self.slurm, self.folder, self.seed = slurm, folder, seed
        self.data = write_data(folder / "data.h5", *made_up(4000, 30, seed=3))

    def job(self, number, preemptions):
        """One job from its start to its end; returns its launcher, its log and what is wrong, or
        None."""
        try:
            return self.preempt(number, preemptions)
        except (TimeoutError, RuntimeError) as fault:
            log = self.folder / f"log-{number}"
            text = log.read_text() if log.exists() else ""
            return "", text, f"run {number}: {fault}\n{text}"

    def preempt(self, number, preemptions):
        choice = random.Random(f"{self.seed}-{number}")
        solver = SOLVERS[choice.choice(sorted(SOLVERS))]
        out, log, config = (self.folder / f"{kind}-{number}" for kind in ("run", "log", "conf"))
        # No end of its own before the last preemption, and then a near one.
        config.write_text(f"max-iterations = {10**9}\n")
        launcher = choice.choice(("srun", "mpirun"))
        options = (*solver, "--tolerance", "0", "--checkpoint-every", str(choice.choice((1, 10))))
        job = self.slurm.submit(
            f"--output={log}", f"--ntasks-per-node={choice.choice((1, 2, 3))}",
            SOURCE / "launch" / "train.sbatch", self.data, "--out", out, *options,
            "--config", config, env={"PARALOGIT": BINARY, "LAUNCHER": launcher},
            cwd=self.folder)
        for k in range(1, preemptions + 1):
            self.slurm.wait_for_state(job, "RUNNING", seconds=120)
            wait_for(lambda: log.exists() and log.read_text().count(", start ") == k, 60, "a start")
            time.sleep(choice.uniform(0, 3))
            if self.slurm.fields(job).get("JobState") != "RUNNING":
                return launcher, log.read_text(), f"job {job} ended before preemption {k}"
            if choice.random() < 0.5:
                self.slurm.scontrol("requeue", job)
            else:
                self.slurm.scancel("--signal=USR1", "--batch", job)
            wait_for(lambda: self.slurm.fields(job).get("Restarts") == str(k), 120,
                     f"start {k} of job {job} to end")
            if k == preemptions:
                wait_for(lambda: log.read_text().count("train.sbatch: exit code") >= k, 60, "the last stop")
                try:
                    target = newest_checkpoint(out)[0] + 10
                except (ValueError, IndexError, OSError, TypeError):
                    target = 10
                # A start may read it at any moment, so it must never be seen half written.
                whole_config = config.with_suffix(".new")
                whole_config.write_text(f"max-iterations = {target}\n")
                whole_config.replace(config)
        state = self.slurm.wait_for_end(job, 180)["JobState"]
        if state != "COMPLETED":
            return launcher, log.read_text(), f"job {job} is {state}"
        whole = self.folder / f"whole-{number}"
        result = run("train", self.data, "--out", whole, *options, "--max-iterations", target)
        if result.returncode != 0:
            return launcher, log.read_text(), result.stderr
        expected, found = read_summary(whole), read_summary(out)
        if expected["model_sha256"] == found["model_sha256"]:
            return launcher, log.read_text(), None
        ends = [f"{end['stop_reason']} after iteration {end['iterations']}, objective "
                f"{end['objective']!r}" for end in (expected, found)]
        return launcher, log.read_text(), (
            f"job {job} ({launcher}, {options}): other bits; in one go: {ends[0]}; preempted: "
            f"{ends[1]}\n{log.read_text()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preemptions", type=int, default=200)
    parser.add_argument("--each", type=int, default=5, help="preemptions of a job")
    parser.add_argument("--at-a-time", type=int, default=6, help="jobs")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if what_is_missing():
        sys.exit(f"error: {what_is_missing()}")
    count = -(-arguments.preemptions // arguments.each)
    with tempfile.TemporaryDirectory(prefix="paralogit-campaign-") as folder, \
            Slurm(cpus=32, megabytes=32000) as slurm:
        campaign = Campaign(slurm, Path(folder), arguments.seed)
        with ThreadPoolExecutor(arguments.at_a_time) as pool:
            results = list(pool.map(lambda i: campaign.job(i, arguments.each), range(count)))
    faults = [fault for _, _, fault in results if fault]
    print(f"{count} jobs, {count * arguments.each} preemptions, seed {arguments.seed}: "
          f"{count - len(faults)} jobs ended with the bits of a run in one go")
    for launcher in ("srun", "mpirun"):
        stops = [stop for name, log, _ in results if name == launcher for stop in stops_in(log)]
        for kind in ("SIGUSR1", "SIGTERM"):
            seconds = [stop[1] for stop in stops if stop[0] == kind]
            if seconds:
                codes = sorted({stop[2] for stop in stops if stop[0] == kind})
                print(f"{launcher}, {kind}: {len(seconds)} stops; seconds from the signal to the "
                      f"end of the ranks: median {statistics.median(seconds):.2f}, maximum "
                      f"{max(seconds):.2f}; exit codes {codes}")
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
