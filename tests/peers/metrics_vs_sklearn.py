#!/usr/bin/env python3
"""Compares `fpcls report predictions.csv --format json` with scikit-learn, SciPy and NumPy.

For each seed it makes up predictions (labels in several scripts, some unknown, some classes never
predicted), has both judge them, and compares every figure to 1e-12. Run it with any Python that has
scikit-learn:

    FPCLS=build/bin/fpcls python3 tests/peers/metrics_vs_sklearn.py [seeds]
"""
import csv
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

TOLERANCE = 1e-12
LABELS = ["wireframe", "satellite", "拍照", "simple", "complex", "garden"]
OTHERWISE = "other"


def make_rows(random):
    count = int(random.integers(1, 400))
    labels = LABELS[: int(random.integers(1, len(LABELS) + 1))] + [OTHERWISE]
    skill = random.random()
    rows = []
    for i in range(count):
        truth = labels[random.integers(len(labels))]
        guess = truth if random.random() < skill else labels[random.integers(len(labels))]
        shown = "" if random.random() < 0.1 else truth
        rows.append({"path": f"月/{i}, a.jpg", "label": shown, "predicted": guess,
                     "ms": f"{random.gamma(2, 5) + 0.01:.3f}"})
    return rows


def judge(fpcls, rows, folder):
    path = os.path.join(folder, "predictions.csv")
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = subprocess.run([fpcls, "report", path, "--format", "json", "--quiet"],
                          check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


class Comparison:
    def __init__(self):
        self.worst = 0.0
        self.count = 0

    def check(self, what, got, expected):
        self.count += 1
        if expected is None:
            assert got is None, f"{what}: got {got}, expected it to be absent"
            return
        assert got is not None, f"{what}: absent, expected {expected}"
        difference = abs(got - expected) / max(1.0, abs(expected))
        self.worst = max(self.worst, difference)
        assert difference <= TOLERANCE, f"{what}: got {got!r}, expected {expected!r}"


def wilson(successes, n):
    return binomtest(successes, n).proportion_ci(method="wilson") if n else None


def compare_classes(report, truth, guess, comparison):
    for row in report["classes"]:
        label = row["label"]
        is_truth, is_guess = truth == label, guess == label
        tp, fp = int((is_truth & is_guess).sum()), int((~is_truth & is_guess).sum())
        fn, tn = int((is_truth & ~is_guess).sum()), int((~is_truth & ~is_guess).sum())
        assert (row["tp"], row["fp"], row["fn"], row["tn"]) == (tp, fp, fn, tn), label
        assert row["total"] == len(truth) and row["predicted"] == tp + fp, label
        p, r, f, _ = precision_recall_fscore_support(truth, guess, labels=[label], zero_division=0)
        comparison.check(f"{label} precision", row.get("precision"), p[0] if tp + fp else None)
        comparison.check(f"{label} recall", row.get("recall"), r[0] if tp + fn else None)
        comparison.check(f"{label} f1", row.get("f1"), f[0] if tp + fp + fn else None)
        comparison.check(f"{label} accuracy", row.get("accuracy"),
                         accuracy_score(is_truth, is_guess) if len(truth) else None)
        for name, n in (("precision_interval", tp + fp), ("recall_interval", tp + fn)):
            ends = row.get(name)
            expected = wilson(tp, n)
            for i in range(2):
                comparison.check(f"{label} {name}", ends[i] if ends else None,
                                 expected[i] if expected else None)


def compare(seed, report, rows, comparison):
    judged = [row for row in rows if row["label"]]
    truth = np.array([row["label"] for row in judged], dtype=object)
    guess = np.array([row["predicted"] for row in judged], dtype=object)
    assert report["images"]["judged"] == len(judged), seed
    assert report["images"]["unlabelled"] == len(rows) - len(judged), seed
    compare_classes(report, truth, guess, comparison)
    if len(judged):
        labels = report["confusion"]["labels"]
        assert (np.array(report["confusion"]["counts"]) ==
                confusion_matrix(truth, guess, labels=labels)).all(), seed
        comparison.check("overall", report["overall"].get("accuracy"), accuracy_score(truth, guess))
    ms = np.array([row["ms"] for row in rows], dtype=np.float32).astype(np.float64)
    total = next(row for row in report["latency"] if row["phase"] == "total")
    comparison.check("mean", total["mean_ms"], ms.mean())
    for percent in (50, 90, 95, 99):
        comparison.check(f"p{percent}", total[f"p{percent}_ms"], np.quantile(ms, percent / 100))


def main():
    fpcls = os.environ.get("FPCLS", "build/bin/fpcls")
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    comparison = Comparison()
    for seed in range(seeds):
        rows = make_rows(np.random.default_rng(seed))
        with tempfile.TemporaryDirectory() as folder:
            compare(seed, judge(fpcls, rows, folder), rows, comparison)
    print(f"{seeds} seeds, {comparison.count} figures: largest difference {comparison.worst:.1e}, "
          f"allowed {TOLERANCE:.0e}")


if __name__ == "__main__":
    main()
