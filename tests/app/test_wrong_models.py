#!/usr/bin/python3
"""Models and checkpoints that are damaged or belong to something else: exit code 4."""
import unittest

import h5py
import numpy as np

from refusals import RefusalTest
from support import made_up, read_summary, run, write_data

OPTIONS = ("--l2", "1e-3", "--checkpoint-every", "1", "--tolerance", "1e-8")
STOPPED = ("--max-iterations", "5")


def flip_a_byte(path, position=None):
    """Of the middle unless told; what is written never equals what was there."""
    content = bytearray(path.read_bytes())
    at = len(content) // 2 if position is None else position
    content[at] ^= 0xFF
    path.write_bytes(content)


class Resuming(RefusalTest):
    def setUp(self):
        super().setUp()
        self.train(self.data, *OPTIONS, *STOPPED, out="run", ranks=2)
        self.checkpoints = sorted((self.out / "checkpoints").iterdir())
        self.assertEqual(len(self.checkpoints), 3)

    def assert_resume_refused(self, *options, says, data=None, ranks=(None,)):
        # An option may be given once: this one stands in for ours.
        ours = OPTIONS if "--l2" not in options else OPTIONS[2:]
        self.assert_refused(4, "train", data or self.data, "--out", self.out, "--resume", *ours,
                            *options, says=says, ranks=ranks)

    def test_a_damaged_checkpoint_gives_way_to_the_one_before(self):
        undamaged = self.train_hash(self.data, *OPTIONS, out="undamaged")
        flip_a_byte(self.checkpoints[-1])
        self.checkpoints[-2].write_bytes(self.checkpoints[-2].read_bytes()[:1000])
        result = run("train", self.data, *OPTIONS, "--out", self.out, "--resume", ranks=3)
        self.assert_ends(result, 0)
        for path in self.checkpoints[1:]:
            self.assertIn(f"warning: checkpoint {path} is passed over: it is damaged",
                          result.stderr)
        self.assertIn(f"resuming after iteration 3, from {self.checkpoints[0]}", result.stderr)
        self.assertEqual(read_summary(self.out)["model_sha256"], undamaged)

    def test_nothing_but_damaged_checkpoints(self):
        flip_a_byte(self.checkpoints[0])
        self.checkpoints[1].write_bytes(b"")
        self.checkpoints[2].write_text("not a checkpoint")
        self.assert_resume_refused(
            says=("cannot resume: no checkpoint is whole", *self.checkpoints, "it is damaged",
                  "--overwrite"), ranks=(None, 2, 5))

    def test_another_data_set(self):
        X = self.X.copy()
        X[4000, 2] += 1e-9
        other_value = write_data(self.path("value.h5"), X, self.y)
        self.assert_resume_refused(data=other_value, ranks=(None, 2, 5),
                                   says=("another data set of the same shape", "--out"))
        turned = write_data(self.path("turned.h5"), np.vstack([self.X[:1], self.X[:0:-1]]),
                            np.concatenate([self.y[:1], self.y[:0:-1]]))
        self.assert_resume_refused(data=turned, says="another data set of the same shape")
        y = self.y.copy()
        y[-1] = 1 - y[-1]
        other_label = write_data(self.path("label.h5"), self.X, y)
        self.assert_resume_refused(data=other_label, says="another data set of the same shape")
        for X, y, shape in ((self.X[:-1], self.y[:-1], "5999 x 4"),
                            (self.X[:, :3], self.y, "6000 x 3")):
            other_shape = write_data(self.path("shape.h5"), X, y)
            self.assert_resume_refused(
                data=other_shape, ranks=(None, 2),
                says=("a data set of 6000 rows x 4 features", f"this one has {shape}"))

    def test_options_that_would_lead_elsewhere(self):
        self.assert_resume_refused("--l2", "0.5", ranks=(None, 2, 5),
                                   says="the run was started with --l2 0.001, but now it is 0.5")
        for name, then, now in (("solver", "newton", "gd"), ("hessian-fraction", "unset", "1/2"),
                                ("intercept", "yes", "no"), ("standardize", "yes", "no"),
                                ("initial", "zeros", "ones"), ("reduction", "exact", "fast")):
            self.assert_resume_refused(
                f"--{name}", "0.5" if now == "1/2" else now,
                says=f"the run was started with --{name} {then}, but now it is {now}")

    def test_other_bounds_and_factors_are_told_in_numbers(self):
        numbers = {name: self.path(name) for name in ("low", "same", "higher", "shuffled")}
        for path, lines in zip(numbers.values(), ("-1 -2 -3 0", "-1 -2 -3 0.0", "-1 -2 -3 1",
                                                  "-2 -1 -3 0")):
            path.write_text("\n".join(lines.split()) + "\n")
        start = ("train", self.data, "--l2", "1e-3", "--max-iterations", "1", "--out")
        bounded = self.path("bounded")
        self.assert_ends(run(*start, bounded, "--lower", numbers["low"], "--upper", "5",
                             "--penalty-factors", "2"), 0)
        low, factors = ("--lower", numbers["low"]), ("--penalty-factors", "2")
        upper = ("--upper", "5")
        for options, says in (
                ((*low, *factors, "--upper", "4.5"), "--upper 5, but now it is 4.5"),
                ((*low, *factors), "--upper 5, but now it is unset"),
                ((*low, *upper), "--penalty-factors 2, but now it is unset"),
                (("--lower", "-3", *upper, *factors),
                 "--lower a number per feature, -3 to 0, but now it is -3;"),
                (("--lower", numbers["higher"], *upper, *factors),
                 "--lower a number per feature, -3 to 0, but now it is a number per feature, -3 to 1;"),
                (("--lower", numbers["shuffled"], *upper, *factors),
                 "other contents of --lower (a number per feature, -3 to 0 both times)")):
            self.assert_refused(4, *start, bounded, *options, "--resume", ranks=(None,),
                                says=("cannot resume: the run was started with", says))
        # The same numbers from another file are the same bounds.
        self.assert_ends(run(*start, bounded, "--lower", numbers["same"], *upper, *factors,
                             "--resume"), 0)

    def test_stopping_and_output_options_may_change(self):
        result = run("train", self.data, "--l2", "1e-3", "--tolerance", "1e-5",
                     "--max-iterations", "40", "--checkpoint-every", "0", "--keep-checkpoints", "1",
                     "--time-limit", "1h", "--quiet", "--out", self.out, "--resume")
        self.assert_ends(result, 0)
        self.assertEqual(read_summary(self.out)["stop_reason"], "converged")


