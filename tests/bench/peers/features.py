"""Features as the peers in Python take them; also imported by the scripts that run by themselves."""
import h5py
import numpy as np


def read_features(file):
    """X of a data set in its stored type: an array, or compressed sparse rows when it is a group."""
    X = file["X"]
    if not isinstance(X, h5py.Group):
        return X[...]
    from scipy.sparse import csr_matrix
    # What fits into 32 bits stays there, as scipy itself would have it.
    narrow = np.int32 if len(X["data"]) < 2**31 else np.int64
    return csr_matrix((X["data"][...], X["indices"][...].astype(narrow, copy=False),
                       X["indptr"][...].astype(narrow)), shape=tuple(X.attrs["shape"]))
