"""What the tests of wrong input share: one message, one exit code, nothing left behind."""
import hashlib
import re

import numpy as np

from support import AppTest, made_up, run, write_data

# Six blocks: five ranks all have rows.
ROWS, FEATURES = 6000, 4
# A plain process, and ranks below and above the number of cores. What a test refuses after that
# takes the same way through the program and meets the first two only.
RANKS = (None, 2, 5)
SECONDS = 10
NOISE = ("HDF5-DIAG", "H5E", "MPI_ERR", "MPI_ABORT", "terminate called", "what():", "Segmentation")


def snapshot(folder):
    """Every path below a folder, with a digest of what it holds."""
    return {str(path.relative_to(folder)):
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
            for path in sorted(folder.rglob("*"))}


def error_line(result):
    return result.stderr.split("paralogit: error: ")[-1].splitlines()[0]


class RefusalTest(AppTest):
    """The folder of the test holds a sound data set, data.h5."""

    def setUp(self):
        super().setUp()
        self.X, self.y = made_up(ROWS, FEATURES, seed=8)
        self.data = write_data(self.folder / "data.h5", self.X, self.y)
        self.out = self.folder / "run"
        self.usual_ranks = RANKS

    def assert_refused(self, code, *arguments, says, ranks=None, may_name_rank=False):
        """Every number of ranks ends with the code and the same error; no file comes or changes.
        What only one host or a part of the ranks met may stand behind the name of a rank."""
        if ranks is None:
            ranks, self.usual_ranks = self.usual_ranks, RANKS[:2]
        before = snapshot(self.folder)
        lines = set()
        for n in ranks:
            result = run(*arguments, ranks=n, timeout=SECONDS, cwd=self.folder)
            self.assert_one_error(result, code, says)
            self.assertEqual(snapshot(self.folder), before, result.stderr)
            line = error_line(result)
            lines.add(re.sub(r"^rank \d+ of \d+: ", "", line) if may_name_rank else line)
        self.assertEqual(len(lines), 1, lines)
        return lines.pop()

    def assert_one_error(self, result, code, says):
        self.assert_ends(result, code)
        self.assertEqual(result.stderr.count("paralogit: error: "), 1, result.stderr)
        for word in NOISE:
            self.assertNotIn(word, result.stdout + result.stderr)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(str(text), result.stderr)

    def assert_data_refused(self, *paths, options=(), code=3, **expected):
        """Training, with an output directory that must not stay."""
        return self.assert_refused(code, "train", *paths, "--out", self.out, *options, **expected)

    def path(self, name):
        return self.folder / name

    def altered(self, name, values):
        """The sound data set with `values` at (row, column) of the features."""
        X = np.array(self.X)
        for (row, column), value in values.items():
            X[row, column] = value
        return write_data(self.path(name), X, self.y)
