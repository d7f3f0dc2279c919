"""Predictions as CSV for pages to be made of: binary and multi-class stages, hostile names, scores
exactly on thresholds."""

import csv
import random
import struct

EVIL = "线框 & </script><img src=x onerror=evil()>"
BINARY = ["wireframe", EVIL]
KINDS = ["simple", "complex"]
LABELS = BINARY + KINDS + ["other"]


def as_float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def decide(scores, accept=0.5):
    """The cascade's answer, and how many stages it took."""
    for i, label in enumerate(BINARY):
        if scores[i] >= accept:
            return label, i + 1
    best = max(scores[2:])
    return (KINDS[scores[2:].index(best)], 3) if best >= accept else ("other", 3)


def write(path, pictures, early_exit=False, seed=1):
    generator = random.Random(seed)
    with open(path, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "slice", "label", "predicted"] + ["score." + name for name in BINARY]
                      + ["score.kind." + name for name in KINDS])
        for i in range(pictures):
            label = generator.choice(LABELS)
            scores = [as_float32(min(1, max(0, generator.gauss(0.75 if label == name else 0.3, 0.25))))
                      for name in BINARY + KINDS]
            if i % 5 == 0:  # exactly where a slider can stand
                scores = [as_float32(generator.randrange(101) / 100) for _ in scores]
            predicted, stages = decide(scores)
            texts = [repr(score) for score in scores]
            if early_exit:
                texts = texts[:stages if stages < 3 else 4] + [""] * (4 - (stages if stages < 3 else 4))
            truth = "" if i % 17 == 0 else label
            rows.writerow([f"{i}{EVIL}.jpg", f"2024-0{1 + i % 3}{EVIL}", truth, predicted] + texts)
