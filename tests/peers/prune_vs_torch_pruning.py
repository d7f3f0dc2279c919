#!/usr/bin/env python3
"""Prunes and fine-tunes a ResNet-50 with Torch-Pruning by the recipe of scripts/compress-accuracy.

What is Torch-Pruning's: which channels depend on each other, which go (group L2, every group the same
share) and taking them out. All else is what `fpcls prune` does: the shares of the steps, new batch norm
statistics after each, AdamW, warm-up and cosine, moving average, class weights, augmentation, distillation
from the dense network's logits, the best epoch by validation at >= 0.95, so that only the pruner differs.

DENSE is the state dict of a torchvision ResNet-50 with two outputs, of which 1 is the label TASK. TRAIN and
TEST are lists (path,label) of pictures whose sides are the network's. WORK keeps the state after each epoch:
the same command goes on after a kill, to the same network at equal threads. Prints one row a step.

    python3 tests/peers/prune_vs_torch_pruning.py DENSE TASK TRAIN TEST WORK --remove macs=0.9 --steps 6 --epochs 30
"""
import argparse
import copy
import csv
import hashlib
import math
import os
import random

import cv2
import numpy as np
import torch
import torch.nn.functional as F
import torch_pruning as tp
import torchvision
from sklearn.metrics import roc_auc_score

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1) * 255
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1) * 255
BOUNDS = (0.5, 0.8, 0.9, 0.95)


def load(path, task):
    rows = list(csv.DictReader(open(path)))
    if not rows:
        raise SystemExit(f"{path}: lists no pictures")
    folder = os.path.dirname(os.path.abspath(path))
    pictures, digests = [], []
    for row in rows:
        data = open(os.path.join(folder, row["path"]), "rb").read()
        digests.append(hashlib.sha256(data).hexdigest())
        pictures.append(cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))
        if pictures[-1].shape != pictures[0].shape:
            raise SystemExit(f"{row['path']}: is {pictures[-1].shape}, the first picture {pictures[0].shape}; cut all to one size")
    y = np.array([row["label"] == task for row in rows], np.int64)
    if y.min() == y.max():
        raise SystemExit(f"{path}: all pictures are on one side of the label {task}")
    return np.stack(pictures), y, digests


def split(y, digests, share):
    """Rows to train on and to validate on: the same share of both targets, chosen by content."""
    held = set()
    for target in (0, 1):
        rows = sorted(np.flatnonzero(y == target), key=lambda i: digests[i])
        held.update(rows[:round(share * len(rows))])
    return np.array([i for i in range(len(y)) if i not in held]), np.array(sorted(held))


def augment(picture, rng):
    """As fpcls varies plans: cut out, flipped, turned, lit otherwise, sometimes blurred, noisy or a poorer JPEG."""
    side = picture.shape[0]
    rows, columns = rng.integers(round(side * 0.85), side + 1, 2)
    y, x = rng.integers(0, side - rows + 1), rng.integers(0, side - columns + 1)
    p = cv2.resize(picture[y:y + rows, x:x + columns], (side, side), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        p = p[:, ::-1]
    if rng.random() < 0.5:
        p = p[::-1]
    if rng.random() < 0.5:
        p = p.transpose(1, 0, 2)
    p = p.astype(np.float32)
    if rng.random() < 0.1:
        edge = rng.integers(24, 81) / 256
        kernel = np.array([edge, 1 - 2 * edge, edge], np.float32)
        p = cv2.sepFilter2D(p, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE)
    contrast, shift = 1 + rng.uniform(-0.2, 0.2), 255 * rng.uniform(-0.1, 0.1)
    p = ((p - 127.5) * contrast + 127.5 + shift) * (1 + rng.uniform(-0.06, 0.06, 3))
    if rng.random() < 0.1:
        p = p + rng.normal(0, rng.uniform(0.25, 1) * 6, p.shape)
    p = np.clip(np.rint(p), 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 91))]
        p = cv2.imdecode(cv2.imencode(".jpg", p, quality)[1], cv2.IMREAD_COLOR)
    return p


def to_input(pictures):
    return (torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() - MEAN) / STD


def scores(model, pictures, batch=32):
    """Of the label, for each picture."""
    model.eval()
    with torch.inference_mode():
        logits = [model(to_input(pictures[i:i + batch])) for i in range(0, len(pictures), batch)]
        return torch.softmax(torch.cat(logits), 1)[:, 1].numpy()


