#!/usr/bin/env python3
"""Logistic regression in plain Python (standard library only), over the trainer protocol.

Stopped anywhere and continued anywhere it ends with the same weights, to the last bit: its state is the weights, the
momentum and the generator that shuffles, and all three are saved.
"""

import hashlib
import json
import math
import os
import random
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "sdks", "python"))
from ktrdr_trainer import connect  # noqa: E402

FEATURES = 8
EXAMPLES = 512


def make_examples(seed):
    """Points on two sides of a plane, a little mixed up."""
    source = random.Random(seed)
    normal = [source.gauss(0, 1) for _ in range(FEATURES)]
    examples = []
    for _ in range(EXAMPLES):
        point = [source.gauss(0, 1) for _ in range(FEATURES)]
        side = sum(a * b for a, b in zip(normal, point)) + source.gauss(0, 0.5)
        examples.append((point, 1.0 if side > 0 else 0.0))
    return examples


class Training:
    def __init__(self, params):
        self.rate = params.get("learning_rate", 0.05)
        self.batch = params.get("batch_size", 16)
        self.examples = make_examples(params.get("seed", 1))
        self.shuffler = random.Random(params.get("seed", 1) + 1)
        self.weights = [0.0] * (FEATURES + 1)
        self.momentum = [0.0] * (FEATURES + 1)
        self.order = []
        self.step = 0
        self.loss = 0.0

    @property
    def batches(self):
        return math.ceil(EXAMPLES / self.batch)

    @property
    def epoch(self):
        return self.step // self.batches

    def write(self, directory):
        state = {
            "step": self.step,
            "weights": self.weights,  # Python writes a float so that reading gives the same one
            "momentum": self.momentum,
            "order": self.order,
            "shuffler": self.shuffler.getstate(),
        }
        with open(os.path.join(directory, "state.json"), "w", encoding="utf-8") as file:
            json.dump(state, file)

    def read(self, directory):
        with open(os.path.join(directory, "state.json"), encoding="utf-8") as file:
            state = json.load(file)
        self.step, self.weights, self.momentum = state["step"], state["weights"], state["momentum"]
        self.order = state["order"]
        version, numbers, gauss = state["shuffler"]
        self.shuffler.setstate((version, tuple(numbers), gauss))

    def train_one_step(self):
        place = self.step % self.batches
        if place == 0:
            self.order = list(range(EXAMPLES))
            self.shuffler.shuffle(self.order)
        chosen = self.order[place * self.batch : (place + 1) * self.batch]
        gradient = [0.0] * (FEATURES + 1)
        self.loss = 0.0
        for index in chosen:
            point, label = self.examples[index]
            score = self.weights[-1] + sum(w * x for w, x in zip(self.weights, point))
            guess = 1.0 / (1.0 + math.exp(-score))
            self.loss -= math.log(guess if label else 1.0 - guess) / len(chosen)
            for feature, value in enumerate(point + [1.0]):
                gradient[feature] += (guess - label) * value / len(chosen)
        for feature, slope in enumerate(gradient):
            self.momentum[feature] = 0.9 * self.momentum[feature] + slope
            self.weights[feature] -= self.rate * self.momentum[feature]
        self.step += 1

    def sha256(self):
        return hashlib.sha256(struct.pack("<%dd" % len(self.weights), *self.weights)).hexdigest()


def main():
    with connect("plain-python", "1") as run:
        training = Training(run.params)
        epochs = run.params.get("epochs", 10)
        steps = epochs * training.batches
        pause = run.params.get("seconds_per_step", 0)
        if run.resume:
            training.read(run.resume.dir)
        print("training from step %d to step %d" % (training.step, steps))
        run.started(training.step, training.epoch, steps, epochs, parameters=len(training.weights))
        while training.step < steps:
            training.train_one_step()
            time.sleep(pause)
            ends_epoch = training.step % training.batches == 0
            if ends_epoch:
                run.metrics(training.step, training.epoch, {"loss": training.loss})
            run.step(
                training.step,
                training.epoch,
                save=training.write,
                loss=training.loss,
                periodic=ends_epoch,
                end_of_epoch=ends_epoch,
            )
        run.complete(
            training.step,
            training.epoch,
            save=training.write,
            result={"weights_sha256": training.sha256(), "loss": training.loss},
        )


if __name__ == "__main__":
    main()
