#!/usr/bin/python3
"""One model, bit for bit: over ranks, files, storage, and after any stop and resume."""
import sys
import unittest

import h5py
import numpy as np

from support import AppTest, made_up, read_summary, run, write_data

RANKS = (1, 2, 3, 5, 8, 16)


class SameBits(AppTest):
    def setUp(self):
        super().setUp()
        # More blocks than ranks, and features that a plain sum rounds differently in each order.
        self.X, self.y = made_up(20_000, 40, seed=3)
        self.X[17, 5] = 1e9
        self.data = write_data(self.folder / "data.h5", self.X, self.y)

    def test_any_number_of_ranks_gives_one_model_and_plain_sums_do_not(self):
        exact = {self.train_hash(self.data, out=f"exact-{n}", ranks=n) for n in RANKS}
        fast = {self.train_hash(self.data, "--reduction", "fast", out=f"fast-{n}", ranks=n)
                for n in RANKS}
        print(f"distinct models over {len(RANKS)} rank counts: {len(exact)} with exact sums, "
              f"{len(fast)} with plain sums", file=sys.stderr)
        self.assertEqual(len(exact), 1)
        self.assertGreater(len(fast), 1)

    def test_seven_files_give_the_model_of_one(self):
        one = self.train_hash(self.data, out="one")
        # Uneven parts, one of them empty.
        cuts = [0, 1, 700, 700, 5_000, 9_999, 15_000, len(self.y)]
        parts = [write_data(self.folder / f"part-{i}.h5", self.X[a:b], self.y[a:b])
                 for i, (a, b) in enumerate(zip(cuts, cuts[1:]))]
        for ranks in (1, 3):
            self.assertEqual(self.train_hash(*parts, out=f"seven-{ranks}", ranks=ranks), one)
        pattern = self.folder / "part-*.h5"
        self.assertEqual(self.train_hash(pattern, out="pattern", ranks=2), one)

    def test_storage_does_not_matter(self):
        one = self.train_hash(self.data, out="one")
        for name, options in {
            "gzip": {"chunks": (1000, 7), "compression": "gzip", "shuffle": True},
            "fletcher": {"chunks": (333, 40), "fletcher32": True},
            "big_endian": {"dtype": ">f8"},
        }.items():
            path = self.folder / f"{name}.h5"
            with h5py.File(path, "w") as file:
                file.create_dataset("X", data=self.X, **options)
                file.create_dataset("y", data=self.y)
            self.assertEqual(self.train_hash(path, out=name, ranks=2), one, name)
        turned = write_data(self.folder / "turned.h5", np.ascontiguousarray(self.X.T), self.y)
        self.assertEqual(self.train_hash(turned, "--transposed", out="turned", ranks=3), one)

    def test_the_stored_type_of_representable_numbers_does_not_matter(self):
        X = np.round(self.X[:3000] % 50)
        hashes = set()
        for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">f4", ">i2"):
            path = write_data(self.folder / f"{kind.strip('>')}-{kind[0] == '>'}.h5",
                              X.astype(kind), self.y[:3000])
            hashes.add(self.train_hash(path, "--l2", "1e-3", out=f"run-{path.stem}", ranks=2))
        self.assertEqual(len(hashes), 1)

    def test_resuming_after_every_iteration_gives_the_model_of_the_whole_run(self):
        options = (self.data, "--tolerance", "1e-7", "--checkpoint-every", "1")
        for solver in (("--solver", "newton"), ("--solver", "newton-cg"), ("--solver", "lbfgs"),
                       ("--solver", "gd", "--max-iterations", "15"),
                       ("--solver", "gd", "--learning-rate", "0.5", "--max-iterations", "8")):
            name = "-".join(s.strip("-") for s in solver)
            whole = read_summary(self.train(*options, *solver, out=f"whole-{name}"))
            stopped = f"stopped-{name}"
            for stop in range(whole["iterations"] + 1):
                # Another number of ranks for each piece; the first one starts afresh.
                arguments = (*options, *solver[:2 if "--learning-rate" not in solver else 4],
                             "--resume", "--max-iterations", str(stop))
                self.train(*arguments, out=stopped, ranks=1 + stop % 3)
            last = read_summary(self.folder / stopped)
            self.assertEqual(last["iterations"], whole["iterations"], name)
            self.assertEqual(last["model_sha256"], whole["model_sha256"], name)
            # Each iteration is reported once.
            lines = (self.folder / stopped / "metrics.jsonl").read_text().splitlines()
            self.assertEqual(len(lines), whole["iterations"] + 1)

    def test_row_weights_of_two_change_nothing_and_relabelling_changes_the_sign(self):
        X, y = self.X[:2000], self.y[:2000]
        plain = self.folder / "plain.h5"
        with h5py.File(plain, "w") as file:
            file["X"], file["y"], file["w"] = X, y, np.full(len(y), 2.0)
        one = self.train_hash(plain, out="one")
        self.assertEqual(self.train_hash(plain, "--weights-name", "w", out="two", ranks=2), one)

        swapped = write_data(self.folder / "swapped.h5", X, 1 - y)
        self.train(swapped, out="swapped", ranks=2)
        with h5py.File(self.folder / "one" / "model.h5") as a, \
                h5py.File(self.folder / "swapped" / "model.h5") as b:
            np.testing.assert_array_equal(a["coefficients"][...], -b["coefficients"][...])
            self.assertEqual(a["intercept"][0], -b["intercept"][0])


class SameFiles(AppTest):
    def test_predictions_have_the_same_bytes_for_any_number_of_ranks(self):
        X, y = made_up(5000, 40)
        data = write_data(self.folder / "data.h5", X, y)
        model = self.train(data) / "model.h5"
        for end, options in ((".csv", ()), (".h5", ()), (".h5", ("--threshold", "0.3"))):
            contents = set()
            for ranks in (1, 2, 3, 5):
                out = self.folder / f"p{ranks}-{len(options)}{end}"
                self.assert_ends(run("predict", model, data, "--out", out, *options, ranks=ranks), 0)
                contents.add(out.read_bytes())
            self.assertEqual(len(contents), 1, end)

    def test_generate_gives_the_same_bytes_for_any_number_of_ranks(self):
        for kind in ("float16", "float32", "float64", "int8", "uint16"):
            contents = set()
            for ranks in (1, 2, 3, 5):
                out = self.folder / f"{kind}-{ranks}.h5"
                self.assert_ends(run("generate", out, "--rows", 3001, "--features", 33, "--type",
                                     kind, "--correlation", 0.4, ranks=ranks), 0)
                contents.add(out.read_bytes())
            self.assertEqual(len(contents), 1, kind)

    def test_sums_that_take_several_messages_give_one_model(self):
        data = self.folder / "wide.h5"
        self.assert_ends(run("generate", data, "--rows", 33, "--features", 530_000, "--quiet"), 0)
        options = (data, "--solver", "gd", "--max-iterations", 1, "--checkpoint-every", 0)
        self.assertEqual(len({self.train_hash(*options, out=f"wide-{ranks}", ranks=ranks)
                              for ranks in (1, 3)}), 1)


if __name__ == "__main__":
    unittest.main()
