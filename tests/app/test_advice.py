#!/usr/bin/python3
"""Options that messages tell the user to type do what they say when a shell takes them."""
import csv
import io
import re
import shlex
import subprocess
import unittest

import h5py
import numpy as np

from converting import ConvertTest, dense
from support import command, run, write_data

NAMES = ["plain", "a b", "x$y", "it's", "p,q", 'say "5"', "-d", "--e", " f ", "*", "`g`", "h\\n"]


def table(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


class Advice(ConvertTest):
    def says(self, code, *arguments):
        result = run(*arguments)
        self.assert_ends(result, code)
        return result.stderr

    def paste(self, options, *arguments):
        """Runs in a shell what the user would type."""
        line = f"{shlex.join(command(*arguments))} {options}"
        result = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False,
                                cwd=self.folder, stdin=subprocess.DEVNULL, timeout=60)
        self.assertEqual(result.returncode, 0, f"{line}\n{result.stderr}")
        return result

    def converted(self, path, options):
        out = self.folder / "out.h5"
        self.paste(options, "convert", path, out, "--overwrite")
        with h5py.File(out) as file:
            return dense(file).shape[1]

    def assert_pasted(self, rows, ways, *options):
        """`ways`: what stands around the advice, and the number of features that it makes."""
        path = self.write("a.csv", table(rows))
        said = self.says(3, "convert", path, self.folder / "refused.h5", *options)
        for pattern, features in ways.items():
            advice = re.search(pattern, said)
            self.assertIsNotNone(advice, f"{pattern} in {said}")
            made = self.converted(path, shlex.join(map(str, options)) + " " + advice[1])
            self.assertEqual(made, features, advice[1])

    def test_columns_of_numbers_and_texts(self):
        ways = {"give (--missing mean --missing-markers.*?); if": 2,
                "own, (--text.*?); or": 3, "out: (--drop.*)": 1}
        for name in NAMES:
            self.assert_pasted([[name, "n", "y"], [1.5, 2, 0], ["?!", 1, 1], ["?!", 3, 0]], ways)
        for text in ("a b", "it's", "x,y", '"', "$(x)", "-", "--z", " w "):
            self.assert_pasted([["a", "n", "y"], [1.5, 2, 0], [text, 1, 1], [text, 3, 0]], ways)
        several = NAMES[1:8]
        rows = [[1.5] * 7 + [0, 0], ["$x, y"] * 7 + [1, 1], ["$x, y"] * 7 + [2, 0]]
        self.assert_pasted([[*several, "n", "y"], *rows],
                           {"give (--missing mean.*?); if": 8, "own, (--text.*?); or": 15,
                            "out: (--drop.*)": 1})

    def test_a_number_among_texts_beyond_the_first_rows(self):
        rows = [["r", 1, i % 2] for i in range(11000)] + [["7", 2, 1]]
        for name in ("a b", "p,q", "-d", "it's"):
            self.assert_pasted([[name, "n", "y"], *rows],
                               {"give (--text.*?); or": 3, "out: (--drop.*)": 1})

    def test_a_text_among_numbers_beyond_the_first_rows(self):
        for text in ("it's", "a, b", "$x"):
            rows = [[f"{i}.5", i % 2] for i in range(11000)] + [[text, 1]]
            self.assert_pasted([["x", "y"], *rows], {"missing: (--missing mean.*)": 1})

    def test_a_further_marker_of_missing_values_beside_what_was_given(self):
        # The advice takes the place of the options that it repeats.
        path = self.write("a.csv", "x,z,y\n-1,1,0\nNA,2,1\n5,3,0\nu,4,1\n8,5,0\n")
        for given, values in (("--missing median --missing-markers -1", [6.5, 6.5, 5, 6.5, 8]),
                              ("--missing 9 --missing-markers usual,-1", [9, 9, 5, 9, 8]),
                              ("--missing mean", [-1, 4, 5, 4, 8]),
                              ("--missing median --missing-markers NA", [-1, 5, 5, 5, 8])):
            options = given
            while (result := run("convert", path, self.folder / "out.h5", "--overwrite",
                                 *shlex.split(options))).returncode != 0:
                advice = re.search("missing: (--missing.*)", result.stderr)[1]
                self.assertNotEqual(advice, options)
                options = advice
            self.converted(path, advice)
            with h5py.File(self.folder / "out.h5") as file:
                self.assertEqual(dense(file)[:, 0].tolist(), values, given)

    def test_columns_of_too_many_texts_and_without_values(self):
        for name in NAMES:
            self.assert_pasted([[name, "n", "y"], *([f"t{i}", i, i % 2] for i in range(20))],
                               {r"\((--drop.*)\)": 1}, "--max-texts", 10)
            self.assert_pasted([[name, "n", "y"], ["", 1, 0], ["", 2, 1]],
                               {"out: (--drop.*)": 1}, "--missing", "mean")
            self.assert_pasted([[name, "n", "y"], ["1,5", 1, 0], ["2,5", 2, 1]],
                               {"texts: (--text.*)": 3})
        # A name in no header is not one that an option takes.
        self.assert_pasted([[5, "NA", 1, 0], [6, "NA", 2, 1]], {"out: (--drop.*)": 2},
                           "--missing", "mean", "--header", "no", "--label-column", "last")

    def test_names_that_cannot_be_pasted_are_numbers(self):
        for name in ("a\tb", "x" * 70):
            path = self.write("a.csv", table([[name, "n", "y"], [1, 2, 0], ["?!", 2, 1],
                                              ["?!", 2, 0]]))
            said = self.says(3, "convert", path, self.folder / "out.h5", "--separator", ",")
            self.assertIn("--text 1; or leave the column out: --drop 1\n", said)
        path = self.write("a.csv", table([["a", "y"], [1, 0], ["b\x01", 1], ["b\x01", 0]]))
        self.assertIn("--missing-markers usual,...;", self.says(3, "convert", path, "out.h5"))

    def test_numbers_that_were_to_have_a_reference(self):
        path = self.write("a.csv", table([["a b", "y"], [1, 0], [2, 1], [1, 1]]))
        said = self.says(3, "convert", path, self.folder / "out.h5", "--reference", "a b=1")
        self.assertEqual(self.converted(path, re.search("give (--text.*)", said)[1] +
                                        " --reference 'a b=1'"), 1)

    def test_row_weights(self):
        path = self.write("a.csv", table([["sample_weight", "n", "y"], [1, 2, 0], [2, 1, 1]]))
        said = run("convert", path, self.folder / "out.h5", "--overwrite").stderr
        self.assertEqual(self.converted(path, re.search("give (--weights.*)", said)[1]), 1)

        data = write_data(self.folder / "w.h5", np.arange(20.0).reshape(10, 2), np.arange(10) % 2)
        with h5py.File(data, "a") as file:
            file["my group/sample_weight"] = np.ones(10)
        arguments = ("train", data, "--l2", 1, "--overwrite", "--out", self.folder / "run")
        said = run(*arguments).stderr
        self.paste(re.search("use (--weights-name .*?) to use", said)[1], *arguments)

    def test_positive_labels(self):
        path = self.folder / "a.h5"
        with h5py.File(path, "w") as file:
            file["X"] = np.arange(8.0).reshape(4, 2)
            file["y"] = ["-no", "it's on", "-no", "it's on"]
        arguments = ("train", path, "--l2", 1, "--overwrite", "--out", self.folder / "run")
        said = self.says(3, *arguments)
        for option in re.search("use (--pos.*) or (--pos.*) to say", said).groups():
            self.paste(option, *arguments)

    def test_files(self):
        one, zero = self.folder / "on e.h5", self.folder / "ze ro.h5"
        text = self.write("1.svm", "1 1:1 2:1\n0 2:1\n")
        self.convert(self.write("0.svm", "1 0:1 1:1\n0 1:1\n"), out=zero.name)
        self.convert(text, out=one.name)
        said = self.says(3, "train", zero, one, "--out", self.folder / "run")
        advice = re.search("again with (.*) [(]or", said)[1]
        self.assertEqual(shlex.split(advice), ["--like", str(zero)])


if __name__ == "__main__":
    unittest.main()
