"""Measures one NAM model, streamed in blocks on one core, in this process; `benchmarks.nam` runs it once a model."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

if hasattr(os, "sched_setaffinity"):  # before TensorFlow counts the cores
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from tf_wavenet import NamWaveNet  # noqa: E402
from tf_wavenet.importers import write_nam  # noqa: E402

SAMPLE_RATE = 48000
CORE_SECONDS = 2.0
"""Audio that the C++ core's `benchmodel` processes, in blocks of 64 samples."""


def measure(preset: str, block_samples: int, rounds: int, core: str | None) -> dict[str, object]:
    """Times blocks and, in turn with them, the C++ core.

    Args:
        preset: Architecture.
        block_samples: Samples in a block.
        rounds: How often two seconds of audio are processed; the best counts.
        core: The program `benchmodel` of NeuralAmpModelerCore, or None.

    Returns:
        The arguments and the figures.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(0)
    model = NamWaveNet.from_preset(preset, sample_rate=SAMPLE_RATE)
    model.build()
    waveform = np.random.default_rng(0).normal(0.0, 0.1, (1, int(CORE_SECONDS * SAMPLE_RATE))).astype("float32")
    blocks = [
        tf.constant(waveform[:, first : first + block_samples])
        for first in range(0, waveform.shape[1] - block_samples + 1, block_samples)
    ]
    start = model.get_initial_state(1)
    process = model.block_processor().get_concrete_function(blocks[0], start)
    seconds, core_seconds = [], []
    with tempfile.NamedTemporaryFile(suffix=".nam") as file:
        write_nam(model, file.name)
        for _ in range(rounds):
            seconds.append(_seconds(process, blocks, start))
            if core is not None:
                core_seconds.append(_core_seconds(core, file.name))
    best = min(seconds) / len(blocks)
    figures = {
        "preset": preset,
        "block_samples": block_samples,
        "sample_rate": SAMPLE_RATE,
        "x_real_time": block_samples / SAMPLE_RATE / best,
        "microseconds_per_block": 1e6 * best,
        "weights": model.count_params() + 1,
        "receptive_field": model.receptive_field,
        "rounds": rounds,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    if core is not None:
        figures["core_x_real_time"] = CORE_SECONDS / min(core_seconds)
        figures["ratio"] = figures["x_real_time"] / figures["core_x_real_time"]
    return figures


def _seconds(process, blocks, state) -> float:
    begin = time.perf_counter()
    for block in blocks:
        output, state = process(block, state)
        output.numpy()  # as a host would, before the next block comes
    return time.perf_counter() - begin


def _core_seconds(core: str, path: str) -> float:
    # With the exact hyperbolic tangent, as ours; the plug-in approximates it.
    done = subprocess.run([core, "--no-fast-tanh", path], capture_output=True, text=True, check=True)
    return float(re.findall(r"([\d.]+)ms", done.stdout)[-1]) / 1000


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
