#!/usr/bin/python3
"""Options that messages tell the user to type do what they say when a shell takes them."""
import csv
import io
import re
import shlex
import subprocess
import sys
import unittest

import h5py
import numpy as np
import scipy.io
import scipy.sparse

from converting import ConvertTest, dense
from support import AppTest, command, made_up, read_model, run, write_data

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


class AdviceOnDataSets(AppTest):
    """Files as other programs lay them out: what is said of them, done, makes them fit."""

    def setUp(self):
        super().setUp()
        self.X, self.y = made_up(60, 3)
        self.model = self.trained(self.write("plain.h5", X=self.X, y=self.y))

    def write(self, name, **datasets):
        with h5py.File(self.folder / name, "w") as file:
            for path, values in datasets.items():
                file[path] = values
        return name

    def ending(self, code, *arguments):
        result = run("train", *arguments, "--l2", 1, "--overwrite", "--out", "run",
                     cwd=self.folder)
        self.assert_ends(result, code)
        return result.stderr

    def trained(self, *arguments):
        self.ending(0, *arguments)
        return np.append(*read_model(self.folder / "run"))

    def assert_trained(self, *arguments):
        np.testing.assert_allclose(self.trained(*arguments), self.model, rtol=1e-6)

    def advice(self, pattern, *arguments):
        said = self.ending(3, *arguments)
        found = re.search(pattern, said)
        self.assertIsNotNone(found, f"{pattern} in {said}")
        return found[1]

    def python(self, line):
        subprocess.run([sys.executable, "-c", line], check=True, cwd=self.folder)

    def inspected(self, name, code=3):
        result = run("inspect", name, cwd=self.folder)
        self.assert_ends(result, code)
        return result.stdout

    def test_names_that_a_shell_would_take_for_something_else(self):
        for features, labels in (("my features", "it's"), ("$HOME", "a;b"), ("-x", "(l)")):
            # What has no rows is not proposed, be it wider.
            self.write("names.h5", **{features: self.X, labels: self.y, "none": np.zeros((0, 9))})
            first = self.advice(r"name it: (--features-name .*)", "names.h5")
            words = shlex.split(first)
            self.assertEqual(words[1], "/" + features)
            second = shlex.split(self.advice(r"name it: (--labels-name .*)", "names.h5", *words))
            self.assert_trained("names.h5", *words, *second)

    def test_tables_of_records(self):
        table = np.zeros(60, dtype=[("index", "i8"), ("it's", "f8"), ("v", "f8", (2,)),
                                    ("kind", "S3"), ("isSig", "?"), ("weight", "f4")])
        table["it's"], table["v"], table["isSig"] = self.X[:, 0], self.X[:, 1:], self.y
        self.write("a b.h5", **{"run/events": table, "run/_i_events/index/ranges": self.X[:0],
                                "#refs#/y": self.y})
        listed = self.inspected("a b.h5")
        self.assertIn("its fields: index (int64), it's (float64), v (array), kind (strings of 3 "
                      "bytes), isSig (boolean), weight (float32)\n", listed)
        self.assertIn("/run/_i_events: an index of PyTables, 1 dataset\n", listed)
        self.assertIn("/#refs#: what MATLAB's cells and objects refer to, 1 dataset\n", listed)
        self.assertNotIn("ranges", listed)
        self.assertNotIn("/#refs#/y", listed)
        self.python(self.advice("in Python: (.*); labels and", "a b.h5"))
        label = self.advice("name it: (--labels-name .*)", "a b.h5")
        self.assertEqual(label, "--labels-name /run/events/isSig")
        self.assertIn("name one of its fields: --labels-name /run/events/isSig",
                      self.ending(3, "a b.h5", "--labels-name", "run/events"))
        self.assert_trained("a b.h5", *label.split())

    def test_frames_of_pandas(self):
        path = self.write("fixed.h5", **{
            "df/axis1": np.arange(60), "df/block0_values": self.X, "df/block0_items": np.arange(60),
            "df/block1_values": self.y.astype(bool).reshape(60, 1)})
        features = ("--features-name", "/df/block0_values")
        self.assertEqual(self.advice("one value per row the file holds (.*)", path, *features),
                         "/df/block1_values (60 x 1, boolean); name it: --labels-name "
                         "/df/block1_values")
        with h5py.File(self.folder / "table.h5", "w") as file:
            file["df/table"] = np.zeros(60, dtype=[("index", "i8"), ("values_block_0", "f8", (2,))])
            file["df"].attrs["pandas_type"] = "frame_table"
        self.assertIn("pandas.read_hdf('table.h5', '/df')", self.ending(3, "table.h5"))
        self.write("one.h5", **{"df/axis1": np.arange(60), "df/block0_values": self.X})
        with h5py.File(self.folder / "one.h5", "a") as file:
            file["df"].attrs["pandas_type"] = "frame"
        self.assertIn("labels are a column; write features and labels into a dataset each, in "
                      "Python: import h5py, pandas; t = pandas.read_hdf('one.h5', '/df')",
                      self.ending(3, "one.h5", *features))

    def test_what_matlab_stores(self):
        columns = scipy.sparse.csc_matrix(self.X)
        with h5py.File(self.folder / "sparse.mat", "w") as file:
            file["X/data"], file["X/ir"], file["X/jc"] = (columns.data, columns.indices,
                                                          columns.indptr)
            file["X"].attrs["MATLAB_sparse"] = np.uint64(60)
            file["y"] = self.y.reshape(1, 60)
        self.assertIn("/X: sparse matrix of MATLAB, 60 x 3\n", self.inspected("sparse.mat"))
        self.python(self.advice("in Python: (.*); or name", "sparse.mat"))
        self.assert_trained("csr.h5")

        self.write("full.mat", X=self.X.T, y=self.y.reshape(1, 60))
        with h5py.File(self.folder / "empty.mat", "w") as file:
            for name, shape in (("X", (0, 3)), ("y", (0, 1))):
                file[name] = np.array(shape, dtype="u8")
                file[name].attrs["MATLAB_empty"] = np.uint8(1)
        self.assert_trained("full.mat", "empty.mat", "--transposed")

    def test_files_of_numpy_and_old_matlab(self):
        np.save(self.folder / "a'b.npy", self.X)
        np.save(self.folder / "LABELS.npy", self.y)
        self.python(self.advice("in Python: (.*)", "a'b.npy"))
        self.assert_trained("a'b.h5")
        np.savez(self.folder / "both.npz", X=self.X, y=self.y)
        self.python(self.advice("in Python: (.*)", "both.npz"))
        self.assert_trained("both.h5")
        scipy.io.savemat(self.folder / "old.mat", {"X": self.X, "y": self.y})
        self.python(self.advice("in Python: (.*)", "old.mat"))
        self.assert_trained("old.h5")

    def test_images_in_other_orders(self):
        self.write("images.h5", X=self.X.reshape(60, 1, 3, 1), y=self.y.reshape(60, 1, 1, 1))
        self.assert_trained("images.h5")
        self.write("last.h5", X=self.X.reshape(60, 1, 3).transpose(1, 2, 0), y=self.y)
        line = self.advice("in h5py: (.*)", "last.h5")
        self.assertEqual(self.advice("in h5py: (.*)", "last.h5", "--transposed"), line)
        self.python(f"import h5py, numpy; f = h5py.File('last.h5', 'a'); {line}")
        self.assert_trained("last.h5")

    def test_files_that_do_not_go_together(self):
        rows = scipy.sparse.csr_matrix(self.X)
        self.write("sparse.h5", **{"X/data": rows.data, "X/indices": rows.indices,
                                   "X/indptr": rows.indptr, "X/shape": rows.shape, "y": self.y})
        line = self.advice("in Python: (.*)", "plain.h5", "sparse.h5")
        self.assertEqual(self.advice("in Python: (.*)", "sparse.h5", "plain.h5"), line)
        self.python(line)
        self.assert_trained("plain.h5", "sparse.h5")
        self.write("wide.h5", X=np.zeros((3, 4)), y=self.y[:3])
        self.write("plain.h5", X=self.X, y=self.y)
        self.assertIn("plain.h5 has too few, or wide.h5 too many",
                      self.ending(3, "plain.h5", "wide.h5"))
        self.assertIn("plain.h5 has too few, or wide.h5 too many",
                      self.ending(3, "wide.h5", "plain.h5"))

    def test_what_inspect_says_of_other_files(self):
        (self.folder / "rows.csv").write_text("a,y\n1,0\n")
        for name in ("rows.csv", "no*.h5"):
            said = run("inspect", name, cwd=self.folder)
            self.assert_ends(said, 3)
            self.assertEqual(said.stderr.split("error: ")[1], self.ending(3, name).split("error: ")[1])
        self.write("plain2.h5", X=self.X, y=self.y)
        listed = self.inspected("plain*.h5", code=0)
        self.assertIn("plain.h5: ", listed)
        self.assertIn("plain2.h5: ", listed)


if __name__ == "__main__":
    unittest.main()
