#!/usr/bin/python3
"""kill -9 at random moments: of rank 0, of another rank and of mpirun, in turn.

Each run writes a checkpoint after every iteration and says so. Runs that were killed are started
again with --resume, on another number of ranks, and killed again, until one gets to its end. Then
  * no checkpoint that was acknowledged on stderr may be missing,
  * the newest checkpoint must be readable, which is checked without paralogit's own code,
  * the model must have the bits of a run that nobody interrupted.
"""
import argparse
import collections
import hashlib
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import h5py

from jobs import Job, wait_for
from support import made_up, read_model, read_summary, write_data

ITERATIONS = 50
SOLVERS = {
    "gd": ("--solver", "gd", "--learning-rate", "1"),
    # In the features' own units, so that it does not converge before the last iteration.
    "lbfgs": ("--solver", "lbfgs", "--standardize", "no"),
}
VICTIMS = ("rank 0", "another rank", "mpirun")
PHASES = ("before the first checkpoint", "between checkpoints", "after the last checkpoint")
SAFE = re.compile(r"checkpoint of iteration (\d+) is safe: (.+)")
RESUMING = re.compile(r"resuming after iteration (\d+), from (.+)")
NAME = re.compile(r"iteration-(\d+)-([0-9a-f]{16})\.h5")


@dataclass
class Figures:
    """What a campaign found. Anything in `problems` is a failure."""

    kills: collections.Counter = field(default_factory=collections.Counter)
    acknowledged: int = 0
    lost: int = 0
    unreadable: int = 0
    resumed_runs: int = 0
    ends: int = 0
    hashes: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)

    def total(self):
        return sum(self.kills.values())

    def table(self):
        width = max(map(len, PHASES))
        lines = [f"{'killed':{width}}" + "".join(f"{v:>14}" for v in VICTIMS) + f"{'all':>8}"]
        for phase in PHASES:
            row = [self.kills[victim, phase] for victim in VICTIMS]
            lines.append(f"{phase:{width}}" + "".join(f"{n:>14}" for n in row) + f"{sum(row):>8}")
        row = [sum(self.kills[victim, phase] for phase in PHASES) for victim in VICTIMS]
        lines.append(f"{'all':{width}}" + "".join(f"{n:>14}" for n in row) + f"{sum(row):>8}")
        lines += [
            "",
            f"checkpoints acknowledged        {self.acknowledged:>6}",
            f"  of these lost                 {self.lost:>6}",
            f"newest checkpoint unreadable    {self.unreadable:>6}",
            f"runs that resumed               {self.resumed_runs:>6}",
            f"runs that got to the end        {self.ends:>6}",
        ]
        for solver, hashes in self.hashes.items():
            lines.append(f"distinct models with {solver:11}{len(hashes):>6}   (one of them that of "
                         "the uninterrupted run)")
        lines.append(f"problems                        {len(self.problems):>6}")
        return "\n".join(lines + [f"  {text}" for text in self.problems])


def newest_checkpoint(directory):
    """(iteration, None) of the newest checkpoint, or (iteration, what is wrong with it); (-1, None)
    without any."""
    newest = max(((int(match[1]), match[2], path) for path in (directory / "checkpoints").glob("*")
                  if (match := NAME.fullmatch(path.name))), default=None)
    if newest is None:
        return -1, None
    iteration, digest, path = newest
    if hashlib.sha256(path.read_bytes()).hexdigest()[:16] != digest:
        return iteration, f"{path}: its bytes have another digest than its name"
    try:
        with h5py.File(path) as file:
            file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)
            stored = file.attrs["iteration"]
    except (OSError, KeyError) as error:
        return iteration, f"{path}: {error}"
    return iteration, None if stored == iteration else f"{path}: it holds iteration {stored}"


def metrics(directory):
    """What metrics.jsonl says, without the times."""
    lines = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["seconds"]
    return lines


def model_hashes(directory):
    """What the program says, and the bits themselves."""
    coefficients, intercept = read_model(directory)
    bits = hashlib.sha256(coefficients.tobytes() + intercept.tobytes()).hexdigest()
    return read_summary(directory)["model_sha256"], bits


