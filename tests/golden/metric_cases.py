"""Rows that metrics are computed of: by make_metrics.py with scikit-learn, by the app tests with
paralogit. Made of integer arithmetic alone, so that no version of NumPy changes them."""
import numpy as np


def _noise(count, seed):
    """Numbers in [0, 1) that look random (a linear congruential generator, high bits)."""
    state, numbers = seed * 2654435761 % 2**32, []
    for _ in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        numbers.append((state >> 8) / 2**24)
    return np.array(numbers)


def _rows(count, seed, spread=6.0):
    z = np.round((_noise(count, seed) - 0.5) * spread * 2**20) / 2**20
    y = (_noise(count, seed + 1) < 0.15 + 0.7 * (z > 0) * _noise(count, seed + 2)).astype(np.uint8)
    return z, y


def cases():
    """name -> (margins, labels, row weights or None)"""
    z, y = _rows(3000, 1)
    few, few_labels = _rows(1500, 5)
    weights = np.round(_noise(3000, 9) ** 4 * 2**18) / 2**12
    weights[::7] = 0
    extreme, extreme_labels = _rows(800, 13, spread=1400.0)
    rare, rare_labels = _rows(2000, 17)
    rare_labels = rare_labels * (np.arange(2000) % 40 == 0)
    many, many_labels = _rows(30_000, 21)
    return {
        "plain": (z, y, None),
        "weights": (z, y, weights),
        "ties": (np.round(few * 2) / 2, few_labels, None),
        "ties and weights": (np.round(z * 2) / 2, y, weights),
        "two scores": (np.where(few > 0.5, 1.0, -1.0), few_labels, None),
        "one score": (np.full(50, 0.25), few_labels[:50], None),
        "separated": (np.abs(few) * np.where(few_labels == 1, 1.0, -1.0) + 2.0**-30, few_labels,
                      None),
        "upside down": (-z, y, None),
        "extreme margins": (extreme, extreme_labels, None),
        "rare positives": (rare, rare_labels.astype(np.uint8), None),
        "many rows": (many, many_labels, None),
        "weights over many magnitudes": (z, y, 10.0 ** np.round(40 * _noise(3000, 25) - 20)),
        "positives only": (few[:60], np.ones(60, dtype=np.uint8), None),
        "negatives only": (few[:60], np.zeros(60, dtype=np.uint8), None),
        "one row": (np.array([0.5]), np.array([1], dtype=np.uint8), None),
    }
