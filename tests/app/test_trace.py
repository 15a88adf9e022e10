"""Where the time goes: times of each rank in summary.json, and the trace that viewers open."""
import json
import re
import socket
import unittest
from collections import defaultdict

import h5py

from support import AppTest, made_up, read_summary, run, write_data

PHASES = ["startup", "load", "read", "train", "compute", "kernel", "curvature", "batches",
          "allreduce", "validation", "inference", "diagnosis", "checkpoint", "total"]


def events_of(path):
    """The events of each rank and lane, in the order of the file."""
    lanes = defaultdict(list)
    for event in json.loads(path.read_text())["traceEvents"]:
        if event["ph"] == "X":
            lanes[event["pid"], event["tid"]].append(event)
    return lanes


def seconds_of(events, name):
    return sum(event["dur"] for event in events if event["name"] == name) / 1e6


class Trace(AppTest):
    def setUp(self):
        super().setUp()
        self.data = write_data(self.folder / "data.h5", *made_up(4000, 6))

    def assert_nested(self, events):
        """Each event begins after what came before it has ended, or lies within it."""
        open_until = []
        for event in events:
            # Nanoseconds, which are whole numbers.
            begin = round(event["ts"] * 1000)
            end = begin + round(event["dur"] * 1000)
            while open_until and open_until[-1] <= begin:
                open_until.pop()
            if open_until:
                self.assertLessEqual(end, open_until[-1], event)
            open_until.append(end)

    def test_has_every_rank_and_agrees_with_the_summary(self):
        for ranks in (1, 2, 3, 5):
            trace = self.folder / f"trace-{ranks}.json"
            out = self.train(self.data, "--trace", trace, "--threads", 2, "--checkpoint-every", 2,
                             "--validation-fraction", 0.2, out=f"run-{ranks}", ranks=ranks)
            summary = read_summary(out)
            lanes = events_of(trace)
            self.assertEqual({rank for rank, _ in lanes}, set(range(ranks)))
            for events in lanes.values():
                self.assert_nested(events)
            for rank in range(ranks):
                main = lanes[rank, 0]
                names = {event["name"] for event in main}
                self.assertLessEqual({"startup", "load", "solver", "pass", "kernel", "allreduce",
                                      "MPI_Allreduce", "curvature", "validation", "checkpoint",
                                      "results"}, names)
                of_rank = summary["seconds_of_ranks"][rank]
                self.assertEqual(of_rank["rank"], rank)
                for name in ("kernel", "allreduce", "curvature", "checkpoint", "load"):
                    events = [event for event in main if event["name"] == name]
                    # Both clocks are read one after the other, now and then with a pause between.
                    self.assertAlmostEqual(seconds_of(main, name), of_rank[name],
                                           delta=0.002 * len(events) + 0.02 * of_rank[name], msg=name)
                passes = [event["args"]["number"] for event in main if event["name"] == "pass"]
                self.assertEqual(passes, list(range(summary["passes"])))

    def test_shows_reading_and_decoding_of_rows_that_are_streamed(self):
        X, y = made_up(200_000, 8)
        with h5py.File(self.folder / "packed.h5", "w") as file:
            file.create_dataset("X", data=X.astype("f4"), chunks=(8192, 8), compression="gzip",
                                compression_opts=1)
            file.create_dataset("y", data=y)
        trace = self.folder / "trace.json"
        for limit, streams in (("auto", False), ("8M", True)):
            out = self.train(self.folder / "packed.h5", "--trace", trace, "--overwrite",
                             "--threads", 1, "--memory-limit", limit, "--max-iterations", 1,
                             ranks=1)
            self.assertEqual(read_summary(out)["rows_are"] == "streamed", streams)
            lanes = events_of(trace)
            for events in lanes.values():
                self.assert_nested(events)
            names = {event["name"] for events in lanes.values() for event in events}
            self.assertLessEqual({"read", "decode"}, names)
            self.assertEqual("wait for rows" in names, streams)

    def test_is_replaced_by_overwrite_and_resume_alone(self):
        trace = self.folder / "trace.json"
        options = [self.data, "--out", self.folder / "run", "--trace", trace,
                   "--max-iterations", 1]
        self.assert_ends(run("train", *options), 0)
        again = run("train", *options[:2], self.folder / "other", *options[3:])
        self.assert_ends(again, 2)
        self.assertRegex(again.stderr, "--trace .*trace.json: the file is there already")
        self.assertFalse((self.folder / "other").exists())
        before = trace.read_text()
        self.assert_ends(run("train", *options, "--resume"), 0)
        self.assertNotEqual(trace.read_text(), before)

    def test_may_lie_in_the_run_directory_also_when_that_is_replaced(self):
        for option in ((), ("--overwrite",), ("--resume",)):
            result = run("train", self.data, "--out", "run", "--trace", "run/trace.json", *option,
                         "--max-iterations", "2", cwd=self.folder)
            self.assert_ends(result, 0)
            self.assertTrue(events_of(self.folder / "run" / "trace.json"))

    def test_does_not_replace_what_is_no_trace(self):
        self.assert_ends(run("train", self.data, "--out", self.folder / "run"), 0)
        for path in (self.data, self.folder / "run" / "model.h5", self.folder):
            before = path.read_bytes() if path.is_file() else None
            for option in ("--overwrite", "--resume"):
                result = run("train", self.data, "--out", self.folder / "run", option, "--trace",
                             path, ranks=2)
                self.assert_ends(result, 2)
                self.assertIn("what is there already is no trace", result.stderr)
            if before is not None:
                self.assertEqual(path.read_bytes(), before)

    def test_does_not_take_the_name_of_a_result_that_is_yet_to_come(self):
        for name in ("model.h5", "lock", "checkpoints", "checkpoints/trace.json", "mine.json"):
            for directory in ("run", "."):
                result = run("train", self.data, "--out", directory, "--trace",
                             f"{directory}/{name}" if directory == "run" else name,
                             cwd=self.folder)
                self.assert_ends(result, 2)
                self.assertIn("in the run directory a trace is called trace.json", result.stderr)
        self.assertFalse((self.folder / "run").exists())

    def test_that_cannot_be_written_ends_the_run_before_it_began(self):
        result = run("train", self.data, "--out", self.folder / "run", "--trace",
                     self.folder / "no" / "trace.json", ranks=2)
        self.assert_ends(result, 6)
        self.assertFalse((self.folder / "run").exists())


