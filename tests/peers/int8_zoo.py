#!/usr/bin/env python3
"""Quantizes torchvision's CNNs and compares the engine's int8 with the simulated integers of the torch executor.

For each network: `fpcls calibrate` and `fpcls quantize` on PICTURES, then, on JUDGED, `fpcls compare --executor
torch,engine` layer by layer and `fpcls classify` by both. Stated for each network: how many layers give integers, on
how many of those the two are the same bit for bit when given the same inputs, the worst of the others, by how much the
scores differ and how many labels do, and how the times of int8 and f32 compare (rerun alone for times that mean
something). Layers whose activation isn't exact (sigmoid, silu, gelu, hard-swish: "rounded real") may be off by one step
where a number lies on the border between two.

ZOO is a folder with NAME.traced.pt and NAME.io.safetensors (whose x tells the size) for each network. Results are kept
in RESULTS, one JSON object a line, and are not made again; models in MODELS, likewise.

    FPCLS=build/bin/fpcls python3 tests/peers/int8_zoo.py ZOO PICTURES JUDGED MODELS RESULTS [NAME...]
"""
import argparse
import json
import os
import subprocess
import sys

NO_CNNS = ("vit_", "swin_")
ROUNDED_REAL = ("sigmoid", "silu", "gelu", "tanh", "hardswish")
MOST_SCORE = 1e-3
FPCLS = os.environ.get("FPCLS", "fpcls")


def fpcls(*arguments):
    done = subprocess.run([FPCLS, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(" ".join(map(str, arguments)) + "\n" + done.stderr)
    return done.stdout


def input_size(path):
    """Of the tensor x of a .safetensors file."""
    with open(path, "rb") as file:
        return json.loads(file.read(int.from_bytes(file.read(8), "little")))["x"]["shape"][-1]


def model_options(zoo, name):
    size = input_size(os.path.join(zoo, name + ".io.safetensors"))
    return [os.path.join(zoo, name + ".traced.pt"), "--size", size, "--model-labels", "no", "--model-labels", "yes",
            "--positive", "yes"]


def quantized(options, name):
    """The int8 model's file and what `quantize` said of it."""
    model = model_options(options.zoo, name)
    calibration, out, said = (os.path.join(options.models, name + end)
                              for end in (".calibration.json", ".int8.safetensors", ".said.json"))
    if not os.path.exists(calibration):
        fpcls("calibrate", *model, options.pictures, "--count", options.count, "--foreign", 0, "-o", calibration,
              "--quiet")
    if not os.path.exists(said):
        text = fpcls("quantize", *model, "--calibration", calibration, "-o", out, "--format", "json", "--quiet")
        with open(said, "w") as file:
            file.write(text)
    return out, json.load(open(said))


def scores_by(executor, model, pictures):
    lines = fpcls("classify", "--model", model, pictures, "--executor", executor, "--format", "json", "--quiet")
    return [(row["label"], row["score"]) for row in map(json.loads, lines.splitlines())]


def judge(options, name):
    model, said = quantized(options, name)
    compared = json.loads(fpcls("compare", model, "--executor", "torch,engine", "--input", options.judged, "--format",
                                "json", "--quiet"))
    exact, off, real = 0, [], []
    for layer in compared["layers"]:
        if not layer["op"].endswith("quantize"):
            continue
        error = layer["injected"]
        if error["max"] == 0:
            exact += 1
        elif any(op in layer["op"] for op in ROUNDED_REAL) or "conv" not in layer["op"]:
            real.append(layer)
        else:
            off.append(layer)
    by_torch, by_engine = (scores_by(e, model, options.judged) for e in ("torch", "engine"))
    assert len(by_torch) == len(by_engine) and by_torch
    score = max(abs(a[1] - b[1]) for a, b in zip(by_torch, by_engine))
    flipped = sum(a[0] != b[0] for a, b in zip(by_torch, by_engine))
    summary = lambda layers: [{"name": l["name"], "op": l["op"], **l["injected"]} for l in layers]
    logits = compared["layers"][-1]
    wrong = [f"{l['name']} ({l['op']}) isn't the same bit for bit: {l['injected']['max']:.3g}" for l in off]
    wrong += [f"scores differ by {score:.2g}"] if score > MOST_SCORE else []
    wrong += [f"{flipped} labels differ"] if flipped else []
    return {
        "network": name, "pictures": compared["pictures"], "exact": exact, "off": summary(off),
        "rounded_real": summary(real), "score_difference": score, "flipped": flipped,
        "logits": logits["so_far"], "kept": sum(l["precision"] != "int8" for l in said["layers"]),
        "int8": sum(l["precision"] == "int8" for l in said["layers"]), "speed_ratio": said["speed_ratio"],
        "wrong": wrong,
    }


def say(row):
    if "exact" not in row:
        print(f"{row['network']:20} WRONG: {row['wrong'][0]}", flush=True)
        return
    worst = max(row["off"] + row["rounded_real"], key=lambda l: -l.get("sqnr_db", 0), default=None)
    print(f"{row['network']:20} int8 {row['int8']:3} kept {row['kept']:2} same {row['exact']:3} off {len(row['off']):2} "
          f"rounded real {len(row['rounded_real']):2} scores {row['score_difference']:.1e} flipped {row['flipped']} "
          f"time {row['speed_ratio']:.2f} of f32"
          + (f"; worst {worst['name']} ({worst['op']}) {worst.get('sqnr_db', 0):.0f} dB" if worst else ""), flush=True)


def main():
    parser = argparse.ArgumentParser()
    for what in ("zoo", "pictures", "judged", "models", "results"):
        parser.add_argument(what)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--count", type=int, default=24)
    options = parser.parse_args()
    os.makedirs(options.models, exist_ok=True)
    names = options.names or sorted(
        name[: -len(".traced.pt")] for name in os.listdir(options.zoo) if name.endswith(".traced.pt"))
    rows = {}
    if os.path.exists(options.results):
        rows = {row["network"]: row for row in map(json.loads, open(options.results))}
    for name in names:
        if name.startswith(NO_CNNS):
            continue
        if name not in rows:
            try:
                rows[name] = judge(options, name)
            except RuntimeError as error:
                rows[name] = {"network": name, "wrong": [str(error).strip()]}
            with open(options.results, "a") as out:
                out.write(json.dumps(rows[name]) + "\n")
        say(rows[name])
    failed = sum(bool(row["wrong"]) for row in rows.values())
    print(f"{failed} of {len(rows)} wrong")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
