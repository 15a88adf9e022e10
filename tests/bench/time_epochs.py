#!/usr/bin/python3
"""How long an epoch of mini-batches takes, against a full pass over the same rows on one rank, and
what an Allreduce for each batch costs on two. Not a test: figures depend on the machine.

    tests/bench/time_epochs.py build/release/paralogit [--rows N] [--batch-size B]

For several widths and types: seconds of training of some epochs of --solver sgd, less those of the
objective's evaluations before and after them, divided by the epochs, over the same of passes of --solver
gd; the median of five turns of each, which take turns."""
import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path


def train(binary, data, out, *options, ranks=1):
    launcher = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "core",
                "-n", str(ranks)]
    subprocess.run([*launcher, binary, "train", data, "--out", out, "--overwrite", "--threads", "1",
                    "--checkpoint-every", "0", "--tolerance", "0", *options], check=True,
                   capture_output=True)
    return json.loads((Path(out) / "summary.json").read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--shapes", nargs="*", default=["28:float32", "64:float32", "64:float64",
                                                        "256:float32"])
    options = parser.parse_args()
    epochs = 20
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data.h5", Path(folder) / "run"
        for shape in options.shapes:
            features, kind = shape.split(":")
            size = {"float16": 2, "float32": 4, "float64": 8}[kind]
            rows = options.megabytes * 2**20 // (int(features) * size)
            subprocess.run([options.binary, "generate", data, "--rows", str(rows), "--features",
                            features, "--type", kind, "--overwrite"], check=True,
                           capture_output=True)
            passes, steps, groups = [], [], []
            sgd = ("--solver", "sgd", "--batch-size", str(options.batch_size),
                   "--max-iterations", str(epochs), "--evaluate-every", str(epochs))

            def epoch_of(summary):
                evaluations = summary["passes"] - epochs
                return (summary["seconds"]["train"] - evaluations * passes[-1]) / epochs

            for _ in range(5):
                summary = train(options.binary, data, out, "--solver", "gd", "--learning-rate",
                                "0.1", "--max-iterations", str(epochs))
                passes.append(summary["seconds"]["train"] / summary["passes"])
                steps.append(epoch_of(train(options.binary, data, out, *sgd)))
                groups.append(epoch_of(train(options.binary, data, out, *sgd, "--shuffle",
                                             "groups")))
            on_two = train(options.binary, data, out, *sgd, ranks=2)["batches"]
            one_pass, epoch = statistics.median(passes), statistics.median(steps)
            print(f"{rows:9} x {features:4} {kind:8} pass {one_pass:7.4f} s  epoch {epoch:7.4f} s  "
                  f"ratio {epoch / one_pass:5.2f}, of groups "
                  f"{statistics.median(groups) / one_pass:5.2f}  two ranks: "
                  f"{1e6 * on_two['seconds_per_allreduce']:6.1f} us an Allreduce", flush=True)


if __name__ == "__main__":
    main()
