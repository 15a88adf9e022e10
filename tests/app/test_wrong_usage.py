#!/usr/bin/python3
"""Commands, options and config files that are wrong: exit code 2, before any file is touched."""
import unittest

from refusals import RefusalTest
from support import run

HUGE = "9223372036854775808"  # 2^63
NOT_NUMBERS = ("nan", "inf", "-inf", "1e999", "", "abc", "1x")
# For one option of each kind, which share their reading.
ODD_SPELLINGS = ("-nan", "0x10", "1,5", "--", " 1", "1 ")
# Option, what is expected, and values that this option alone does not take.
NUMBERS = (
    (("--l2",), "a number >= 0 and <= 1e+100", ("1e400", "1e308", "-1", "-1e-300", *ODD_SPELLINGS)),
    (("--tolerance",), "a finite number >= 0", ("-1e-9",)),
    (("--solver", "gd", "--learning-rate"), "a finite number > 0", ("0", "-0.5")),
    (("--max-iterations",), "an integer >= 0 and < 2^63", ("-1", "1.5", "1e3", HUGE)),
    (("--history",), "an integer from 1 to 1000", ("0", "-1", "1001", "5.0", HUGE, *ODD_SPELLINGS)),
    (("--checkpoint-every",), "an integer >= 0 and < 2^63", ("-1", "0.5", HUGE)),
    (("--keep-checkpoints",), "an integer from 1 to 1000000", ("0", "-3", "1000001", HUGE)),
    (("--time-limit",), "a time > 0 such as 90, 90s, 15m, 2h or 1:30:00",
     ("0", "-1", "5d", "1e308h", "0:00", "1:", ":30", "1:60", "1:-5", "1:2:3:4", *ODD_SPELLINGS)),
)


