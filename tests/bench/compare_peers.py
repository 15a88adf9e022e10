#!/usr/bin/env python3
"""Compares paralogit with other programs that fit the same model to the same data.

    tests/bench/compare_peers.py --work FOLDER [--pbmc FILE.h5ad] [--python-peers PYTHON]
        [--sets tall,fashion,...] [--peers REGEX] [--scale 0.01] [--repeat 5] [--cap 120]
        [--json FILE]

Peers: scikit-learn's solvers, LIBLINEAR, XGBoost's gblinear, PyTorch's L-BFGS, and R's glm.fit.
What is not installed is left out with one line. The interpreter of --python (a Debian machine:
python3-sklearn, and libopenblas0-pthread, without which its numpy is several times slower) and that
of --python-peers, such as a virtual environment with numpy, scipy, h5py, scikit-learn, xgboost,
torch and liblinear-official, may both have scikit-learn; the newest (the last of the two) runs all
of its solvers and the other the two fastest.

How. The optimum of each data set is computed first, by an independent Newton's method in float64,
and paralogit with a tight tolerance must agree to 1e-12. Each run is a process of its own, from
HDF5 in the page cache to coefficients on disk, and each of its results is validated: the objective
of its parameters, computed here, is compared with the optimum. A result below the optimum ends the
comparison with exit code 1; that is also the exit code when paralogit misses a target. Each peer is
probed with a ladder of settings, and is then shown at the fastest that reached the target; these
are timed in turn, --repeat times (fewer when --budget seconds would not do, at least once). Peers
whose objective is another one are marked with * and held against the optimum of that one. What
missed the target gets no factor; its best probe is shown, with the reason.

fit s: the peer's own clock around its fit, of paralogit the training without loading. whole s: the
process, from its start to its end. peak MB: the largest process, times the ranks. x best, x 1x1:
the ratio of the median to that of the fastest paralogit, and to that of 1 rank with 1 thread.
"""
import argparse
import fcntl
import json
import os
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from peers import catalogue, optimum, process, report
from peers.data import RECIPES, Absent, prepare

ROOT = Path(__file__).resolve().parents[2]
TARGETS = (1e-6, 1e-9)


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--work", type=Path, required=True, help="folder for data sets, optima and logs; kept")
    add("--sets", default=",".join(RECIPES), help="data sets (default: %(default)s)")
    add("--scale", type=float, default=1.0, help="times the rows of each, for a quick trial")
    add("--peers", default="", metavar="REGEX",
        help="only those of: scikit-learn [scaled] SOLVER, LIBLINEAR, XGBoost, PyTorch, R")
    add("--repeat", type=int, default=5, help="timed turns (default %(default)s)")
    add("--cap", type=float, default=120, help="seconds after which a run is ended (%(default)s)")
    add("--budget", type=float, default=120,
        help="seconds for all timed turns of one setting (%(default)s)")
    add("--layouts", default="1x1,2x1,1x2", help="ranks x threads of paralogit (%(default)s)")
    add("--solvers", default="auto", help="of paralogit, with commas between them (%(default)s)")
    add("--binary", default=os.environ.get("PARALOGIT_BINARY",
                                           ROOT / "build" / "release" / "paralogit"))
    add("--python", default="/usr/bin/python3", help="of the peers in Python (%(default)s)")
    add("--python-peers", metavar="PYTHON", help="another one, for what --python has not")
    add("--pbmc", type=Path, metavar="FILE", help=".h5ad of pbmc68k with a dense X")
    add("--json", type=Path, metavar="FILE", help="everything that was measured")
    chosen = parser.parse_args()
    chosen.sets = chosen.sets.split(",")
    for name in set(chosen.sets) - set(RECIPES):
        parser.error(f"there is no data set {name}; there are {', '.join(RECIPES)}")
    chosen.solvers = chosen.solvers.split(",")
    chosen.layouts = [tuple(map(int, layout.split("x"))) for layout in chosen.layouts.split(",")]
    chosen.pythons = [chosen.python] + ([chosen.python_peers] if chosen.python_peers else [])
    return chosen


