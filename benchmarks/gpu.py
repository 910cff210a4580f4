"""What a GPU makes of a training step: `python -m benchmarks.gpu [--json]`, on any Keras backend.

Beside the step of each vocoder stands the rate of one large product of bfloat16 matrices, measured in turn with it in
the same process; `share` is the step's rate over that. A step's operations are those of its weights, two for each
weight and position forwards and twice as many backwards; the losses come on top and are not counted.
"""

import dataclasses
import json
import time
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from benchmarks.timing.product_shapes import product_shapes
from tf_wavenet import WaveNet
from training.cli.command_line import check_numbers, parse, run
from training.recipes.vocoder import make_gan
from training.runs.config import VocoderConfig
from training.runs.precision import gpus


@dataclasses.dataclass(frozen=True)
class GpuConfig:
    """Measures training steps of the two vocoders, and a product of matrices."""

    seconds: float = 30.0
    """Time to measure for, compilation not counted."""
    windows: int = 64
    """Windows of one second in a step of `istft_vocoder`; of `lpc_vocoder` four times as many, of 2,400 samples."""
    size: int = 8192
    """Rows and columns of the matrices."""
    json: bool = False
    """Print JSON."""

    def __post_init__(self) -> None:
        """Checks each field."""
        check_numbers(self, "seconds", "windows", "size")


def make_step(name: str, windows: int) -> tuple[Callable[[], object], int, float]:
    """Makes a training step on a batch of noise.

    Args:
        name: "istft_vocoder" or "lpc_vocoder".
        windows: Of the batch.

    Returns:
        The step, which ends when its figures are there; its samples; its operations.
    """
    rng = np.random.default_rng(0)
    if name == "lpc_vocoder":
        network = model = WaveNet.from_preset(name, dtype="mixed_bfloat16")
        rows, samples, margin = 4 * windows, 2400, model.context_frames
        of_samples = sum(a * b for shapes in product_shapes(model).values() for a, b in shapes)
    else:
        model = make_gan(VocoderConfig(model=name, precision="mixed_bfloat16"))
        network, rows, samples, margin, of_samples = model.generator, windows, 16000, 0, 0
    model.compile("adam", jit_compile=True)
    waveform = rng.normal(0.0, 0.1, (rows, samples)).astype("float32")
    features = rng.normal(size=(rows, samples // 200 + 2 * margin, 80)).astype("float32")
    inputs = {"waveform": waveform, "local_window" if margin else "local_condition": features}
    weights = sum(int(np.prod(w.shape)) for w in network.trainable_variables if len(w.shape) > 1)
    products = rows * (of_samples * samples + (weights - of_samples) * features.shape[1])
    return lambda: model.train_on_batch(inputs, waveform), rows * samples, 6.0 * products


def make_product(size: int) -> tuple[Callable[[], object], float]:
    """Makes a product of two random bfloat16 matrices of `size` rows and columns; returns it and its operations."""
    a, b = (ops.cast(keras.random.normal((size, size), seed=seed), "bfloat16") for seed in (1, 2))

    def product():
        return float(ops.convert_to_numpy(ops.cast(ops.matmul(a, b)[0, 0], "float32")))

    return product, 2.0 * size**3


def measure(config: GpuConfig) -> dict[str, object]:
    """Times steps and products in turn.

    Args:
        config: How long, and how large.

    Returns:
        The device, the rate of the product in TFLOP/s and, of each model, samples/s, TFLOP/s and the share.
    """
    product, operations = make_product(config.size)
    product()
    figures, bounds = {}, []
    names = ("istft_vocoder", "lpc_vocoder")
    for name in names:
        step, samples, work = make_step(name, config.windows)
        compile_seconds = _seconds(step)
        for _ in range(3):  # the STFT loss takes turns in what it measures
            step()
        times, products, start = [], [], time.perf_counter()
        while not times or time.perf_counter() - start < config.seconds / len(names):
            times.append(_seconds(step) + _seconds(step))
            products.append(_seconds(product))
        seconds = min(times) / 2
        bounds.append(min(products))
        figures[name] = {
            "compile_seconds": round(compile_seconds, 1),
            "samples_per_second": round(samples / seconds),
            "tflops": work / seconds / 1e12,
        }
    bound = operations / min(bounds) / 1e12
    for each in figures.values():
        each["share"] = round(each["tflops"] / bound, 4)
        each["tflops"] = round(each["tflops"], 4)
    device = next((gpu.get("device_name", "GPU") for gpu in gpus()), "cpu")
    return {"device": device, "backend": keras.backend.backend(), "product_tflops": round(bound, 4), **figures}


def _seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    """Runs the benchmark."""
    config = parse(GpuConfig)
    figures = measure(config)
    if config.json:
        print(json.dumps(figures))
        return
    print(
        f"{figures['device']}, {figures['backend']}: product of bfloat16 matrices {figures['product_tflops']} TFLOP/s"
    )
    for name in ("istft_vocoder", "lpc_vocoder"):
        each = figures[name]
        print(
            f"{name}: {each['samples_per_second']:,} samples/s, {each['tflops']} TFLOP/s, {each['share']:.1%} of it "
            f"(first step {each['compile_seconds']} s)"
        )


if __name__ == "__main__":
    run(main)
