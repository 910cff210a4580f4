"""The client's side of `step`: from logits over mu-law levels to samples, in NumPy."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np


def draw(logits, rng, temperature=1.0):
    """Draws a mu-law level for each row of logits, `[batch, mu + 1]`; returns int `[batch]`."""
    if temperature == 0:
        return logits.argmax(axis=-1)
    scaled = (logits - logits.max(axis=-1, keepdims=True)).astype(np.float64) / temperature
    cumulative = np.exp(scaled).cumsum(axis=-1)
    return (cumulative < rng.random((len(logits), 1)) * cumulative[:, -1:]).sum(axis=-1)


def expand(levels, mu=255):
    """Returns the samples in [-1, 1] of mu-law levels."""
    y = 2.0 * levels / mu - 1.0
    return (np.sign(y) * np.expm1(np.abs(y) * np.log1p(mu)) / mu).astype(np.float32)


def speak(step, state, num_samples, seed=0, temperature=1.0):
    """Yields samples of one stream, one at a time.

    Args:
        step: Function of a dict of arrays (previous_sample and the state) that returns a dict (parameters and new_...).
        state: Dict of state_queues and state_stream, before the first sample.
        num_samples: Int.
        seed: Of the random numbers.
        temperature: Float >= 0.
    """
    rng, sample = np.random.default_rng(seed), np.zeros(1, np.float32)
    for _ in range(num_samples):
        out = step({"previous_sample": sample, **state})
        state = {name: out[f"new_{name}"] for name in state}
        sample = expand(draw(out["parameters"], rng, temperature))
        yield sample[0]


def first_state(description):
    """Returns the state before the first sample, of the model that `signatures.json` describes."""
    model = description["model"]
    words = [int(model["fingerprint"][i : i + 8], 16) for i in (0, 8)]
    stream = np.array([[*words, 0, 0]], np.uint32).view(np.int32)
    return {"state_queues": np.zeros((1, model["state_numbers_per_stream"]), np.float32), "state_stream": stream}


def command(doc, convert, load_step):
    """The command line of a runtime's script.

    Args:
        doc: The script's docstring.
        convert: Function of the SavedModel's folder and the file to write.
        load_step: Function of that file; returns what `speak` takes as `step`.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--convert", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--num-samples", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.convert:
        convert(arguments.model, arguments.convert)
    if arguments.run:
        state = first_state(json.loads((arguments.model / "signatures.json").read_text()))
        for sample in speak(load_step(arguments.run), state, arguments.num_samples, arguments.seed):
            sys.stdout.buffer.write(np.float32(sample).tobytes())