class Comparison:
    """Of all peers on one data set."""

    def __init__(self, data, chosen):
        self.data, self.chosen = data, chosen
        self.skipped, self.best, self.values = [], {}, {}
        self.peers = catalogue.peers_for(data, chosen, self.skip)

    def skip(self, name, reason):
        self.skipped.append({"peer": name, "reason": reason})
        print(f"left out: {name}: {reason}", flush=True)

    # ---- the optimum

    def establish(self):
        """The optimum of every problem that a peer solves; paralogit must agree on its own."""
        own = next((peer for peer in self.peers if peer.name.startswith("paralogit")), None)
        if own is None:
            raise optimum.Wrong("there is no layout that paralogit can be run in")
        tight = self.run(own, catalogue.Setting("tolerance 1e-13", {"tol": "1e-13"}), cap=3600)
        if tight["status"] != "done":
            raise optimum.Wrong(f"paralogit with a tight tolerance: {tight['status']}\n"
                                f"{tight['output'][-2000:]}")
        for kind in dict.fromkeys(["same"] + [peer.problem for peer in self.peers]):
            begin = time.perf_counter()
            problem = catalogue.problem_of(kind, self.data)
            # From zero, so that nothing is owed to paralogit; the other problems' optima are near
            # this one. A kept optimum is but a place to start from: it is certified again.
            kept = self.chosen.work / f"{self.data.path.stem}-{kind.replace(' ', '-')}.optimum.npy"
            near = np.load(kept) if kept.exists() else self.best.get("same", {}).get("v")
            v, value, decrement = optimum.optimum(problem, near)
            np.save(kept, v)
            self.best[kind] = {"problem": problem, "v": v, "objective": value,
                               "decrement": decrement}
            print(f"optimum ({kind}): {value!r}, at most {decrement / value:.0e} off", flush=True)
            say(f"  established in {time.perf_counter() - begin:.1f} s")
        same = self.best["same"]
        value = same["problem"].value(np.append(tight["w"], tight["b"]))
        gap = optimum.excess(value, same["objective"], own.name)
        if gap > optimum.ROUNDING:
            raise optimum.Wrong(f"paralogit with a tight tolerance is {gap:.1e} above the optimum: "
                                "it is not the optimum")
        print(f"paralogit with a tight tolerance agrees to {abs(gap):.0e}", flush=True)

    # ---- runs

    def run(self, peer, setting, cap=None):
        """One run, read back. Its result is not judged yet."""
        folder = self.chosen.work / "out"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        own = peer.name.startswith("paralogit")
        out = folder / ("run" if own else "result.npz")
        outcome = process.run(peer.command(self.data, setting.values, out), cap or self.chosen.cap,
                              folder / "log", peer.env)
        found = {**outcome, "peak": outcome["peak"] * peer.processes, "fit": None}
        if found["status"] == "done":
            w, b, more = peer.read(out, found["output"])
            found.update(more, w=w, b=b)
        return found

    def judged(self, peer, setting):
        """One run with what its result is worth, without the parameters themselves."""
        found = self.run(peer, setting)
        found["excess"] = None
        if found["status"] == "done":
            v = np.append(found.pop("w"), found.pop("b"))
            best = self.best[peer.problem]
            key = (peer.problem, v.tobytes())
            if not np.isfinite(v).all():
                found["status"] = "not finite"
            else:
                if key not in self.values:
                    self.values[key] = best["problem"].value(v)
                found["excess"] = optimum.excess(self.values[key], best["objective"],
                                                 f"{peer.name}, {setting.label}")
        if found["status"] != "failed":
            del found["output"]
        return found

    def probe(self, peer):
        """Runs through the branches of a peer; returns what each setting achieved."""
        probes = []
        for branch in peer.branches:
            last = None
            for setting in branch:
                found = self.judged(peer, setting)
                probes.append((setting, found))
                excess = found["excess"]
                say(f"  {peer.name}, {setting.label}: {found['status']}, "
                    f"{'-' if excess is None else f'{excess:.1e}'} above, fit {found['fit']}, "
                    f"whole {found['whole']:.2f} s")
                if found["status"] == "failed":
                    say(found["output"][-1000:])
                if excess is None or excess <= min(TARGETS):
                    break
                # Tighter changes nothing any more: it stops for another reason. (A Newton step can
                # pass several tolerances at once, and says that it converged.)
                if (last is not None and excess > 0.99 * last
                        and found.get("iterations", 3) >= 3
                        and found.get("stop_reason") != "converged"):
                    break
                last = excess
            # All is reached, or the loosest setting takes too long, and so will the other branches.
            if excess is not None and excess <= min(TARGETS) or last is None and (
                    found["status"] == "cap"):
                break
        return probes

    def compare(self):
        """Probes all, times what reached a target in turn; prints the tables."""
        probes = {peer.name: self.probe(peer) for peer in self.peers}
        shown, timed = [], {}
        for target in TARGETS:
            for peer in self.peers:
                entry = choose(peer, probes[peer.name], target)
                shown.append((target, entry))
                if entry["reached"]:
                    timed.setdefault((peer.name, entry["setting"]), (peer, entry["_setting"], []))
        wholes = {key: next(found["whole"] for setting, found in probes[key[0]]
                            if setting.label == key[1]) for key in timed}
        turns = {key: max(1, min(self.chosen.repeat, int(self.chosen.budget / max(whole, 1e-3))))
                 for key, whole in wholes.items()}
        say(f"  timed turns: about {sum(wholes[key] * turns[key] for key in timed):.0f} s")
        for turn in range(self.chosen.repeat):
            for key, (peer, setting, runs) in timed.items():
                if turn < turns[key]:
                    runs.append(self.judged(peer, setting))
        for target, entry in shown:
            if entry["reached"]:
                settle(entry, timed[entry["peer"], entry["setting"]][2], target)
            del entry["_setting"]
        return probes, {target: [entry for at, entry in shown if at == target]
                        for target in TARGETS}


