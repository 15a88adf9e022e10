#!/usr/bin/python3
"""How training scales over ranks, threads and nodes, with every point validated before it counts.

    launch/scaling.py --out runs/scaling data.h5                  strong: one data set, more cores
    launch/scaling.py --out runs/scaling --weak --rows 1000000    weak: so many rows for each core
    launch/scaling.py --out runs/scaling data.h5 --points 1x1,16x1,16x2@4 --launcher slurm --dry-run

A point is RANKSxTHREADS, or RANKSxTHREADS@NODES; threads are those of each rank. The first point is
the baseline. Writes scaling.csv and, with gnuplot, scaling.png. Exit code 1: some point is not valid.
An earlier series in the folder is replaced with --overwrite only, all of it but made-up data.
What is timed is a pass over the rows, the slowest rank's, from the runs' own traces; the first pass of
each run is dropped. `wait` is what the mean rank waits for the slowest one before the Allreduce itself
begins, which takes what it takes the rank that comes last.
"""
import argparse
import csv
import json
import math
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from multiprocessing import Barrier, Process, Queue
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OBJECTIVE_TOLERANCE = 1e-9
COLUMNS = [
    "ranks", "threads", "nodes", "cores", "rows", "features", "runs", "passes", "pass_seconds_min",
    "pass_seconds_median", "pass_seconds_max", "speedup", "efficiency", "compute_seconds",
    "wait_seconds", "allreduce_seconds", "allreduce_model_seconds", "read_seconds",
    "checkpoint_seconds", "gbytes_per_second", "memory_gbytes_per_second", "objective",
    "reference_objective", "gradient_norm", "model_sha256", "verdict"]
# Of a series, in its folder; the data sets that it makes up are of use to the next one.
OF_A_SERIES = re.compile(r"scaling\.(csv|dat|png)|(\d+x\d+@\d+|reference)-\d+(\.log|\.trace\.json)?")


class Point:
    def __init__(self, text):
        shape, _, nodes = text.partition("@")
        self.ranks, self.threads = (int(number) for number in shape.split("x"))
        self.nodes = int(nodes or 1)
        if min(self.ranks, self.threads, self.nodes) < 1 or self.ranks % self.nodes:
            raise ValueError(text)
        self.cores = self.ranks * self.threads
        self.name = f"{self.ranks}x{self.threads}@{self.nodes}"


def points_of(text):
    try:
        return [Point(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}': give RANKSxTHREADS[@NODES],..., such as 1x1,2x1,4x2@2; the nodes divide the "
            "ranks") from None


def train_command(arguments, point, data, out, solver):
    """The command line of one run."""
    options = [str(data), "--out", str(out), "--threads", str(point.threads), "--solver", solver,
               "--trace", f"{out}.trace.json", *arguments.train_options]
    if arguments.launcher == "slurm":
        return ["sbatch", "--wait", f"--nodes={point.nodes}", f"--ntasks={point.ranks}",
                f"--ntasks-per-node={point.ranks // point.nodes}",
                f"--cpus-per-task={point.threads}", f"--output={out}.log",
                f"--export=ALL,PARALOGIT={arguments.binary}", *arguments.launch_options,
                str(ROOT / "launch" / "train.sbatch"), *options]
    launcher = ["mpirun", "-n", str(point.ranks)]
    if point.nodes > 1:
        launcher += ["--map-by", f"ppr:{point.ranks // point.nodes}:node:pe={point.threads}"]
    else:
        launcher += ["--bind-to", "none"]
    return [*launcher, *arguments.launch_options, arguments.binary, "train", *options]


class Runner:
    def __init__(self, arguments):
        self.arguments = arguments

    def run(self, command):
        if self.arguments.dry_run:
            print(shlex.join(command))
            return
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{shlex.join(command)}\nended with {done.returncode}:\n"
                               f"{done.stdout}{done.stderr}")

    def train(self, point, data, name, solver):
        """Summary and trace of one run; nothing in a dry run."""
        out = self.arguments.out / name
        if not self.arguments.dry_run:
            # A point may stand in a series twice.
            shutil.rmtree(out, ignore_errors=True)
            Path(f"{out}.trace.json").unlink(missing_ok=True)
        self.run(train_command(self.arguments, point, data, out, solver))
        if self.arguments.dry_run:
            return None
        return (json.loads((out / "summary.json").read_text()),
                json.loads(Path(f"{out}.trace.json").read_text()))

    def data_for(self, point):
        """The data set of a point: the same for all, or as many rows for each core."""
        if not self.arguments.weak:
            return self.arguments.data
        path = self.arguments.out / (f"rows-{self.arguments.rows}x{self.arguments.features}"
                                     f"-times-{point.cores}.h5")
        if not path.exists():
            self.run([self.arguments.binary, "generate", str(path), "--rows",
                      str(self.arguments.rows * point.cores), "--features",
                      str(self.arguments.features), "--quiet"])
        return path


