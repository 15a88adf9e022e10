#!/usr/bin/python3
"""Places that cannot be read or written: full and read-only disks, hosts that see other files,
directories that are taken. Mounts are made in a namespace of the test's own, which takes root."""
import ctypes
import os
import signal
import subprocess
import sys
import time
import unittest

from refusals import SECONDS, RefusalTest, snapshot
from support import (BINARY, KILL_WAIT, LAUNCHER, command, made_up, read_summary, run,
                     write_data)

OPTIONS = ("--l2", "1e-3", "--tolerance", "1e-8")


def enter_namespace():
    """Mounts of this process and its children are seen by nobody else. Says why it cannot be."""
    new_mount_namespace = 0x00020000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(new_mount_namespace) != 0:
        return f"no mount namespace: {os.strerror(ctypes.get_errno())}"
    made = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, text=True)
    return made.stderr.strip()


NO_NAMESPACE = enter_namespace()


class MountTest(RefusalTest):
    """Its folder holds `disk`, where a file system of the test's own can be mounted."""

    def setUp(self):
        super().setUp()
        if NO_NAMESPACE:
            if os.environ.get("PARALOGIT_REQUIRE_NAMESPACES") == "1":
                self.fail(NO_NAMESPACE)
            self.skipTest(f"NOT TESTED, it takes root: {NO_NAMESPACE}")
        self.disk = self.path("disk")
        self.disk.mkdir()

    def mount(self, *arguments):
        subprocess.run(["mount", *map(str, arguments)], check=True)

    def mount_disk(self, size):
        self.mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.disk)
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)], check=True)

    def fill_disk(self):
        with open(self.disk / "filling", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                pass


class FullDisk(MountTest):
    def test_from_the_start(self):
        self.mount_disk("256k")
        self.fill_disk()
        self.assert_refused(6, "train", self.data, "--out", self.disk / "run",
                            says=(self.disk / "run", "No space left on device"))
        self.assert_refused(6, "generate", self.disk / "g.h5", "--rows", 9000, "--features", 5,
                            says=(self.disk / "g.h5", "No space left on device"))

    def test_while_predictions_and_data_are_written(self):
        model = self.train(self.data, *OPTIONS) / "model.h5"
        self.mount_disk("40k")
        for name in ("p.csv", "p.h5"):
            self.assert_refused(6, "predict", model, self.data, "--out", self.disk / name,
                                says=f"{self.disk / name}: cannot write: No space left on device",
                                may_name_rank=True)
        self.assert_refused(6, "generate", self.disk / "g.h5", "--rows", 9000, "--features", 5,
                            says=f"{self.disk / 'g.h5'}: cannot write: No space left on device",
                            may_name_rank=True)

    def test_an_earlier_run_stays_as_it_was(self):
        self.mount_disk("512k")
        self.train(self.data, *OPTIONS, out="disk/run")
        self.fill_disk()
        for how in ("--overwrite", "--resume"):
            self.assert_refused(6, "train", self.data, *OPTIONS, "--out", self.disk / "run", how,
                                says="No space left on device", ranks=(None, 2))

    def test_before_the_first_checkpoint(self):
        self.mount_disk("16k")
        result = run("train", self.data, *OPTIONS, "--out", self.disk / "run", ranks=2)
        self.assert_one_error(result, 6, "No space left on device")
        self.assertEqual(list(self.disk.rglob("*.h5*")), [])

    def test_after_some_checkpoints(self):
        options = (*OPTIONS, "--solver", "lbfgs", "--checkpoint-every", "1", "--keep-checkpoints", "100")
        undisturbed = self.train_hash(self.data, *options, out="undisturbed")
        for ranks in (1, 2, 5):
            self.mount_disk("128k")
            arguments = ("train", self.data, *options, "--out", self.disk / "run")
            result = run(*arguments, ranks=ranks)
            self.assert_one_error(result, 6, ("the last checkpoint cannot be written",
                                              "free some space and go on with --resume"))
            self.assertRegex(result.stderr, r"warning: .*No space left on device\)?; "
                                            r"the checkpoint of iteration \d+ is kept")
            self.assertEqual(result.stderr.count(" is kept"), 1, result.stderr)
            self.assertNotIn(".tmp", result.stderr)
            kept = snapshot(self.disk / "run" / "checkpoints")
            self.assertGreater(len(kept), 1)
            self.assertFalse([name for name in kept if name.endswith(".tmp")])
            # They are whole: with more space the run goes on from the newest to the same bits.
            self.mount("-o", "remount,size=64m", self.disk)
            resumed = run(*arguments, "--resume", ranks=2)
            self.assert_ends(resumed, 0)
            self.assertNotIn("is passed over", resumed.stderr)
            self.assertIn("resuming after iteration", resumed.stderr)
            summary = read_summary(self.disk / "run")
            self.assertEqual(summary["model_sha256"], undisturbed)
            lines = (self.disk / "run" / "metrics.jsonl").read_text().splitlines()
            self.assertEqual(len(lines), summary["iterations"] + 1)
            after = snapshot(self.disk / "run" / "checkpoints")
            self.assertEqual({name: after.get(name) for name in kept}, kept)


    def test_room_for_the_model_but_not_for_the_last_checkpoint(self):
        # Checkpoints of lbfgs grow by two vectors, 32 KB, with each iteration.
        data = write_data(self.path("wide.h5"), *made_up(200, 2000, seed=9))
        options = (*OPTIONS, "--solver", "lbfgs", "--checkpoint-every", "1",
                   "--keep-checkpoints", "1")
        whole = self.train_hash(data, *options, out="whole")
        self.mount_disk("320k")
        result = run("train", data, *options, "--out", self.disk / "run", ranks=2)
        self.assert_ends(result, 6)
        self.assertIn("the last checkpoint cannot be written", result.stderr)
        self.assertIn("the results are written", result.stderr)
        self.assertEqual(read_summary(self.disk / "run")["model_sha256"], whole)
        self.assertTrue((self.disk / "run" / "model.h5").exists())


class ReadOnly(MountTest):
    def test_a_file_system_that_takes_no_writes(self):
        model = self.train(self.data, *OPTIONS) / "model.h5"
        self.mount_disk("1m")
        (self.disk / "empty").mkdir()
        self.mount("-o", "remount,ro", self.disk)
        self.assert_refused(6, "train", self.data, "--out", self.disk / "run",
                            says=(self.disk / "run", "Read-only file system"))
        self.assert_refused(6, "train", self.data, "--out", self.disk / "empty", ranks=(None, 2),
                            says="Read-only file system")
        self.assert_refused(6, "predict", model, self.data, "--out", self.disk / "p.csv",
                            says=(self.disk / "p.csv", "Read-only file system"))
        self.assert_refused(6, "generate", self.disk / "g.h5", "--rows", 10, "--features", 2,
                            says=(self.disk / "g.h5", "Read-only file system"))


class OneHostSeesAnotherFile(MountTest):
    def assert_refused_where_rank_1_sees(self, hide, says):
        """`hide` changes what rank 1 sees; the others see the data."""
        wrapper = ('if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then exec unshare --mount --propagation '
                   f"private sh -c '{hide} && exec \"$@\"' sh \"$@\"; fi; exec \"$@\"")
        before = snapshot(self.folder)
        for ranks in (2, 5):
            result = subprocess.run(
                [*LAUNCHER, "--mca", KILL_WAIT, "0", "-n", str(ranks), "sh", "-c", wrapper, "sh",
                 BINARY, "train", str(self.data), "--out", str(self.out)],
                capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
            self.assert_one_error(result, 3, (f"rank 1 of {ranks}: {self.data}: ", says))
            self.assertEqual(snapshot(self.folder), before)

    def test_nothing(self):
        self.assert_refused_where_rank_1_sees(f"mount -t tmpfs tmpfs {self.folder}",
                                              "there is no such file")

    def test_a_device(self):
        self.assert_refused_where_rank_1_sees(f"mount --bind /dev/null {self.data}",
                                              "is another one on this host")

    def test_a_shorter_and_a_younger_file(self):
        shorter = self.path("shorter.h5")
        shorter.write_bytes(b"")
        self.assert_refused_where_rank_1_sees(f"mount --bind {shorter} {self.data}",
                                              "is another one on this host")
        younger = self.path("younger.h5")
        younger.write_bytes(self.data.read_bytes())
        self.assert_refused_where_rank_1_sees(f"mount --bind {younger} {self.data}",
                                              "its time of modification")


class TakenPlaces(RefusalTest):
    def test_a_directory_that_is_not_empty(self):
        self.train(self.data, *OPTIONS)
        says = (f"{self.out}: the output directory exists and is not empty", "--resume",
                "--overwrite")
        self.assert_refused(2, "train", self.data, *OPTIONS, "--out", self.out, says=says)

    def test_a_directory_with_other_things(self):
        self.out.mkdir()
        (self.out / "thesis.tex").write_text("precious")
        self.assert_refused(2, "train", self.data, "--out", self.out, says="is not empty")
        self.assert_refused(2, "train", self.data, "--out", self.out, "--overwrite",
                            says=(self.out / "thesis.tex", "is something else"), ranks=(None, 2))

    def test_a_failed_run_leaves_an_earlier_one_as_it_was(self):
        self.train(self.data, *OPTIONS)
        for how in ("--overwrite", "--resume"):
            self.assert_refused(3, "train", "absent.h5", "--out", self.out, how, ranks=(None, 2),
                                says="absent.h5: there is no such file")

    def test_a_file(self):
        self.out.write_text("precious")
        self.assert_refused(2, "train", self.data, "--out", self.out,
                            says=f"{self.out}: the output must be a directory")
        self.assert_refused(6, "train", self.data, "--out", self.out / "run", ranks=(None, 2),
                            says=f"{self.out / 'run'}: cannot make the directory: Not a directory")

    def test_a_link_to_nothing(self):
        self.out.symlink_to("nowhere")
        self.assert_refused(2, "train", self.data, "--out", self.out, ranks=(None, 2),
                            says=f"{self.out}: the output must be a directory, but this is a link")

    def test_files_that_may_not_grow(self):
        model = self.train(self.data, *OPTIONS, out="model") / "model.h5"
        limited = ["bash", "-c", 'ulimit -f 4; exec "$@"', "limited"]
        for arguments in (("train", self.data, "--out", self.out),
                          ("predict", model, self.data, "--out", self.path("scores.csv")),
                          ("generate", self.path("made.h5"), "--rows", 900, "--features", 9)):
            before = snapshot(self.folder)
            result = subprocess.run(limited + command(*arguments), capture_output=True, text=True,
                                    timeout=SECONDS, check=False)
            self.assert_one_error(result, 6, "File too large")
            # A run that has begun keeps its folder, without half a file.
            left = set(snapshot(self.folder)) - set(before)
            self.assertFalse([name for name in left if not name.startswith("run")
                              or name.endswith((".tmp", ".h5"))], left)

    def test_a_run_that_holds_an_input_of_the_next_one(self):
        self.train(self.data, "--l2", "1e-3", "--inference", "--max-iterations", "50")
        for name in ("model.h5", "best_model.h5"):
            write_data(self.out / name, self.X, self.y)
        os.link(self.out / "model.h5", self.path("link.h5"))
        self.path("bounds").mkdir()
        (self.path("bounds") / "run").symlink_to(self.out)
        bounds = self.out / "inference.csv"
        bounds.write_text("1\n" * self.X.shape[1])
        held = self.out / "model.h5"
        for inputs, named in (((held,), held), ((self.path("link.h5"),), self.path("link.h5")),
                              ((self.out / "m*.h5",), held),
                              ((self.data, held), held),
                              ((self.data, "--validation", self.out / "best_model.h5"),
                               self.out / "best_model.h5"),
                              ((self.data, "--upper", bounds), bounds),
                              ((self.data, "--lower", f"{held}:X"), held),
                              ((self.data, "--l2", "1", "--penalty-factors",
                                "bounds/run/inference.csv"), "bounds/run/inference.csv")):
            for how in ("--overwrite", "--resume"):
                ranks = (None, 2) if named == held else (None,)
                self.assert_refused(2, "train", *inputs, "--out", self.out, how, ranks=ranks,
                                    says=f"{self.out}: the run would replace its input {named};")

    def test_a_run_may_be_replaced_by_one_that_begins_with_its_model_or_its_options(self):
        self.train(self.data, *OPTIONS)
        again = ("train", "--out", self.out, "--overwrite")
        self.assert_ends(run(*again, self.data, "--initial", self.out / "model.h5"), 0)
        self.assert_ends(run(*again, "--config", self.out / "config.used"), 0)

    def test_a_directory_that_a_run_is_using(self):
        first = subprocess.Popen(
            command("train", self.data, "--solver", "gd", "--learning-rate", "1e-9", "--tolerance",
                    "0", "--max-iterations", "1000000000", "--checkpoint-every", "0", "--out",
                    self.out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not (self.out / "metrics.jsonl").exists():
                self.assertIsNone(first.poll())
                time.sleep(0.05)
            for options in ((), ("--resume",), ("--overwrite",)):
                for ranks in (None, 2):
                    result = run("train", self.data, "--out", self.out, *options, ranks=ranks,
                                 timeout=SECONDS)
                    self.assert_one_error(result, 6, (
                        f"{self.out}: another run is using this directory",
                        f"process {first.pid}", "wait for its end or give another --out"))
        finally:
            first.send_signal(signal.SIGTERM)
            self.assertEqual(first.wait(timeout=60), 75)


if __name__ == "__main__":
    if NO_NAMESPACE:
        print(f"the tests that need mounts cannot run: {NO_NAMESPACE}", file=sys.stderr)
    unittest.main()
