#!/usr/bin/python3
"""Makes the small data sets of the textbook configs: textbook.h5, textbook-held-out.h5, exam.h5 and
exam-model.h5, in the folder of this script. They ship with the project; this is how they came to be
(numpy 1.24, scikit-learn 1.2)."""
import hashlib
from pathlib import Path

import h5py
import numpy as np
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent


def write(name, **datasets):
    with h5py.File(HERE / name, "w") as file:
        for key, values in datasets.items():
            file.create_dataset(key, data=values, track_times=False)


def noisy_rows():
    """Two standard normal features, and the sign of 1 + 2 x1 + 3 x2 with a little noise."""
    np.random.seed(42)
    X = np.random.randn(100, 2)
    y = (1 + X @ np.array([2, 3]) + 0.2 * np.random.randn(100) > 0).astype(np.uint8)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
    write("textbook.h5", X=X_train, y=y_train)
    write("textbook-held-out.h5", X=X_test, y=y_test)


def exam():
    """Attendance and grade of one student, and a model of who passes."""
    names = np.array(["attendance", "grade"], dtype=object)
    text = h5py.string_dtype()
    write("exam.h5", X=np.array([[0.85, 75.0]]))
    with h5py.File(HERE / "exam.h5", "a") as file:
        file.create_dataset("feature_names", data=names, dtype=text, track_times=False)
    coefficients, intercept = np.array([10.0, 0.05]), np.array([-4.0])
    write("exam-model.h5", coefficients=coefficients, intercept=intercept)
    with h5py.File(HERE / "exam-model.h5", "a") as file:
        file.create_dataset("feature_names", data=names, dtype=text, track_times=False)
        file.attrs["format"] = "paralogit model 1"
        file.attrs["has_intercept"] = np.int64(1)
        file.attrs["attribute_names"] = ""
        file.attrs["model_sha256"] = hashlib.sha256(
            coefficients.tobytes() + intercept.tobytes()).hexdigest()


if __name__ == "__main__":
    noisy_rows()
    exam()
