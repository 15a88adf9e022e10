"""What the tests of convert share."""
import h5py
import numpy as np

from support import AppTest, run


def bits(values):
    return np.asarray(values, dtype=np.float64).view(np.uint64)


def dense(file):
    """X of a converted file in either layout, as doubles."""
    X = file["X"]
    if isinstance(X, h5py.Dataset):
        return X[...].astype(np.float64)
    result = np.zeros(X.attrs["shape"])
    rows = np.repeat(np.arange(len(result)), np.diff(X["indptr"][...]))
    result[rows, X["indices"][...]] = X["data"][...]
    return result


class ConvertTest(AppTest):
    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def convert(self, *arguments, ranks=None, out="out.h5"):
        path = self.folder / out
        result = run("convert", *arguments, path, "--overwrite", ranks=ranks)
        self.assert_ends(result, 0)
        self.said = result.stdout
        return path

    def assert_same_for_any_ranks(self, *arguments):
        """Returns the path of the one file that all numbers of ranks and threads make."""
        first = self.convert(*arguments, "--threads", 1).read_bytes()
        for ranks in (2, 3, 5):
            other = self.convert(*arguments, "--threads", ranks % 2 + 1, ranks=ranks, out="n.h5")
            self.assertTrue(first == other.read_bytes(), f"{ranks} ranks make another file")
        return self.folder / "out.h5"