class Starting(RefusalTest):
    def test_an_initial_model_that_does_not_fit(self):
        other = write_data(self.path("other.h5"), self.X[:, :3], self.y)
        model = self.train(other, *STOPPED, out="other") / "model.h5"
        self.assert_data_refused(
            self.data, options=("--initial", model), code=4,
            says=(f"{model}: the model has 3 coefficients, but the data has 4 features",))
        self.assert_data_refused(self.data, options=("--initial", "zero"), code=2, ranks=(None, 2),
                                 says="--initial zero: expected zeros, ones, or the path")
        self.assert_data_refused(self.data, options=("--initial", other), code=4, ranks=(None, 2),
                                 says=f"{other}: is no model")


    def test_an_initial_model_of_other_features(self):
        names = {"here": ["a", "b", "c", "d"], "there": ["a", "c", "b", "d"]}
        for name, features in names.items():
            write_data(self.path(f"{name}.h5"), self.X, self.y)
            with h5py.File(self.path(f"{name}.h5"), "a") as file:
                file["feature_names"] = features
        model = self.train(self.path("there.h5"), *STOPPED, out="named") / "model.h5"
        self.assert_data_refused(
            self.path("here.h5"), options=("--initial", model), code=4,
            says="column 1 is 'b', but the model was trained with 'c' there")


