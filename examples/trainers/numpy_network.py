#!/usr/bin/env python3
"""A small network in numpy that knows nothing of ktrdr but a few environment variables.

It writes checkpoint-<step> directories (under another name first, then renamed), prints lines that the spec's pattern
reads, and on SIGTERM saves and ends. The generator's state is saved with the weights, so that it ends with the same
weights however often it was stopped.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
import time

EX_CONFIG = 78  # of sysexits.h: ktrdr does not try again what ends with it

try:
    import numpy
except ImportError:
    print("This example needs numpy: %s -m pip install numpy" % sys.executable, file=sys.stderr)
    sys.exit(EX_CONFIG)

HIDDEN = 16
EXAMPLES = 1024

is_stopping = False


def on_signal(_number, _frame):
    global is_stopping
    is_stopping = True


def save(directory, step, arrays, generator):
    final = os.path.join(directory, "checkpoint-%d" % step)
    if os.path.isdir(final):
        return
    draft = final + ".writing"
    shutil.rmtree(draft, ignore_errors=True)
    os.makedirs(draft)
    for name, array in arrays.items():
        numpy.save(os.path.join(draft, name + ".npy"), array, allow_pickle=False)
    with open(os.path.join(draft, "generator.json"), "w", encoding="utf-8") as file:
        json.dump(generator.bit_generator.state, file)
    os.rename(draft, final)


def main():
    signal.signal(signal.SIGTERM, on_signal)
    with open(os.environ["KTRDR_PARAMS_FILE"], encoding="utf-8") as file:
        params = json.load(file)
    directory = os.environ["KTRDR_CHECKPOINT_DIR"]
    resume = os.environ.get("KTRDR_RESUME_DIR")
    steps, every = params.get("steps", 300), params.get("save_every", 50)
    seed, pause = params.get("seed", 1), params.get("seconds_per_step", 0)

    source = numpy.random.default_rng(seed)
    points = source.normal(size=(EXAMPLES, 2))
    labels = (numpy.prod(points, axis=1, keepdims=True) > 0).astype(numpy.float64)
    generator = numpy.random.default_rng(seed + 1)
    arrays = {
        "w1": generator.normal(size=(2, HIDDEN)),
        "b1": numpy.zeros(HIDDEN),
        "w2": generator.normal(size=(HIDDEN, 1)) / 4,
        "b2": numpy.zeros(1),
    }
    step = 0
    if resume:
        step = int(os.environ["KTRDR_RESUME_STEP"])
        arrays = {name: numpy.load(os.path.join(resume, name + ".npy"), allow_pickle=False) for name in arrays}
        with open(os.path.join(resume, "generator.json"), encoding="utf-8") as file:
            generator.bit_generator.state = json.load(file)
    print("training from step %d to step %d" % (step, steps), flush=True)

    while step < steps and not is_stopping:
        chosen = generator.integers(0, EXAMPLES, size=64)
        x, y = points[chosen], labels[chosen]
        hidden = numpy.tanh(x @ arrays["w1"] + arrays["b1"])
        guess = 1 / (1 + numpy.exp(-(hidden @ arrays["w2"] + arrays["b2"])))
        loss = float(-numpy.mean(y * numpy.log(guess) + (1 - y) * numpy.log(1 - guess)))
        slope = (guess - y) / len(chosen)
        back = (slope @ arrays["w2"].T) * (1 - hidden**2)
        for name, gradient in (
            ("w2", hidden.T @ slope),
            ("b2", slope.sum(axis=0)),
            ("w1", x.T @ back),
            ("b1", back.sum(axis=0)),
        ):
            arrays[name] = arrays[name] - 0.5 * gradient
        step += 1
        time.sleep(pause)
        print("step=%d/%d loss=%.6f" % (step, steps, loss), flush=True)
        if step % every == 0:
            save(directory, step, arrays, generator)

    save(directory, step, arrays, generator)
    if step < steps:
        print("stopped at step %d" % step, flush=True)
        return 0
    digest = hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest()
    with open(os.environ["KTRDR_RESULT_FILE"], "w", encoding="utf-8") as file:
        json.dump({"weights_sha256": digest, "loss": loss}, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
