"""The bound of a training step: its matrix products alone."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from benchmarks.timing.product_shapes import product_shapes
from tf_wavenet import WaveNet


def products_step(model: WaveNet, samples: int, dtype: str = "float32") -> Callable[[], None]:
    """Makes a function of the products of one training step, compiled with XLA.

    Every 1x1 projection and every tap of a convolution is one product of `[samples, channels]`, with the two products
    of its backward pass (the input's gradient is not needed in the first convolution). They hang together as in the
    model, so that none can be left out or reordered. Left out is what is not a product: shifts in time (a past tap is
    the input of the block before), the nonlinearities (the gate becomes the sum of its halves), residual sums, biases,
    the loss (a given gradient enters at the end) and the optimizer.

    Args:
        model: Gives the shapes; its weights are not used.
        samples: Rows of the activations, batch times time.
        dtype: Of all matrices.

    Returns:
        A function that runs the products once, on random numbers, and returns when they are done.
    """
    random = np.random.default_rng(0)

    def normal(*shape: int) -> tf.Tensor:
        return tf.constant(random.normal(0.0, shape[-2] ** -0.5, shape), dtype)

    shapes = product_shapes(model)
    weights = {name: [normal(*shape) for shape in of_name] for name, of_name in shapes.items()}
    inputs = [normal(samples, channels) for channels, _ in shapes["input"]]
    gradient = normal(samples, shapes["head"][-1][1])

    def forward(weights: dict[str, list[tf.Tensor]], inputs: list[tf.Tensor]) -> tf.Tensor:
        taps = model.kernel_size
        x = tf.add_n([tap @ kernel for tap, kernel in zip(inputs, weights["input"], strict=True)])
        history, skip = [x] * taps, []
        for block in range(len(model.dilations)):
            kernels = weights["tap"][block * taps : (block + 1) * taps]
            gate = tf.add_n([past @ kernel for past, kernel in zip(history, kernels, strict=True)])
            gated = tf.add_n(tf.split(gate, 2, axis=-1))
            skip.append(gated @ weights["skip"][block])
            if block < len(weights["residual"]):
                history = [*history[1:], gated @ weights["residual"][block]]
        return tf.add_n(skip) @ weights["head"][0] @ weights["head"][1]

    @tf.function(autograph=False, jit_compile=True)
    def step(weights: dict[str, list[tf.Tensor]], inputs: list[tf.Tensor], gradient: tf.Tensor) -> list[tf.Tensor]:
        flat = tf.nest.flatten(weights)
        with tf.GradientTape() as tape:
            tape.watch(flat)
            logits = forward(weights, inputs)
        return tape.gradient(logits, flat, gradient)

    def run() -> None:
        step(weights, inputs, gradient)[-1].numpy()

    return run
