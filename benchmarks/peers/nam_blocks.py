"""Measures one NAM model, streamed in blocks on one core, in this process; `benchmarks.nam` runs it once a model."""

import json
import os
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
SECONDS = 2.0
"""Audio of a round, ours and that of the C++ core's `benchmodel_bufsize`."""


def measure(
    preset: str, engine: str, block_samples: list[int], rounds: int, core: str | None
) -> list[dict[str, object]]:
    """Times blocks and, in turn with them, the C++ core.

    Args:
        preset: Architecture.
        engine: "native" or "xla".
        block_samples: Samples in a block, of each case.
        rounds: How often two seconds of audio are processed; the best counts.
        core: The program `benchmodel_bufsize` of NeuralAmpModelerCore, or None.

    Returns:
        For each case the arguments and the figures.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(0)
    model = NamWaveNet.from_preset(preset, sample_rate=SAMPLE_RATE)
    model.build()
    process = model.block_processor(engine)
    with tempfile.NamedTemporaryFile(suffix=".nam") as file:
        write_nam(model, file.name)
        cases = [_case(model, process, size, rounds, core, file.name) for size in block_samples]
    told = {"preset": preset, "engine": engine, "sample_rate": SAMPLE_RATE, "rounds": rounds}
    told |= {"weights": model.count_params() + 1, "receptive_field": model.receptive_field}
    return [{**told, **case} for case in cases]


def _case(model, process, size, rounds, core, path):
    waveform = np.random.default_rng(0).normal(0.0, 0.1, (1, int(SECONDS * SAMPLE_RATE))).astype("float32")
    blocks = [
        np.ascontiguousarray(waveform[:, first : first + size])
        for first in range(0, waveform.shape[1] - size + 1, size)
    ]
    start = model.get_initial_state(1)
    process(blocks[0], start)
    seconds, core_seconds, slow = [], [], []
    for _ in range(rounds):
        times = _times(process, blocks, start)
        seconds.append(times[-1] - times[0])
        slow.append(np.diff(times))
        if core is not None:
            core_seconds.append(_core_seconds(core, path, size))
    best = min(seconds) / len(blocks)
    figures = {
        "block_samples": size,
        "x_real_time": size / SAMPLE_RATE / best,
        "microseconds_per_block": 1e6 * best,
        "slow_block_microseconds": 1e6 * float(np.quantile(np.concatenate(slow), 0.999)),
    }
    if core is not None:
        figures["core_x_real_time"] = len(blocks) * size / SAMPLE_RATE / min(core_seconds)
        figures["ratio"] = figures["x_real_time"] / figures["core_x_real_time"]
    return figures


def _times(process, blocks, state):
    times = np.empty(len(blocks) + 1)
    times[0] = time.perf_counter()
    for i, block in enumerate(blocks):
        output, state = process(block, state)
        np.asarray(output)  # as a host would, before the next block comes
        times[i + 1] = time.perf_counter()
    return times


def _core_seconds(core, path, size) -> float:
    # With the exact hyperbolic tangent, as ours; the plug-in approximates it.
    done = subprocess.run([core, path, str(size), "--no-fast-tanh", "1"], capture_output=True, text=True, check=True)
    return float(done.stdout.split(",")[-1]) / 1e6


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
