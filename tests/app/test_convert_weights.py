#!/usr/bin/python3
"""Row weights that are a column of a table come to be where train looks for them."""
import random
import unittest

import h5py
import numpy as np

from converting import dense
from refusals import RefusalTest
from converting import ConvertTest
from support import read_model, run


class Weights(ConvertTest):
    def test_they_are_a_dataset_of_their_own_and_no_feature(self):
        data = self.write("a.csv", 'a;w;t;y\n1;2;u;0\n2;"0.5";v;1\n3; 0 ;u;1\n')
        for option in ("w", 2):
            for layout in ("dense", "csr"):
                with h5py.File(self.convert(data, "--weights", option, "--layout", layout,
                                            ranks=2)) as file:
                    self.assertEqual(list(file["feature_names"].asstr()), ["a", "t=u", "t=v"])
                    self.assertEqual(dense(file).tolist(), [[1, 1, 0], [2, 0, 1], [3, 1, 0]])
                    self.assertEqual(file["weights"][...].tolist(), [2, 0.5, 0])
                    self.assertEqual(file["weights"].dtype, np.float32)
        self.assertIn("; row weights float32, for --weights-name weights", self.said)
        last = self.write("b.csv", "1,0,7\n2,1,300\n")
        with h5py.File(self.convert(last, "--weights", "last", "--label-column", 2)) as file:
            self.assertEqual(file["X"][...].tolist(), [[1], [2]])
            self.assertEqual(file["weights"].dtype, np.uint16)
        self.convert(last, "--label-column", "last")
        with h5py.File(self.folder / "out.h5") as file:
            self.assertNotIn("weights", file)

    def test_the_file_is_the_same_for_any_number_of_ranks(self):
        generator = random.Random(3)
        weights = [generator.random() for _ in range(200_000)]
        data = self.write("a.csv", "w,a,y\n" + "".join(
            f"{w!r},{i % 91},{i % 2}\n" for i, w in enumerate(weights)))
        self.assertGreater(data.stat().st_size, 2 * 2**21)
        with h5py.File(self.assert_same_for_any_ranks(data, "--weights", "w")) as file:
            np.testing.assert_array_equal(file["weights"][...], weights)

    def test_train_and_evaluate_take_them_by_their_name(self):
        generator = random.Random(4)
        lines, repeated = ["a,w,y"], ["a,y"]
        for _ in range(200):
            a, w = generator.gauss(0, 1), generator.randint(0, 3)
            y = int(a + generator.gauss(0, 2) > 0)
            lines.append(f"{a!r},{w},{y}")
            repeated += [f"{a!r},{y}"] * w
        weighted = self.convert(self.write("a.csv", "\n".join(lines)), "--weights", "w", out="w.h5")
        plain = self.convert(self.write("b.csv", "\n".join(repeated)), out="p.h5")
        named = ("--weights-name", "weights")
        model = read_model(self.train(weighted, *named, "--l2", "1e-2", out="w"))
        other = read_model(self.train(plain, "--l2", "1e-2", out="p"))
        np.testing.assert_allclose(model[0], other[0], rtol=1e-7)
        result = run("train", weighted, "--l2", "1e-2", "--out", self.folder / "u")
        self.assertIn("use --weights-name /weights", result.stderr)
        said = [run("evaluate", self.folder / "w" / "model.h5", *arguments).stdout
                for arguments in ((weighted, *named), (plain,))]
        losses = [line for text in said for line in text.splitlines() if "log loss" in line]
        self.assertEqual(losses[0].split()[-1], losses[1].split()[-1], said)

    def test_a_table_like_another_has_those_that_are_named_and_no_others(self):
        train = self.convert(self.write("a.csv", "a,w,y\n1,2,0\n2,1,1\n"), "--weights", "w",
                             out="train.h5")
        test = self.write("b.csv", "w,y,a\n5,1,3\n")
        with h5py.File(self.convert(test, "--like", train, "--weights", "w")) as file:
            self.assertEqual(dense(file).tolist(), [[3]])
            self.assertEqual(file["weights"][...].tolist(), [5])
        with h5py.File(self.convert(test, "--like", train)) as file:
            self.assertEqual(dense(file).tolist(), [[3]])
            self.assertNotIn("weights", file)

    def test_a_feature_that_has_the_name_of_row_weights_is_mentioned(self):
        for name, count in (("sample_weight", 1), ("Row_Weights", 1), ("weight", 0)):
            data = self.write("a.csv", f"a,{name},y\n1,2,0\n2,1,1\n")
            result = run("convert", data, self.folder / "out.h5", "--overwrite", ranks=2)
            self.assert_ends(result, 0)
            self.assertEqual(result.stderr.count(f"column 2 ('{name}') is a feature like the "
                                                 "others"), count, result.stderr)
            result = run("convert", data, self.folder / "out.h5", "--overwrite", "--weights", name)
            self.assertNotIn("like the others", result.stderr)


class WrongWeights(RefusalTest):
    def refused(self, text, place, says, *options, code=3, ranks=(None,)):
        path = self.folder / "bad.csv"
        path.write_text(text)
        line = self.assert_refused(code, "convert", path, self.folder / "out.h5", *options,
                                   says=says, ranks=ranks)
        self.assertTrue(line.startswith(f"{path}:{place}: " if place else f"{path}: "), line)

    def test_weights_that_are_none(self):
        for bad, says in (("-0.5", "the row weight is -0.5; row weights must be at least 0"),
                          ("-1e-320", "row weights must be at least 0"),
                          ("", "the row weight is missing (found nothing)"),
                          ("NA", "the row weight is missing (found 'NA')"),
                          ("1e999", "is beyond the range of double precision"),
                          ("inf", "expected a finite decimal number, found 'inf'; row weights"),
                          ("heavy", "found 'heavy'; row weights are numbers")):
            self.refused(f"a,w,y\n1,1,0\n2, {bad},1\n", "3:4", says, "--weights", "w",
                         "--missing", "mean", ranks=(None, 2))

    def test_columns_that_cannot_be_row_weights(self):
        text = "a,w,y\n1,1,0\n2,2,1\n"
        for options, says in ((("v",), "--weights v: there is no such column"),
                              (("y",), "--weights y: this is the column of the labels"),
                              (("w", "--drop", "2"), "--drop 2: this is the column of the row "
                                                     "weights"),
                              (("w", "--text", "w"), "--text w: this is the column of the row "
                                                     "weights"),
                              (("w", "--reference", "w=1"), "is no feature, so it needs none")):
            self.refused(text, None, says, "--weights", *options)
        self.refused("1 1:2\n0 2:1\n", None, "--weights is for tables", "--weights", 1, code=2)


if __name__ == "__main__":
    unittest.main()
