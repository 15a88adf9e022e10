#!/usr/bin/python3
"""Config files: what a run was told, and a file for many runs of which the command line changes some."""
import os
import signal
import subprocess
import unittest
from pathlib import Path

import h5py

from jobs import wait_for
from support import BINARY, AppTest, made_up, read_summary, run, write_data


class ConfigTest(AppTest):
    def setUp(self):
        super().setUp()
        self.X, self.y = made_up(600, 4, seed=3)
        self.data = write_data(self.folder / "data.h5", self.X, self.y)

    def trained(self, text, *options, ranks=None):
        """The run directory and what was said, of a config file with these lines."""
        config = self.folder / "base.conf"
        config.write_text(text)
        out = self.folder / "run"
        result = run("train", self.data, "--config", config, "--out", out, "--overwrite", *options,
                     ranks=ranks)
        self.assert_ends(result, 0)
        return out, result.stderr


class ConfigOfARun(ConfigTest):
    def test_it_repeats_the_run_and_the_command_line_wins(self):
        first = self.train(self.data, "--l2", "1e-3", out="first")
        config = first / "config.used"
        again = run("train", "--config", config, "--out", self.folder / "again", ranks=2)
        self.assert_ends(again, 0)
        self.assertEqual(read_summary(self.folder / "again")["model_sha256"],
                         read_summary(first)["model_sha256"])
        other = run("train", "--config", config, "--l2", "1", "--out", self.folder / "other")
        self.assert_ends(other, 0)
        self.assertEqual(read_summary(self.folder / "other")["l2"], 1)

    def test_it_repeats_the_run_from_anywhere(self):
        write_data(self.folder / "held.h5", self.X[:100], self.y[:100])
        (self.folder / "factors.txt").write_text("1\n2\n1\n3\n")
        self.train(self.data, "--l2", "0.5", out="start")
        first = run("train", "da*.h5", "--validation", "held.h5", "--l2", "0.1", "--penalty-factors",
                    "factors.txt", "--lower", "-1", "--initial", "start/model.h5", "--out",
                    "first", cwd=self.folder)
        self.assert_ends(first, 0)
        (self.folder / "elsewhere").mkdir()
        again = run("train", "--config", "../first/config.used", "--out", "again",
                    cwd=self.folder / "elsewhere")
        self.assert_ends(again, 0)
        self.assertEqual(read_summary(self.folder / "elsewhere" / "again")["model_sha256"],
                         read_summary(self.folder / "first")["model_sha256"])
        used = (self.folder / "first" / "config.used").read_text()
        self.assertIn(f"\ndata = {self.folder}/da*.h5\n", used)
        self.assertIn("\nlower = -1\n", used)

    def test_values_that_a_config_file_cannot_hold_are_not_cut_but_left_out(self):
        odd = write_data(self.folder / "data\n2.h5", self.X, self.y)
        used = (self.train(odd, "--l2", "1", out="odd") / "config.used").read_text()
        self.assertIn("# data: its value cannot stand in a file", used)
        self.assertNotIn("\ndata =", used)


    def test_values_with_comment_signs_and_blanks_are_quoted_and_repeat_the_run(self):
        for k, name in enumerate(("data #2.h5", " it's #3.h5", 'the "4"# \'5\'.h5', "'6'.h5")):
            odd = write_data(self.folder / name, self.X, self.y)
            first = self.train(odd, "--l2", "1", out=f"odd{k}")
            used = (first / "config.used").read_text()
            if '"' in name:  # both kinds of quotes, and no line can hold it
                self.assertIn("# data: its value cannot stand in a file", used)
                continue
            self.assertNotIn("cannot stand", used)
            again = run("train", "--config", first / "config.used", "--out", self.folder / f"again{k}")
            self.assert_ends(again, 0)
            self.assertEqual(read_summary(self.folder / f"again{k}")["model_sha256"],
                             read_summary(first)["model_sha256"])

    def test_quotes_are_around_a_whole_value_or_part_of_it(self):
        (self.folder / "a.csv").write_text("a,b c,d,y\n1,2,u,0\n3,4,'v',1\n5,6,w#,0\n")
        config = self.folder / "text.conf"
        for lines, names in (
                ("drop = 'b c' # a comment", ["a", "d='v'", "d=u", "d=w#"]),
                ("reference = 'd=w#'", ["a", "b c", "d='v'", "d=u"]),
                ("reference = d=w#", None),
                ('drop = "b c"', ["a", "d='v'", "d=u", "d=w#"]),
                ("drop = 'a', 'd'", None),
                ("label-column = \"y\"\ndrop = '\"b c\",d'", ["a"]),
                ("missing-markers = 'w#'\nmissing = 0\ndrop = a", ["b c", "d='v'", "d=u"])):
            config.write_text(lines + "\n")
            out = self.folder / "a.h5"
            result = run("convert", self.folder / "a.csv", out, "--config", config, "--overwrite")
            self.assert_ends(result, 3 if names is None else 0)
            if names is not None:
                with h5py.File(out) as file:
                    self.assertEqual([name.decode() for name in file["feature_names"]], names)


