"""Bits a sample that a model loses if its products are rounded: `python -m benchmarks.rounding [--json]`.

A shipped model makes a second of sound, and predicts it again with the inputs and weights of its layers' products
rounded: to float16 (weights alone) and bfloat16, as the native decoder does, and to int8, with a scale for each output
and each input vector. Lost is what a code for the rounded distributions is longer than one for the exact ones: the
mean of their relative entropy.
"""

import argparse
import contextlib
import json
import os
from collections.abc import Callable, Iterator
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from tf_wavenet import WaveNet, load  # noqa: E402
from tf_wavenet.data import load_audio  # noqa: E402
from tf_wavenet.signal import log_mel  # noqa: E402
from training.demo import DemoConfig  # noqa: E402

MODELS = ("piano_8k", "lpc_vocoder_16k")


def cast(dtype: str) -> Callable[[tf.Tensor, list[int]], tf.Tensor]:
    """Returns the function that rounds a tensor to a type of floats."""
    return lambda x, axes: tf.cast(tf.cast(x, dtype), tf.float32)


def to_int8(x: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """Rounds a tensor to 255 levels between the largest number along these axes and its negative."""
    scale = tf.reduce_max(tf.abs(x), axes, keepdims=True) / 127.0
    return tf.round(tf.math.divide_no_nan(x, scale)) * scale


ROUNDINGS = {  # of inputs, of weights
    "float16 weights": (lambda x, axes: x, cast("float16")),
    "bfloat16": (cast("bfloat16"), cast("bfloat16")),
    "int8 weights": (lambda x, axes: x, to_int8),
    "int8": (to_int8, to_int8),
}


@contextlib.contextmanager
def rounded(model: WaveNet, name: str) -> Iterator[None]:
    """Rounds what the products of the residual layers and the head take."""
    of_inputs, of_weights = ROUNDINGS[name]
    layers = [model.head.hidden, model.head.out]
    for block in model.stack.blocks:
        layers += [block.conv, block.skip] + ([block.residual] if block.use_residual else [])
    kernels = [tf.identity(layer.kernel.value) for layer in layers]
    with contextlib.ExitStack() as stack:
        for layer, kernel in zip(layers, kernels, strict=True):
            layer.kernel.assign(of_weights(kernel, list(range(len(kernel.shape) - 1))))
            call = lambda x, *rest, of=layer.call, **options: of(of_inputs(x, [-1]), *rest, **options)  # noqa: E731
            stack.enter_context(mock.patch.object(layer, "call", call))
        try:
            yield
        finally:
            for layer, kernel in zip(layers, kernels, strict=True):
                layer.kernel.assign(kernel)


def lost_bits(model: WaveNet, inputs: tf.Tensor | dict[str, tf.Tensor], name: str) -> float:
    """Returns the bits a sample that a rounding of `ROUNDINGS` costs.

    Args:
        model: A model of a distribution over levels.
        inputs: What it takes.
        name: The rounding.
    """

    def predicted():
        levels = model.mu + 1
        return tf.nn.log_softmax(tf.cast(model(inputs)[..., :levels], tf.float64))

    exact = predicted()
    with rounded(model, name):
        ours = predicted()
    return float(tf.reduce_mean(tf.reduce_sum(tf.exp(exact) * (exact - ours), -1)) / np.log(2.0))


def main() -> None:
    """Prints one line for each model and rounding."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    arguments = parser.parse_args()
    for name in MODELS:
        model, given = load(name), {}
        if model.local_channels:
            prompt = load_audio(DemoConfig().recording, int(model.sample_rate))
            given["local_condition"] = np.asarray(log_mel(prompt[None], model.mel_spec))[:, : int(1e3 / 12.5)]
        waveform = model.generate(seed=0, **(given or {"num_samples": int(model.sample_rate)}))
        inputs = {"waveform": waveform, **given} if given else waveform
        for rounding in ROUNDINGS:
            figures = {"model": name, "rounding": rounding, "lost_bits": round(lost_bits(model, inputs, rounding), 6)}
            text = f"{name}, {rounding}: {figures['lost_bits']:.6f} bits a sample"
            print(json.dumps(figures) if arguments.json else text, flush=True)


if __name__ == "__main__":
    main()
