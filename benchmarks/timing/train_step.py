"""Measures the training step of one model in this process; `benchmarks.train` runs it once a case."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from benchmarks.timing.products import products_step
from tf_wavenet import WaveNet


def measure(
    preset: str, precision: str, xla: bool, batch_size: int, window_samples: int, rounds: int, threads: int = 0
) -> dict[str, object]:
    """Times training steps and, in turn with them, their matrix products.

    Args:
        preset: Architecture.
        precision: Keras's dtype policy, "float32" or "mixed_bfloat16".
        xla: Whether the training step is compiled with XLA; the products always are.
        batch_size: Rows of the batch.
        window_samples: Samples of each row.
        rounds: Steps measured, after one that compiles.
        threads: Threads of TensorFlow; 0 leaves the choice to it. Only before TensorFlow's first operation.

    Returns:
        The arguments and the figures.
    """
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    keras.utils.set_random_seed(0)
    model = WaveNet.from_preset(preset, dtype=precision)
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=xla)
    waveform = tf.constant(np.random.default_rng(0).normal(0.0, 0.1, (batch_size, window_samples)), tf.float32)

    def train() -> None:
        model.train_on_batch(waveform, waveform)  # returns NumPy figures, so the step has ended

    idle_memory = _peak_memory_mib()
    compile_seconds = _seconds(train)
    _seconds(train)
    peak_memory = _peak_memory_mib()
    products = products_step(model, batch_size * window_samples, model.compute_dtype)
    _seconds(products)
    times = np.array([(_seconds(train), _seconds(products)) for _ in range(rounds)])
    step_seconds, bound_seconds = times.min(axis=0)
    samples = batch_size * window_samples
    return {
        "preset": preset,
        "precision": precision,
        "xla": xla,
        "batch_size": batch_size,
        "window_samples": window_samples,
        "samples_per_second": samples / step_seconds,
        "bound_samples_per_second": samples / bound_seconds,
        "ratio": bound_seconds / step_seconds,
        "step_seconds": step_seconds,
        "first_step_seconds": compile_seconds,
        "peak_memory_mib": peak_memory,
        "idle_memory_mib": idle_memory,
        "parameters": model.count_params(),
        "rounds": rounds,
        "threads": threads or os.cpu_count(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }


def _seconds(step: Callable[[], None]) -> float:
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def _peak_memory_mib() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
