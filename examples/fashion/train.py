#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the Fashion-MNIST CNN of this folder and writes it as ONNX.

Needs Debian 12's python3-torch, python3-numpy and dataset-fashion-mnist. Run it once a
version, see README.md:

    /usr/bin/python3 examples/fashion/train.py 1.0.0

It writes fashion-VERSION.onnx, vectors/fashion-VERSION.f32 and the version's entry of
accuracy.json. The epoch is chosen on 5,000 images held out of the training set; the test
images are looked at once, at the end.
"""
import gzip
import hashlib
import json
import os
import sys
import time

import numpy
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = "/usr/share/datasets/fashion-mnist"
HELD_OUT = 5000
BATCH = 125
VECTORS = 200
MAX_SHIFT = 2

# What differs between the versions: version 1.1.0 learned from another seed for longer.
RECIPES = {
    "1.0.0": {"seed": 1, "epochs": 10, "peak_rate": 0.004},
    "1.1.0": {"seed": 2, "epochs": 20, "peak_rate": 0.004},
}


def read_idx(name):
    """The array of one gzipped IDX file of bytes."""
    with gzip.open(os.path.join(DATA, name), "rb") as file:
        data = file.read()
    rank = data[3]
    shape = numpy.frombuffer(data, dtype=">u4", count=rank, offset=4)
    return numpy.frombuffer(data, dtype=numpy.uint8, offset=4 + 4 * rank).reshape(shape)


def load(part):
    """Images as float32 Nx1x28x28 in [0, 1] (byte / 255, nothing else) and labels."""
    images = read_idx(f"{part}-images-idx3-ubyte.gz").astype(numpy.float32) / 255
    labels = read_idx(f"{part}-labels-idx1-ubyte.gz").astype(numpy.int64)
    return torch.from_numpy(images[:, None]), torch.from_numpy(labels)


def make_net():
    """173,834 parameters and 2.27 million multiply-adds an image.

    The batch normalisations exist in training only: the exporter folds them into the
    convolutions before them.
    """
    def block(inputs, outputs, size):
        return [nn.Conv2d(inputs, outputs, size, padding=size // 2),
                nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]

    return nn.Sequential(
        *block(1, 16, 5), *block(16, 32, 3), *block(32, 64, 3),
        nn.Flatten(), nn.Linear(64 * 3 * 3, 256), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(256, 10))


def augment(images):
    """Each image moved by up to two pixels each way, half of them mirrored."""
    count = len(images)
    padded = nn.functional.pad(images, [MAX_SHIFT] * 4)
    shift = torch.randint(0, 2 * MAX_SHIFT + 1, (2, count, 1))
    rows = torch.arange(28) + shift[0]
    columns = torch.arange(28) + shift[1]
    mirrored = torch.rand(count) < 0.5
    columns[mirrored] = columns[mirrored].flip(1)
    which = torch.arange(count)[:, None, None]
    return padded[which, 0, rows[:, :, None], columns[:, None, :]][:, None]


def outputs_of(net, images):
    net.eval()
    with torch.no_grad():
        return torch.cat([net(part) for part in images.split(500)])


def correct_count(outputs, labels):
    return int((outputs.argmax(1) == labels).sum())


def train_epoch(net, optimizer, schedule, images, labels):
    net.train()
    for batch in torch.randperm(len(images)).split(BATCH):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(augment(images[batch])), labels[batch])
        loss.backward()
        optimizer.step()
        schedule.step()


def train(recipe, images, labels):
    """The net as it was after the epoch that did best on the held-out images."""
    torch.manual_seed(recipe["seed"])
    torch.use_deterministic_algorithms(True)
    order = torch.randperm(len(images))
    held, kept = order[:HELD_OUT], order[HELD_OUT:]
    net = make_net()
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe["peak_rate"], epochs=recipe["epochs"],
        steps_per_epoch=len(kept) // BATCH)
    best = {"correct": -1}
    for epoch in range(1, recipe["epochs"] + 1):
        start = time.monotonic()
        train_epoch(net, optimizer, schedule, images[kept], labels[kept])
        correct = correct_count(outputs_of(net, images[held]), labels[held])
        print(f"epoch {epoch}: {correct} of {HELD_OUT} held-out images right, "
              f"{time.monotonic() - start:.0f} s", flush=True)
        if correct > best["correct"]:
            best = {"correct": correct, "epoch": epoch,
                    "state": {k: v.clone() for k, v in net.state_dict().items()}}
    net.load_state_dict(best["state"])
    return net, best


def record(version, entry):
    """Puts this version's entry into accuracy.json and leaves the others."""
    path = os.path.join(HERE, "accuracy.json")
    entries = {}
    if os.path.exists(path):
        with open(path, encoding="ascii") as file:
            entries = json.load(file)
    entries[version] = entry
    with open(path, "w", encoding="ascii") as file:
        json.dump(entries, file, indent=2, sort_keys=True)
        file.write("\n")


def export(net, version):
    path = os.path.join(HERE, f"fashion-{version}.onnx")
    torch.onnx.export(net, torch.zeros(1, 1, 28, 28), path, opset_version=13,
                      input_names=["image"], output_names=["probability"],
                      dynamic_axes={"image": {0: "batch"}, "probability": {0: "batch"}})
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def main(version):
    recipe = RECIPES[version]
    torch.set_num_threads(2)
    net, best = train(recipe, *load("train"))
    net = nn.Sequential(*net, nn.Softmax(dim=1))
    images, labels = load("t10k")
    outputs = outputs_of(net, images)
    digest = export(net, version)
    vectors = os.path.join(HERE, "vectors", f"fashion-{version}.f32")
    outputs[:VECTORS].numpy().astype("<f4").tofile(vectors)
    record(version, {
        "correct": correct_count(outputs, labels), "images": len(images),
        "held_out_correct": best["correct"], "held_out_images": HELD_OUT,
        "epoch": best["epoch"], "epochs": recipe["epochs"], "seed": recipe["seed"],
        "onnx_sha256": digest, "torch": torch.__version__})
    print(f"{version}: {correct_count(outputs, labels)} of {len(images)} test images right")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in RECIPES:
        sys.exit(f"usage: train.py {'|'.join(RECIPES)}")
    main(sys.argv[1])
