#!/usr/bin/python3
"""Data that cannot be used: each fault has its own message, the same on any number of ranks."""
import fcntl
import os
import subprocess
import sys
import unittest

import h5py
import numpy as np

from refusals import FEATURES, ROWS, RefusalTest
from support import run, write_data


class HugeLabels(RefusalTest):
    def test_integers_that_no_double_tells_apart(self):
        y = self.y.astype(np.int64)
        y[5] = 2**53
        write_data(self.path("huge.h5"), self.X, y)
        self.assert_data_refused("huge.h5", ranks=(None,),
                                 says="huge.h5:/y row 5: integer labels of 2^53 or more")


class NoData(RefusalTest):
    def test_no_such_file(self):
        self.assert_data_refused("absent.h5", says="absent.h5: there is no such file")

    def test_a_pattern_without_a_match(self):
        self.assert_data_refused("part-*.h5", says="part-*.h5: no file matches", ranks=(None, 2))

    def test_a_directory_and_a_pipe(self):
        self.path("folder.h5").mkdir()
        self.assert_data_refused("folder.h5", says="folder.h5: is a directory, not an HDF5 file")
        os.mkfifo(self.path("pipe.h5"))
        self.assert_data_refused("pipe.h5", says="pipe.h5: is a pipe", ranks=(None, 2))

    def test_a_text_and_an_empty_file(self):
        self.path("text.h5").write_text("1.5,2.5,0\n" * 100)
        self.assert_data_refused("text.h5", says="text.h5: is a text, not an HDF5 file; make a "
                                 "data set of it first: paralogit convert text.h5 OUT.h5")
        self.path("noise.h5").write_bytes(bytes(range(256)) * 30)
        self.assert_data_refused("noise.h5", says="noise.h5: is not an HDF5 file")
        self.path("empty.h5").touch()
        self.assert_data_refused("empty.h5", says="empty.h5: is empty (0 bytes)")

    def leave_open(self, name, then=""):
        """What a program that is killed leaves; the newest format has a mark for it."""
        subprocess.run([sys.executable, "-c", f"""
import h5py, os
file = h5py.File({str(self.path(name))!r}, "w", libver="latest")
for path, values in h5py.File({str(self.data)!r}).items():
    file[path] = values[...]
file.flush()
{then}
os._exit(1)"""], check=False)

    def test_a_file_that_a_killed_program_left_open_for_writing(self):
        self.leave_open("left.h5")
        beside = {"HDF5_USE_FILE_LOCKING": "FALSE"}
        line = self.assert_data_refused(
            "left.h5", ranks=(None,), says=("left.h5: is open for writing in another process, or "
                                            "was when that process was killed", "h5clear -s left.h5"))
        self.assertNotIn("LOCKING", line)
        result = run("inspect", self.path("left.h5"), env=beside)
        self.assert_one_error(result, 3, f"h5clear -s {self.path('left.h5')}")
        # HDF5 does not open it beside the writer either.
        with open(self.path("left.h5"), "rb") as writer:
            fcntl.flock(writer, fcntl.LOCK_EX)
            result = run("inspect", self.path("left.h5"))
        self.assert_one_error(result, 3, "half of what it will be; wait for it\n")

    def test_a_file_that_is_written_for_readers_beside(self):
        self.leave_open("swmr.h5", then="file.swmr_mode = True")
        beside = {"HDF5_USE_FILE_LOCKING": "FALSE"}
        self.assert_data_refused("swmr.h5", ranks=(None,),
                                 says="or set HDF5_USE_FILE_LOCKING=FALSE to read it all the same; "
                                 "where nothing writes to it any more, clear the mark that was "
                                 "left: h5clear -s swmr.h5")
        self.assert_ends(run("inspect", self.path("swmr.h5"), env=beside), 0)
        self.assert_ends(run("train", self.path("swmr.h5"), "--out", self.out, env=beside), 0)

    def test_half_of_a_file(self):
        whole = self.data.read_bytes()
        half = self.path("half.h5")
        half.write_bytes(whole[:len(whole) // 2])
        self.assert_data_refused(half, says=(half, "truncated", str(len(whole)), "copy it again"))

    def test_a_file_cut_inside_its_values(self):
        # The superblock says that the file ends where it is cut, as after a bad repair.
        path = self.path("cut.h5")
        with h5py.File(path, "w") as file:
            file["y"] = self.y
            file["X"] = self.X
            cut = file["X"].id.get_offset() + file["X"].id.get_storage_size() - 8
        whole = path.read_bytes()
        end = len(whole).to_bytes(8, "little")
        at = whole.index(end)
        self.assertLess(at, 96, "the end of the file stands in its superblock")
        path.write_bytes((whole[:at] + cut.to_bytes(8, "little") + whole[at + 8:])[:cut])
        self.assert_data_refused(path, says=("cut.h5:/X", "the file ends at", "copy it again"))

    def test_a_damaged_chunk(self):
        path = self.path("damaged.h5")
        with h5py.File(path, "w") as file:
            file.create_dataset("X", data=self.X, chunks=(1000, FEATURES), fletcher32=True)
            file["y"] = self.y
            damaged = file["X"].id.get_chunk_info(5).byte_offset
        with open(path, "r+b") as file:
            file.seek(damaged + 100)
            file.write(b"\xff\xfe\xfd")
        self.assert_data_refused(path, says=f"{path}:/X: cannot", may_name_rank=True)


class NoFit(RefusalTest):
    def write(self, name, **datasets):
        with h5py.File(self.path(name), "w") as file:
            for path, values in datasets.items():
                file.create_dataset(path, data=values)
        return name

    def test_no_features_and_too_many(self):
        self.assert_data_refused(self.write("none.h5", measured=self.X, y=self.y),
                                 says=("none.h5: no dataset has a usual name of features",
                                       "/measured (6000 x 4, float64)",
                                       "--features-name /measured"))
        self.assert_data_refused(self.write("two.h5", X=self.X, data=self.X, y=self.y),
                                 says=("two.h5: 2 datasets could be the features", "/X", "/data",
                                       "--features-name"))
        self.assert_data_refused("data.h5", options=("--features-name", "Z"), ranks=(None, 2),
                                 says="data.h5: --features-name Z: there is no such dataset")

    def test_no_labels_and_too_many(self):
        self.assert_data_refused(self.write("none.h5", X=self.X, outcome=self.y),
                                 says=("none.h5: no dataset has a usual name of labels",
                                       "/outcome (6000, uint8)", "--labels-name /outcome"))
        self.assert_data_refused(self.write("two.h5", X=self.X, y=self.y, label=self.y),
                                 says=("two.h5: 2 datasets could be the labels", "/y", "/label",
                                       "--labels-name"))

    def test_row_counts_that_differ(self):
        self.assert_data_refused(self.write("short.h5", X=self.X, y=self.y[:-1]),
                                 says=("short.h5:/y has 5999 values, but /X (6000 x 4) has 6000 "
                                       "rows", "one for each row"))
        self.assert_data_refused(self.write("turned.h5", X=self.X.T, y=self.y), ranks=(None, 2),
                                 says=("turned.h5:/y has 6000 values", "use --transposed"))
        self.assert_data_refused(self.write("weights.h5", X=self.X, y=self.y, w=np.ones(10)),
                                 options=("--weights-name", "w"), ranks=(None, 2),
                                 says=("weights.h5:/w has 10 values", "6000 rows"))

    def test_no_rows_and_no_features(self):
        self.assert_data_refused(self.write("rows.h5", X=np.zeros((0, 4)), y=np.zeros(0)),
                                 says="rows.h5:/X has no rows")
        self.assert_data_refused(self.write("features.h5", X=np.zeros((50, 0)), y=np.zeros(50)),
                                 says=("features.h5:/X has the shape 50 x 0", "no features"))

    def test_texts_and_compounds_are_no_features(self):
        self.assert_data_refused(self.write("text.h5", X=np.full((50, 2), b"red"), y=np.zeros(50)),
                                 says=("text.h5:/X holds", "features must be numbers"))
        pairs = np.zeros(50, dtype=[("length", "f8"), ("width", "f8")])
        self.assert_data_refused(self.write("compound.h5", X=pairs, y=np.zeros(50)),
                                 says=("compound.h5:/X is a table of records", "in Python"))

    def test_one_dimension_is_no_matrix(self):
        self.assert_data_refused(self.write("flat.h5", X=np.zeros(50), y=np.zeros(50)),
                                 says=("flat.h5:/X has the shape 50", "reshape"), ranks=(None, 2))

    def test_files_that_differ_in_width_or_type(self):
        self.write("narrow.h5", X=self.X[:, :3], y=self.y)
        self.assert_data_refused("data.h5", "narrow.h5",
                                 says=("narrow.h5 has 3 features in /X, but data.h5 has 4",))
        self.write("single.h5", X=self.X.astype("f4"), y=self.y)
        self.assert_data_refused("data.h5", "single.h5",
                                 says=("single.h5 has features of type float32", "but data.h5 has",
                                       "float64"))


class BadValues(RefusalTest):
    def test_label_two(self):
        y = self.y.copy()
        y[[4321, 5000]] = 2
        path = write_data(self.path("two.h5"), self.X, y)
        self.assert_data_refused(path, says=(f"{path}:/y row 4321: label 2 is not in {{0, 1}}",
                                             "found labels 0, 1, 2", "--positive-label"))

    def test_a_positive_label_that_no_row_has(self):
        self.assert_data_refused("data.h5", options=("--positive-label", "7"),
                                 says=("--positive-label 7: no row of data.h5:/y",
                                       "found labels 0, 1"))

    def test_labels_that_are_not_finite(self):
        y = self.y.astype(float)
        y[5999], y[2500] = np.inf, np.nan
        path = write_data(self.path("nan.h5"), self.X, y)
        self.assert_data_refused(path, says=f"{path}:/y row 2500: the label is not a finite number")

    def test_the_lowest_row_that_is_not_finite_whatever_the_number_of_ranks(self):
        # Rows of all ranks; in the lowest the lowest column.
        path = self.altered("nan.h5", {(5990, 0): np.nan, (4000, 1): np.inf, (2222, 3): -np.inf,
                                       (2222, 2): np.nan, (3000, 0): np.nan})
        self.assert_data_refused(path, ranks=(None, 2, 3, 5),
                                 says=f"{path}:/X row 2222, column 2: the value is nan")
        path = self.altered("inf.h5", {(5, 3): np.inf})
        self.assert_data_refused(path, says=f"{path}:/X row 5, column 3: the value is inf")

    def test_rows_are_counted_within_their_file(self):
        bad = self.altered("bad.h5", {(17, 1): np.nan})
        self.assert_data_refused("data.h5", bad, says=f"{bad}:/X row 17, column 1")

    def test_a_feature_that_has_a_name(self):
        path = self.altered("named.h5", {(100, 2): np.nan})
        with h5py.File(path, "a") as file:
            file["feature_names"] = [b"height", b"width", b"weight", b"age"]
        self.assert_data_refused(path, says="row 100, 'weight' (column 2)", ranks=(None, 2))

    def test_row_weights(self):
        for value, shown in ((np.nan, "nan"), (-1.0, "-1"), (np.inf, "inf")):
            weights = np.ones(ROWS)
            weights[[1234, 5555]] = value
            path = write_data(self.path("weights.h5"), self.X, self.y)
            with h5py.File(path, "a") as file:
                file["w"] = weights
            self.assert_data_refused(
                path, options=("--weights-name", "w"),
                says=f"{path}:/w row 1234: the row weight is {shown}; row weights must be finite")

    def test_a_bad_value_and_a_bad_weight_of_which_the_lower_row_counts(self):
        path = self.altered("both.h5", {(900, 0): np.nan})
        weights = np.ones(ROWS)
        weights[5000] = -1
        with h5py.File(path, "a") as file:
            file["w"] = weights
        self.assert_data_refused(path, options=("--weights-name", "w"), says=f"{path}:/X row 900")

    def test_no_row_that_counts(self):
        with h5py.File(self.data, "a") as file:
            file["w"] = np.zeros(ROWS)
        self.assert_data_refused("data.h5", options=("--weights-name", "w"),
                                 says=("data.h5:/w: every row weight is 0", "at least one"))

    def test_values_whose_sums_overflow(self):
        path = self.altered("huge.h5", {(3, 1): 1e308, (4, 1): 1e308})
        self.assert_data_refused(path, says=("huge.h5:/X: column 1", "rescale"))

    def test_a_fill_value_that_leaves_no_digits_to_the_others(self):
        path = self.altered("fill.h5", {(3, 1): 9.96921e36})
        self.assert_data_refused(path, says=("fill.h5:/X: column 1", "fill value"))

    def test_values_too_small_for_sums(self):
        with h5py.File(self.path("tiny.h5"), "w") as file:
            file["X"] = np.random.default_rng(2).normal(size=(50, 3)) * 1e-290
            file["y"] = np.arange(50) % 2
        self.assert_data_refused("tiny.h5", says=("tiny.h5:/X: column 0", "multiply"))


class Elsewhere(RefusalTest):
    """Values that do not lie in the file, or nowhere."""

    def setUp(self):
        super().setUp()
        self.file = h5py.File(self.path("odd.h5"), "w")
        self.addCleanup(self.file.close)
        self.file["y"] = self.y

    def assert_odd_refused(self, *says):
        self.file.close()
        self.assert_data_refused("odd.h5", says=("odd.h5", *says))

    def test_an_external_link(self):
        self.file["X"] = h5py.ExternalLink("data.h5", "/X")
        self.assert_odd_refused("/X (not followed: external link to data.h5:/X)")

    def test_a_soft_link(self):
        self.file["hidden"] = self.X
        self.file["X"] = h5py.SoftLink("/hidden")
        self.assert_odd_refused("/X (not followed: soft link to /hidden)")

    def test_a_virtual_dataset(self):
        layout = h5py.VirtualLayout(shape=self.X.shape, dtype="f8")
        layout[...] = h5py.VirtualSource(self.data, "X", shape=self.X.shape)
        self.file.create_virtual_dataset("X", layout)
        self.assert_odd_refused("/X: it is virtual", "write the values into one file")

    def test_external_storage(self):
        self.X.tofile(self.path("values.raw"))
        self.file.create_dataset("X", self.X.shape, "f8",
                                 external=[("values.raw", 0, h5py.h5f.UNLIMITED)])
        self.assert_odd_refused("/X: its values lie in another file")

    def test_eight_pebibytes_in_one_piece(self):
        # Late allocation: the file is small and promises all the same.
        self.file.create_dataset("X", (1 << 40, 1 << 10), "f8")
        self.assert_odd_refused("/X:", "bytes")

    def test_eight_pebibytes_in_chunks(self):
        self.file.create_dataset("X", (1 << 40, 1 << 10), "f8", chunks=(1 << 10, 1 << 10))
        self.assert_odd_refused("/X:", "damaged or hostile")

    def test_chunks_that_were_never_written(self):
        features = self.file.create_dataset("X", self.X.shape, "f8", chunks=(1000, FEATURES))
        features[:1000] = self.X[:1000]
        features[2000:] = self.X[2000:]
        self.assert_odd_refused("/X: only 5 of its 6 chunks were ever written")

    def test_values_that_were_never_written(self):
        self.file.create_dataset("X", self.X.shape, "f8")
        self.assert_odd_refused("/X:", "never written")


class OtherCommands(RefusalTest):
    def setUp(self):
        super().setUp()
        self.model = self.train(self.data, "--l2", "1e-3") / "model.h5"

    def test_not_finite_values_and_missing_labels(self):
        bad = self.altered("bad.h5", {(5000, 1): np.nan, (2000, 3): np.inf})
        says = f"{bad}:/X row 2000, column 3: the value is inf"
        self.assert_refused(3, "predict", self.model, bad, "--out", "p.csv", says=says)
        self.assert_refused(3, "predict", self.model, bad, "--out", "p.h5", says=says, ranks=(2,))
        self.assert_refused(3, "evaluate", self.model, bad, says=says)
        unlabelled = write_data(self.path("unlabelled.h5"), self.X)
        self.assert_refused(3, "evaluate", self.model, unlabelled,
                            says=f"{unlabelled}: no dataset has a usual name of labels")

    def test_inspect_tells_the_same(self):
        self.assert_refused(3, "inspect", "absent.h5", says="absent.h5: there is no such file")
        path = write_data(self.path("unlabelled.h5"), self.X)
        self.assert_refused(3, "inspect", path, ranks=(None, 2),
                            says=f"{path}: no dataset has a usual name of labels")

    def test_a_missing_file_to_predict(self):
        for command, options in (("predict", ("--out", "p.csv")), ("evaluate", ())):
            self.assert_refused(3, command, self.model, "absent.h5", *options, ranks=(None, 2),
                                says="absent.h5: there is no such file")


if __name__ == "__main__":
    unittest.main()
