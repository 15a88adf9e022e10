#!/usr/bin/python3
"""Text becomes a data set: what h5py reads back is what Python's float reads in the text."""
import gzip
import math
import random
import shlex
import shutil
import statistics
import subprocess
import unittest

import h5py
import numpy as np

from converting import ConvertTest, bits, dense
from support import read_summary, run

HARD_NUMBERS = [
    "0.1", "-0.1", "1e22", "1e23", "8.5e22", "9007199254740993", "9007199254740992", "1e-323",
    "4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
    "2.2250738585072011e-308", "2.2250738585072014e-308", "1.7976931348623157e308",
    "179769313486231580793728971405301e276", "6.631236846766476e-316", "0.000000000000000000001",
    "123456789012345678901234567890", "1." + "0" * 400 + "1", "0." + "0" * 330 + "1e331",
    "3.4028234663852886e+38", "7.2057594037927933e16", "1e-400",
    "12345678.87654321", "+5", ".5", "5.", "5.e3", ".5E-3", "00012", "4.35", "0.3", "2.675",
    "9.5367431640625e-07", "1448997445238699e-23", "5e-324", "1.00000000000000011102230246251565",
    "1.00000000000000011102230246251566", "0.500000000000000166533453693773481063544750213623046875",
]


class Libsvm(ConvertTest):
    def test_forms_of_lines_found_in_the_wild(self):
        data = self.write("a.svm", b"# a comment\n"
                                   b"+1 1:0.5 3:-2 # more\r\n"
                                   b"\r"
                                   b"-1\t2:1e3 \r"
                                   b"  +1\n"
                                   b"-1 1:0 4:0.25#end\n"
                                   b"\n \t\n"
                                   b"1.0 3:1")
        with h5py.File(self.convert(data)) as file:
            np.testing.assert_array_equal(
                dense(file), [[.5, 0, -2, 0], [0, 1000, 0, 0], [0] * 4, [0, 0, 0, .25], [0, 0, 1, 0]])
            np.testing.assert_array_equal(file["y"][...], [1, -1, 1, -1, 1])
            self.assertEqual(file["y"].dtype, np.int8)
            self.assertNotIn("qid", file)

    def test_the_base_of_indices_is_found_or_asked_for(self):
        one = self.write("one.svm", "1 1:5 2:6\n2 2:7\n")
        zero = self.write("zero.svm", "1 1:5 2:6\n2 0:7\n")
        with h5py.File(self.convert(one)) as file:
            np.testing.assert_array_equal(dense(file), [[5, 6], [0, 7]])
            np.testing.assert_array_equal(file["y"][...], [1, 2])
        with h5py.File(self.convert(zero)) as file:
            np.testing.assert_array_equal(dense(file), [[0, 5, 6], [7, 0, 0]])
        with h5py.File(self.convert(one, "--index-base", 0, "--features", 5)) as file:
            np.testing.assert_array_equal(dense(file), [[0, 5, 6, 0, 0], [0, 0, 7, 0, 0]])
        # Files are one data set: the base is that of all.
        with h5py.File(self.convert(one, zero)) as file:
            np.testing.assert_array_equal(dense(file)[:2], [[0, 5, 6], [0, 0, 7]])

    def test_width_and_base_are_taken_from_another_file(self):
        for train, test, expected in (("1 0:5 3:6\n", "0 1:7\n", [0, 7, 0, 0]),
                                      ("1 1:5 3:6\n", "0 1:7\n", [7, 0, 0])):
            reference = self.convert(self.write("train.svm", train), out="train.h5")
            for ranks in (None, 2):
                with h5py.File(self.convert(self.write("test.svm", test), "--like", reference,
                                            ranks=ranks)) as file:
                    np.testing.assert_array_equal(dense(file), [expected])
        for text, says in (("0 4:1\n", "the last one is 3, but the index 4 occurs"),
                           ("0 0:1\n", "the index 0 is below the base 1")):
            result = run("convert", self.write("test.svm", text), self.folder / "no.h5", "--like",
                         reference)
            self.assert_ends(result, 3)
            self.assertIn(says, result.stderr)

    def test_query_ids_are_kept(self):
        data = self.write("a.svm", "2 qid:10 1:1\n1 qid:10 2:1\n0 qid:9223372036854775807 1:2\n")
        with h5py.File(self.convert(data)) as file:
            np.testing.assert_array_equal(file["qid"][...], [10, 10, 2**63 - 1])

    def test_a_sparse_file_is_a_csr_group_as_anndata_writes_it(self):
        rows = [(i % 2, sorted(random.Random(i).sample(range(1, 5000), 4))) for i in range(50)]
        data = self.write("a.svm", "".join(
            f"{y} {' '.join(f'{j}:{j / 4}' for j in indices)} 5000:0\n" for y, indices in rows))
        with h5py.File(self.convert(data)) as file:
            X = file["X"]
            self.assertEqual(X.attrs["encoding-type"], "csr_matrix")
            self.assertEqual(X.attrs["encoding-version"], "0.1.0")
            np.testing.assert_array_equal(X.attrs["shape"], [50, 5000])
            self.assertEqual([X[name].dtype for name in ("data", "indices", "indptr")],
                             [np.float32, np.uint32, np.int64])
            np.testing.assert_array_equal(X["indptr"], np.arange(0, 201, 4))
            np.testing.assert_array_equal(
                X["indices"], np.concatenate([indices for _, indices in rows]) - 1)
            sparse = dense(file)
        with h5py.File(self.convert(data, "--layout", "dense")) as file:
            self.assertEqual(file["X"].dtype, np.float32)
            np.testing.assert_array_equal(file["X"][...], sparse)

    def test_a_mark_of_utf8_is_passed_over(self):
        mark = b"\xef\xbb\xbf"
        rows = b"1 1:2\n0 2:1\n"
        whole = self.convert(self.write("a.svm", rows * 2)).read_bytes()
        for first in (mark + rows, mark + b"# made by x\n\n" + rows, mark + b"\r\n" + rows):
            parts = [self.write("a.txt", first), self.write("b.txt", mark + rows)]
            for ranks in (None, 2):
                self.assertTrue(whole == self.convert(*parts, ranks=ranks).read_bytes())
        result = run("convert", self.write("c.svm", rows + mark + rows), self.folder / "no.h5")
        self.assert_ends(result, 3)
        self.assertIn("c.svm:3:1: expected a label", result.stderr)

    def test_the_largest_index(self):
        data = self.write("a.svm", f"1 7:2 {2**32 - 1}:3\n0 8:1\n")
        with h5py.File(self.convert(data)) as file:
            self.assertEqual(file["X/indices"].dtype, np.uint32)
            np.testing.assert_array_equal(file["X/indices"], [6, 2**32 - 2, 7])
            np.testing.assert_array_equal(file["X"].attrs["shape"], [2, 2**32 - 1])

    def test_values_have_the_bits_of_float(self):
        generator = random.Random(5)
        texts = HARD_NUMBERS + [repr(generator.uniform(-1, 1) * 10.0 ** generator.randint(-300, 300))
                                for _ in range(2000)]
        # Labels are told apart, so integers among them must be doubles.
        labels = [t if not t.isdigit() or int(float(t)) == int(t) else t + ".0" for t in texts]
        data = self.write("a.svm", "".join(f"{y} 1:1 2:{t}\n" for y, t in zip(labels, texts)))
        with h5py.File(self.convert(data, "--layout", "dense")) as file:
            expected = bits([float(t) for t in texts])
            np.testing.assert_array_equal(bits(file["X"][:, 1]), expected)
            np.testing.assert_array_equal(bits(file["y"][...]), expected)
        result = run("convert", data, self.folder / "again.h5")
        self.assertIn("warning: 2 integers beyond 2^53 were rounded", result.stderr)

    def test_types_are_as_small_as_hold_the_values(self):
        for values, dtype in (((0, 255), np.uint8), ((-128, 127), np.int8), ((0, 256), np.uint16),
                              ((-1, 128), np.int16), ((0, 65536), np.uint32),
                              ((-1, 2**31 - 1), np.int32), ((0.5, 2**20), np.float32),
                              ((0.1, 1), np.float64), ((2**24 + 1, -2**40), np.float64),
                              ((2**40, -1), np.float32)):
            data = self.write("a.svm", "".join(f"{v} 1:{v}\n" for v in values))
            with h5py.File(self.convert(data, "--layout", "dense")) as file:
                self.assertEqual((file["X"].dtype, file["y"].dtype), (dtype, dtype), values)
                np.testing.assert_array_equal(file["X"][:, 0], values)

    def test_one_large_file_is_the_same_for_any_number_of_ranks(self):
        generator = random.Random(1)
        lines = []
        for _ in range(60_000):
            indices = sorted(generator.sample(range(400), generator.randint(0, 14)))
            lines.append(f"{generator.choice('01')} " +
                         " ".join(f"{j}:{generator.random():.6g}" for j in indices) +
                         generator.choice(("\n", "\r\n", "\r", " # c:\"\n")))
        data = self.write("a.svm", "".join(lines))
        self.assertGreater(data.stat().st_size, 2 * 2**21)
        with h5py.File(self.assert_same_for_any_ranks(data)) as file:
            X = dense(file)
            y = file["y"][...]
        for i in range(0, len(lines), 97):
            label, *entries = lines[i].split("#")[0].split()
            self.assertEqual(y[i], float(label))
            self.assertEqual(np.count_nonzero(X[i]), len(entries))
            for index, value in (entry.split(":") for entry in entries):
                self.assertEqual(X[i, int(index)], float(value))


