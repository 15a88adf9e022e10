#!/usr/bin/python3
"""The focal loss: the optimum of an independent solver, the same bits everywhere, what is refused."""
import json
import unittest

import h5py
import numpy as np

from support import (IRIS, SOURCE, AppTest, made_up, objective, read_model, read_summary, run, text_of,
                     write_data)


class FocalLoss(AppTest):
    def turned_round(self):
        with h5py.File(IRIS) as file:
            X, y = file["X"][...].astype(float), file["y"][...].reshape(-1).astype(float)
        y[::7] = 1 - y[::7]
        return X, y

    def test_it_leads_every_solver_to_the_optimum_of_scipy(self):
        golden = json.loads((SOURCE / "tests" / "golden" / "focal.json").read_text())
        X, y = self.turned_round()
        data = self.folder / "iris.h5"
        with h5py.File(data, "w") as file:
            file["X"], file["y"] = X, y
            file["soft"] = np.where(np.arange(len(y)) % 5 == 0, 0.3, y)
            file["s"] = 1.0 + np.arange(len(y)) % 3
        for name, expected in golden.items():
            if name.startswith("_"):
                continue
            options = ["--loss", "focal", "--focal-gamma", expected["gamma"]]
            if expected["alpha"] is not None:
                options += ["--focal-alpha", expected["alpha"]]
            options += ["--labels-name", "soft" if name.endswith("soft") else "y"]
            options += ["--weights-name", "s"] if name.endswith("weights") else []
            solvers = ("newton", "newton-cg", "lbfgs") if name == "gamma 2" else ("auto",)
            for solver in solvers:
                with self.subTest(name=name, solver=solver):
                    run_of = self.train(data, *options, "--l2", expected["l2"], "--solver", solver,
                                        "--tolerance", "1e-12", "--verify", out=name + solver,
                                        ranks=2)
                    told = read_summary(run_of)
                    w, b = read_model(run_of)
                    self.assertEqual(told["loss_is"], "focal")
                    self.assertAlmostEqual(told["objective"], expected["objective"], delta=1e-13)
                    np.testing.assert_allclose(w, expected["coefficients"], rtol=1e-7)
                    self.assertAlmostEqual(b, expected["intercept"], delta=1e-6)

    def test_the_largest_gamma_is_trained_to_its_optimum(self):
        X, y = self.turned_round()
        gamma = 32
        run_of = self.train(write_data(self.folder / "iris.h5", X, y), "--loss", "focal",
                            "--focal-gamma", gamma, "--verify")
        told = read_summary(run_of)
        w, b = read_model(run_of)
        z = np.where(y > 0, 1, -1) * (X.astype(np.longdouble) @ w + b)
        p, q = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
        loss = float(np.mean(q**gamma * -np.log(p)))
        slopes = np.where(y > 0, -1, 1) * q**gamma * (gamma * p * -np.log(p) + q)
        standardised = np.column_stack([(X - X.mean(0)) / X.std(0), np.ones(len(y))])
        self.assertEqual(told["stop_reason"], "converged")
        self.assertGreater(told["iterations"], 2)
        self.assertLess(loss, 0.9 * 2.0**-gamma * np.log(2))
        self.assertLess(abs(told["objective"] / loss - 1), 1e-11)
        self.assertLess(np.max(np.abs(slopes @ standardised / len(y))), 1.1e-9 * 2.0**-gamma)

    def test_it_has_the_same_bits_for_any_ranks_threads_and_instruction_set(self):
        X, y = made_up(3000, 7, seed=5)
        data = write_data(self.folder / "data.h5", X, y)
        hashes = {
            (ranks, threads, isa): self.train_hash(
                data, "--loss", "focal", "--focal-alpha", "0.25", "--threads", threads, "--isa",
                isa, "--validation-fraction", "0.2", out=f"{ranks}-{threads}-{isa}", ranks=ranks)
            for ranks, threads, isa in (
                (1, 1, "portable"), (1, 2, "auto"), (2, 2, "avx2"), (3, 1, "auto"), (5, 2, "portable"))}
        self.assertEqual(len(set(hashes.values())), 1, hashes)

    def test_it_goes_on_where_it_stopped_but_not_with_another_loss(self):
        X, y = made_up(1000, 5, seed=6)
        data = write_data(self.folder / "data.h5", X, y)
        options = (data, "--loss", "focal", "--solver", "lbfgs")
        whole = read_summary(self.train(*options, out="whole"))
        stopped = self.train(*options, "--max-iterations", 3, out="stopped")
        for others, says in (
                ((), "--loss focal, but now it is bce"),
                (("--loss", "focal", "--focal-gamma", "1"), "--focal-gamma 2, but now it is 1"),
                (("--loss", "focal", "--focal-alpha", "0.5"), "--focal-alpha unset")):
            result = run("train", data, "--solver", "lbfgs", *others, "--out", stopped, "--resume")
            self.assert_ends(result, 4)
            self.assertIn(says, result.stderr)
        resumed = read_summary(self.train(*options, "--resume", out="stopped", ranks=2))
        self.assertEqual(resumed["model_sha256"], whole["model_sha256"])
        with h5py.File(stopped / "model.h5") as file:
            self.assertEqual(text_of(file, "loss"), "focal")
            self.assertEqual(text_of(file, "focal-gamma"), "2")
        lines = (stopped / "metrics.jsonl").read_text().splitlines()
        self.assertEqual({json.loads(line)["loss_is"] for line in lines}, {"focal"})

    def test_gamma_zero_is_bce_and_an_l1_penalty_makes_zeros(self):
        X, y = made_up(1000, 5, seed=6)
        data = write_data(self.folder / "data.h5", X, y)
        bce = read_summary(self.train(data, out="bce"))
        zero = read_summary(
            self.train(data, "--loss", "focal", "--focal-gamma", "0", out="gamma0"))
        for name in ("model_sha256", "objective", "loss_is"):
            self.assertEqual(zero[name], bce[name])
        both = [read_summary(self.train(data, "--loss", "focal", "--l1", "0.1", "--solver", solver,
                                        "--tolerance", "1e-10", out=solver))
                for solver in ("prox-newton", "owl-qn")]
        self.assertAlmostEqual(both[0]["objective"], both[1]["objective"], delta=1e-12)
        self.assertEqual(both[0]["nonzeros"], both[1]["nonzeros"])
        self.assertLess(both[0]["nonzeros"], 5)

    def test_validation_goes_by_the_same_loss_and_evaluate_by_the_log_loss(self):
        X, y = made_up(400, 4, seed=2)
        data = write_data(self.folder / "data.h5", X, y)
        told = read_summary(self.train(data, "--loss", "focal", "--focal-alpha", "0.25",
                                       "--validation", data))
        self.assertAlmostEqual(told["validation"]["loss"], told["loss"], delta=1e-15)
        model = self.folder / "run" / "model.h5"
        self.assert_ends(run("evaluate", model, data, "--out", self.folder / "metrics"), 0)
        metrics = json.loads((self.folder / "metrics" / "metrics.json").read_text())
        w, b = read_model(self.folder / "run")
        self.assertAlmostEqual(metrics["log_loss"], float(objective(X, y, w, b, 0)), delta=1e-13)

    def test_one_batch_of_all_rows_is_the_gradient_of_descent(self):
        X, y = made_up(500, 4, seed=9)
        data = write_data(self.folder / "data.h5", X, y)
        options = (data, "--loss", "focal", "--focal-alpha", "0.75", "--learning-rate", "0.5")
        full = read_model(self.train(*options, "--solver", "gd", "--max-iterations", 3, out="gd"))
        batch = [read_model(self.train(*options, "--solver", "sgd", "--batch-size", 500,
                                       "--max-iterations", 3, out=f"sgd{ranks}", ranks=ranks))
                 for ranks in (1, 3)]
        np.testing.assert_allclose(np.append(*batch[0]), np.append(*full), rtol=1e-12)
        np.testing.assert_array_equal(np.append(*batch[0]), np.append(*batch[1]))

    def test_batches_have_the_same_bits_resident_and_streamed(self):
        X, y = made_up(6000, 40, seed=3)
        data = write_data(self.folder / "data.h5", X.astype("f4"), y)
        for solver in ("sgd", "adam"):
            options = (data, "--loss", "focal", "--focal-alpha", "0.25", "--solver", solver,
                       "--batch-size", "300", "--max-iterations", "3", "--validation-fraction", "0.1")
            told = [read_summary(self.train(*options, *more, ranks=ranks, out=f"{solver}-{ranks}"))
                    for ranks, more in ((1, ()), (3, ()), (2, ("--memory-limit", "1500k")))]
            self.assertEqual([each["rows_are"] for each in told],
                             ["resident", "resident", "streamed"])
            for name in ("model_sha256", "objective", "validation"):
                self.assertEqual(told[1][name], told[0][name], (solver, name))
                self.assertEqual(told[2][name], told[0][name], (solver, name))
            self.assertLess(told[0]["validation"]["loss"], 0.5 * 0.25 * np.log(2))

    def test_what_is_refused(self):
        for options, says in (
                (("--focal-gamma", "1"), "--focal-gamma goes with --loss focal"),
                (("--loss", "focal", "--inference"), "--inference: a focal loss is no likelihood"),
                (("--loss", "hinge"), "--loss hinge: expected"),
                (("--loss", "focal", "--focal-gamma", "33"), "--focal-gamma 33: expected a number"),
                (("--loss", "focal", "--focal-gamma", "-1"), "--focal-gamma -1: expected a number"),
                (("--loss", "focal", "--focal-alpha", "1"), "--focal-alpha 1: expected a number")):
            result = run("train", IRIS, "--out", self.folder / "out", *options)
            self.assert_ends(result, 2)
            self.assertIn(says, result.stderr)


if __name__ == "__main__":
    unittest.main()
