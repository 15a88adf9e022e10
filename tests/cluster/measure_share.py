#!/usr/bin/python3
"""The share of the Allreduce in the time of training over hosts with slow links, beside what the model
of a pass predicts, alpha log2 R + beta d (1 - 1/R) and rows/R c. By hand, as root:

    PARALOGIT_BINARY=build/release/paralogit PARALOGIT_SOURCE=$PWD \\
        tests/cluster/measure_share.py --hosts 4 --rate 200mbit

alpha and beta come from runs on two hosts with few and with many features, c from a run on one; what
is predicted is a run of another width on all hosts. Fails when the share is off by more than 30 %. Of a
link that tc limits, only about half of the rate is left when data and acknowledgements meet, so beta is
measured and not taken from the rate.
"""
import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "app"))
from hosts import Hosts, what_is_missing  # noqa: E402
from support import BINARY, made_up, read_summary, write_data  # noqa: E402

NARROW, WIDE, MIDDLE = 200, 20000, 6000
ROWS = 2000


def seconds_of_pass(hosts, count, data, out):
    """Kernel and Allreduce of a pass, of the median rank."""
    command = hosts.mpirun(1, BINARY, "train", data, "--out", out, "--overwrite", "--quiet",
                           "--threads", 1, "--solver", "lbfgs", "--max-iterations", 20,
                           "--tolerance", 0, "--l2", "1e-3")
    command[command.index("--host") + 1] = ",".join(f"h{k}:1" for k in range(1, count + 1))
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    summary = read_summary(out)
    return [statistics.median(rank[phase] for rank in summary["seconds_of_ranks"])
            / summary["passes"] for phase in ("kernel", "allreduce")]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=4)
    parser.add_argument("--rate", default="200mbit")
    arguments = parser.parse_args()
    missing = what_is_missing()
    if missing:
        sys.exit(f"error: {missing}")
    with tempfile.TemporaryDirectory() as folder, Hosts(arguments.hosts) as hosts:
        folder = Path(folder)
        data = {d: write_data(folder / f"{d}.h5", *(part.astype("float32") for part in
                                                    made_up(ROWS, d))) for d in
                (NARROW, WIDE, MIDDLE)}
        alone, _ = seconds_of_pass(hosts, 1, data[MIDDLE], folder / "run")
        hosts.limit_rate(arguments.rate)
        _, narrow = seconds_of_pass(hosts, 2, data[NARROW], folder / "run")
        _, wide = seconds_of_pass(hosts, 2, data[WIDE], folder / "run")
        beta = (wide - narrow) / ((WIDE - NARROW) / 2)
        alpha = max(0.0, narrow - beta * NARROW / 2)
        print(f"alone {alone:.2e} s a pass; alpha {alpha:.2e} s, beta {beta:.2e} s")
        worst = 0.0
        for count in range(2, arguments.hosts + 1):
            kernel, allreduce = seconds_of_pass(hosts, count, data[MIDDLE], folder / "run")
            # Ranks beyond the cores of this machine take turns.
            compute = alone / min(count, len(os.sched_getaffinity(0)))
            predicted = alpha * math.log2(count) + beta * MIDDLE * (1 - 1 / count)
            share, expected = allreduce / (kernel + allreduce), predicted / (compute + predicted)
            worst = max(worst, abs(share / expected - 1))
            print(f"{count} hosts: Allreduce {allreduce:.2e} s, predicted {predicted:.2e} s; share "
                  f"{share:.3f}, predicted {expected:.3f}, off by {share / expected - 1:+.0%}")
    return 0 if worst <= 0.3 else 1


if __name__ == "__main__":
    sys.exit(main())
