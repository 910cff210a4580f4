"""The type of tensors in annotations."""

from typing import Any

Tensor = Any
"""A tensor of the Keras backend: tf.Tensor, jax.Array or torch.Tensor."""