def passes_of(trace):
    """Seconds of each pass but the first: the slowest rank's whole, its parts."""
    spans = defaultdict(lambda: defaultdict(dict))
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["tid"] == 0 and \
                event["name"] in ("pass", "kernel", "allreduce") and "args" in event:
            number = event["args"]["number"]
            spans[number][event["name"]][event["pid"]] = event["dur"] / 1e6
    passes = []
    for number in sorted(spans)[1:]:
        allreduce = spans[number]["allreduce"].values()
        passes.append({
            "pass": max(spans[number]["pass"].values()),
            "compute": max(spans[number]["kernel"].values()),
            "allreduce": min(allreduce),
            "wait": statistics.mean(allreduce) - min(allreduce)})
    return passes


def verdict_on(summaries, reference, model):
    """'valid', or why a point does not count. `model` is what all must have, or nothing."""
    for summary in summaries:
        if summary["stop_reason"] != "converged":
            return f"not converged: {summary['stop_reason']}"
        away = abs(summary["objective"] - reference["objective"])
        if not away <= OBJECTIVE_TOLERANCE:
            return f"objective is {away:.1e} away from that of another solver"
        if summary["model_sha256"] != (model or summaries[0]["model_sha256"]):
            return "model has other bits"
    if reference["stop_reason"] != "converged":
        return "the other solver has not converged"
    return "valid"


