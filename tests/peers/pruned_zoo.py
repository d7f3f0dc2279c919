#!/usr/bin/env python3
"""Prunes torchvision's CNNs and has PyTorch judge what comes out.

For each network, scope and ratio: what `fpcls prune --plan` says must go is what `fpcls prune` writes,
`fpcls inspect` counts and PyTorch counts in the exported TorchScript (parameters as the sum over its
tensors, multiply-accumulates by torch.utils.flop_counter), exactly; and the TorchScript, which plain
PyTorch runs, gives the logits that both executors give, to TOLERANCE of the largest.

ZOO is a folder with NAME.traced.pt and NAME.io.safetensors (the tensor x: f32 NCHW) for each network.
Results are kept in RESULTS, one JSON object a line, and are not made again.

    FPCLS=build/bin/fpcls python3 tests/peers/pruned_zoo.py ZOO RESULTS [NAME...] [--remove channels=0.25,0.5,0.75]
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from torch.utils.flop_counter import FlopCounterMode

TOLERANCE = 1e-4
NO_CNNS = ("vit_", "swin_")
FPCLS = os.environ.get("FPCLS", "fpcls")


def fpcls(*arguments):
    done = subprocess.run([FPCLS, *map(str, arguments), "--quiet"], capture_output=True, text=True)
    if done.returncode not in (0, 1) or not done.stdout:
        raise RuntimeError(" ".join(map(str, arguments)) + "\n" + done.stderr)
    return json.loads(done.stdout)


def counted_by_torch(script, x):
    module = torch.jit.load(script).eval()
    parameters = sum(p.numel() for p in module.parameters())
    buffers = sum(b.numel() for b in module.buffers())
    with torch.no_grad():
        logits = module(x)
        with FlopCounterMode(display=False) as counter:
            module(x[:1])
    return logits, parameters, buffers, counter.get_total_flops() // 2


def judge(planned, made, folder, x):
    out = made["model"]
    script = os.path.join(folder, "pruned.pt")
    fpcls("export", out, "-o", script, "--format", "json")
    logits, parameters, buffers, macs = counted_by_torch(script, x)
    pair = os.path.join(folder, "pair.safetensors")
    save_file({"x": x, "y": logits.contiguous()}, pair)
    inspected = fpcls("inspect", out, "--verify", pair, "--format", "json", "--tolerance", TOLERANCE)
    differences = {v["executor"]: v["difference"] for v in inspected["verification"]}
    row = {
        "planned": planned["after"], "before": planned["before"], "inexact": len(planned["inexact"]),
        "written": made["after"],
        "inspected": {"parameters": inspected["parameters"], "macs": inspected["macs"]},
        "torch": {"parameters": parameters, "buffers": buffers, "macs": macs},
        "largest_logit": float(logits.abs().max()), "differences": differences,
    }
    # What inspect prints is over max(1, |y|), and a cut network's logits may be small.
    allowed = TOLERANCE * min(1.0, row["largest_logit"])
    wrong = []
    if planned["after"] != made["after"] or planned["layers"] != made["layers"]:
        wrong.append("written isn't what was planned")
    for what in ("parameters", "macs"):
        for by in ("inspected", "torch"):
            if row[by][what] != planned["after"][what]:
                wrong.append(f"{what}: planned {planned['after'][what]}, {by} {row[by][what]}")
    for by, difference in differences.items():
        if not difference <= allowed:
            wrong.append(f"logits of {by} differ by {difference:.2g}")
    if len(differences) != 2:
        wrong.append(f"ran only in {list(differences)}")
    if not torch.isfinite(logits).all():
        wrong.append("logits aren't finite")
    row["wrong"] = wrong
    os.remove(out)
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("zoo")
    parser.add_argument("results")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--remove", default="channels=0.25,0.5,0.75")
    parser.add_argument("--scope", default="global")
    options = parser.parse_args()
    names = options.names or sorted(
        name[: -len(".traced.pt")] for name in os.listdir(options.zoo) if name.endswith(".traced.pt"))
    done = set()
    failed = 0
    if os.path.exists(options.results):
        for line in open(options.results):
            row = json.loads(line)
            done.add((row["network"], row["remove"], row["scope"]))
            failed += bool(row["wrong"])
    unit, ratios = options.remove.split("=")
    for name in names:
        if name.startswith(NO_CNNS):
            continue
        left = [r for r in ratios.split(",") if (name, f"{unit}={r}", options.scope) not in done]
        if not left:
            continue
        x = load_file(os.path.join(options.zoo, name + ".io.safetensors"))["x"]
        model = [os.path.join(options.zoo, name + ".traced.pt"), "--size", x.shape[-1], "--model-labels", "no",
                 "--model-labels", "yes", "--positive", "yes", "--scope", options.scope, "--format", "json"]
        for ratio in left:
            with tempfile.TemporaryDirectory() as folder:
                remove = ["--remove", f"{unit}={ratio}"]
                try:
                    planned = fpcls("prune", *model, *remove, "--plan")
                    made = fpcls("prune", *model, *remove, "-o", os.path.join(folder, "pruned.safetensors"))
                    row = judge(planned, made, folder, x)
                except RuntimeError as error:
                    row = {"wrong": [str(error).strip()]}
            row = {"network": name, "remove": f"{unit}={ratio}", "scope": options.scope, **row}
            failed += bool(row["wrong"])
            with open(options.results, "a") as out:
                out.write(json.dumps(row) + "\n")
            if "planned" in row:
                b, a = row["before"], row["planned"]
                print(f"{name:20} {unit}={ratio} {options.scope}: parameters {b['parameters']} -> {a['parameters']}, MACs "
                      f"{b['macs']} -> {a['macs']}, differences {row['differences']} of {row['largest_logit']:.3g}")
            for text in row["wrong"]:
                print(f"{name:20} {unit}={ratio} WRONG: {text}", flush=True)
    print(f"{failed} wrong")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