def figures(model, pictures, y):
    positive = scores(model, pictures)
    correct = np.where(y == 1, positive, 1 - positive)
    return {"buckets": [float((correct >= bound).mean()) for bound in BOUNDS], "auc": float(roc_auc_score(y, positive)),
            "loss": float(-np.log(np.maximum(correct, 1e-12)).mean())}


def costs(model, side):
    model.eval()
    macs, _ = tp.utils.count_ops_and_params(model, torch.zeros(1, 3, side, side))
    size = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    return macs, size


def widths(model):
    return {name: m.out_channels for name, m in model.named_modules() if isinstance(m, torch.nn.Conv2d)}


def cut(model, dense_widths, share, side):
    """A copy that has 1 - `share` of each group's dense channels, the strongest of those that are there."""
    smaller = copy.deepcopy(model).eval()
    ratios = {}
    for name, m in smaller.named_modules():
        if isinstance(m, torch.nn.Conv2d):
            wanted = max(1, round(dense_widths[name] * (1 - share)))
            # Torch-Pruning keeps the whole part of what is left; the half guards it against rounding.
            ratios[m] = max(0.0, 1 - (wanted + 0.5) / m.out_channels)
    pruner = tp.pruner.BasePruner(smaller, torch.zeros(1, 3, side, side), global_pruning=False, pruning_ratio_dict=ratios,
                                  importance=tp.importance.GroupMagnitudeImportance(p=2), ignored_layers=[smaller.fc])
    pruner.step()
    return smaller


def channel_share(model, unit, ratio, side):
    """The share of each group's channels that takes `ratio` of the unit away."""
    if unit == "channels":
        return ratio
    low, high, dense = 0.0, 1.0, costs(model, side)[0]
    for _ in range(10):
        middle = (low + high) / 2
        gone = 1 - costs(cut(model, widths(model), middle, side), side)[0] / dense
        low, high = (middle, high) if gone < ratio else (low, middle)
    return low


def groups_of(model):
    """Parameters that decay (weights of convolutions and of the classifier), and those that don't."""
    decaying = [p for p in model.parameters() if p.dim() > 1]
    return decaying, [p for p in model.parameters() if p.dim() <= 1]


