#!/usr/bin/python3
"""Test rows become a data set like that of the training rows."""
import math
import random
import statistics
import unittest

import h5py
import numpy as np

from converting import ConvertTest, bits, dense
from support import run


class LikeAnother(ConvertTest):
    TRAIN = "age,colour,y,town\n30,red,no,Ulm\n41.5,blue,yes,Bonn\n52,red,no,Ulm\n"

    def setUp(self):
        super().setUp()
        self.reference = self.convert(self.write("train.csv", self.TRAIN), out="train.h5")

    def like(self, text, *options, ranks=None):
        return self.convert(self.write("test.csv", text), "--like", self.reference, *options,
                            ranks=ranks)

    def refused(self, text, *options, code=3, ranks=None):
        path = self.write("test.csv", text)
        result = run("convert", path, self.folder / "no.h5", "--like", self.reference, *options,
                     ranks=ranks)
        self.assert_ends(result, code)
        self.assertFalse((self.folder / "no.h5").exists())
        return result.stderr

    def test_columns_are_found_by_name_and_come_in_the_order_of_the_other_file(self):
        text = "town,id,y,colour,age\nBonn,7,yes,red,1\nUlm,8,yes,blue,2\n"
        for ranks in (None, 2):
            for layout in ("dense", "csr"):
                with h5py.File(self.like(text, "--layout", layout, ranks=ranks)) as file:
                    names = [name.decode() for name in file["feature_names"][...]]
                    with h5py.File(self.reference) as other:
                        self.assertEqual(names, [n.decode() for n in other["feature_names"][...]])
                    self.assertEqual(
                        names, ["age", "colour=blue", "colour=red", "town=Bonn", "town=Ulm"])
                    self.assertEqual(dense(file).tolist(), [[1, 0, 1, 1, 0], [2, 1, 0, 0, 1]])
                    self.assertEqual(file["y"][...].tolist(), [b"yes", b"yes"])

    def test_without_headers_the_order_of_the_features_tells_them_apart(self):
        train = self.convert(self.write("t.csv", "1,5,red,7\n0,6,blue,8\n1,4,red,9\n"),
                             "--label-column", 1, out="t.h5")
        for text, label, code in (("5,red,7\n6,blue,8\n", "none", 0),
                                  ("5,red,7,0\n6,blue,8,1\n", "last", 0),
                                  ("0,5,red,7,3\n1,6,blue,8,4\n", 1, 0),
                                  ("5,red,7,3\n6,blue,8,4\n", "none", 3)):
            result = run("convert", self.write("test.csv", text), self.folder / "o.h5", "--like",
                         train, "--label-column", label, "--header", "no", "--overwrite")
            self.assert_ends(result, code)
            if code == 0:
                with h5py.File(self.folder / "o.h5") as file, h5py.File(train) as other:
                    self.assertEqual(list(file["feature_names"]), list(other["feature_names"]))
                    self.assertEqual(dense(file).tolist(), [[5, 0, 1, 7], [6, 1, 0, 8]])
            else:
                self.assertIn("leave others out with --drop", result.stderr)

    def test_the_same_text_gives_the_same_file(self):
        path = self.like(self.TRAIN)
        self.assertEqual(path.read_bytes(), self.reference.read_bytes())

    def test_a_text_that_the_other_file_does_not_have_becomes_zeros_and_a_warning(self):
        text = "age,colour,town,y\n1,green,Ulm,no\n2,red,Ulm,yes\n3,green,,no\n"
        for layout in ("dense", "csr"):
            path = self.write("test.csv", text)
            result = run("convert", path, self.folder / "out.h5", "--like", self.reference,
                         "--layout", layout, "--missing", 0, "--overwrite", ranks=2)
            self.assert_ends(result, 0)
            self.assertEqual(result.stderr.count("warning"), 1, result.stderr)
            self.assertIn("column 'colour' has 1 text that", result.stderr)
            self.assertIn("'green'; all features of the column are 0 there, in 2 of 3 rows\n",
                          result.stderr)
            with h5py.File(self.folder / "out.h5") as file:
                self.assertEqual(dense(file).tolist(),
                                 [[1, 0, 0, 0, 1], [2, 0, 1, 0, 1], [3, 0, 0, 0, 0]])

    def test_rows_of_unknown_texts_are_counted_for_each_column(self):
        rows = 40_000
        text = "age,colour,town,y\n" + "".join(
            f"{i},{'red' if i % 4 else 'grey' if i % 8 else 'gray'},"
            f"{'Ulm' if i % 5 else 'a town of a long name that fills more than a chunk' * 2},no\n"
            for i in range(rows))
        path = self.write("test.csv", text)
        for threads, ranks in ((1, None), (2, None), (1, 3)):
            result = run("convert", path, self.folder / "out.h5", "--like", self.reference,
                         "--overwrite", "--threads", threads, ranks=ranks)
            self.assert_ends(result, 0)
            self.assertRegex(result.stderr, f"'colour' has 2 texts .* in {rows // 4} of {rows} rows\n")
            self.assertRegex(result.stderr, f"'town' has 1 text .* in {rows // 5} of {rows} rows\n")

    def test_what_cannot_be_made_alike(self):
        self.assertIn("2 of the 3 columns that", self.refused("y,colour\nno,red\nyes,red\n"))
        self.assertIn("missing: 'age', 'town'", self.refused("y,colour\nno,red\nyes,red\n"))
        for ranks in (None, 2):
            said = self.refused("age,colour,town,y\n1,red,Ulm,no\n2,red,Ulm,maybe\n", ranks=ranks)
            self.assertIn("test.csv:3:11: column 4 ('y'): the label 'maybe' is none of ", said)
            self.assertIn("train.h5, which has 'no', 'yes'; write it as there, or leave the labels "
                          "out, for predict: --label-column none", said)
        self.assertIn("test.csv:2:11: column 4 ('y'): the label '0' is none of",
                      self.refused("age,colour,town,y\n1,red,Ulm,0\n2,red,Ulm,1\n"))
        # A column of numbers there is no column of texts here.
        for texts in (("old", "new", "old"), ("1", "2", "old"), ("1x", "2x", "3x")):
            said = self.refused("age;colour;town;y\n" + "".join(f"{text};red;7;no\n"
                                                                for text in texts))
            self.assertRegex(said, "column 1 .'age'.: expected a finite decimal number, found "
                                   "'(old|1x)'; it is a column of numbers in .*train.h5, and so it "
                                   "is here; correct the field, or, if it means that a value is "
                                   "missing: --missing NUMBER --missing-markers .*usual,")
            for option in ("--drop", "--text", "town"):
                self.assertNotIn(option, said)
        said = self.refused("age;colour;town;y\n1,5;red;7;no\n2,5;blue;8;no\n")
        self.assertIn("found '1,5'; '1,5' is a number with a comma; write plain numbers", said)
        for option in ("--drop", "--text", "--missing"):
            self.assertNotIn(option, said)
        self.assertIn("--missing mean: with --like",
                      self.refused(self.TRAIN, "--missing", "mean", code=2))
        self.assertIn("was not made of LIBSVM",
                      self.refused("1 1:2\n", "--format", "libsvm"))

    def test_labels_are_of_the_kind_of_those_in_the_other_file(self):
        # Without names of columns, too.
        self.reference = self.convert(self.write("t.csv", "1,2,no\n3,4,yes\n"), "--label-column",
                                      "last", "--header", "no", out="texts.h5")
        options = ("--label-column", "last", "--header", "no")
        self.assertIn("test.csv:1:5: column 3: the label 'yes.' is none of",
                      self.refused("1,2,yes.\n3,4,no.\n", *options))
        with h5py.File(self.like("1,2,yes\n", *options)) as file:
            self.assertEqual(file["y"][...].tolist(), [b"yes"])
        self.reference = self.convert(self.write("t.csv", "a,y\n1,0\n2,1\n"), out="numbers.h5")
        said = self.refused("a,y\n1,0\n2,no\n")
        self.assertIn("test.csv:3:3: column 2 ('y'): expected a finite decimal number, found 'no'; "
                      "the labels of ", said)
        self.assertIn("numbers.h5 are numbers; write them as there", said)
        # Where it has none they may be anything.
        self.reference = self.convert(self.write("t.csv", "a,b\n1,0\n2,1\n"), "--label-column",
                                      "none", out="unlabelled.h5")
        for labels in (["no", "yes"], [0, 1]):
            path = self.like("a,y,b\n" + "".join(f"1,{label},3\n" for label in labels))
            with h5py.File(path) as file:
                self.assertEqual(file["y"][...].tolist(),
                                 [x.encode() if isinstance(x, str) else x for x in labels])

    def test_missing_values_are_filled_in_as_in_the_other_file(self):
        generator = random.Random(6)
        a = [generator.uniform(-5, 5) * 10.0 ** generator.randint(-3, 3) for _ in range(41)]
        b = [generator.randint(0, 200) for _ in range(52)]  # misses none
        train = self.write("gaps.csv", "b,a,t,y\n" + "".join(
            f"{b[i]},{a[i] if i < 41 else ''},{'uv'[i % 2]},{i % 2}\n" for i in range(52)))
        test = "t,a,y,b\nu,1,0,\nv,,1,2\n,,0,\n"
        for how, find in (("mean", lambda x: math.fsum(x) / len(x)), ("median", statistics.median),
                          ("-7.25", lambda x: -7.25)):
            of_b, of_a = find(b), find(a)
            self.reference = self.convert(train, "--missing", how, out="gaps.h5", ranks=2)
            with h5py.File(self.reference) as file:
                np.testing.assert_array_equal(bits(file["fillings"][:2]), bits([of_b, of_a]))
                np.testing.assert_array_equal(dense(file)[41:, 1], [of_a] * 11)
            for options in ((), ("--layout", "csr"), ("--missing", how)):
                for ranks in (None, 2) if how == "mean" else (2,):
                    with h5py.File(self.like(test, *options, ranks=ranks)) as file:
                        np.testing.assert_array_equal(bits(dense(file)), bits(
                            [[of_b, 1, 1, 0], [2, of_a, 0, 1], [of_b, of_a, 0, 0]]))
                        self.assertEqual(file.attrs["missing"].decode(),
                                         "number" if how == "-7.25" else how)
                    self.assertIn("; 4 missing numbers filled in", self.said)
            self.like(test)
            self.assertIn(f"filled in as in {self.reference}", self.said)
            if how != "mean":
                continue
            # The copy of a copy knows them, too.
            self.reference = (self.folder / "out.h5").rename(self.folder / "copy.h5")
            with h5py.File(self.like("t,a,y,b\nu,,0,1\n")) as file:
                np.testing.assert_array_equal(dense(file), [[1, of_a, 1, 0]])
            # Another number than that of the training rows is taken when it is asked for.
            for number, warnings in ((3, 1), (of_a, 1)):
                path = self.write("test.csv", test)
                result = run("convert", path, self.folder / "out.h5", "--like", self.reference,
                             "--missing", number, "--overwrite", ranks=2)
                self.assert_ends(result, 0)
                self.assertEqual(result.stderr.count(
                    f"--missing {number}: missing numbers of the rows in {self.reference} were "
                    "filled in otherwise (mean)"), warnings, result.stderr)
                with h5py.File(self.folder / "out.h5") as file:
                    np.testing.assert_array_equal(dense(file)[2], [number, number, 0, 0])
            self.assertIn("test.csv:2:7",
                          self.refused(test, "--missing", "error"))

    def test_fields_are_missing_values_as_in_the_other_file(self):
        train = self.write("gaps.csv", "a,home,y\n1,NA,none\n-999,OWN,yes\n2,RENT,none\n"
                                       "3,-999,yes\n")
        test = "home,y,a\nNA,none,-999\nOWN,yes,-999.0\n-999,yes,5\n"
        expected = [[2, 1, 0, 0], [2, 0, 1, 0], [5, 0, 0, 0]]
        markers = ("--missing", "median", "--missing-markers", "-999")
        for ranks in (None, 2):
            self.reference = self.convert(train, *markers, ranks=ranks, out="gaps.h5")
            with h5py.File(self.reference) as file:
                self.assertEqual(list(file["missing_markers"].asstr()), ["-999"])
            for options in ((), ("--layout", "csr"), ("--missing-markers", "-999")):
                path = self.write("test.csv", test)
                result = run("convert", path, self.folder / "out.h5", "--like", self.reference,
                             *options, "--overwrite", ranks=ranks)
                self.assert_ends(result, 0)
                self.assertNotIn("warning", result.stderr)
                with h5py.File(self.folder / "out.h5") as file:
                    self.assertEqual(dense(file).tolist(), expected)
                    self.assertEqual(file["y"][0], b"none")
        # The copy of a copy knows them, too.
        self.reference = self.like(test).rename(self.folder / "copy.h5")
        with h5py.File(self.like("home,y,a\nOWN,yes,-999\n")) as file:
            self.assertEqual(dense(file).tolist(), [[2, 0, 1, 0]])
        # Without any, all but empty fields are values.
        self.reference = self.convert(train, "--missing", "0", "--missing-markers", ",",
                                      "--text", "home", out="none.h5")
        with h5py.File(self.like(test)) as file:
            self.assertEqual(dense(file)[:, 0].tolist(), [-999, -999, 5])
            self.assertEqual(dense(file)[2, 1:].tolist(), [1, 0, 0, 0])

    def test_other_markers_of_missing_values_than_in_the_other_file_are_warned_of(self):
        train = self.write("gaps.csv", "a,home,y\n1,NA,none\n-999,OWN,yes\n2,RENT,none\n")
        self.reference = self.convert(train, "--missing", "median", "--missing-markers", "-999,x",
                                      out="gaps.h5")
        path = self.write("test.csv", "home,y,a\nNA,none,-999\nOWN,yes,?\n")
        for markers, told in (("NA,none,?,X", "'-999' is missing there and not here, 'NA', 'none', "
                                              "'?' are missing here and not there;"),
                              ("?,x,-9.99e2", ": '?' is missing here and not there;"),
                              ("-999,?,x,x", ": '?' is missing here and not there;")):
            result = run("convert", path, self.folder / "out.h5", "--like", self.reference,
                         "--missing-markers", markers, "--overwrite", ranks=2)
            self.assert_ends(result, 0)
            self.assertEqual(result.stderr.count("warning"), 1, result.stderr)
            self.assertIn(told, result.stderr)
            with h5py.File(self.folder / "out.h5") as file:
                first = -999 if "NA" in markers else 1.5
                # What is a text there is one here, whatever the markers.
                self.assertEqual(dense(file).tolist(), [[first, 1, 0, 0], [1.5, 0, 1, 0]])
                self.assertEqual(list(file["y"]), [b"none", b"yes"])

    def test_a_file_of_a_version_that_did_not_keep_the_markers(self):
        self.reference = self.convert(self.write("gaps.csv", "a,y\n1,0\n-999,1\n3,0\n"),
                                      "--missing", "mean", "--missing-markers", "-999", out="g.h5")
        with h5py.File(self.reference, "r+") as file:
            del file["missing_markers"]
        path = self.write("test.csv", "a,y\nNA,0\n-999,1\n")
        for options, values, warnings in (((), [2, -999], 1),
                                          (("--missing-markers", "NA,-999"), [2, 2], 0)):
            result = run("convert", path, self.folder / "out.h5", "--like", self.reference,
                         "--overwrite", *options)
            self.assert_ends(result, 0)
            self.assertEqual(result.stderr.count("warning"), warnings, result.stderr)
            self.assertEqual("an older version made it" in result.stderr, warnings == 1)
            with h5py.File(self.folder / "out.h5") as file:
                self.assertEqual(dense(file)[:, 0].tolist(), values)

    def test_what_no_filling_is_known_for_stays_an_error(self):
        test = "age,colour,y,town\n,red,no,Ulm\n"
        said = self.refused(test)
        self.assertIn("test.csv:2:1", said)
        self.assertIn("train.h5 does not tell what stands in for missing values", said)
        for how in ("mean", "median"):
            self.assertIn("which does not tell any", self.refused(test, "--missing", how, code=2))
        self.reference = self.convert(self.write("train.csv", self.TRAIN), "--missing", "median",
                                      out="train.h5")
        said = self.refused(test, "--missing", "mean", code=2)
        self.assertIn("--missing mean: with --like it is that of the rows in", said)
        self.assertIn("which were filled in with --missing median; leave it out", said)
        with h5py.File(self.like(test)) as file:
            self.assertEqual(dense(file)[0, 0], 41.5)
        with h5py.File(self.reference, "r+") as file:
            file["fillings"][0] = np.nan
        self.assertIn("column 1 ('age') misses values, and", self.refused(test))

    def test_medians_of_a_wide_table(self):
        generator = random.Random(7)
        rows = [[generator.uniform(-9, 9) for _ in range(1100)] for _ in range(5)]
        table = self.write("wide.csv", "\n".join(
            [",".join([*(f"c{j}" for j in range(1100)), "y"]),
             *(",".join([*map(repr, row), str(i % 2)]) for i, row in enumerate(rows))]))
        with h5py.File(self.convert(table, "--missing", "median")) as file:
            np.testing.assert_array_equal(bits(file["fillings"]), bits(np.median(rows, axis=0)))

    def test_fillings_of_complete_columns_do_not_widen_the_type(self):
        table = self.write("whole.csv", "a,b,y\n1,2,0\n2,,1\n")
        with h5py.File(self.convert(table, "--missing", "mean")) as file:
            self.assertEqual(file["X"].dtype, np.uint8)
            self.assertEqual(file["fillings"][...].tolist(), [1.5, 2])

    def test_rows_without_labels_can_be_predicted(self):
        text = "town,colour,age\nBonn,red,1\nUlm,blue,2\n"
        self.assertIn("--label-column none", self.refused(text))
        for ranks in (None, 2):
            with h5py.File(self.like(text, "--label-column", "none", ranks=ranks)) as file:
                self.assertEqual(dense(file).tolist(), [[1, 0, 1, 1, 0], [2, 1, 0, 0, 1]])
                self.assertNotIn("y", file)
        self.assertIn("; no labels", self.said)
        model = self.train(self.reference, "--positive-label", "yes", "--l2", "1e-2") / "model.h5"
        result = run("predict", model, self.folder / "out.h5", "--out", self.folder / "p.h5")
        self.assert_ends(result, 0)
        result = run("train", self.folder / "out.h5", "--out", self.folder / "no-run")
        self.assert_ends(result, 3)
        self.assertIn("label", result.stderr)

    def test_texts_are_texts_as_in_the_other_file(self):
        self.assertIn("--text: with --like", self.refused(self.TRAIN, "--text", "age", code=2))
        text = "age,colour,town,y\n1,red,Ulm,no\n2,7,Ulm,yes\n3,blue,Bonn,no\n"
        with h5py.File(self.like(text)) as file:
            self.assertEqual(dense(file)[:, 1:3].tolist(), [[0, 1], [0, 0], [1, 0]])

    def test_the_file_to_be_like_is_not_replaced(self):
        before = self.reference.read_bytes()
        result = run("convert", self.write("test.csv", self.TRAIN), self.reference, "--like",
                     self.reference, "--overwrite")
        self.assert_ends(result, 2)
        self.assertIn("would replace the file that --like names", result.stderr)
        self.assertEqual(self.reference.read_bytes(), before)

    def test_a_file_that_was_not_converted_and_one_without_names(self):
        with h5py.File(self.folder / "made.h5", "w") as file:
            file["X"] = np.zeros((2, 2))
        self.reference = self.convert(self.write("train.svm", "1 1:2 2:3\n0 1:4\n"), out="svm.h5")
        for text in ("a,b,y\n1,2,0\n3,4,1\n", "y\n1\n0\n"):
            said = self.refused(text, "--format", "csv", "--separator", ",")
            self.assertIn("svm.h5: was made of LIBSVM text, whose features have numbers", said)
            self.assertIn("test.csv is a table: nothing tells which column is which", said)
        self.reference = self.folder / "made.h5"
        self.assertIn("was not made by paralogit convert", self.refused(self.TRAIN))
        self.reference = self.convert(self.write("train.csv", "1,2,0\n3,4,1\n"),
                                      "--label-column", "last", out="numbers.h5")
        with h5py.File(self.like("0,5,6\n", "--label-column", "1", "--header", "no")) as file:
            self.assertEqual(dense(file).tolist(), [[5, 6]])
        self.assertIn("has 3 columns beside the labels",
                      self.refused("0,5,6,7\n", "--label-column", "1", "--header", "no"))


if __name__ == "__main__":
    unittest.main()
