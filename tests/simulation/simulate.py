#!/usr/bin/python3
"""How training scales on clusters that are simulated: the program itself, up to 1024 of its ranks in
one process, on SimGrid's MPI.

    cmake --build --preset release --target paralogit_main paralogit_simulated
    tests/simulation/simulate.py --out runs/simulated        some 15 minutes and 6 GB of memory

Each rank is a host of its own. Messages take what the described network takes; the sums of a block
take what the program was measured to take for so many rows on one core of this machine, each of the
few rows that are there standing for many: nothing else takes time, and no host is ever disturbed.
Series, all of passes of L-BFGS: `weak` has --rows-per-rank on each rank, `strong` --rows together, and
`message` no computation but wider messages. Every series trains one data set, and so must give one
model. The model of a pass, T(R) = rows/R c + alpha log2 R + beta d (1 - 1/R), is fitted to all of
them, for each cluster. Writes simulated.csv and model.json.
"""
import argparse
import csv
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
# Of each link, of which there are two between hosts of one switch and four between others. An RDMA
# network gives the program what it has; TCP does not, and SimGrid's factors for that are of Ethernet.
CLUSTERS = {
    "fat-tree-100gbit": {"bandwidth": "12.5GBps", "latency": "500ns",
                         "settings": ["--cfg=smpi/bw-factor:0:1.0", "--cfg=smpi/lat-factor:0:1.0"]},
    "ethernet-10gbit": {"bandwidth": "1.25GBps", "latency": "10us", "settings": []},
}
COLUMNS = ["cluster", "series", "ranks", "rows", "features", "passes", "pass_seconds",
           "compute_seconds", "allreduce_seconds", "efficiency", "model_seconds", "model_sha256"]


def platform(cluster, hosts):
    """SimGrid's description: switches of 32 hosts each, under 16 that join them."""
    switches = max(1, math.ceil(hosts / 32))
    return f"""<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <cluster id="cluster" prefix="node" suffix="" radical="0-{32 * switches - 1}" speed="1Gf"
           bw="{cluster['bandwidth']}" lat="{cluster['latency']}" topology="FAT_TREE"
           topo_parameters="2;32,{switches};1,16;1,1"/>
</platform>
"""


def collectives(ranks, features):
    """How SimGrid is to do them: an Allreduce as MPICH does, short ones by recursive doubling, others
    by Rabenseifner's algorithm (Thakur, Rabenseifner and Gropp, 2005); the rest as Open MPI does,
    whose Allgather of one rank fails in SimGrid 3.32."""
    # SimGrid's own "rab" takes no 64-bit integers.
    message_bytes = 16 * (features + 3) + 64
    algorithm = "rdb" if message_bytes < 10_000 else "mvapich2_rs"
    selector = "ompi" if ranks > 1 else "default"
    return [f"--cfg=smpi/coll-selector:{selector}", f"--cfg=smpi/allreduce:{algorithm}"]


def simulate(folder, cluster, ranks, arguments, seconds_per_row=0.0, features=1,
             program=BUILD / "tests" / "simulation" / "paralogit_simulated"):
    """Runs `paralogit ARGUMENTS` on so many hosts of a cluster; what it printed. `folder` is for
    files of the simulator."""
    description = folder / "platform.xml"
    description.write_text(platform(cluster, ranks))
    hosts = folder / "hosts"
    hosts.write_text("".join(f"node{k}\n" for k in range(ranks)))
    command = ["smpirun", "-np", str(ranks), "-platform", str(description), "-hostfile", str(hosts),
               "--log=root.thres:critical", "--cfg=smpi/host-speed:1Gf",
               "--cfg=smpi/simulate-computation:no", *collectives(ranks, features),
               *cluster["settings"], str(program), *map(str, arguments)]
    environment = {**os.environ, "PARALOGIT_SIMULATED_SECONDS_PER_ROW": repr(seconds_per_row)}
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def train_options(data, out):
    # The watchdog's clock would be the simulation's; the threads of a rank are no part of it.
    return ["train", str(data), "--out", str(out), "--overwrite", "--threads", "1",
            "--stall-timeout", "never", "--quiet", "--solver", "lbfgs", "--max-iterations", "6"]


def seconds_of_pass(summary):
    """Of the rank whose passes took longest: in whole, on its rows, in the Allreduce."""
    ranks = [(rank["kernel"] + rank["allreduce"], rank["kernel"], rank["allreduce"])
             for rank in summary["seconds_of_ranks"]]
    return [seconds / summary["passes"] for seconds in max(ranks)]


def measure_seconds_per_row(binary, data, rows, out):
    """Of one rank and one thread on this machine, the median of some runs."""
    seconds = []
    for _ in range(5):
        subprocess.run([str(binary), *train_options(data, out)], check=True, capture_output=True)
        summary = json.loads((out / "summary.json").read_text())
        seconds.append(summary["seconds"]["kernel"] / summary["passes"] / rows)
    return statistics.median(seconds)