class Schedule:
    def __init__(self, options):
        self.o = options
        pictures, y, digests = load(options.train, options.task)
        rows, held = split(y, digests, 0.2)
        self.x, self.y, self.held_x, self.held_y = pictures[rows], y[rows], pictures[held], y[held]
        self.test_x, self.test_y, _ = load(options.test, options.task)
        self.side = pictures.shape[1]
        counts = np.bincount(self.y, minlength=2)
        self.weights = torch.tensor(len(self.y) / (2 * counts), dtype=torch.float32)
        self.teacher = torchvision.models.resnet50(num_classes=2)
        self.teacher.load_state_dict(torch.load(options.dense, map_location="cpu"))
        self.teacher.eval()
        self.state_file = os.path.join(options.work, "state.pt")
        os.makedirs(options.work, exist_ok=True)
        self.unit, ratio = options.remove.split("=")
        share = channel_share(self.teacher, self.unit, float(ratio), self.side)
        self.shares = [1 - (1 - share) ** (s / options.steps) for s in range(options.steps + 1)]
        self.recipe = {k: v for k, v in vars(options).items() if k not in ("work", "threads")}

    def generator(self, *path):
        return np.random.default_rng([self.o.seed, *path])

    def batch(self, rows, rng):
        return to_input(np.stack([augment(self.x[i], rng) for i in rows]))

    def save(self, state):
        torch.save({**state, "recipe": self.recipe}, self.state_file + ".new")
        os.replace(self.state_file + ".new", self.state_file)

    def resume(self):
        if not os.path.exists(self.state_file):
            return {"model": copy.deepcopy(self.teacher), "step": 0, "rows": [], "training": None}
        state = torch.load(self.state_file, weights_only=False)
        if state["recipe"] != self.recipe:
            raise SystemExit(f"{self.o.work}: holds a schedule with other options; take another folder")
        return state

    def renew_statistics(self, model, step):
        rng = self.generator(step, 1)
        model.train()
        with torch.no_grad():
            for _ in range(200):
                model(self.batch(rng.integers(0, len(self.x), self.o.batch), rng))

    def row(self, name, model):
        macs, size = costs(model, self.side)
        return {"name": name, "mb": size / 1e6, "mmacs": macs / 1e6, **figures(model, self.test_x, self.test_y)}

    def run(self):
        state = self.resume()
        if not state["rows"]:
            state["rows"].append(self.row("dense", self.teacher))
        while state["step"] < self.o.steps or state["training"]:
            if not state["training"]:
                step = state["step"] + 1
                model = cut(state["model"], widths(self.teacher), self.shares[step], self.side)
                self.renew_statistics(model, step)
                state.update(model=model, step=step, training={"epoch": 0})
            self.train(state)
        print("step | MB | MMACs | >=0.50 | >=0.80 | >=0.90 | >=0.95 | AUC")
        for r in state["rows"]:
            cells = [f"{100 * b:.1f}" for b in r["buckets"]]
            print(" | ".join([r["name"], f"{r['mb']:.2f}", f"{r['mmacs']:.1f}", *cells, f"{r['auc']:.4f}"]))

    def train(self, state):
        """One step's training, from the epoch that the state has come to."""
        o, step, model, t = self.o, state["step"], state["model"], state["training"]
        epochs = o.epochs if step == o.steps else o.step_epochs
        decaying, others = groups_of(model)
        optimizer = torch.optim.AdamW([{"params": decaying, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}],
                                      lr=o.learning_rate)
        average = t.get("average") or copy.deepcopy(model)
        if "optimizer" in t:
            optimizer.load_state_dict(t["optimizer"])
        steps = len(self.x) // o.batch
        for epoch in range(t["epoch"], epochs):
            loss = self.train_epoch(model, average, optimizer, step, epoch, epochs, steps)
            if not math.isfinite(loss):
                raise SystemExit(f"the loss is {loss} in epoch {epoch + 1} of step {step}; lower --learning-rate")
            held = figures(average, self.held_x, self.held_y)
            rank = (held["buckets"][3], -held["loss"])
            if "best" not in t or rank > t["rank"]:
                t.update(best=copy.deepcopy(average), rank=rank)
            t.update(epoch=epoch + 1, average=average, optimizer=optimizer.state_dict())
            self.save(state)
            print(f"step {step}/{o.steps} epoch {epoch + 1}/{epochs} loss {loss:.3f} validation >=0.95 "
                  f"{100 * held['buckets'][3]:.1f}", flush=True)
        state["model"] = t.get("best", model)
        state["rows"].append(self.row(f"{step}", state["model"]))
        state["training"] = None
        self.save(state)

    def train_epoch(self, model, average, optimizer, step, epoch, epochs, steps):
        o, rng, total = self.o, self.generator(step, 2, epoch), 0.0
        order = rng.permutation(len(self.x))
        for i in range(steps):
            rows = order[i * o.batch:(i + 1) * o.batch]
            at = epoch * steps + i
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate(at, epochs * steps)
            x, y = self.batch(rows, rng), torch.from_numpy(self.y[rows])
            with torch.inference_mode():
                wanted = self.teacher(x)
            model.train()
            out = model(x)
            losses = F.cross_entropy(out, y, reduction="none")
            if o.distillation > 0:
                p, q = F.log_softmax(wanted / o.temperature, 1), F.log_softmax(out / o.temperature, 1)
                distance = (p.exp() * (p - q)).sum(1) * o.temperature ** 2
                losses = (1 - o.distillation) * losses + o.distillation * distance
            loss = (losses * self.weights[y]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            self.follow(average, model, at + 1)
            total += loss.item()
        return total / steps

    def learning_rate(self, at, total, warmup=0.05):
        first = total * warmup
        if at + 1 < first:
            return self.o.learning_rate * (at + 1) / first
        return self.o.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1, max(0, at - first) / max(1, total - first))))

    @staticmethod
    def follow(average, model, steps):
        decay = min(0.999, (1 + steps) / (10 + steps))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), model.state_dict().values()):
                if a.dtype.is_floating_point:
                    a.lerp_(b, 1 - decay)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("dense", "task", "train", "test", "work"):
        parser.add_argument(name)
    parser.add_argument("--remove", default="macs=0.9", help="macs=RATIO or channels=RATIO")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--step-epochs", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--distillation", type=float, default=0.7)
    parser.add_argument("--temperature", type=float, default=4)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    unit, _, ratio = options.remove.partition("=")
    if unit not in ("macs", "channels") or not 0 <= float(ratio or -1) < 1:
        parser.error(f"--remove {options.remove}: expected macs=RATIO or channels=RATIO, 0 to below 1")
    os.nice(19)
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    Schedule(options).run()


if __name__ == "__main__":
    main()