class Csv(ConvertTest):
    def test_separators_headers_and_line_ends(self):
        for separator in (",", ";", "\t", "|", " ", " , "):
            for end in ("\n", "\r\n", "\r"):
                lines = [["a", '"b"', "y"], ["1.5", "2", "1"], ["-3", '"4e1"', "0"]]
                for final in (end, ""):
                    text = end.join(separator.join(line) for line in lines) + final
                    with h5py.File(self.convert(self.write("a.txt", text))) as file:
                        np.testing.assert_array_equal(file["X"][...], [[1.5, 2], [-3, 40]])
                        np.testing.assert_array_equal(file["y"][...], [1, 0])
                        self.assertEqual(list(file["feature_names"].asstr()), ["a", "b"])
        with h5py.File(self.convert(self.write("b.txt", "1,2,0\n3,4,1\n"),
                                    "--label-column", "last")) as file:
            np.testing.assert_array_equal(file["X"][...], [[1, 2], [3, 4]])
            self.assertNotIn("feature_names", file)

    def test_a_mark_of_utf8_and_empty_lines_are_passed_over(self):
        data = self.write("a.csv", b"\xef\xbb\xbf\nlabel,x\n\n1,2\n  \n0,3\n\n")
        with h5py.File(self.convert(data)) as file:
            np.testing.assert_array_equal(file["X"][...], [[2], [3]])

    def test_the_label_column_by_name_by_number_and_by_habit(self):
        data = self.write("a.csv", "x,Target,z\n1,0,5\n2,1,6\n")
        for arguments, labels in (((), [0, 1]), (("--label-column", "z"), [5, 6]),
                                  (("--label-column", "1"), [1, 2]),
                                  (("--label-column", "last"), [5, 6])):
            with h5py.File(self.convert(data, *arguments)) as file:
                np.testing.assert_array_equal(file["y"][...], labels)

    def test_texts_become_zeros_and_ones_with_a_dictionary(self):
        data = self.write("a.csv", 'n,colour,class\n1,red,"g, x"\n2,"dark ""blue""",h\n'
                                   '3, red ,h\n4,"two\nlines",h\n')
        with h5py.File(self.convert(data)) as file:
            names = ['colour=dark "blue"', "colour=red", "colour=two\nlines"]
            self.assertEqual(list(file["feature_names"].asstr()), ["n", *names])
            np.testing.assert_array_equal(
                file["X"][...], [[1, 0, 1, 0], [2, 1, 0, 0], [3, 0, 1, 0], [4, 0, 0, 1]])
            self.assertEqual(file["X"].dtype, np.uint8)
            self.assertEqual(list(file["dictionaries/texts_of_colour"].asstr()),
                             ['dark "blue"', "red", "two\nlines"])
            self.assertEqual(list(file["y"].asstr()), ["g, x", "h", "h", "h"])
        self.train(self.folder / "out.h5", "--positive-label", "h", "--l2", "1e-2")

    def test_a_number_that_is_the_name_of_another_column(self):
        data = self.write("a.csv", "3,1,y\n7,8,0\n9,6,1\n")
        for option, told, values in (
                ("1", ["--drop 1: the name of column 2 comes before the number of column 1 ('3')"],
                 [[7], [9]]),
                ("2", [], [[7], [9]]), ("3,1", [
                    "--drop 3: the name of column 1 comes before the number of column 3 ('y')",
                    "--drop 1: the name of column 2"], None)):
            result = run("convert", data, self.folder / "out.h5", "--drop", option, "--header",
                         "yes", "--label-column", "y", "--overwrite", ranks=2)
            self.assert_ends(result, 0 if values else 3)
            if values:
                self.assertEqual(result.stderr.count("warning"), len(told), result.stderr)
                for part in told:
                    self.assertIn(part, result.stderr)
                with h5py.File(self.folder / "out.h5") as file:
                    self.assertEqual(dense(file).tolist(), values)
        # Its own number means the same.
        result = run("convert", self.write("b.csv", "1,2,y\n7,8,0\n9,6,1\n"),
                     self.folder / "b.h5", "--drop", 1, "--header", "yes")
        self.assert_ends(result, 0)
        self.assertNotIn("warning", result.stderr)

    def test_a_file_that_is_given_twice_counts_twice_with_a_warning(self):
        data = self.write("a.csv", "a,y\n7,0\n9,1\n")
        same = self.folder / "same.csv"
        same.symlink_to(data)
        for other, told in ((data, ""), (same, f" (the same file as {data})")):
            result = run("convert", data, other, self.folder / "out.h5", "--overwrite", ranks=2)
            self.assert_ends(result, 0)
            self.assertEqual(result.stderr.count("warning"), 1, result.stderr)
            self.assertIn(f"{other} is given twice{told}: its rows count twice", result.stderr)
            with h5py.File(self.folder / "out.h5") as file:
                self.assertEqual(dense(file).tolist(), [[7], [9], [7], [9]])

    def test_numbers_taken_as_texts_and_columns_left_out(self):
        data = self.write("a.csv", "id,code,x,y\n7,10,1.5,0\n8,9,2.5,1\n9,10,3.5,1\n")
        with h5py.File(self.convert(data, "--text", "code", "--drop", "id")) as file:
            self.assertEqual(list(file["feature_names"].asstr()), ["code=10", "code=9", "x"])
            np.testing.assert_array_equal(file["X"][...], [[1, 0, 1.5], [0, 1, 2.5], [1, 0, 3.5]])

    def test_missing_values_are_filled_in(self):
        markers = ["", "NA", "N/A", "NaN", "nan", "null", "?", '""']
        generator = random.Random(3)
        columns = [[generator.uniform(-5, 5) * 10.0 ** generator.randint(-9, 9) for _ in range(n)]
                   for n in (200, 201)]
        lines = ["a,b,t,y"]
        for i in range(210):
            row = [repr(c[i]) if i < len(c) else markers[i % len(markers)] for c in columns]
            lines.append(",".join([*row, "?" if i == 7 else "uv"[i % 2], str(i % 2)]))
        data = self.write("a.csv", "\n".join(lines))
        means = [math.fsum(c) / len(c) for c in columns]
        medians = [statistics.median(c) for c in columns]
        for how, fillings in (("mean", means), ("median", medians), ("-1.5", [-1.5, -1.5])):
            for layout in ("dense", "csr"):
                with h5py.File(self.convert(data, "--missing", how, "--layout", layout)) as file:
                    X = dense(file)
                for j in range(2):
                    n = len(columns[j])
                    np.testing.assert_array_equal(bits(X[:n, j]), bits(columns[j]))
                    np.testing.assert_array_equal(bits(X[n:, j]), bits([fillings[j]] * (210 - n)))
                np.testing.assert_array_equal(X[6:9, 2:], [[1, 0], [0, 0], [1, 0]])
        data = self.write("b.csv", "x,y\n-,1\n4,0\n")
        with h5py.File(self.convert(data, "--missing-markers", "-", "--missing", "mean")) as file:
            np.testing.assert_array_equal(file["X"][:, 0], [4, 4])

    def test_numbers_stand_for_missing_values_however_they_are_spelled(self):
        data = self.write("m.csv", "a,b,y\n1,-999,0\n2,5,1\n3,7,0\n4,-999.0,1\n")
        with h5py.File(self.convert(data, "--missing", "mean", "--missing-markers", "x, -999",
                                    ranks=2)) as file:
            np.testing.assert_array_equal(file["X"][:, 1], [6, 5, 7, 6])

    def test_usual_markers_that_are_texts_since_others_take_their_place(self):
        path = self.write("m.csv", "home,a,y\nna,1,0\nOWN,-999,1\nNA,3,0\nnone,4,1\n")
        for markers, texts in (("-999", ["NA", "OWN", "na", "none"]), ("-999,na", ["OWN", "none"]),
                               ("-999,usual", ["OWN"]), ("usual,-999", ["OWN"])):
            result = run("convert", path, self.folder / "out.h5", "--missing", 0, "--overwrite",
                         "--missing-markers", markers, ranks=2)
            self.assert_ends(result, 0)
            with h5py.File(self.folder / "out.h5") as file:
                self.assertEqual(list(file["dictionaries/texts_of_home"].asstr()), texts)
                self.assertEqual(file["X"][1, -1], 0)
            found = [f"'{text}' of column 1 ('home')" for text in texts if text != "OWN"]
            self.assertEqual(result.stderr.count("warning"), 1 if found else 0, result.stderr)
            if found:
                self.assertIn(f"so {', '.join(found)} {'is' if len(found) == 1 else 'are'} not "
                              "missing", result.stderr)
                self.assertIn("values: --missing 0 --missing-markers usual,-999", result.stderr)

    def test_columns_of_nearly_as_many_texts_as_rows_are_warned_of(self):
        def table(rows, texts):
            return self.write("m.csv", "my id,day,kind,y\n" + "".join(
                f"id{i},d{i % texts},{'uvw'[i % 3]},{i % 2}\n" for i in range(rows)))

        for rows, texts, told in (
                (60, 31, "rows (60), and a feature for each: column 1 ('my id') has 60, column 2 "
                         "('day') has 31; what names rows or tells a date is better left out: "
                         "--drop 'my id,day'"),
                (60, 30, "rows (60), and a feature for each: column 1 ('my id') has 60; "),
                (21, 3, "rows (21), and a feature for each: column 1 ('my id') has 21; "),
                (20, 3, "")):
            for options in ((), ("--text", "day")):
                result = run("convert", table(rows, texts), self.folder / "out.h5", "--overwrite",
                             *options, ranks=2)
                self.assert_ends(result, 0)
                self.assertEqual(result.stderr.count("warning"), 1 if told else 0, result.stderr)
                self.assertIn(told, result.stderr)
        # Rows that get the features of others have no choice.
        other = (self.folder / "out.h5").rename(self.folder / "other.h5")
        result = run("convert", table(30, 3), self.folder / "out.h5", "--like", other)
        self.assert_ends(result, 0)
        self.assertNotIn("nearly as many", result.stderr)

    def test_the_first_value_of_a_column_tells_whether_it_holds_texts(self):
        rows = "1,u,yes,7\n2,v,no,8\n3,u,no,9\n"
        header = "a,t,y,b\n"
        whole = self.convert(self.write("whole.csv", header + rows)).read_bytes()
        data = self.write("data.csv", header + rows)
        empty = self.write("empty.csv", header)
        nothing = self.write("nothing.csv", "")
        comment = self.write("comment.csv", "# made by hand\n#\n\n")
        for files in ((empty, data), (data, empty), (comment, data), (data, comment, empty),
                      (nothing, comment, empty, empty, data)):
            for ranks in (None, 2, 3):
                self.assertTrue(whole == self.convert(*files, ranks=ranks).read_bytes(), files)
        # A comment of several fields may be the names of other columns.
        comment.write_text("# made by hand, and,foot\n")
        result = run("convert", data, comment, self.folder / "no.h5")
        self.assert_ends(result, 3)
        self.assertIn("comment.csv:1:1: expected 'a' of the first file's header", result.stderr)
        # Texts that are a mistake among numbers, or were meant to be numbers, are told.
        for bad, says in (("1,5,0\n2,u,1\n3,7,0\n", ":3:3: column 2 ('t'): expected a finite"),
                          ("1,u,0\n2,5,1\n3,7,0\n", ":2:3: column 2 ('t'): expected a finite"),
                          ("1,2,no\n3,4,1\n5,6,0\n", ":2:5: column 3 ('y'): expected a finite "
                           "decimal number, found 'no'; labels behind it are numbers"),
                          ('1,"3,5",0\n2,"4,5",1\n', ": column 2 ('t'): '3,5' is a number with a"),
                          ("1,u,0\n2,v,1\n3,7,0\n", ": column 2 ('t'): holds both numbers")):
            path = self.write("bad.csv", "a,t,y\n" + bad)
            first = self.write("names.csv", "a,t,y\n")
            for ranks in (None, 2):
                result = run("convert", first, path, self.folder / "no.h5", ranks=ranks)
                self.assert_ends(result, 3)
                self.assertIn(f"{path}{says}", result.stderr)
        # What is chosen of a column waits for it, too.
        with h5py.File(self.convert(empty, data, "--reference", "t=u")) as file:
            self.assertEqual(list(file["feature_names"].asstr()), ["a", "t=v", "b"])
        result = run("convert", empty, data, self.folder / "no.h5", "--reference", "b=u")
        self.assert_ends(result, 3)
        self.assertIn("--reference: column 4 ('b') holds numbers", result.stderr)

    def test_a_column_whose_first_value_comes_after_many_rows(self):
        def rows(first, n, t, u):
            return "".join(f"{i}.123456789,{t},{u},{i % 2}\n" for i in range(first, first + n))
        header = "a,t,u,y\n"
        gap = rows(0, 240_000, "NA", "")
        self.assertGreater(len(gap), 2 * 2**21)
        path = self.write("late.csv", header + gap + rows(0, 3, "v", "") + rows(5, 3, "", "w") +
                          rows(9, 2, "x", "NA"))
        with h5py.File(self.assert_same_for_any_ranks(path, "--missing", "mean")) as file:
            self.assertEqual(list(file["feature_names"].asstr()), ["a", "t=v", "t=x", "u=w"])
            X = dense(file)[:, 1:]
            self.assertEqual(X[-8:].tolist(), [[1, 0, 0]] * 3 + [[0, 0, 1]] * 3 + [[0, 1, 0]] * 2)
            self.assertFalse(X[:-8].any())
        # A number before it, in whatever chunk, tells that it is the mistake.
        for number, line in (("5", 1), ("5", 100_000), ("-1", 239_999)):
            lines = (gap + rows(0, 9, "v", "")).splitlines(keepends=True)
            lines[line - 1] = lines[line - 1].replace("NA", number)
            path = self.write("late.csv", header + "".join(lines))
            for ranks in (None, 2, 3):
                result = run("convert", path, self.folder / "no.h5", "--missing", "mean",
                             ranks=ranks)
                self.assert_ends(result, 3)
                self.assertIn(f"{path}:240002:13: column 2 ('t'): expected a finite decimal "
                              "number, found 'v'", result.stderr)

    def test_what_was_decided_is_said(self):
        data = self.write("a.csv", "cap,odor,outcome\na,x,e\nb,x,p\n")
        with h5py.File(self.convert(data, "--label-column", "last")) as file:
            self.assertEqual(file["X"].shape, (2, 3))
        self.assertIn("2 columns of texts one-hot: 'cap' (2 texts), 'odor' (1 text); header: "
                      "yes", self.said)
        self.convert(self.write("b.csv", "1,2,0\n3,4,1\n"), "--label-column", "last")
        self.assertIn("; header: none, the first row is '1,2,0'", self.said)

    def test_lines_longer_than_a_mebibyte_and_as_many_blanks(self):
        width = 200_000
        header = ",".join(f"s{i}" for i in range(width)) + ",y\n"
        self.assertGreater(len(header), 2**20)
        rows = "".join(",".join([str(i)] * width) + f",{i % 2}\n" for i in range(3))
        with h5py.File(self.convert(self.write("a.csv", header + rows), "--layout", "dense",
                                    ranks=2)) as file:
            self.assertEqual(file["X"].shape, (3, width))
            np.testing.assert_array_equal(file["X"][:, -1], [0, 1, 2])
        with h5py.File(self.convert(self.write("b.csv", "\n" * 1_500_000 + "x,y\n5,1\n"))) as file:
            np.testing.assert_array_equal(file["X"][...], [[5]])
        result = run("convert", self.write("c.csv", "\n" * 3_000_000 + "x,y\n5,1\n"),
                     self.folder / "no.h5")
        self.assert_ends(result, 3)
        self.assertIn("begins with more than 2 MiB of comments or empty lines", result.stderr)

    def test_names_behind_a_hash_longer_than_a_chunk(self):
        width = 200_000
        header = "# " + ",".join(f"number{i:06d}" for i in range(width)) + ",y\n"
        self.assertGreater(len(header), 2**21)
        rows = "".join(",".join([str(i)] * width) + f",{i % 2}\n" for i in range(3))
        path = self.write("a.csv", "# made by x\n" + header + rows)
        first = self.convert(path, "--layout", "dense").read_bytes()
        with h5py.File(self.convert(path, "--layout", "dense", ranks=2)) as file:
            self.assertEqual(file["feature_names"][0], b"number000000")
            np.testing.assert_array_equal(file["X"][:, -1], [0, 1, 2])
        self.assertTrue(first == (self.folder / "out.h5").read_bytes())
        # Comments alone may be as long as a mebibyte, and no longer than two.
        for length, code in ((1_500_000, 0), (2_200_000, 3)):
            comment = ("# " + "c" * 97 + "\n") * (length // 100)
            for table in ("# x,y\n5,1\n6,0\n", "x,y\n5,1\n6,0\n", "5,1\n6,0\n"):
                result = run("convert", self.write("b.csv", comment + table),
                             self.folder / "b.h5", "--label-column", 2, "--overwrite")
                self.assert_ends(result, code)
                if code == 0:
                    with h5py.File(self.folder / "b.h5") as file:
                        self.assertEqual(file["X"][...].tolist(), [[5], [6]])
                else:
                    self.assertIn("b.csv:1:1: the file begins with more than 2 MiB of comments or "
                                  "empty lines", result.stderr)

    def test_values_have_the_bits_of_float(self):
        data = self.write("a.csv", "".join(f'{t};"{t}"; {t} ;1\n' for t in HARD_NUMBERS))
        with h5py.File(self.convert(data, "--label-column", 4, "--layout", "dense")) as file:
            expected = bits([[float(t)] * 3 for t in HARD_NUMBERS])
            np.testing.assert_array_equal(bits(file["X"][...]), expected)

    def test_many_files_plain_and_compressed_are_one_data_set(self):
        parts = ["x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(n, n + 5)) for n in (0, 5, 10, 15)]
        self.write("part-0.csv", parts[0])
        self.write("part-1.csv", gzip.compress(parts[1].encode()))
        self.write("part-2.csv", gzip.compress(parts[2][:9].encode()) +
                   gzip.compress(parts[2][9:].encode()))
        packed = self.write("last", parts[3])
        if shutil.which("zstd"):
            subprocess.run(["zstd", "-q", "--rm", packed, "-o", f"{packed}.zst"], check=True)
            packed = self.folder / "last.zst"
        with h5py.File(self.convert(self.folder / "part-*.csv", packed, ranks=2)) as file:
            np.testing.assert_array_equal(file["X"][:, 0], np.arange(20))
        with h5py.File(self.convert(packed, self.folder / "part-0.csv")) as file:
            np.testing.assert_array_equal(file["X"][:, 0], [*range(15, 20), *range(5)])

    def test_one_large_file_is_the_same_for_any_number_of_ranks(self):
        generator = random.Random(2)
        lines = ["a;t;b;label\r\n"]
        values = []
        for i in range(150_000):
            a, b = (f"{generator.gauss(0, 1):.9g}" for _ in range(2))
            b = "NA" if i % 1000 == 999 else b
            text = generator.choice(("red", '"a\n""b"""', '"; x"', '"\r\n\r\n"'))
            lines.append(f"{a};{text};{b};{generator.choice('pq')}\r\n")
            values.append((float(a), math.nan if b == "NA" else float(b)))
        text = "".join(lines).encode()
        plain = self.write("a.csv", text)
        self.assertGreater(len(text), 2 * 2**21)
        values = np.array(values)
        present = values[~np.isnan(values[:, 1]), 1]
        for how, filling in (("mean", math.fsum(present) / len(present)),
                             ("median", statistics.median(present))):
            with h5py.File(self.assert_same_for_any_ranks(plain, "--missing", how)) as file:
                X = dense(file)
            np.testing.assert_array_equal(bits(X[:, 0]), bits(values[:, 0]))
            expected = np.where(np.isnan(values[:, 1]), filling, values[:, 1])
            np.testing.assert_array_equal(bits(X[:, 5]), bits(expected))
            np.testing.assert_array_equal(X[:, 1:5].sum(axis=1), 1)
        whole = (self.folder / "out.h5").read_bytes()
        packed = self.write("a.csv.gz", gzip.compress(text, 1))
        again = self.assert_same_for_any_ranks(packed, "--missing", "median")
        self.assertTrue(whole == again.read_bytes(), "gzip makes another file")

    def test_text_of_several_members_is_as_if_of_one(self):
        generator = random.Random(3)
        table = "a,b,y\n" + "".join(f"{generator.random()},{i},{i % 2}\n" for i in range(120_000))
        sparse = "".join(f"{i % 2} {1 + i % 50}:{generator.random()} 60:{i}\n" for i in range(90_000))
        for name, text in (("a.csv", table.encode()), ("a.svm", sparse.encode())):
            one = self.convert(self.write(name, text)).read_bytes()
            # Members that end within lines and chunks, empty ones, and many small ones as bgzip makes.
            cuts = [0, 1, 1, *range(1000, 400_000, 60_000), len(text) - 1, len(text)]
            parts = [text[a:b] for a, b in zip(cuts, cuts[1:])]
            packed = self.write(f"{name}.gz", b"".join(gzip.compress(part, 1) for part in parts))
            self.assertTrue(one == self.convert(packed, ranks=2).read_bytes(), f"{name}.gz")
            if shutil.which("zstd"):
                frames = [subprocess.run(["zstd", "-qc"], input=part, capture_output=True,
                                         check=True).stdout for part in parts]
                packed = self.write(f"{name}.zst", b"".join(frames))
                self.assertTrue(one == self.convert(packed, ranks=2).read_bytes(), f"{name}.zst")
                # pzstd puts a frame to be skipped before each, with the length of the next one.
                packed = self.write("parts", b"".join(
                    bytes([0x50 + i % 16, 0x2a, 0x4d, 0x18, 4, 0, 0, 0]) +
                    len(frame).to_bytes(4, "little") + frame for i, frame in enumerate(frames)))
                self.assertTrue(one == self.convert(packed, ranks=2).read_bytes(), "skipped")


class Trained(ConvertTest):
    def test_a_converted_file_trains_at_once(self):
        generator = random.Random(4)
        lines = []
        for _ in range(300):
            a, b = generator.gauss(0, 1), generator.gauss(3, 10)
            lines.append(f"{a:.4f},{b:.3f},{int(a - b / 10 + generator.gauss(0, 1) > 0)}")
        data = self.write("a.csv", "\n".join(["a,b,y", *lines]))
        run_directory = self.train(self.convert(data), "--l2", "1e-3", ranks=2)
        self.assertEqual(read_summary(run_directory)["stop_reason"], "converged")

    def test_parts_that_are_converted_one_by_one_get_one_type(self):
        parts = [self.write(name, "a,b,y\n" + "".join(
            f"{scale * i},{i % 7},{i % 2}\n" for i in range(40)))
            for name, scale in (("a.csv", 1), ("b.csv", 0.1))]
        for options, types, code in (((), [np.uint8, np.float64], 3),
                                     (("--type", "float64"), [np.float64] * 2, 0)):
            made = [self.convert(part, *options, out=f"{part.stem}.h5") for part in parts]
            for path, kind in zip(made, types):
                with h5py.File(path) as file:
                    self.assertEqual(file["X"].dtype, kind)
            result = run("train", *made, "--l2", 1, "--out", self.folder / "run")
            self.assert_ends(result, code)
            if code == 3:
                self.assertIn("b.h5 has features of type float64 in /X, but", result.stderr)
                self.assertIn("convert the texts of all files in one call, or each with --type "
                              "float64", result.stderr)
        # Together they get it by themselves.
        with h5py.File(self.convert(*parts)) as file:
            self.assertEqual(file["X"].dtype, np.float64)
        refused = run("convert", parts[1], self.folder / "c.h5", "--type", "float32")
        self.assert_ends(refused, 2)
        self.assertIn("--type float32: does not hold every feature exactly; float64 does",
                      refused.stderr)
        self.assertFalse((self.folder / "c.h5").exists())

    def test_train_says_how_to_convert_a_text_and_the_command_works(self):
        table = self.write("my rows.csv.gz", gzip.compress(b"a,y\n1,0\n2,1\n3,0\n4,1\n"))
        out = self.folder / "run"
        refused = run("train", table, "--out", out)
        self.assert_ends(refused, 3)
        command = refused.stderr.split("first: ")[1].split(" (")[0]
        program, *arguments = shlex.split(command)
        self.assertEqual(program, "paralogit")
        self.assert_ends(run(*arguments), 0)
        self.assert_ends(run("train", self.folder / "my rows.h5", "--out", out), 0)


if __name__ == "__main__":
    unittest.main()
