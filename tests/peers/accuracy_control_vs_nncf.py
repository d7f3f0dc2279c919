#!/usr/bin/env python3
"""NNCF's quantize_with_accuracy_control on a binary ResNet-50, in the figures that `fpcls quantize --max-shift` prints.

WEIGHTS is a state dict of torchvision's resnet50 with two outputs, the second for the label POSITIVE. Pictures are read
from CALIBRATION.csv and VALIDATION.csv (path, label; paths relative to the file), stretched to SIZE. NNCF is asked to
hold what fpcls holds: its metric is 1 less the largest change of a bucket's share, of precision or of recall against the
f32 model, and it may drop by SHIFT points. States the shift at its end, the seconds, and what it took back.

    python3 tests/peers/accuracy_control_vs_nncf.py WEIGHTS CALIBRATION.csv VALIDATION.csv POSITIVE [--shift 0.5] [--size 128]

    fpcls calibrate WEIGHTS --architecture resnet50 --model-labels other --model-labels POSITIVE --positive POSITIVE
      --size 128 --fit stretch CALIBRATION.csv --count 300 -o c.json
    fpcls quantize WEIGHTS … --calibration c.json --validation VALIDATION.csv --max-shift 0.5 -o int8.safetensors
"""
import argparse
import csv
import logging
import os
import time

import cv2
import nncf
import numpy as np
import openvino as ov
import torch
import torchvision

BOUNDS = (0.5, 0.8, 0.9, 0.95)
MEAN, STD = np.array([0.485, 0.456, 0.406]) * 255, np.array([0.229, 0.224, 0.225]) * 255


def pictures(manifest, size):
    rows = list(csv.DictReader(open(manifest)))
    x = []
    for row in rows:
        picture = cv2.imread(os.path.join(os.path.dirname(manifest), row["path"]))
        picture = cv2.cvtColor(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
        x.append(((picture - MEAN) / STD).transpose(2, 0, 1)[None].astype(np.float32))
    return x, [row.get("label") for row in rows]


def figures(scores, truth):
    correct, given = np.where(truth, scores, 1 - scores), scores >= 0.5
    shares = [(correct >= bound).mean() for bound in BOUNDS]
    return np.array(shares + [(given & truth).sum() / max(given.sum(), 1), (given & truth).sum() / truth.sum()])


def main():
    parser = argparse.ArgumentParser()
    for what in ("weights", "calibration", "validation", "positive"):
        parser.add_argument(what)
    parser.add_argument("--shift", type=float, default=0.5)
    parser.add_argument("--size", type=int, default=128)
    options = parser.parse_args()
    network = torchvision.models.resnet50(num_classes=2)
    network.load_state_dict(torch.load(options.weights))
    network.eval()
    calibration, _ = pictures(options.calibration, options.size)
    validation, labels = pictures(options.validation, options.size)
    truth = np.array([label == options.positive for label in labels])
    model = ov.convert_model(network, example_input=torch.from_numpy(calibration[0]), input=[1, 3, options.size, options.size])
    model.outputs[0].get_tensor().set_names({"logits"})  # NNCF collects outputs by name, those without one not at all

    def answers(compiled, items=validation):
        return [compiled(x)[0] for x in items]

    def figures_of(logits):
        logits = np.concatenate(logits).astype(np.float64)
        return figures(1 / (1 + np.exp(logits[:, 0] - logits[:, 1])), truth)

    before = figures_of(answers(ov.compile_model(model, "CPU")))
    shift_of = lambda logits: float(100 * np.abs(figures_of(logits) - before).max())
    shift = lambda compiled: shift_of(answers(compiled))
    calls = []

    def validate(compiled, items):
        # With the logits of every picture NNCF ranks by them; without, it would ask for a figure of one picture at a time.
        logits = answers(compiled, items)
        whole = len(logits) == len(validation)  # not when it asks once what is returned
        calls.append(shift_of(logits) if whole else 0.0)
        return 1 - calls[-1] / 100, [[one] for one in logits]

    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("nncf").addHandler(handler)
    plain = nncf.quantize(model, nncf.Dataset(calibration), preset=nncf.QuantizationPreset.MIXED, subset_size=300)
    print(f"as quantized by nncf.quantize: {shift(ov.compile_model(plain, 'CPU')):.2f} points", flush=True)
    began = time.time()
    result = nncf.quantize_with_accuracy_control(
        model, calibration_dataset=nncf.Dataset(calibration), validation_dataset=nncf.Dataset(validation),
        validation_fn=validate, max_drop=options.shift / 100, drop_type=nncf.DropType.ABSOLUTE,
        preset=nncf.QuantizationPreset.MIXED, subset_size=300)
    seconds = time.time() - began
    for line in lines:
        if any(word in line.lower() for word in ("revert", "accuracy", "rank")):
            print("nncf:", line)
    weights = lambda m: sum(op.get_element_type() == ov.Type.i8 for op in m.get_ops() if op.get_type_name() == "Constant")
    print(f"quantize_with_accuracy_control: {shift(ov.compile_model(result, 'CPU')):.2f} points after {seconds:.0f} s, "
          f"{len(calls)} validations; {weights(result)} of {weights(plain)} layers with int8 weights")


if __name__ == "__main__":
    main()
