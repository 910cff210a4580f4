"""The chunks of `model.stream`, with a state that can be kept and given back."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_wavenet import WaveNet
from tf_wavenet.decoding import Decoder, GenerationRequest

CHUNK_SAMPLES = 4000
"""Samples of a chunk, but of the last."""


class ResumableStream:
    """Generates the samples of `model.generate`, to the bit, also where another process goes on with the state.

    Args:
        model: The model.
        num_samples: Int >= 1, samples of each row.
        **arguments: Of `model.generate`, such as `batch_size` and `seed`.

    Attributes:
        made: Samples of each row so far.

    Raises:
        ValueError: As `model.generate`.
    """

    def __init__(self, model: WaveNet, num_samples: int, **arguments: Any) -> None:
        self._request = request = GenerationRequest.make(model, num_samples, **arguments)
        self._model, self._decoder = model, Decoder(model)
        self._encoded = model.conditioning.encode(**request.conditions) if request.conditions else None
        self._native = self._state = None
        if request.native:
            from tf_wavenet.decoding.native.native_decoder import NativeDecoder  # needs numba

            self._native = NativeDecoder(model)
        self.made = 0

    @property
    def engine(self) -> str:
        """What makes the samples: "native" or "xla"."""
        return "xla" if self._native is None else "native"

    @property
    def state(self) -> list[np.ndarray]:
        """All that the next sample depends on besides model and arguments; arrays that `numpy.savez` can keep."""
        return [_plain(np.array(leaf)) for leaf in tf.nest.flatten(self._begun())]

    def restore(self, made: int, state: list[np.ndarray]) -> None:
        """Goes on from a state.

        Args:
            made: Samples of each row that were made before it, at least 0.
            state: What `state` was then.

        Raises:
            ValueError: If it is the state of another model or another number of rows, or damaged.
        """
        template = self._start(self._decoder.initial_state(len(self._request.prompt)))
        leaves = tf.nest.flatten(template)
        ours, theirs = ([tuple(each.shape) for each in values] for values in (leaves, state))
        if ours != theirs:
            raise ValueError(f"Expected a state of this model, shapes {ours}. Received: {theirs}")
        values = [_like(leaf, array) for leaf, array in zip(leaves, state, strict=True)]
        state = tf.nest.pack_sequence_as(template, values)
        if self._native is not None:
            self._native.check(state)
        self._state, self.made = state, made

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yields the chunks to come, float32 `[batch, samples]`; FloatingPointError if the model predicts NaN."""
        request, prompt = self._request, self._request.prompt
        self._begun()
        while self.made < request.num_samples:
            # Blocks of the length that `model.generate` takes, so that projections are rounded as there.
            block = self._decoder.block_samples(self._encoded, len(prompt))
            chunk, wanted = [], min(CHUNK_SAMPLES, request.num_samples - self.made)
            while wanted:
                n = min(wanted, block)
                condition = self._decoder.condition_block(self._encoded, prompt.shape[1] + self.made, block)
                chunk.append(self._advance(n, condition))
                if np.isnan(chunk[-1]).any():
                    raise FloatingPointError("Expected the model to predict finite parameters. Received: NaN")
                wanted, self.made = wanted - n, self.made + n
            yield np.concatenate(chunk, axis=1)

    def _begun(self) -> Any:
        if self._state is None:
            self._state = self._start(self._decoder.prompted_state(self._request.prompt, self._encoded))
        return self._state

    def _start(self, state: dict[str, Any]) -> Any:
        return state if self._native is None else self._native.start(state)

    def _advance(self, n: int, condition: tf.Tensor | None) -> np.ndarray:
        seed, settings = self._request.seed, self._request.settings
        if self._native is not None:
            return self._native.decode(self._state, n, seed, settings, condition)  # changes the state in place
        key = tf.constant([seed & 0xFFFFFFFF, seed >> 32], tf.uint32)
        levels = self._model.distribution.parameter_size
        top_k = None if settings.top_k is None else tf.constant(min(settings.top_k, levels), tf.int32)
        top_p = None if settings.top_p is None else tf.constant(settings.top_p, tf.float32)
        temperature = tf.constant(settings.temperature, tf.float32)
        audio, self._state = self._decoder.decode(
            self._state, tf.constant(n), key, temperature, top_k, top_p, condition
        )
        return audio[:n].numpy().T


def _plain(array):
    """An array of NumPy's own types: bfloat16, which `savez` does not know, becomes float32."""
    return array.astype("float32") if array.dtype.kind == "V" else array


def _like(leaf, array):
    if isinstance(leaf, np.ndarray):
        return np.array(array, leaf.dtype, order="C")
    return tf.cast(tf.constant(array), leaf.dtype)


def digest(value: keras.Model | np.ndarray | None) -> str | None:
    """A short name of what a model or an array holds: equal for equal ones, different for others.

    Args:
        value: A model, whose configuration and weights count, an array, or None.

    Returns:
        16 hexadecimal digits, or None for None.
    """
    if value is None:
        return None
    found = hashlib.sha256()
    arrays = [value]
    if isinstance(value, keras.Model):
        found.update(json.dumps(keras.saving.serialize_keras_object(value), sort_keys=True, default=str).encode())
        arrays = [keras.ops.convert_to_numpy(weight) for weight in value.weights]
    for array in arrays:
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]
