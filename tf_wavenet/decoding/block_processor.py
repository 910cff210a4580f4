"""A model's schedule of blocks, compiled for the least time that a block can take."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops


def block_processor(model) -> Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any]]:
    """Returns `model.prime`, compiled, with the weights of now as constants.

    Of a small model most of a short block's time would go into handing a hundred weights over.

    Args:
        model: A `Streamable`, built.

    Returns:
        A function of a block and a state that returns the outputs and the next state; XLA compiles it once for each
        shape. What becomes of the model's weights later does not change it.
    """
    weights = [(variable, ops.convert_to_numpy(variable)) for variable in model.variables]

    @tf.function(autograph=False, jit_compile=True)
    def process(inputs, state):
        constants = [(variable, ops.convert_to_tensor(value)) for variable, value in weights]
        with keras.StatelessScope(constants):
            return model.prime(inputs, state)

    return process