class TimesOfRanks(AppTest):
    def test_are_in_the_summary_with_their_spread_and_hosts(self):
        data = write_data(self.folder / "data.h5", *made_up(3000, 5))
        summary = read_summary(self.train(data, ranks=3))
        ranks = summary["seconds_of_ranks"]
        self.assertEqual([rank["rank"] for rank in ranks], [0, 1, 2])
        self.assertEqual({rank["host"] for rank in ranks}, {socket.gethostname()})
        for phase in PHASES:
            own = sorted(rank[phase] for rank in ranks)
            spread = summary["seconds_over_ranks"][phase]
            self.assertEqual([spread["min"], spread["median"], spread["max"]], own)
            self.assertEqual(ranks[spread["slowest_rank"]][phase], own[-1])
            self.assertEqual(spread["slowest_host"], socket.gethostname())
            self.assertEqual(summary["seconds"][phase], own[-1])
        for rank in ranks:
            self.assertLessEqual(rank["kernel"], rank["compute"])
            self.assertLessEqual(rank["compute"] + rank["allreduce"], rank["train"] * 1.001 + 0.001)
            self.assertLessEqual(rank["read"], rank["load"])

    def test_name_the_rank_that_the_others_waited_for(self):
        # Who is slow is up to the machine; the line and the summary have to agree.
        data = write_data(self.folder / "data.h5", *made_up(100_000, 20))
        result = run("train", data, "--out", self.folder / "run", "--solver", "gd",
                     "--learning-rate", 1e-9, "--max-iterations", 5, ranks=2)
        self.assert_ends(result, 0)
        found = re.search(r"imbalance +rank (\d) on (\S+) computed", result.stdout)
        summary = read_summary(self.folder / "run")
        compute = [rank["compute"] for rank in summary["seconds_of_ranks"]]
        waited = abs(compute[0] - compute[1])
        matters = waited >= 0.1 and waited >= 0.05 * summary["seconds"]["train"]
        self.assertEqual(found is not None, matters)
        if found:
            self.assertEqual(compute[int(found[1])], max(compute))
            self.assertEqual(found[2], socket.gethostname())


if __name__ == "__main__":
    unittest.main()
