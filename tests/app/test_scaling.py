"""launch/scaling.py: the commands it runs, what it takes from traces, what it lets count."""
import csv
import importlib.util
import math
import subprocess
import sys
import unittest

from support import BINARY, LAUNCHER, SOURCE, AppTest, made_up, write_data

SCRIPT = SOURCE / "launch" / "scaling.py"
spec = importlib.util.spec_from_file_location("scaling", SCRIPT)
scaling = importlib.util.module_from_spec(spec)
spec.loader.exec_module(scaling)


def event(name, rank, number, milliseconds):
    return {"ph": "X", "tid": 0, "pid": rank, "name": name, "ts": 0, "dur": 1e3 * milliseconds,
            "args": {"number": number}}


class Parts(unittest.TestCase):
    def test_passes_are_those_of_the_slowest_rank_without_the_first(self):
        trace = {"traceEvents": [
            *(event(name, rank, 0, 1000) for name in ("pass", "kernel", "allreduce")
              for rank in (0, 1)),
            event("pass", 0, 1, 12), event("kernel", 0, 1, 10), event("allreduce", 0, 1, 2),
            event("pass", 1, 1, 11), event("kernel", 1, 1, 5), event("allreduce", 1, 1, 6)]}
        passes = scaling.passes_of(trace)
        self.assertEqual(len(passes), 1)
        for key, seconds in (("pass", .012), ("compute", .010), ("allreduce", .002),
                             ("wait", .002)):
            self.assertAlmostEqual(passes[0][key], seconds, msg=key)

    def test_only_the_optimum_counts(self):
        good = {"stop_reason": "converged", "objective": 0.5, "model_sha256": "a"}
        judge = scaling.verdict_on
        self.assertEqual(judge([good, good], {**good, "model_sha256": "c"}, "a"), "valid")
        self.assertEqual(judge([good], good, None), "valid")
        for summaries, reference, model, why in (
                ([{**good, "stop_reason": "iteration_limit"}], good, None, "not converged"),
                ([good], {**good, "objective": 0.5 + 2e-9}, None, "another solver"),
                ([good], {**good, "objective": math.nan}, None, "another solver"),
                ([good], good, "b", "other bits"),
                ([good, {**good, "model_sha256": "b"}], good, None, "other bits"),
                ([good], {**good, "stop_reason": "time_limit"}, None, "other solver")):
            self.assertIn(why, judge(summaries, reference, model))

    def test_the_model_of_the_allreduce_is_found_again(self):
        rows = []
        for ranks, features in ((2, 10), (4, 10), (8, 100_000), (1, 10)):
            message = 16 * (features + 3) + 64
            seconds = 3e-6 * math.log2(ranks) + 1e-9 * 2 * (ranks - 1) / ranks * message
            rows.append({"ranks": ranks, "features": features, "allreduce_seconds": seconds,
                         "verdict": "valid"})
        scaling.fit_allreduce(rows)
        for row in rows:
            self.assertAlmostEqual(row["allreduce_model_seconds"], row["allreduce_seconds"],
                                   delta=1e-6 * row["allreduce_seconds"])

    def test_speedup_and_efficiency_are_against_the_first_valid_point(self):
        rows = [{"cores": 1, "pass_seconds_median": 8.0, "verdict": "valid"},
                {"cores": 4, "pass_seconds_median": 4.0, "verdict": "valid"}]
        scaling.add_speedups(rows, False)
        self.assertEqual([(row["speedup"], row["efficiency"]) for row in rows], [(1, 1), (2, .5)])
        scaling.add_speedups(rows, True)
        self.assertEqual([(row["speedup"], row["efficiency"]) for row in rows], [(1, 1), (8, 2)])
        rows[0]["verdict"] = "model has other bits"
        scaling.add_speedups(rows, False)
        self.assertEqual(rows[1]["speedup"], 1)