class ConfigOfManyRuns(ConfigTest):
    def test_a_penalty_of_the_command_line_replaces_that_of_the_file(self):
        def hash_of(*options):
            return self.train_hash(self.data, *options, "--overwrite", out="plain")

        family = "penalty = l2\nC = 1\n"
        factors = family + "penalty-factors = 2\npenalty-scale = standardized\n"
        for base, options, same, lefts in (
                (family, ("--l2", "0.5"), ("--l2", "0.5"), {"penalty = l2", "C = 1"}),
                (family, ("--lambda", "0.5"), ("--l2", "0.5"), {"C = 1"}),
                (family, ("--penalty", "none"), (), {"C = 1"}),
                (family, ("--penalty", "l1"), ("--penalty", "l1", "--C", "1"), set()),
                ("l2 = 1e-3\nl1 = 0.1\n", ("--penalty", "l1", "--C", "1"),
                 ("--penalty", "l1", "--C", "1"), {"l2 = 1e-3", "l1 = 0.1"}),
                ("l1 = 0.1\n", ("--l2", "0.2"), ("--l1", "0.1", "--l2", "0.2"), set()),
                ("penalty = elasticnet\nl1-ratio = 0.5\nlambda = 0.1\n", ("--penalty", "l2"),
                 ("--l2", "0.1"), {"l1-ratio = 0.5"}),
                ("penalty = l2\nlambda = 0.1\n", ("--C", "2"), ("--penalty", "l2", "--C", "2"),
                 {"lambda = 0.1"}),
                (factors, ("--penalty", "none"), (),
                 {"C = 1", "penalty-factors = 2", "penalty-scale = standardized"}),
                (factors, ("--l2", "0"), (), {"penalty = l2", "C = 1", "penalty-factors = 2",
                                              "penalty-scale = standardized"})):
            with self.subTest(base=base, options=options):
                out, said = self.trained(base, *options)
                self.assertEqual(read_summary(out)["model_sha256"], hash_of(*same))
                self.assertEqual({line.split(" is not used")[0].split(": ", 1)[1]
                                  for line in said.splitlines() if "not used" in line}, lefts)
                again = run("train", "--config", out / "config.used", "--out", self.folder / "again",
                            "--overwrite")
                self.assert_ends(again, 0)

    def test_so_do_rows_to_validate_by_a_loss_and_flags(self):
        held = write_data(self.folder / "held.h5", self.X[:100], self.y[:100])
        fraction = "validation-fraction = 0.25\nvalidation-seed = 4\nearly-stopping = 5\n"
        out, said = self.trained(fraction, "--validation", held, ranks=2)
        self.assertIn("base.conf:1: validation-fraction = 0.25 is not used: the command line says "
                      f"--validation {held}", said)
        self.assertEqual(read_summary(out)["rows"], 600)
        out, _ = self.trained(f"validation = {held}\n", "--validation-fraction", "0.5")
        self.assertLess(read_summary(out)["rows"], 400)
        flags = "inference = true\nconfidence = 0.9\nverify = true\nl2 = 0.1\n"
        out, said = self.trained(flags, "--inference=false", ranks=2)
        self.assertIn("confidence = 0.9 is not used: the command line says --inference=false", said)
        self.assertFalse((out / "inference.json").exists())
        self.assertNotIn("\ninference", (out / "config.used").read_text())
        self.assertIn("\nverify = true\n", (out / "config.used").read_text())
        out, _ = self.trained(flags, "--inference=yes", "--verify=no")
        self.assertTrue((out / "inference.json").exists())
        self.assertNotIn("\nverify", (out / "config.used").read_text())
        out, _ = self.trained("loss = focal\nfocal-gamma = 1\n", "--loss", "bce")
        self.assertEqual(read_summary(out)["model_sha256"],
                         self.train_hash(self.data, out="bce"))
        out, _ = self.trained("class-weights = balanced\n", "--class-weights", "none")
        self.assertEqual(read_summary(out)["model_sha256"], self.train_hash(self.data, out="even"))
        out, _ = self.trained("resume = true\n")
        for wrong, says in ((("--verify=maybe",), "'--verify=maybe' takes true or false"),
                            (("--verify", "--verify=false"), "'--verify' is given more than once"),
                            (("--verify=no", "--verify=no"), "'--verify' is given more than once")):
            result = run("train", self.data, "--out", self.folder / "new", *wrong)
            self.assert_ends(result, 2)
            self.assertIn(says, result.stderr)


    def test_options_of_another_solver_than_the_command_line_chose_are_left_out(self):
        base = "l2 = 1e-3\nsolver = lbfgs\nhistory = 7\nmax-iterations = 50\n"
        out, said = self.trained(base, "--solver", "newton", ranks=2)
        self.assertIn("base.conf:3: history = 7 is not used: it is an option of --solver lbfgs and "
                      "owl-qn, and the command line says --solver newton", said)
        used = (out / "config.used").read_text()
        self.assertIn("\nsolver = newton\n", used)
        self.assertNotIn("history = 7", used)
        sha = read_summary(out)["model_sha256"]
        out, said = self.trained("l2 = 1e-3\n", "--solver", "newton")
        self.assertEqual(read_summary(out)["model_sha256"], sha)
        self.assertNotIn("not used", said)
        # It is used by the solver that it is of, named there or here.
        for options in ((), ("--solver", "owl-qn"), ("--solver", "auto")):
            out, said = self.trained(base, *options)
            self.assertNotIn("not used", said)
            self.assertIn("\nhistory = 7\n", (out / "config.used").read_text())

    def test_so_are_those_of_another_rule_and_another_schedule(self):
        base = ("solver = sgd\nschedule = inverse\ndecay = 0.5\nmomentum = 0.9\nnesterov = true\n"
                "seed = 3\nbatch-size = 64\nmax-iterations = 2\nlearning-rate = 0.01\n")
        out, said = self.trained(base, "--solver", "adam", "--schedule", "constant", "--shuffle", "no")
        lefts = {line.split(" is not used")[0].split("base.conf:")[1]
                 for line in said.splitlines() if "not used" in line}
        self.assertEqual(lefts, {"3: decay = 0.5", "4: momentum = 0.9", "5: nesterov = true",
                                 "6: seed = 3"})
        used = (out / "config.used").read_text()
        for kept in ("batch-size = 64", "learning-rate = 0.01", "schedule = constant"):
            self.assertIn(f"\n{kept}\n", used)
        for left in ("decay", "momentum", "nesterov", "seed"):
            self.assertNotIn(f"\n{left} =", used)

    def test_what_the_command_line_itself_says_must_fit(self):
        (self.folder / "base.conf").write_text("solver = lbfgs\nhistory = 7\n")
        result = run("train", self.data, "--config", self.folder / "base.conf", "--solver", "newton",
                     "--history", "9", "--out", self.folder / "run")
        self.assert_ends(result, 2)
        self.assertIn("error: --history is an option of --solver lbfgs and owl-qn; the solver is "
                      "newton", result.stderr)