class WrongOptions(RefusalTest):
    def assert_usage(self, *arguments, says, ranks=(None,)):
        self.assert_refused(2, *arguments, says=says, ranks=ranks)

    def assert_train_usage(self, *options, says, ranks=(None,)):
        self.assert_usage("train", self.data, "--out", self.out, *options, says=says, ranks=ranks)

    def test_every_number_of_train(self):
        for (*before, option), expected, own in NUMBERS:
            for value in (*NOT_NUMBERS, *own):
                with self.subTest(option=option, value=value):
                    # An option that is followed by "--" or "" is told so in other words.
                    says = (option, expected) if value not in ("", "--") else (option,)
                    self.assert_train_usage(*before, option, value, says=says)

    def test_one_message_for_all_ranks(self):
        for option, value in (("--l2", "nan"), ("--history", HUGE), ("--solver", "svm")):
            self.assert_train_usage(option, value, says=(option, value), ranks=(None, 2, 5))

    def test_values_that_are_not_among_the_choices(self):
        for option, choices in (("--solver", "auto, newton, newton-cg, lbfgs, gd"), ("--intercept", "yes or no"),
                                ("--standardize", "yes or no"), ("--reduction", "exact, fast")):
            self.assert_train_usage(option, "maybe", says=(f"{option} maybe", choices))

    def test_names_that_do_not_exist(self):
        self.assert_train_usage("--tolerence", "1", ranks=(None, 2),
                                says="'--tolerence' is not an option of 'paralogit train'; did you "
                                     "mean --tolerance?")
        self.assert_train_usage("--frobnicate", says="'--frobnicate' is not an option")
        self.assert_train_usage("--tol", "1", says="'--tol' is not an option of 'paralogit train'; "
                                                   "did you mean --tolerance?")
        self.assert_train_usage("-C", "1", says=("two dashes; did you mean --C?"))
        self.assert_train_usage("-j4", says="'-j4' is not an option")
        self.assert_train_usage("-q", says=("'-q' is not an option", "two dashes"))
        self.assert_usage("trian", says=("'trian' is not a command; did you mean train?",
                                         "predict, evaluate, inspect, plan, convert, generate"), ranks=(None, 2))

    def test_names_of_habit(self):
        for option, meant in (
                ("--lr", "--learning-rate"),
                ("--epochs", "--max-iterations? An epoch is an iteration of sgd"),
                ("--max_iter", "--max-iterations"), ("--reg_alpha", "--l1"), ("--c", "--C"),
                ("--alpha", "--l2? The strength of a penalty"), ("--reg", "--l2"),
                ("--n_jobs", "--threads"), ("--random-state", "--seed"),
                ("--fit_intercept", "--intercept? It takes yes or no."),
                ("--elastic-net", "--penalty"), ("--class_weight", "--class-weights"),
                ("--L2", "--l2"), ("--target", "--labels-name")):
            with self.subTest(option=option):
                self.assert_train_usage(option, "1", says=f"'{option}' is not an option of "
                                        f"'paralogit train'; did you mean {meant}")
        # Of another command another option, or none.
        self.assert_usage("convert", "a.csv", "a.h5", "--target", "y",
                          says="did you mean --label-column?")
        self.assert_usage("generate", "g.h5", "--n-samples", 5, says="did you mean --rows?")
        line = self.assert_refused(2, "predict", "m.h5", self.data, "--lr", 1, says="'--lr'",
                                   ranks=(None,))
        self.assertTrue(line.endswith("is not an option of 'paralogit predict'"), line)

    def test_values_of_habit(self):
        for option, value, meant in (
                ("--penalty", "ridge", "l2"), ("--penalty", "elastic_net", "elasticnet"),
                ("--solver", "l-bfgs", "lbfgs"), ("--solver", "newton-cholesky", "newton"),
                ("--solver", "liblinear", "auto"), ("--solver", "LBFGS", "lbfgs"),
                ("--loss", "logistic", "bce"), ("--reduction", "exakt", "exact")):
            with self.subTest(option=option, value=value):
                self.assert_train_usage(option, value, says=(f"{option} {value}: expected one of",
                                                             f"; did you mean {meant}?"))

    def test_what_is_missing(self):
        self.assert_usage("train", self.data, ranks=(None, 2),
                          says=("--out is missing", "usage: paralogit train DATA... --out DIR"))
        self.assert_usage("train", "--out", self.out, ranks=(None, 2),
                          says=("DATA... is missing", "usage: paralogit train"))
        self.assert_usage("predict", "model.h5", self.data, says="--out is missing")
        self.assert_usage("predict", says="MODEL is missing")
        self.assert_usage("evaluate", "model.h5", says="DATA... is missing")
        self.assert_usage("inspect", says="FILE is missing")
        self.assert_usage("generate", "g.h5", "--features", 3, says="--rows is missing")
        self.assert_train_usage("--l2", says="'--l2' needs a value")
        self.assert_train_usage("--l2=", says="'--l2' needs a value")
        self.assert_usage("train", self.data, "--l2", "--out", "run",
                          says="'--l2' needs a value, and the next word is --out")
        self.assert_usage("train", self.data, "--out", "run", "--validation", "--l2", "1",
                          says="'--validation' needs a value, and the next word is --l2")
        # A value may begin with one dash.
        self.assert_train_usage("--l2", "-1", says="--l2 -1: expected")

    def test_nothing_at_all_shows_the_help(self):
        result = run()
        self.assert_ends(result, 2)
        self.assertIn("train", result.stdout + result.stderr)

    def test_what_is_empty(self):
        self.assert_usage("train", self.data, "--out", "", says="--out '': the value is empty")
        self.assert_usage("train", "", "--out", self.out, says="DATA...: the value is empty")
        self.assert_train_usage("--features-name", "",
                                says="--features-name '': the value is empty")

    def test_what_is_too_much(self):
        self.assert_train_usage("--l2", "1", "--l2", "2", says="'--l2' is given more than once")
        self.assert_train_usage("--resume=perhaps", says="'--resume=perhaps' takes true or false")
        self.assert_usage("inspect", self.data, self.data, says="too many arguments; usage:")

    def test_what_contradicts_itself(self):
        self.assert_train_usage("--resume", "--overwrite", ranks=(None, 2),
                                says="--resume and --overwrite contradict each other")
        self.assert_train_usage("--learning-rate", "0.1", says="--learning-rate is an option of "
                                                               "--solver gd")

    def test_what_has_no_effect(self):
        sgd = ("--solver", "sgd")
        for options, says in (
                (("--penalty-scale", "standardized"), "--penalty-scale has no effect without"),
                (("--penalty", "none", "--penalty-scale", "standardized"), "--penalty-scale has"),
                (("--penalty-factors", "f.txt"), "--penalty-factors has no effect without"),
                (("--confidence", "0.9"), "--inference, which is not given"),
                (("--history", "7", *sgd), "--history is an option of --solver lbfgs and owl-qn"),
                (("--history", "7", "--solver", "newton"), "the solver is newton"),
                ((*sgd, "--seed", "3", "--shuffle", "no"), "with --shuffle no there are none"),
                ((*sgd, "--weight-decay", "decoupled"), "no effect without a penalty; give --l2"),
                ((*sgd, "--average", "100"), "--average 100 has no effect in a run of 100 epochs"),
                ((*sgd, "--schedule", "step", "--decay-epochs", "5", "--max-iterations", "5"),
                 "--decay-epochs 5 has no effect in a run of 5 epochs; give a smaller number, or a "
                 "larger --max-iterations; or --resume from the first command on"),
                (("--early-stopping-metric", "auc"), "--early-stopping-metric is of validation")):
            self.assert_train_usage(*options, says=says)

    def test_bounds_of_no_use(self):
        for options, says in (
                (("--lower", "inf"), ("--lower inf", "or -inf for no bound")),
                (("--upper", "-inf"), ("--upper -inf", "or inf for no bound")),
                (("--lower", "1e308"), ("--lower 1e+308", "from -1e100 to 1e100")),
                (("--lower", "2", "--upper", "1"), "2 is not below 1")):
            self.assert_train_usage(*options, says=says)

    def test_numbers_of_the_other_commands(self):
        for value in ("nan", "-0.1", "1.1", "half"):
            for command in ("predict", "evaluate"):
                out = ("--out", "p.csv") if command == "predict" else ()
                self.assert_usage(command, "model.h5", self.data, *out, "--threshold", value,
                                  says=(f"--threshold {value}", "a number >= 0 and <= 1"))

    def test_what_generate_cannot_make(self):
        good = {"--rows": 10, "--features": 3}
        for wrong, says in (
                ({"--rows": 0}, "--rows 0: expected an integer >= 1"),
                ({"--rows": "10.5"}, "--rows 10.5: expected an integer"),
                ({"--rows": HUGE}, f"--rows {HUGE}: expected an integer"),
                ({"--features": -2}, "--features -2: expected an integer >= 1"),
                ({"--correlation": 1}, "--correlation 1: must be in [0, 1)"),
                ({"--correlation": "nan"}, "--correlation nan: expected a number >= 0"),
                ({"--noise": -1}, "--noise -1: expected"),
                ({"--scale-decades": 31}, "--scale-decades 31: expected"),
                ({"--scale-decades": 1, "--type": "int8"}, "--scale-decades 1: must be 0"),
                ({"--type": "float128"}, "float128"),
                ({"--seed": -1}, "--seed -1: expected"),
                ({"--rows": 1 << 61, "--features": 8}, "more than 63 bits can count"),
                ({"--rows": 1 << 50, "--features": 1 << 12}, "more than 63 bits can count")):
            with self.subTest(wrong=wrong):
                options = [word for pair in {**good, **wrong}.items() for word in pair]
                self.assert_usage("generate", "g.h5", *options, says=says)
        self.assert_usage("generate", "g.h5", "--rows", 0, "--features", 3, ranks=(2, 5),
                          says="--rows 0: expected")
        for name in ("g.csv", "g.svm", "g.txt", "g.h5.gz"):
            self.assert_usage("generate", name, "--rows", 10, "--features", 3,
                              says=f"{name}: generate writes HDF5, which is not what "
                                   f".{name.split('.')[-1]} stands for; give a name such as g")
        self.assert_usage("generate", self.data, "--rows", 10, "--features", 3, ranks=(None, 2),
                          says=(f"{self.data}: exists already", "--overwrite"))