class Series(AppTest):
    def scaling(self, *words, code=0, of="stdout"):
        result = subprocess.run(
            [sys.executable, "-B", SCRIPT, "--out", self.folder / "out", "--binary", BINARY,
             f"--launch-options={' '.join(LAUNCHER[1:])}", *map(str, words)], capture_output=True, text=True, timeout=100, check=False)
        self.assert_ends(result, code)
        self.assertNotIn("Traceback", result.stderr)
        return getattr(result, of)

    def rows(self):
        with open(self.folder / "out" / "scaling.csv", newline="") as file:
            return list(csv.DictReader(file))

    def test_a_dry_run_prints_the_commands_and_does_nothing(self):
        lines = self.scaling("data.h5", "--points", "1x1,4x2@2", "--repeats", 2,
                             "--dry-run").splitlines()
        self.assertEqual(len(lines), 5)
        self.assertIn("--solver newton", lines[0])
        self.assertIn("mpirun -n 4 --map-by ppr:2:node:pe=2 ", lines[4])
        self.assertIn("--threads 2 --solver lbfgs", lines[4])
        lines = self.scaling("data.h5", "--points", "4x2@2", "--repeats", 1, "--launcher", "slurm",
                             "--dry-run").splitlines()
        self.assertIn("sbatch --wait --nodes=2 --ntasks=4 --ntasks-per-node=2 "
                      "--cpus-per-task=2", lines[1])
        lines = self.scaling("--weak", "--rows", 100, "--points", "1x1,3x1", "--repeats", 1,
                             "--dry-run").splitlines()
        self.assertIn("--rows 300 --features 64", "\n".join(lines))
        self.assertFalse((self.folder / "out").exists())

    def test_a_strong_series_has_a_table_and_a_plot(self):
        data = write_data(self.folder / "data.h5", *made_up(5000, 6))
        self.scaling(data, "--points", "1x1,2x1", "--repeats", 1)
        one, two = self.rows()
        self.assertEqual(list(one), scaling.COLUMNS)
        self.assertEqual((one["verdict"], two["verdict"]), ("valid", "valid"))
        self.assertEqual(one["model_sha256"], two["model_sha256"])
        self.assertEqual((one["cores"], two["cores"], two["ranks"]), ("1", "2", "2"))
        self.assertEqual(float(one["efficiency"]), 1)
        for row in (one, two):
            self.assertGreater(int(row["passes"]), 1)
            self.assertLessEqual(float(row["pass_seconds_min"]), float(row["pass_seconds_median"]))
            self.assertLessEqual(float(row["compute_seconds"]), float(row["pass_seconds_max"]))
            self.assertGreater(float(row["gbytes_per_second"]), 0)
        picture = (self.folder / "out" / "scaling.png").read_bytes()
        self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n")
        self.assertGreater(len(picture), 10_000)

    def test_a_weak_series_has_rows_for_each_core_and_a_point_that_fails_ends_with_1(self):
        self.scaling("--weak", "--rows", 2000, "--features", 4, "--points", "1x1,1x2", "--repeats",
                     1)
        self.assertEqual([row["rows"] for row in self.rows()], ["2000", "4000"])
        made_up_data = self.folder / "out" / "rows-2000x4-times-1.h5"
        made_at = made_up_data.stat().st_mtime_ns
        self.scaling("--weak", "--rows", 2000, "--features", 4, "--points", "1x1", "--repeats", 1,
                     "--train-options=--max-iterations 2", "--overwrite", code=1)
        self.assertIn("not converged", self.rows()[0]["verdict"])
        # The new series alone, on the data that were there.
        self.assertEqual(made_up_data.stat().st_mtime_ns, made_at)
        self.assertEqual({path.name for path in (self.folder / "out").iterdir()}, {
            "1x1@1-0", "1x1@1-0.trace.json", "reference-0", "reference-0.trace.json", "scaling.csv",
            made_up_data.name, "rows-2000x4-times-2.h5"})

    def test_replaces_no_earlier_series_and_no_file_of_the_users(self):
        out = self.folder / "out"
        (out / "2x1@1-0").mkdir(parents=True)
        (out / "scaling.csv").write_text("earlier")
        (out / "notes.txt").write_text("mine")
        data = write_data(self.folder / "data.h5", *made_up(500, 3))
        self.assertIn(f"--out {out}: it holds an earlier series (2x1@1-0); give another, or replace "
                      "that with --overwrite", self.scaling(data, "--points", "1x1", code=2, of="stderr"))
        self.assertEqual((out / "scaling.csv").read_text(), "earlier")
        self.scaling(data, "--points", "1x1,1x1", "--repeats", 1, "--overwrite")
        self.assertEqual([row["verdict"] for row in self.rows()], ["valid", "valid"])
        self.assertFalse((out / "2x1@1-0").exists())
        self.assertEqual((out / "notes.txt").read_text(), "mine")

    def test_says_so_when_the_folder_cannot_be_made(self):
        (self.folder / "out").write_text("a file")
        self.assertIn("File exists", self.scaling("data.h5", code=2, of="stderr"))
        self.assertEqual((self.folder / "out").read_text(), "a file")

    def test_a_point_that_cannot_be_run_leaves_the_others_in_the_table(self):
        data = write_data(self.folder / "data.h5", *made_up(5000, 6))
        limited = self.folder / "limited"
        limited.write_text(f"""#!/bin/sh
[ "$OMPI_COMM_WORLD_SIZE" = 2 ] && exit 9
exec {BINARY} "$@"
""")
        limited.chmod(0o755)
        self.scaling(data, "--points", "1x1,2x1,1x2", "--repeats", 1, "--binary", limited, code=1)
        self.assertEqual([(row["ranks"], row["threads"], row["verdict"]) for row in self.rows()],
                         [("1", "1", "valid"), ("1", "2", "valid")])

    def test_usage_errors_say_what_to_give(self):
        for words in ([], ["data.h5", "--weak"], ["data.h5", "--points", "3x1@2"],
                      ["data.h5", "--solver", "newton"]):
            self.scaling(*words, code=2)


if __name__ == "__main__":
    unittest.main()