class Campaign:
    def __init__(self, folder, seed, ranks):
        self.folder = Path(folder)
        self.random = random.Random(seed)
        self.ranks = ranks
        self.figures = Figures()
        # Over two decades of scales; a pass takes about as long as a checkpoint.
        self.data = write_data(self.folder / "data.h5", *made_up(6000, 40, seed=7))
        self.whole = {}     # by solver: directory of the uninterrupted run
        self.duration = {}  # by solver and ranks: seconds that a whole run takes
        for solver in SOLVERS:
            for count in ranks:
                directory = self.folder / f"whole-{solver}-{count}"
                with self.start(directory, solver, count) as job:
                    self.end_of(job, directory)
                    self.duration[solver, count] = time.monotonic() - job.begin
                hashes = model_hashes(directory)
                self.figures.hashes.setdefault(solver, set()).add(hashes)
                self.whole[solver] = directory

    def start(self, directory, solver, ranks):
        return Job("train", self.data, "--out", directory, "--resume", "--verbose",
                   "--checkpoint-every", 1, "--max-iterations", ITERATIONS, "--tolerance", 0,
                   *SOLVERS[solver], ranks=ranks)

    def problem(self, text):
        self.figures.problems.append(text)

    def run(self, kills):
        number = 0
        while self.figures.total() < kills:
            solver = list(SOLVERS)[number % len(SOLVERS)]
            number += 1
            self.kill_one_run(self.folder / f"run-{number}", solver, kills,
                              at_most=self.random.randint(1, 6))
        return self.figures

    def kill_one_run(self, directory, solver, kills, at_most):
        """Kills and resumes what happens in one directory, and lets it come to its end."""
        acknowledged = -1
        begun_with = self.figures.total()
        while self.figures.total() < min(kills, begun_with + at_most):
            ranks = self.random.choice(self.ranks)
            victim = VICTIMS[self.figures.total() % len(VICTIMS)]
            moment = self.random.uniform(0, self.duration[solver, ranks])
            with self.start(directory, solver, ranks) as job:
                was_killed = self.kill(job, victim, moment, ranks)
                if not job.wait_until_gone():
                    self.problem(f"{directory}: processes outlived the death of {victim}")
                # A rank that was killed in its very last moment may have ended well all the same.
                was_killed = was_killed and job.mpirun.returncode != 0
                if not was_killed:
                    self.end_of(job, directory)
                    if acknowledged < 0:
                        self.duration[solver, ranks] = time.monotonic() - job.begin
                acknowledged = self.check_reports(job, directory, acknowledged)
                if not was_killed:
                    break
                self.figures.kills[victim, self.phase(job)] += 1
            self.check_checkpoints(directory, acknowledged)
        else:
            with self.start(directory, solver, self.random.choice(self.ranks)) as job:
                self.end_of(job, directory)
                self.check_reports(job, directory, acknowledged)
        self.check_end(directory, solver)

    def kill(self, job, victim, moment, ranks):
        """Whether the victim still lived. A rank that is not born yet dies at its birth."""
        wait_for(lambda: time.monotonic() - job.begin >= moment or job.mpirun.poll() is not None)
        if victim == "mpirun":
            if job.mpirun.poll() is not None:
                return False
            job.mpirun.kill()
            return True
        rank = 0 if victim == "rank 0" else self.random.randrange(1, ranks)
        # Once anything is printed all ranks have been born; one that is missing then has ended.
        wait_for(lambda: job.rank_process(rank) or job.stderr() or job.mpirun.poll() is not None)
        pid = job.rank_process(rank)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def end_of(self, job, directory):
        if not job.wait_until_gone() or job.mpirun.returncode != 0:
            self.problem(f"{directory}: ended with {job.mpirun.returncode}: {job.stderr()}")

    def phase(self, job):
        seen = [int(match[1]) for line in job.whole_lines() if (match := SAFE.fullmatch(line))]
        resumed = [int(match[1]) for line in job.whole_lines()
                   if (match := RESUMING.fullmatch(line))]
        if max(seen + resumed, default=-1) == ITERATIONS:
            return PHASES[2]
        return PHASES[1] if seen else PHASES[0]

    def check_reports(self, job, directory, acknowledged):
        """Compares what a run says with what earlier ones promised. Returns the last iteration that
        is promised now."""
        for line in job.whole_lines():
            if "passed over" in line or "paralogit: error" in line:
                self.problem(f"{directory}: {line}")
            if "starting from the beginning" in line and acknowledged >= 0:
                self.problem(f"{directory}: iteration {acknowledged} was acknowledged, but: {line}")
            if match := RESUMING.fullmatch(line):
                self.figures.resumed_runs += 1
                if int(match[1]) < acknowledged:
                    self.problem(f"{directory}: iteration {acknowledged} was acknowledged, but: "
                                 f"{line}")
            if match := SAFE.fullmatch(line):
                self.figures.acknowledged += 1
                acknowledged = max(acknowledged, int(match[1]))
        return acknowledged

    def check_checkpoints(self, directory, acknowledged):
        iteration, fault = newest_checkpoint(directory)
        if fault:
            self.figures.unreadable += 1
            self.problem(fault)
        if iteration < acknowledged:
            self.figures.lost += 1
            self.problem(f"{directory}: iteration {acknowledged} was acknowledged, but the newest "
                         f"checkpoint is of iteration {iteration}")

    def check_end(self, directory, solver):
        self.figures.ends += 1
        self.check_checkpoints(directory, ITERATIONS)
        try:
            self.figures.hashes[solver].add(model_hashes(directory))
            if metrics(directory) != metrics(self.whole[solver]):
                self.problem(f"{directory}: metrics.jsonl is not that of the uninterrupted run")
        except (OSError, ValueError, KeyError) as error:
            self.problem(f"{directory}: {error}")
        if leftovers := list(directory.rglob(".*")):
            self.problem(f"{directory}: left over: {leftovers}")

    def is_clean(self):
        return not self.figures.problems and all(
            len(hashes) == 1 for hashes in self.figures.hashes.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 3, 4],
                        help="numbers of ranks to draw from, each at least 2")
    arguments = parser.parse_args()
    if min(arguments.ranks) < 2:
        parser.error("--ranks: each must be at least 2, so that there is another rank than 0")
    with tempfile.TemporaryDirectory(prefix="paralogit-kill-") as folder:
        campaign = Campaign(folder, arguments.seed, arguments.ranks)
        print(campaign.run(arguments.kills).table())
    return 0 if campaign.is_clean() else 1


if __name__ == "__main__":
    sys.exit(main())
