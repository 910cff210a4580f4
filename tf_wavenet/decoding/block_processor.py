"""A model's schedule of blocks, compiled for the least time that a block can take."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tf_wavenet.decoding.native import is_native_in_blocks


def block_processor(model, engine=None) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Returns `model.prime`, compiled, with the weights of now as constants.

    Of a small model most of a short block's time would go into handing a hundred weights over.

    Args:
        model: A `Streamable`, built.
        engine: "native", "xla", or None: native where numba is installed and the model is a `NamWaveNet`.

    Returns:
        A function of a block and a state that returns the outputs and the next state. What becomes of the model's
        weights later does not change it. Of "xla" it takes and returns tensors, and is compiled once for each shape.
        Of "native" it is a `NativeBlockProcessor`: NumPy arrays of any length, and a state that is moved on in place.

    Raises:
        ValueError: If the engine is none of these, or cannot process the model.

    Example:
    >>> from tf_wavenet import NamWaveNet
    >>> model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}])
    >>> model.build()
    >>> process, state = block_processor(model), model.get_initial_state(batch_size=1)
    >>> waveform, outputs = 0.1 * keras.random.normal((1, 32)), []
    >>> for first in (0, 16):
    ...     output, state = process(waveform[:, first : first + 16], state)
    ...     outputs.append(output)
    >>> bool(ops.max(ops.abs(ops.concatenate(outputs, axis=1) - model(waveform))) < 1e-5)
    True
    """
    if is_native_in_blocks(model, engine):
        from tf_wavenet.decoding.native.native_block_processor import NativeBlockProcessor

        return NativeBlockProcessor(model)
    weights = [(variable, ops.convert_to_numpy(variable)) for variable in model.variables]

    @tf.function(autograph=False, jit_compile=True)
    def process(inputs, state):
        constants = [(variable, ops.convert_to_tensor(value)) for variable, value in weights]
        with keras.StatelessScope(constants):
            return model.prime(inputs, state)

    return process
