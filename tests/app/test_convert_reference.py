#!/usr/bin/python3
"""One text of a column, its reference, gets no feature."""
import csv
import io
import json
import random
import unittest

import h5py
import numpy as np

from converting import ConvertTest, dense
from support import run


def names_of(file):
    return list(file["feature_names"].asstr())


class Reference(ConvertTest):
    TABLE = ('n,colour,"a=b",y\n1,red,u,0\n2,blue,v,1\n3,green,u,1\n0,red,"w, x",0\n'
             '5,blue,"w, x",0\n')

    def encoded(self, references):
        """X and the names of its features as they should be, column by column."""
        rows = list(csv.DictReader(io.StringIO(self.TABLE)))
        columns, names = [[float(row["n"]) for row in rows]], ["n"]
        for column in ("colour", "a=b"):
            texts = sorted({row[column] for row in rows})
            for text in texts:
                if text != references.get(column):
                    columns.append([float(row[column] == text) for row in rows])
                    names.append(f"{column}={text}")
        return np.array(columns).T, names

    def refused(self, *options, text=TABLE, code=3):
        result = run("convert", self.write("a.csv", text), self.folder / "no.h5", *options)
        self.assert_ends(result, code)
        self.assertFalse((self.folder / "no.h5").exists())
        return result.stderr

    def test_the_first_text_of_every_column_or_the_one_that_is_named_is_left_out(self):
        data = self.write("a.csv", self.TABLE)
        for option, references in (
                ("first", {"colour": "blue", "a=b": "u"}), ("colour=red", {"colour": "red"}),
                ("first, colour=green", {"colour": "green", "a=b": "u"}),
                ('a=b="w, x",2=red', {"colour": "red", "a=b": "w, x"}),
                ('"a=b=w, x"', {"a=b": "w, x"})):
            X, names = self.encoded(references)
            for layout in ("dense", "csr"):
                path = self.convert(data, "--reference", option, "--layout", layout, ranks=2)
                with h5py.File(path) as file:
                    np.testing.assert_array_equal(dense(file), X)
                    self.assertEqual(names_of(file), names)
                    if layout == "csr":
                        self.assertEqual(len(file["X/data"]), np.count_nonzero(X))
                    found = {name: dictionary.attrs["reference"]
                             for name, dictionary in file["dictionaries"].items()
                             if "reference" in dictionary.attrs}
                    self.assertEqual(found, {f"texts_of_{k}": v for k, v in references.items()})
                    self.assertEqual(list(file["dictionaries/texts_of_colour"].asstr()),
                                     ["blue", "green", "red"])
        self.assertIn("'a=b' (3 texts, without 'w, x')", self.said)

    def test_the_file_is_the_same_for_any_number_of_ranks(self):
        generator = random.Random(8)
        lines, expected = ["a;b;t;y"], []
        for i in range(60_000):
            a, b = generator.choice(("p", "qq", "rrr")), generator.randint(0, 9)
            t = generator.choice(("u" * 90, "", "v" * 80))
            lines.append(f"{a};{b};{t};{i % 2}")
            expected.append([a == "p", a == "rrr", b, t[:1] == "v"])
        data = self.write("a.csv", "\n".join(lines))
        self.assertGreater(data.stat().st_size, 2**21)
        for layout in ("dense", "csr"):
            options = ("--reference", "first,a=qq", "--missing", 0, "--layout", layout)
            with h5py.File(self.assert_same_for_any_ranks(data, *options)) as file:
                self.assertEqual(names_of(file), ["a=p", "a=rrr", "b", "t=" + "v" * 80])
                np.testing.assert_array_equal(dense(file), np.array(expected, dtype=float))

    def test_another_table_gets_the_references_of_the_file_it_follows(self):
        reference = self.convert(self.write("a.csv", self.TABLE), "--reference", "first,colour=red",
                                 out="train.h5")
        test = self.write("b.csv", "colour,y,a=b,n\nred,1,v,4\npink,0,u,5\ngreen,0,x,0\n")
        for layout in ("dense", "csr"):
            for ranks in (None, 2):
                again = self.convert(self.write("a.csv", self.TABLE), "--like", reference,
                                     "--layout", layout, ranks=ranks)
                with h5py.File(again) as file, h5py.File(reference) as first:
                    np.testing.assert_array_equal(dense(file), dense(first))
                result = run("convert", test, self.folder / "out.h5", "--like", reference,
                             "--layout", layout, "--overwrite", ranks=ranks)
                self.assert_ends(result, 0)
                with h5py.File(self.folder / "out.h5") as file:
                    self.assertEqual(names_of(file), ["n", "colour=blue", "colour=green",
                                                      "a=b=v", "a=b=w, x"])
                    np.testing.assert_array_equal(
                        dense(file), [[4, 0, 0, 1, 0], [5, 0, 0, 0, 0], [0, 0, 1, 0, 0]])
                    self.assertEqual(
                        file["dictionaries/texts_of_colour"].attrs["reference"], "red")
                self.assertIn("does not have: 'pink'; all features of the column are 0 there, as "
                              "for 'red'", result.stderr)
        self.assertTrue(self.convert(self.write("a.csv", self.TABLE), "--like", reference)
                        .read_bytes() == reference.read_bytes())
        self.assertIn("the references are those of",
                      self.refused("--like", reference, "--reference", "first", code=2))

    def test_what_is_no_longer_told_apart_is_said(self):
        data = self.write("a.csv", "t,one,n,y\nu,x,1,0\n,x,2,1\nv,x,3,0\n?,x,4,1\n")
        result = run("convert", data, self.folder / "out.h5", "--reference", "first", "--missing",
                     "mean", ranks=2)
        self.assert_ends(result, 0)
        self.assertIn("2 missing texts count as the reference", result.stderr)
        self.assertIn("column 'one' has no text but its reference 'x', and so no feature",
                      result.stderr)
        with h5py.File(self.folder / "out.h5") as file:
            self.assertEqual(names_of(file), ["t=v", "n"])
            self.assertEqual(list(file["dictionaries"]), ["texts_of_t"])
            np.testing.assert_array_equal(dense(file), [[0, 1], [0, 2], [1, 3], [0, 4]])
        test = self.write("b.csv", "n,t,y\n7,v,0\n")
        with h5py.File(self.convert(test, "--like", self.folder / "out.h5", out="b.h5")) as file:
            np.testing.assert_array_equal(dense(file), [[1, 7]])

    def test_a_column_of_one_text_has_no_entries(self):
        for text in ("one,n,y\nx,1,0\nx,2,1\nx,0,1\n", "one,t,n,y\nx,u,1,0\nx,v,2,1\nx,u,0,1\n"):
            data = self.write("a.csv", text)
            sparse = self.convert(data, "--reference", "first", "--layout", "csr", out="csr.h5",
                                  ranks=2)
            plain = self.convert(data, "--reference", "first", "--layout", "dense", out="dense.h5")
            with h5py.File(sparse) as file, h5py.File(plain) as other:
                self.assertEqual(len(file["X/data"]), file["X/indptr"][-1])
                self.assertEqual(dense(file).tolist(), other["X"][...].tolist())

    def test_a_table_without_texts_is_told_that_it_has_no_use_for_one(self):
        for text, is_told in (("n,y\n1,a\n2,b\n", True), ("n,t,y\n1,u,0\n2,v,1\n", False)):
            data = self.write("a.csv", text)
            result = run("convert", data, self.folder / "out.h5", "--overwrite", "--reference",
                         "first", ranks=2)
            self.assert_ends(result, 0)
            said = "warning: --reference first changes nothing: no feature is made of texts"
            self.assertEqual(result.stderr.count(said), int(is_told), result.stderr)

    def test_what_cannot_be_a_reference(self):
        for option, says, code in (
                ("colour=pink", "column 2 ('colour') has no text 'pink'; its texts are 'blue', "
                                "'green', 'red'", 3),
                ("size=L", "there is no such column", 3), ("n=1", "holds numbers", 3),
                ("y=0", "is no feature", 3), ("colour=red,2=blue", "another one", 3),
                ("red", "expected first, COLUMN=TEXT", 2), ('colour="red', "never closed", 2)):
            self.assertIn(says, self.refused("--reference", option, code=code))
        self.assertIn("is left out by --drop",
                      self.refused("--reference", "colour=red", "--drop", "colour"))
        self.assertIn("give its number", self.refused(
            "--reference", "a=b=u", text="a,a=b,y\nb=u,u,0\nb=v,v,1\n"))
        self.assertIn("--reference is for tables",
                      self.refused("--reference", "first", text="1 1:2\n0 2:1\n", code=2))

    def test_inference_has_numbers_where_without_a_reference_it_has_none(self):
        generator = random.Random(9)
        lines = []
        for _ in range(400):
            a, b, x = generator.choice("pqr"), generator.choice("uv"), generator.gauss(0, 1)
            z = x + (a == "q") - (b == "u") + generator.gauss(0, 2)
            lines.append(f"{a},{x:.3f},{b},{int(z > 0)}")
        data = self.write("a.csv", "\n".join(["a,x,b,y", *lines]))
        for options, remarks in ((("--reference", "first"), 0), ((), 6)):
            directory = self.train(self.convert(data, *options), "--inference", "--overwrite")
            report = json.loads((directory / "inference.json").read_text())
            missing = [p for p in report["parameters"] if p["standard_error"] is None]
            self.assertEqual(len(missing), remarks, report)

    def test_a_run_on_all_texts_of_a_column_points_to_the_option(self):
        generator = random.Random(5)
        lines = ["a,x,b,y"]
        for _ in range(300):
            a, x, b = generator.choice("pqr"), generator.randint(0, 9), generator.choice("uv")
            lines.append(f"{a},{x},{b},{int(generator.random() < 0.3 + 0.04 * x)}")
        texts = self.convert(self.write("a.csv", "\n".join(lines)), out="texts.h5")
        without = self.convert(self.write("a.csv", "\n".join(lines)), "--reference", "first",
                               out="without.h5")
        numbers = self.convert(self.write("b.csv", "a=p,a=q,y\n1,2,0\n2,3,1\n3,4,0\n4,5,1\n5,6,1\n"),
                               out="numbers.h5")
        with h5py.File(texts) as made, h5py.File(self.folder / "foreign.h5", "w") as file:
            for name in ("X", "y", "feature_names"):
                made.copy(name, file)
        for path, equations, is_pointed in ((texts, 2, 1), (without, 0, 0), (numbers, 1, 0),
                                            (self.folder / "foreign.h5", 2, 0)):
            for options in ((), ("--inference",)):
                directory = self.train(path, "--overwrite", *options, ranks=2)
                said = json.loads((directory / "summary.json").read_text())["diagnosis"]
                self.assertEqual(sum("not determined" in text for text in said), equations, said)
                self.assertEqual(sum("paralogit convert --reference first leaves out one text of "
                                     "each column" in text for text in said), is_pointed, said)


if __name__ == "__main__":
    unittest.main()