class WrongConfig(RefusalTest):
    def assert_config_refused(self, text, *says, ranks=(None,)):
        self.path("wrong.conf").write_bytes(text)
        self.assert_refused(2, "train", self.data, "--out", self.out, "--config", "wrong.conf",
                            says=says, ranks=ranks)

    def test_no_such_file_and_a_directory(self):
        for name, cause in (("absent.conf", "No such file"), (".", "Is a directory")):
            self.assert_refused(2, "train", self.data, "--out", self.out, "--config", name,
                                says=f"{name}: cannot read: {cause}", ranks=(None, 2))

    def test_misspelt_keys(self):
        self.assert_config_refused(b"# comment\ntolerence = 1\n",
                                   "wrong.conf:2: 'tolerence' is not an option", "did you mean "
                                   "tolerance?", ranks=(None, 2, 5))
        self.assert_config_refused(b"l2 = 1\r\n\r\nmax_iter = 5\r\n",
                                   "wrong.conf:3: 'max_iter'", "did you mean max-iterations?")
        self.assert_config_refused(b"[solver]\nl2 = 1\n", "wrong.conf:1: the line '[solver]' is "
                                                          "not of the form")

    def test_values(self):
        self.assert_config_refused(b"l2 = nan\n", "wrong.conf:1: --l2 nan: expected a number >= 0 and <= "
                                   "1e+100", ranks=(None, 2))
        self.assert_config_refused(b"\n\nstall-timeout = 0\n", "wrong.conf:3: --stall-timeout 0")
        self.assert_config_refused(b"# two lines\nl2 =\n", "wrong.conf:2: --l2 '': the value is")
        self.assert_config_refused(b"resume = maybe\n", "wrong.conf:1: 'resume' takes true or")
        self.assert_config_refused(b"l2 = 1\n#\nl2 = 2\n", "wrong.conf:3: 'l2' is given more than "
                                                           "once, first in line 1")

    def test_a_wrong_value_beside_a_file_is_that_of_the_command_line(self):
        self.path("right.conf").write_text("l2 = 1\ntolerance = 1e-3\n")
        line = self.assert_refused(2, "train", self.data, "--out", self.out, "--config",
                                   "right.conf", "--l2", "nan", says="--l2 nan", ranks=(None,))
        self.assertTrue(line.startswith("--l2 nan: expected"), line)

    def test_lines(self):
        self.assert_config_refused(b"l2 : 1\n", "wrong.conf:1: the line 'l2 : 1' is not of")
        self.assert_config_refused(b"config = other.conf\n", "wrong.conf:1: 'config' cannot stand")
        self.assert_config_refused(b"l2 = 1 # \n = 2\n", "wrong.conf:2: the line '= 2' is not of")

    def test_options_of_another_solver(self):
        self.assert_config_refused(b"solver = newton\nhistory = 7\n", "wrong.conf:2: --history is "
                                   "an option of --solver lbfgs and owl-qn; the solver is newton")

    def test_another_kind_of_file(self):
        self.assert_config_refused(self.data.read_bytes(), "wrong.conf: is no config file")


if __name__ == "__main__":
    unittest.main()