class Using(RefusalTest):
    def setUp(self):
        super().setUp()
        names = np.array([b"height", b"width", b"weight", b"age"])
        self.named = self.copy_with_names("named.h5", names)
        self.model = self.train(self.named, *STOPPED) / "model.h5"

    def copy_with_names(self, name, names):
        path = write_data(self.path(name), self.X, self.y)
        with h5py.File(path, "a") as file:
            file["feature_names"] = names
        return path

    def assert_use_refused(self, model, data, says, code=4, ranks=(None, 2)):
        """By both commands that use a model."""
        self.assert_refused(code, "predict", model, data, "--out", "p.csv", says=says, ranks=ranks)
        self.assert_refused(code, "evaluate", model, data, says=says, ranks=(None,))

    def test_no_model(self):
        self.assert_use_refused("absent.h5", self.data, "absent.h5: there is no such file",
                                ranks=(None, 2, 5))
        self.assert_use_refused(self.data, self.data, f"{self.data}: is no model")
        self.path("text.h5").write_text("coefficients: 1 2 3")
        self.assert_use_refused("text.h5", self.data, "text.h5: is not an HDF5 file")
        checkpoint = next((self.model.parent / "checkpoints").iterdir())
        self.assert_use_refused(checkpoint, self.data, (checkpoint, "is of the format 'paralogit "
                                                        "checkpoint 1'"))

    def test_a_damaged_model(self):
        with h5py.File(self.model) as file:
            where = {name: file[name].id.get_chunk_info(0).byte_offset if file[name].chunks
                     else file[name].id.get_offset() for name in ("coefficients", "intercept")}
        sound = self.model.read_bytes()
        for name, offset in where.items():
            self.model.write_bytes(sound)
            flip_a_byte(self.model, offset + 1)
            self.assert_use_refused(self.model, self.data, (f"{self.model}", ), ranks=(None, 2))
        self.model.write_bytes(sound[:len(sound) // 2])
        self.assert_use_refused(self.model, self.data, (f"{self.model}: is", "truncated"))

    def test_any_flipped_byte_changes_nothing_or_is_refused(self):
        # A spread over the whole file; no crash, and never other predictions.
        self.assert_ends(run("predict", self.model, self.named, "--out", self.path("sound.csv")), 0)
        sound, predictions = self.model.read_bytes(), self.path("sound.csv").read_bytes()
        damaged = self.path("damaged.h5")
        for position in range(7, len(sound), len(sound) // 40):
            damaged.write_bytes(sound)
            flip_a_byte(damaged, position)
            out = self.path("p.csv")
            result = run("predict", damaged, self.named, "--out", out, "--overwrite", timeout=10)
            self.assertIn(result.returncode, (0, 4), f"byte {position}: {result.stderr}")
            if result.returncode == 0:
                self.assertEqual(out.read_bytes(), predictions, f"byte {position}")

    def test_data_of_another_width(self):
        X, y = made_up(3000, 6)
        wide = write_data(self.path("wide.h5"), X, y)
        self.assert_use_refused(self.model, wide, f"{wide}: the data has 6 features, but the model "
                                                  "has 4 coefficients", ranks=(None, 2, 5))

    def test_sparse_data_of_another_width(self):
        def sparse(name, features):
            with h5py.File(self.path(name), "w") as file:
                group = file.create_group("X")
                group["data"], group["indices"] = np.ones(8), np.arange(8) % 2
                group["indptr"], group.attrs["shape"] = np.arange(9), (8, features)
                file["y"] = np.array([0, 0, 1, 0, 1, 1, 0, 1])
            return self.path(name)

        narrow, wide = sparse("narrow.h5", 2), sparse("wide.h5", 3)
        of_wide = self.train(wide, "--l2", "1", out="of_wide") / "model.h5"
        of_narrow = self.train(narrow, "--l2", "1", out="of_narrow") / "model.h5"
        like = "convert it with --like and the data set that the model was trained on"
        self.assert_use_refused(of_wide, narrow, like + ")", ranks=(None,))
        self.assert_use_refused(of_narrow, wide, like + "; where that is LIBSVM with fewer features,"
                                " convert it with --features 3 and train anew)", ranks=(None,))

    def test_data_whose_first_feature_had_another_index(self):
        for name, lines in (("zero", "1 0:1 2:1\n0 1:2 2:1\n1 0:1\n0 2:3\n"),
                            ("one", "1 1:1 2:1\n0 1:2 2:1\n0 1:1\n1 2:3\n")):
            self.path(f"{name}.svm").write_text(lines)
            for suffix, layout in (("", "csr"), ("-dense", "dense")):
                self.assert_ends(run("convert", self.path(f"{name}.svm"), "--layout", layout,
                                     self.path(f"{name}{suffix}.h5"), "--features", "3"), 0)
        for layout in ("", "-dense"):
            zero, one = (self.path(f"{name}{layout}.h5") for name in ("zero", "one"))
            model = self.train(zero, "--l2", "1", out=f"of_zero{layout}") / "model.h5"
            self.assert_use_refused(
                model, one, f"{one} was converted from LIBSVM with 1 as the index of its first "
                "feature, but what the model was trained on with 0: the columns are shifted by "
                f"one; convert the text of {one} again with --like TRAIN.h5", ranks=(None,))
        self.assert_refused(
            3, "train", zero, "--validation", one, "--out", self.path("new"), ranks=(None,),
            says=(f"but {zero} with 0", f"convert the text of {one} again with --like {zero}"))

    def test_data_with_other_names(self):
        other = self.copy_with_names("other.h5", np.array([b"height", b"weight", b"width", b"age"]))
        self.assert_use_refused(self.model, other, f"{other}: column 1 is 'weight', but the model "
                                                   "was trained with 'width' there",
                                ranks=(None, 2, 5))

    def test_where_predictions_cannot_go(self):
        self.path("p.csv").write_text("precious\n")
        self.assert_refused(2, "predict", self.model, self.data, "--out", "p.csv",
                            says=("p.csv: exists already", "--overwrite"))
        for name in ("p.parquet", "p"):
            self.assert_refused(2, "predict", self.model, self.data, "--out", name,
                                says=(f"{name}: the output is written", ".csv, .h5 or .hdf5"))
        self.assert_refused(6, "predict", self.model, self.data, "--out", "no/such/p.csv",
                            says="no/such/p.csv: cannot create: No such file")


if __name__ == "__main__":
    unittest.main()