def fit(points, seconds_per_row):
    """alpha, beta by least squares of relative errors, and the largest of these."""
    several = [point for point in points if point["ranks"] > 1]
    scale = np.array([1 / point["pass_seconds"] for point in several])
    columns = np.array([[math.log2(point["ranks"]), point["features"] * (1 - 1 / point["ranks"])]
                        for point in several])
    rest = np.array([point["pass_seconds"] - busiest_seconds(point, seconds_per_row)
                     for point in several])
    (alpha, beta), *_ = np.linalg.lstsq(columns * scale[:, None], rest * scale, rcond=None)
    for point in points:
        several_ranks = point["ranks"] > 1
        point["model_seconds"] = busiest_seconds(point, seconds_per_row) + several_ranks * (
            alpha * math.log2(point["ranks"])
            + beta * point["features"] * (1 - 1 / point["ranks"]))
    errors = {}
    for point in points:
        error = abs(point["model_seconds"] / point["pass_seconds"] - 1)
        errors[point["series"]] = max(error, errors.get(point["series"], 0.0))
    return {"alpha_seconds": alpha, "beta_seconds": beta, "seconds_per_row": seconds_per_row,
            "largest_relative_errors": errors}


def busiest_seconds(point, seconds_per_row):
    return 0.0 if point["series"] == "message" else point["rows"] / point["ranks"] * seconds_per_row


class Series:
    def __init__(self, arguments):
        self.arguments = arguments
        self.out = arguments.out
        self.models = {}
        # A series that was interrupted goes on.
        self.journal = self.out / "points.jsonl"
        self.known = {}
        if self.journal.exists():
            for line in self.journal.read_text().splitlines():
                point = json.loads(line)
                self.known[self.key(point)] = point

    @staticmethod
    def key(point):
        return tuple(point[name] for name in ("cluster", "series", "ranks", "rows", "features"))

    def data(self, rows, features, kind):
        path = self.out / f"rows-{rows}x{features}.h5"
        if not path.exists():
            subprocess.run([str(self.arguments.binary), "generate", str(path), "--rows", str(rows),
                            "--features", str(features), "--type", kind, "--quiet"], check=True,
                           capture_output=True)
        return path

    def point(self, name, series, ranks, rows, features, data, present_rows, seconds_per_row):
        known = self.known.get((name, series, ranks, rows, features))
        if known:
            return known
        run = self.out / "run"
        # Where the simulator finds a deadlock its exit code is 0.
        shutil.rmtree(run, ignore_errors=True)
        stands_for = seconds_per_row * rows / present_rows
        simulate(self.out, CLUSTERS[name], ranks, train_options(data, run), stands_for, features,
                 self.arguments.program)
        summary = json.loads((run / "summary.json").read_text())
        model = self.models.setdefault(data, summary["model_sha256"])
        if summary["model_sha256"] != model:
            raise RuntimeError(f"{name}, {series}, {ranks} ranks: the model has other bits")
        whole, compute, allreduce = seconds_of_pass(summary)
        point = {"cluster": name, "series": series, "ranks": ranks, "rows": rows,
                 "features": features, "passes": summary["passes"], "pass_seconds": whole,
                 "compute_seconds": compute, "allreduce_seconds": allreduce, "model_sha256": model}
        print(f"{name} {series} {ranks} ranks, {features} features: pass {whole:.3e} s, compute "
              f"{compute:.3e} s, allreduce {allreduce:.3e} s", flush=True)
        with open(self.journal, "a", encoding="utf-8") as journal:
            journal.write(json.dumps(point) + "\n")
        return point

    def of_cluster(self, name, seconds_per_row, data, present_rows):
        arguments = self.arguments
        points = []
        for series in ("weak", "strong"):
            base = None
            for ranks in arguments.ranks:
                rows = arguments.rows if series == "strong" else arguments.rows_per_rank * ranks
                point = self.point(name, series, ranks, rows, arguments.features, data,
                                   present_rows, seconds_per_row)
                # What one core would need for the rows of one rank.
                base = base or point["pass_seconds"] * ranks / rows
                point["efficiency"] = base * rows / ranks / point["pass_seconds"]
                points.append(point)
        for features in arguments.message_features:
            wide = self.data(8192, features, "uint8")
            points += [self.point(name, "message", ranks, 8192, features, wide, 8192, 0.0)
                       for ranks in arguments.ranks if ranks > 1]
        return points


def positive_numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clusters", default=",".join(CLUSTERS))
    parser.add_argument("--ranks", type=positive_numbers,
                        default=[1, 2, 4, 8, 16, 32, 64, 128, 256, 1024])
    parser.add_argument("--rows-per-rank", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--message-features", type=positive_numbers, default=[8000])
    parser.add_argument("--seconds-per-row", type=float,
                        help="of one rank; without it, measured on this machine")
    parser.add_argument("--binary", type=Path, default=BUILD / "paralogit")
    parser.add_argument("--program", type=Path,
                        default=BUILD / "tests" / "simulation" / "paralogit_simulated")
    arguments = parser.parse_args()
    arguments.out = arguments.out.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)

    series = Series(arguments)
    # A block of 1024 rows for each of up to 1024 ranks.
    present_rows = 1024 * max(*arguments.ranks, 256)
    data = series.data(present_rows, arguments.features, "float32")
    seconds_per_row = arguments.seconds_per_row or measure_seconds_per_row(
        arguments.binary, data, present_rows, arguments.out / "run")
    print(f"{seconds_per_row * 1e9:.3f} ns a row", flush=True)
    points, models = [], {}
    for name in arguments.clusters.split(","):
        own = series.of_cluster(name, seconds_per_row, data, present_rows)
        models[name] = fit(own, seconds_per_row)
        print(name, json.dumps(models[name], indent=1))
        points += own
    with open(arguments.out / "simulated.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(points)
    (arguments.out / "model.json").write_text(json.dumps(models, indent=2) + "\n")
    shutil.rmtree(arguments.out / "run", ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