def choose(peer, probes, target):
    """The fastest setting that reached the target; or the best one there is, and why it is none."""
    def clock(found):
        return found["whole"] if found["fit"] is None else found["fit"]

    entry = {"peer": peer.name, "version": peer.version, "problem": peer.problem}
    good = [probe for probe in probes if probe[1]["excess"] is not None
            and probe[1]["excess"] <= target]
    if good:
        setting, found = min(good, key=lambda probe: clock(probe[1]))
        return {**entry, "setting": setting.label, "_setting": setting, "reached": True, "why": "",
                "excess": found["excess"], "timed": []}
    ended = [probe for probe in probes if probe[1]["excess"] is not None]
    setting, found = min(ended, key=lambda probe: probe[1]["excess"]) if ended else probes[-1]
    why = {"cap": f"> cap, {probes[-1][1]['whole']:.0f} s", "failed": "failed",
           "not finite": "not finite"}.get(probes[-1][1]["status"], "not reached")
    return {**entry, "setting": setting.label, "_setting": setting, "reached": False, "why": why,
            "excess": found["excess"], "timed": [found] if ended else []}


def settle(entry, runs, target):
    """Puts the timed runs into an entry; a time counts only with the result it was to bring."""
    entry["timed"] = runs
    missed = [run for run in runs if run["excess"] is None or run["excess"] > target]
    if missed:
        entry["reached"] = False
        entry["why"] = f"missed in {len(missed)} of {len(runs)} runs"
    ended = [run["excess"] for run in runs if run["excess"] is not None]
    entry["excess"] = max(ended) if ended else None


def main():
    chosen = options()
    chosen.work.mkdir(parents=True, exist_ok=True)
    lock = open(chosen.work / "lock", "w", encoding="utf-8")  # held to the end of the process
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"compare_peers: error: another comparison is at work in {chosen.work}")
    everything = {"machine": report.machine(), "problems": catalogue.PROBLEMS,
                  "blas": {Path(python).name + f" {index}": report.blas(python)
                           for index, python in enumerate(chosen.pythons)}, "sets": {}}
    machine = everything["machine"]
    print(f"{machine['date']}  {machine['cpu']}, {machine['cores']} cores, "
          f"{machine['memory_gb']} GB; load {machine['load_at_start']:.2f}")
    for name, libraries in everything["blas"].items():
        plain = libraries == []
        print(f"BLAS of {name}: "
              + ("none that uses the cores: install libopenblas0-pthread, or its peers look slower "
                 "than they are" if plain else ", ".join(libraries or ["unknown"])))
    problems = set()
    failures = []
    for name in chosen.sets:
        begin = time.perf_counter()
        recipe = RECIPES[name]
        try:
            data = prepare(recipe, chosen.scale, chosen.work, chosen.binary, chosen.pbmc)
        except Absent as absent:
            print(f"\n== {name}: left out: {absent}")
            everything["sets"][name] = {"left_out": str(absent)}
            continue
        print(f"\n== {name}: {data.rows} x {data.features} {data.X.dtype}, l2 = {data.l2:g}: "
              f"{recipe.about}", flush=True)
        comparison = Comparison(data, chosen)
        comparison.establish()
        probes, tables = comparison.compare()
        for target, entries in tables.items():
            print("\n" + report.table(target, entries), flush=True)
            for entry in entries:
                problems.add(entry["problem"])
                if entry["peer"].startswith("paralogit") and not entry["reached"]:
                    failures.append(f"{name}: {entry['peer']} to {target:.0e}: {entry['why']}")
        everything["sets"][name] = {
            "recipe": asdict(recipe), "rows": data.rows, "type": str(data.X.dtype),
            "optima": {kind: {key: best[key] for key in ("objective", "decrement")}
                       for kind, best in comparison.best.items()},
            "left_out": comparison.skipped, "tables": {f"{target:.0e}": entries
                                                       for target, entries in tables.items()},
            "probes": {peer: [{"setting": setting.label, "values": setting.values, **found}
                              for setting, found in found_by] for peer, found_by in probes.items()},
            "seconds": time.perf_counter() - begin}
        if chosen.json:  # after each data set, so that an early end loses little
            chosen.json.write_text(json.dumps(everything, indent=1) + "\n")
    for kind in sorted(problems - {"same"}):
        print(f"\n*{kind}: {catalogue.PROBLEMS[kind]}")
    for failure in failures:
        print(f"compare_peers: error: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except optimum.Wrong as wrong:
        sys.exit(f"compare_peers: error: {wrong}")
