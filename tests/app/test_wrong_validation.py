#!/usr/bin/python3
"""Validation data and class weights that are wrong: one message, one exit code, nothing written."""
import unittest

import h5py
import numpy as np

from refusals import RefusalTest
from support import run, write_data


class Refused(RefusalTest):
    def test_wrong_usage(self):
        for options, *says in (
            (("--early-stopping", "3"), "--early-stopping watches", "--validation FILE"),
            (("--validation", self.data, "--validation-fraction", "0.1"), "exclude each other"),
            (("--validation-seed", "3"), "--validation-fraction NUMBER, which is not given"),
            (("--validation-fraction", "0.1", "--early-stopping", "0"), "--early-stopping 0",
             "an integer >= 1"),
            (("--validation-fraction", "0"), "a number > 0 and < 1"),
            (("--validation-fraction", "1"), "a number > 0 and < 1"),
            (("--validation-fraction", "nan"), "a number > 0 and < 1"),
            (("--validation-fraction", "0.5", "--validation-seed", "-1"), "an integer >= 0"),
            (("--validation",), "'--validation' needs a value"),
            (("--validation", ""), "--validation '': the value is empty"),
            *(((f"--class-weights={text}",), f"--class-weights {text}: expected none, balanced, or two")
              for text in ("1", "1,2,3", "1;2", "0,1", "1,-1", "nan,1", "1,inf", "1,", ",1", "auto",
                           "1, 2", "1e101,1", "Balanced")),
        ):
            with self.subTest(options=options):
                self.assert_refused(2, "train", self.data, "--out", self.out, *options, says=says,
                                    ranks=(None,))
        self.assert_refused(2, "train", "--validation", self.data, "other.h5", "--out", self.out,
                            says=("DATA... is missing", "--validation takes all"), ranks=(None, 2))
        self.assert_refused(2, "evaluate", "m.h5", self.data, "--class-weights", "balanced",
                            says="is not an option", ranks=(None,))

    def assert_validation_refused(self, path, *says, options=()):
        self.assert_data_refused(self.data, options=(*options, "--validation", path),
                                 says=(*says, path))

    def test_files_that_do_not_go_with_the_training_data(self):
        wide = write_data(self.path("wide.h5"), np.ones((10, 5)), np.arange(10) % 2)
        self.assert_validation_refused(wide, "has 5 features", f"{self.data} has 4")
        labels = write_data(self.path("labels.h5"), self.X, self.y + 1)
        self.assert_validation_refused(labels, "label 2 is none of those trained on", self.data,
                                       "labels 0, 1")
        texts = write_data(self.path("texts.h5"), self.X, np.array([b"a", b"b"])[self.y])
        self.assert_validation_refused(texts, "has texts as labels", self.data)
        absent = self.path("absent.h5")
        self.assert_validation_refused(absent, "absent.h5")
        unlabelled = write_data(self.path("unlabelled.h5"), self.X)
        self.assert_validation_refused(unlabelled, "label")
        self.assert_validation_refused(self.altered("nan.h5", {(5000, 2): np.nan}), "row 5000",
                                       "column 2", "nan")

    def test_features_of_other_names(self):
        for name, names in (("named.h5", "abcd"), ("turned.h5", "abdc")):
            with h5py.File(self.path(name), "w") as file:
                file["X"], file["y"] = self.X, self.y
                file["feature_names"] = [n.encode() for n in names]
        self.assert_data_refused(
            self.path("named.h5"), options=("--validation", self.path("turned.h5")),
            says=(self.path("named.h5"), self.path("turned.h5"), "'d' (column 2)", "'c' (column 2)"))

    def test_soft_labels_have_no_classes(self):
        soft = write_data(self.path("soft.h5"), self.X, self.y * 0.5)
        self.assert_data_refused(soft, options=("--class-weights", "balanced"),
                                 says=("soft.h5:/y", "--class-weights needs labels of two classes"))

    def test_what_a_resumed_run_must_have_the_same(self):
        other = write_data(self.path("other.h5"), self.X[:100], self.y[:100])
        same = write_data(self.path("same.h5"), self.X[:100], self.y[:100])
        changed = write_data(self.path("changed.h5"), self.X[1:101], self.y[1:101])
        cases = {
            "fraction": (("--validation-fraction", "0.5"),
                         ((("--validation-fraction", "0.4"), "--validation-fraction 0.5"),
                          (("--validation-fraction", "0.5", "--validation-seed", "2"),
                           "--validation-seed 1"),
                          ((), "--validation-fraction 0.5"),
                          (("--validation", other), "--validation unset"))),
            "files": (("--validation", other),
                      ((("--validation", changed), "other contents of --validation (100 rows both"),
                       ((), "--validation 100 rows, but now it is unset"))),
            "weights": (("--class-weights", "balanced"),
                        ((("--class-weights", "1,2"), "--class-weights balanced, but now it is 1,2"),
                         ((), "--class-weights balanced, but now it is unset"))),
            "plain": ((), ((("--class-weights", "1,2"), "--class-weights unset"),
                           (("--validation-fraction", "0.5"), "--validation-fraction unset"),
                           (("--validation", other), "--validation unset"))),
        }
        for name, (options, others) in cases.items():
            out = self.path(name)
            start = ("train", self.data, "--out", out, "--max-iterations", 2)
            self.assert_ends(run(*start, *options, ranks=1), 0)
            for changed_options, says in others:
                with self.subTest(name=name, options=changed_options):
                    self.assert_refused(4, *start, *changed_options, "--resume", ranks=(None, 2),
                                        says=("cannot resume", says))
        # The same rows by another name are the same rows.
        self.assert_ends(run("train", self.data, "--out", self.path("files"), "--resume",
                             "--validation", same, ranks=2), 0)


if __name__ == "__main__":
    unittest.main()
