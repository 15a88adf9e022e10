#!/usr/bin/python3
"""Computes tests/golden/metrics.json with scikit-learn: run by hand, not by the tests.

    tests/golden/make_metrics.py > tests/golden/metrics.json

What depends on the order of the rows is computed from their margins, so that rows whose
probabilities round to the same number are not tied; scikit-learn takes either. What is undefined is
null here, whatever scikit-learn puts in its place. The log loss is scikit-learn's where that does
not clip the probabilities, else the definition in long double.
"""
import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.calibration import calibration_curve

from metric_cases import cases

warnings.filterwarnings("ignore")

THRESHOLDS = ("0.5", "0.3", "0.9")


def log_loss(z, p, y, s):
    if np.abs(z).max() < 30 and 0 < y.sum() < len(y):
        return metrics.log_loss(y, p, sample_weight=s)
    z = np.asarray(z, dtype=np.longdouble)
    loss = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
    return float(np.average(loss, weights=s))


def of_order(z, y, s):
    has_positives, has_both = y.any(), y.any() and not y.all()
    result = {"roc_auc": None, "kolmogorov_smirnov": None, "youden": None,
              "average_precision": None, "largest_f1": None}
    if has_both:
        fpr, tpr, _ = metrics.roc_curve(y, z, sample_weight=s, drop_intermediate=False)
        result["roc_auc"] = metrics.roc_auc_score(y, z, sample_weight=s)
        result["kolmogorov_smirnov"] = np.abs(tpr - fpr).max()
        result["youden"] = (tpr - fpr)[1:].max()
    if has_positives:
        precision, recall, _ = metrics.precision_recall_curve(y, z, sample_weight=s)
        result["average_precision"] = metrics.average_precision_score(y, z, sample_weight=s)
        result["largest_f1"] = np.nanmax(2 * precision * recall / (precision + recall))
    return result


def by_threshold(p, y, s, threshold):
    says = (p > threshold).astype(int)
    tn, fp, fn, tp = metrics.confusion_matrix(y, says, labels=[0, 1], sample_weight=s).ravel()
    nothing = float("nan")
    ratio = {
        "accuracy": metrics.accuracy_score(y, says, sample_weight=s),
        "precision": metrics.precision_score(y, says, sample_weight=s) if tp + fp else nothing,
        "recall": metrics.recall_score(y, says, sample_weight=s) if tp + fn else nothing,
        "specificity": metrics.recall_score(y, says, sample_weight=s, pos_label=0)
        if tn + fp else nothing,
        "balanced_accuracy": metrics.balanced_accuracy_score(y, says, sample_weight=s)
        if tp + fn and tn + fp else nothing,
        "f1": metrics.f1_score(y, says, sample_weight=s) if tp + fp + fn else nothing,
        "matthews_correlation": metrics.matthews_corrcoef(y, says, sample_weight=s)
        if (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn) else nothing,
    }
    return {**{name: None if np.isnan(value) else float(value) for name, value in ratio.items()},
            "confusion": {"true_positives": float(tp), "false_positives": float(fp),
                          "true_negatives": float(tn), "false_negatives": float(fn)}}


def golden(z, y, s):
    if s is not None:  # scikit-learn's own advice for weights of zero
        z, y, s = z[s > 0], y[s > 0], s[s > 0]
    p = np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))),
                 np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))))
    result = {"log_loss": log_loss(z, p, y, s),
              "brier_score": metrics.brier_score_loss(y, p, sample_weight=s, pos_label=1),
              **of_order(z, y, s),
              "thresholds": {t: by_threshold(p, y, s, float(t)) for t in THRESHOLDS}}
    if s is None:
        share, mean = calibration_curve(y, p, n_bins=10, strategy="uniform", pos_label=1)
        result["calibration"] = [[float(a), float(b)] for a, b in zip(mean, share)]
    return result


def main():
    print(json.dumps({"_origin": f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}",
                      **{name: golden(*case) for name, case in cases().items()}}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
