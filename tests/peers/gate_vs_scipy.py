#!/usr/bin/env python3
"""Compares `fpcls gate --format json` with SciPy and statsmodels.

For each seed it makes up two runs over the same pictures, has the gate judge them, and computes every
p-value, adjusted p-value and interval again to 1e-9: McNemar's by statsmodels, Holm's by statsmodels,
the exact test of a drop by summing SciPy's binomial distribution over all counts, its interval by
bisection, Wilson's and Clopper and Pearson's by scipy.stats.binomtest.

    FPCLS=build/bin/fpcls python3 tests/peers/gate_vs_scipy.py [seeds]
"""
import csv
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from scipy.stats import binom, binomtest, norm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

TOLERANCE = 1e-9
NUISANCE_RISK, PLACES, PRECISION, TIE = 1e-6, 33, 1e-11, 1e-9


def score(lost, gained, n, delta):
    b = -lost - gained + (2 * n - lost + gained) * delta
    c = -gained * delta * (1 - delta)
    root = np.sqrt(np.maximum(0, b * b - 8 * n * c))
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.where(b <= 0, (root - b) / (4 * n), -2 * c / (b + root))
        variance = n * (2 * q + delta * (1 - delta))
        distance = lost - gained - n * delta
        z = np.where(variance > 0, distance / np.sqrt(variance), np.copysign(np.inf, distance))
    return np.where(np.abs(distance) < TIE, 0.0, z)


def p_at_most(n, lost, gained, delta):
    ends = binomtest(gained, n).proportion_ci(1 - NUISANCE_RISK, method="exact")
    low, high = max(ends.low, -delta), min(ends.high, (1 - delta) / 2)
    if low > high:
        return NUISANCE_RISK
    limit = float(score(np.array(lost), np.array(gained), n, delta)) - TIE
    all_gained = np.arange(n + 1)
    least = np.empty(n + 1)
    for g in all_gained:
        extreme = score(np.arange(n - g + 1), g, n, delta) >= limit
        least[g] = np.argmax(extreme) if extreme.any() else n - g + 1
    best = 0.0
    for q in np.linspace(low, high, PLACES):
        rest = min(1.0, (q + delta) / (1 - q))
        best = max(best, float(np.sum(binom.pmf(all_gained, n, q) *
                                      binom.sf(least - 1, n - all_gained, rest))))
    return min(1.0, best + NUISANCE_RISK)


def lower_bound(n, lost, gained, risk, margin):
    least = -1 + PRECISION
    high = low = (lost - gained) / n
    step = 4 * np.sqrt(lost + gained + 4) / n
    refused = lambda delta: p_at_most(n, lost, gained, delta) <= risk
    while True:
        if low == least:
            return -1.0
        low, step = max(low - step, least), step * 2
        if refused(low):
            break
    if low < margin < high:
        low, high = (margin, high) if refused(margin) else (low, margin)
    while high - low > PRECISION:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if refused(middle) else (low, middle)
    return low


class Comparison:
    def __init__(self):
        self.worst, self.count = 0.0, 0

    def check(self, what, got, expected):
        self.count += 1
        self.worst = max(self.worst, abs(got - expected))
        assert abs(got - expected) <= TOLERANCE, f"{what}: got {got!r}, expected {expected!r}"


def compare_paired(check, comparison):
    n, lost, gained, margin = check["images"], check["lost"], check["gained"], check["limit"]
    what = f"{check['what']} ({lost} lost, {gained} gained of {n})"
    comparison.check(what + " p", check["p"], mcnemar([[0, lost], [gained, 0]], exact=True).pvalue
                     if lost + gained else 1.0)
    comparison.check(what + " p_fail", check["p_fail"], p_at_most(n, lost, gained, margin))
    comparison.check(what + " p_pass", check["p_pass"], p_at_most(n, gained, lost, -margin))
    comparison.check(what + " low", check["interval"][0],
                     lower_bound(n, lost, gained, check["risk_fail"], margin))
    comparison.check(what + " high", check["interval"][1],
                     -lower_bound(n, gained, lost, 0.05, -margin))


def compare_limit(check, comparison):
    n, limit = check["images"], check["limit"]
    k = round(check["candidate"] * n)
    method = "wilson" if check["kind"] == "floor" else "exact"
    at = lambda risk: binomtest(k, n).proportion_ci(1 - 2 * risk, method=method)
    # What can fail is the upper end of a floor's interval, and the lower end of the flips'.
    risk_low, risk_high = (0.05, check["risk_fail"]) if method == "wilson" else (
        check["risk_fail"], 0.05)
    comparison.check(check["what"] + " low", check["interval"][0], at(risk_low).low)
    comparison.check(check["what"] + " high", check["interval"][1], at(risk_high).high)
    if method == "wilson":
        z = (k - n * limit) / np.sqrt(n * limit * (1 - limit))
        comparison.check(check["what"] + " p_fail", check["p_fail"], norm.cdf(z))
    else:
        comparison.check("flips p_fail", check["p_fail"],
                         binomtest(k, n, limit, alternative="greater").pvalue)


def write(path, truth, predicted):
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "predicted"])
        rows.writerows((f"{i}.jpg", t, p) for i, (t, p) in enumerate(zip(truth, predicted)))


def judge(fpcls, seed, folder):
    random = np.random.default_rng(seed)
    n = int(random.integers(2, 250))
    truth = random.choice(["a", "b", "线框"], n)
    runs = []
    for name in ("base.csv", "new.csv"):
        noise = random.choice(["a", "b", "线框", "other"], n)
        runs.append(os.path.join(folder, name))
        write(runs[-1], truth, np.where(random.random(n) < random.uniform(0, 0.3), noise, truth))
    done = subprocess.run([fpcls, "gate", *runs, "--format", "json", "--max-flips", "10",
                           "--max-drop", str(random.choice([0.3, 1, 3])),
                           "--require", "accuracy=0.9"], stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def main():
    fpcls = os.environ.get("FPCLS", "build/bin/fpcls")
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    comparison = Comparison()
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            checks = judge(fpcls, seed, folder)["checks"]
        adjusted = multipletests([c["p_fail"] for c in checks], method="holm")[1]
        for check, expected in zip(checks, adjusted):
            comparison.check(check["what"] + " holm", check["p_fail_family"], expected)
            (compare_paired if "lost" in check else compare_limit)(check, comparison)
    print(f"{seeds} seeds, {comparison.count} figures: largest difference {comparison.worst:.1e}, "
          f"allowed {TOLERANCE:.0e}")


if __name__ == "__main__":
    main()