def read_memory(megabytes, barrier, seconds):
    """Goes through numbers in memory, some times, all processes at once."""
    import numpy as np
    numbers = np.ones(megabytes * 2**20 // 8, np.int64)
    for _ in range(5):
        barrier.wait()
        begin = time.perf_counter()
        np.bitwise_or.reduce(numbers)
        barrier.wait()
        seconds.put(time.perf_counter() - begin)


def memory_bandwidth(processes):
    """GB/s of that many processes together, the best of some times."""
    megabytes = 256
    barrier, seconds = Barrier(processes), Queue()
    readers = [Process(target=read_memory, args=(megabytes, barrier, seconds))
               for _ in range(processes)]
    for reader in readers:
        reader.start()
    best = min(seconds.get() for _ in range(5 * processes))
    for reader in readers:
        reader.join()
    return processes * megabytes * 2**20 / best / 1e9


def fit_allreduce(rows):
    """Adds the model seconds = a log2(ranks) + b 2 (ranks - 1)/ranks bytes, a and b >= 0, fitted."""
    def terms(row):
        message = 16 * (row["features"] + 3) + 64
        return math.log2(row["ranks"]), 2 * (row["ranks"] - 1) / row["ranks"] * message
    used = [row for row in rows if row["verdict"] == "valid" and row["ranks"] > 1]
    a11 = sum(terms(row)[0] ** 2 for row in used)
    a12 = sum(terms(row)[0] * terms(row)[1] for row in used)
    a22 = sum(terms(row)[1] ** 2 for row in used)
    b1 = sum(terms(row)[0] * row["allreduce_seconds"] for row in used)
    b2 = sum(terms(row)[1] * row["allreduce_seconds"] for row in used)
    determinant = a11 * a22 - a12 * a12
    latency, per_byte = (b1 / a11 if a11 > 0 else 0.0), 0.0
    # One number of ranks tells the latency alone.
    if determinant > 1e-9 * a11 * a22:
        both = (b1 * a22 - b2 * a12) / determinant, (b2 * a11 - b1 * a12) / determinant
        if min(both) >= 0:
            latency, per_byte = both
        elif both[0] < 0:
            latency, per_byte = 0.0, b2 / a22
    for row in rows:
        row["allreduce_model_seconds"] = latency * terms(row)[0] + per_byte * terms(row)[1]


def measure(arguments, runner, point, reference, model):
    """One row of the table, but for what takes other rows."""
    data = runner.data_for(point)
    results = [runner.train(point, data, f"{point.name}-{k}", arguments.solver)
               for k in range(arguments.repeats)]
    if arguments.dry_run:
        return None
    summaries = [summary for summary, _ in results]
    passes = [each for _, trace in results for each in passes_of(trace)]
    first = summaries[0]
    verdict = verdict_on(summaries, reference, model)
    if not passes:
        verdict = "no pass but the first"
        passes = [dict.fromkeys(("pass", "compute", "allreduce", "wait"), math.nan)]
    def median(key):
        return statistics.median(each[key] for each in passes)
    resident = first["gradient_gbytes_per_second"] * first["seconds"]["kernel"] / first["passes"]
    return {
        "ranks": point.ranks, "threads": point.threads, "nodes": point.nodes,
        "cores": point.cores, "rows": first["rows"], "features": first["features"],
        "runs": len(results), "passes": len(passes),
        "pass_seconds_min": min(each["pass"] for each in passes),
        "pass_seconds_median": median("pass"),
        "pass_seconds_max": max(each["pass"] for each in passes),
        "compute_seconds": median("compute"), "wait_seconds": median("wait"),
        "allreduce_seconds": median("allreduce"),
        "read_seconds": statistics.median(each["seconds"]["read"] for each in summaries),
        "checkpoint_seconds": statistics.median(each["seconds"]["checkpoint"]
                                                for each in summaries),
        "gbytes_per_second": resident / median("compute"),
        # That of other machines cannot be measured from here.
        "memory_gbytes_per_second": memory_bandwidth(point.cores)
        if arguments.launcher == "mpirun" and point.nodes == 1 else math.nan,
        "objective": first["objective"], "reference_objective": reference["objective"],
        "gradient_norm": first["gradient_norm"], "model_sha256": first["model_sha256"],
        "verdict": verdict}


def add_speedups(rows, is_weak):
    """Over the first point that is valid."""
    base = next((row for row in rows if row["verdict"] == "valid"), rows[0])
    for row in rows:
        gain = base["pass_seconds_median"] / row["pass_seconds_median"]
        cores = row["cores"] / base["cores"]
        row["speedup"] = gain * cores if is_weak else gain
        row["efficiency"] = gain if is_weak else gain / cores


def draw(arguments, rows):
    """scaling.png of the points that are valid."""
    valid = [row for row in rows if row["verdict"] == "valid"]
    if not valid:
        return
    if shutil.which("gnuplot") is None:
        print("gnuplot is not there: no scaling.png")
        return
    table = arguments.out / "scaling.dat"
    lines = []
    placed = defaultdict(list)  # heights of the labels at so many cores
    for at, row in enumerate(valid):
        height = row["speedup"]
        # Labels beside each other, not on top of each other.
        while any(abs(math.log2(height / other)) < 0.16 for other in placed[row["cores"]]):
            height /= 1.05
        placed[row["cores"]].append(height)
        label = f"{row['ranks']}x{row['threads']}" + (f"@{row['nodes']}" if row["nodes"] > 1 else "")
        numbers = [row["cores"], row["speedup"],
                   *(1e3 * row[key] for key in ("compute_seconds", "wait_seconds",
                                                "allreduce_seconds")), row["efficiency"]]
        base = valid[0]["pass_seconds_median"] * (row["cores"] / valid[0]["cores"]
                                                  if arguments.weak else 1)
        numbers += [base / row["pass_seconds_max"], base / row["pass_seconds_min"], height]
        lines.append(" ".join([str(at), label, *(f"{number:.9g}" for number in numbers)]))
    table.write_text("\n".join(lines) + "\n")
    most = max(row["cores"] for row in valid)
    least = min(row["speedup"] * row["pass_seconds_median"] / row["pass_seconds_max"]
                for row in valid) / 1.2
    kind = "weak" if arguments.weak else "strong"
    what = f"{valid[0]['rows']} rows x {valid[0]['features']} features" + (
        " on the first point" if arguments.weak else "")
    script = f"""
set terminal pngcairo size 1600,700 font 'sans,18' linewidth 2
set output '{arguments.out / "scaling.png"}'
set multiplot layout 1,2 title 'paralogit: {kind} scaling, {what}'
set grid back lc rgb '#dddddd'
set key above Left reverse
set xlabel 'cores (ranks x threads)'
set ylabel 'speedup over the first point'
set logscale xy 2
set xrange [{min(row["cores"] for row in valid) / 1.4}:{most * 2}]
set yrange [{min(0.5, least)}:{most / valid[0]["cores"] * 2}]
plot x/{valid[0]["cores"]} with lines dashtype 2 lc rgb '#777777' title 'ideal', \\
  '{table}' using 3:4:9:10 with yerrorbars pt 7 ps 2 lc rgb '#0060ad' \
  title 'median, slowest to fastest pass; % of ideal', \\
  '' using 3:11:(sprintf('%s: %.0f %%', strcol(2), 100*$8)) with labels left offset 1,0 notitle
unset logscale
set key right top outside horizontal
set xlabel 'ranks x threads of each (\\@nodes)'
set ylabel 'milliseconds of a pass'
set xrange [-0.7:{len(valid) - 0.3}]
set yrange [0:*]
set style data histograms
set style histogram rowstacked
set style fill solid 0.9 noborder
set boxwidth 0.6
plot '{table}' using 5:xtic(2) lc rgb '#0060ad' title 'compute', \\
  '' using 6 lc rgb '#e69f00' title 'wait', '' using 7 lc rgb '#cc3311' title 'Allreduce'
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def prepare(out, overwrite):
    """Makes the folder, without an earlier series in it."""
    out.mkdir(parents=True, exist_ok=True)
    earlier = sorted(path for path in out.iterdir() if OF_A_SERIES.fullmatch(path.name))
    if earlier and not overwrite:
        raise FileExistsError(f"it holds an earlier series ({earlier[0].name}); give another, or "
                              "replace that with --overwrite")
    for path in earlier:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="HDF5 file of a strong series")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs, table and plot")
    parser.add_argument("--weak", action="store_true", help="a made-up data set for each point")
    parser.add_argument("--rows", type=int, default=500_000, help="weak: for each core")
    parser.add_argument("--features", type=int, default=64, help="weak")
    parser.add_argument("--points", type=points_of, default=points_of("1x1,2x1,1x2"))
    parser.add_argument("--repeats", type=int, default=3, help="runs of each point")
    parser.add_argument("--solver", default="lbfgs", help="of the runs that are timed")
    parser.add_argument("--reference-solver", default="newton", help="whose optimum it must be")
    parser.add_argument("--launcher", choices=["mpirun", "slurm"], default="mpirun")
    parser.add_argument("--launch-options", type=shlex.split, default=[],
                        help="more words for mpirun or sbatch, in quotes")
    parser.add_argument("--train-options", type=shlex.split, default=[],
                        help="more words for paralogit train, in quotes, such as '--l2 1e-4'")
    parser.add_argument("--binary", default=str(ROOT / "build" / "release" / "paralogit"))
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier series in --out")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run none")
    arguments = parser.parse_args(words)
    if (arguments.data is None) != arguments.weak:
        parser.error("give a data file, or --weak")
    if arguments.repeats < 1 or arguments.solver == arguments.reference_solver:
        parser.error("give at least one repeat, and another --reference-solver than --solver")
    return arguments


def measure_point(arguments, runner, point, references, rows):
    data = runner.data_for(point)
    if data not in references:
        references[data] = runner.train(
            point, data, f"reference-{len(references)}", arguments.reference_solver)
    reference = references[data][0] if references[data] else None
    valid = [row for row in rows if row["verdict"] == "valid"]
    same = valid[0]["model_sha256"] if valid and not arguments.weak else None
    return measure(arguments, runner, point, reference, same)


def write_table(arguments, rows):
    add_speedups(rows, arguments.weak)
    fit_allreduce(rows)
    with open(arguments.out / "scaling.csv", "w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)


def main(words):
    arguments = parse(words)
    try:
        if not arguments.dry_run:
            prepare(arguments.out, arguments.overwrite)
    except OSError as fault:
        print(f"scaling.py: --out {arguments.out}: {fault}", file=sys.stderr)
        return 2
    runner = Runner(arguments)
    rows = []
    references = {}
    failed = []
    for point in arguments.points:
        try:
            row = measure_point(arguments, runner, point, references, rows)
        except RuntimeError as fault:
            failed.append(point.name)
            print(f"{point.name}: failed: {fault}", file=sys.stderr, flush=True)
            continue
        if row:
            rows.append(row)
            print(f"{point.name}: {1e3 * row['pass_seconds_median']:.3f} ms a pass, {row['verdict']}",
                  flush=True)
            # A series takes long: what there is stays when it is ended.
            write_table(arguments, rows)
    if rows:
        draw(arguments, rows)
    if failed:
        print(f"{len(failed)} of {len(arguments.points)} points failed: {', '.join(failed)}",
              file=sys.stderr)
        return 1
    return 0 if all(row["verdict"] == "valid" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
