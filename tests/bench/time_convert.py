#!/usr/bin/python3
"""How fast text becomes a data set, on one rank and on two of one thread each. Not a test: figures
depend on the machine.

    tests/bench/time_convert.py build/release/paralogit FOLDER [--megabytes N] [--turns N]

Makes three texts in FOLDER, one after the other: LIBSVM (30 of 100 000 indices a row), a CSV of numbers
with six digits after the point, and a mixed one (numbers of 17 digits, integers, numbers of three
digits, a column of texts in turn). Prints the medians of whole runs from the page cache, the start of
mpirun and the way of the output to the disk included, per second and core."""
import argparse
import random
import statistics
import subprocess
import time
from pathlib import Path


def libsvm_line(generator):
    indices = sorted(generator.sample(range(1, 100_000), 30))
    return (f"{generator.randint(0, 1)} "
            + " ".join(f"{i}:{generator.gauss(0, 1):.6g}" for i in indices) + "\n")


def csv_line(generator):
    fields = [f"{generator.gauss(0, 1):.6f}" for _ in range(28)]
    return ",".join([*fields, str(generator.randint(0, 1))]) + "\n"


def mixed_line(generator):
    kinds = (lambda: f"{generator.gauss(0, 10):.17g}", lambda: str(generator.randint(0, 9999)),
             lambda: f"{generator.random():.3f}",
             lambda: generator.choice(("red", "green", "blue")))
    fields = [kinds[j % 4]() for j in range(20)]
    return ",".join([*fields, str(generator.randint(0, 1))]) + "\n"


def seconds_of(binary, text, ranks):
    out = text.with_suffix(".h5")
    launcher = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "core", "-n",
                str(ranks)] if ranks > 1 else []
    begin = time.perf_counter()
    subprocess.run([*launcher, binary, "convert", text, out, "--threads", "1"], check=True,
                   capture_output=True)
    seconds = time.perf_counter() - begin
    out.unlink()
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    for name, line in (("libsvm", libsvm_line), ("csv", csv_line), ("mixed", mixed_line)):
        generator = random.Random(1)
        some = "".join(line(generator) for _ in range(20_000)).encode()
        text = options.folder / f"{name}.txt"
        columns = len(line(generator).split(",")) - 1
        with text.open("wb") as file:
            if columns > 0:
                header = [f"x{j}" for j in range(columns)]
                file.write((",".join([*header, "y"]) + "\n").encode())
            for _ in range(options.megabytes * 10**6 // len(some)):
                file.write(some)
        megabytes = text.stat().st_size / 1e6
        seconds = {1: [], 2: []}
        for _ in range(options.turns):
            for ranks, taken in seconds.items():
                taken.append(seconds_of(options.binary, text, ranks))
        text.unlink()
        print(f"{name:7} {megabytes:.0f} MB:", *(
            f"{megabytes / statistics.median(taken) / ranks:.0f} MB/s and core on {ranks} rank"
            f"{'s' if ranks > 1 else ''};" for ranks, taken in seconds.items()), flush=True)


if __name__ == "__main__":
    main()