class ConfigAsFound(ConfigTest):
    def test_dashes_and_a_byte_order_mark_are_fine(self):
        plain = read_summary(self.trained("l2 = 1e-3\nsolver = lbfgs\n")[0])["model_sha256"]
        dashed = read_summary(self.trained("\ufeff--l2 = 1e-3\r\n--solver=lbfgs\r\n")[0])
        self.assertEqual(dashed["model_sha256"], plain)

    def test_it_may_be_a_pipe_that_is_written_to_late(self):
        pipe = self.folder / "pipe.conf"
        os.mkfifo(pipe)
        shell = subprocess.Popen(["sh", "-c", f"sleep 0.5; exec > '{pipe}'; echo l2 = 0.5; "
                                              "sleep 0.2; echo max-iterations = 3"])
        result = run("train", self.data, "--config", pipe, "--out", self.folder / "run")
        self.assertEqual(shell.wait(), 0)
        self.assert_ends(result, 0)
        self.assertEqual(read_summary(self.folder / "run")["l2"], 0.5)
        substituted = subprocess.run(
            ["bash", "-c", f"{BINARY} train {self.data} --out {self.folder}/other "
                           "--config <(echo l2 = 0.25)"], capture_output=True, text=True, timeout=60,
            check=False)
        self.assert_ends(substituted, 0)
        self.assertEqual(read_summary(self.folder / "other")["l2"], 0.25)

    def test_a_signal_ends_the_wait_for_a_pipe_that_nobody_writes(self):
        pipe = self.folder / "pipe.conf"
        os.mkfifo(pipe)
        for number in (signal.SIGTERM, signal.SIGINT):
            with subprocess.Popen([BINARY, "train", "--config", pipe]) as job:
                self.assertTrue(wait_for(lambda pid=job.pid: is_reading(pid, pipe)))
                job.send_signal(number)
                self.assertEqual(job.wait(timeout=20), -number)


def is_reading(pid, path):
    try:
        return any(os.path.samefile(link, path) for link in Path(f"/proc/{pid}/fd").iterdir()
                   if link.exists())
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
