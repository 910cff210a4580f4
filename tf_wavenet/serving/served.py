"""What the signatures of every family share: one way to trace them, one form of state, one way to check it."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_wavenet.serving.checks import check_state, check_waveform, checked
from tf_wavenet.serving.signature import bodies, signature, specs
from tf_wavenet.signal.log_mel import log_mel


class Served(tf.Module):
    """A model's signatures, and the weights that they read; `export_saved_model` describes them.

    A stream's state is two tensors. `state_queues`, float32 `[batch, state_size]`: what `pack_state` makes of it, so
    that streams at different positions can stand side by side. `state_stream`, int32 `[batch, 4]`: the model's
    fingerprint (two numbers), the index of the next sample, the row's number.

    A subclass has its own bodies, `inputs`, `outputs`, `about`; if it streams, `state_size` and
    `first_rows`.

    Args:
        model: The model, with weights.
        max_samples: Int >= 1, the most samples of one request, all rows together.

    Example:
    >>> from tf_wavenet import NamWaveNet
    >>> from tf_wavenet.serving.tensors import shared_inputs
    >>> class Halved(Served):
    ...     streams = False
    ...     inputs = shared_inputs(max_samples=1000)
    ...     @signature()
    ...     def serving_default(self, waveform):
    ...         return {"waveform": 0.5 * self.model(waveform)}
    >>> model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}])
    >>> model.build()
    >>> served = Halved(model, max_samples=1000)
    >>> functions = served.functions()
    >>> list(functions), functions["serving_default"](tf.zeros((1, 20)))["waveform"].shape
    (['serving_default'], TensorShape([1, 20]))
    >>> served.fingerprint == fingerprint(model)
    True
    """

    def __init__(self, model, max_samples) -> None:
        super().__init__()
        self._tracked = [weight.value for weight in model.weights]
        self._model = hidden(model)
        self.max_samples = max_samples
        self.fingerprint = fingerprint(model)

    @property
    def model(self) -> keras.Model:
        """The model."""
        return self._model()

    @property
    def streams(self) -> bool:
        """Whether there is a state."""
        return True

    def functions(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Returns a dict of the signatures' functions by name."""
        return {body.__name__: self._traced(body) for body in bodies(self)}

    def inputs_of(self, name) -> list[str]:
        """Returns the names of a signature's inputs, in the order in which its function of `functions` takes them."""
        return list(specs(self, getattr(self, name)))

    def _traced(self, body):
        inputs = specs(self, body)
        traced = tf.function(lambda *values: body(**dict(zip(inputs, values, strict=True))), autograph=False)
        return traced.get_concrete_function(*inputs.values())

    @signature(when=lambda served: served.streams)
    def initial_state(self, batch_size) -> dict[str, tf.Tensor]:
        """State of streams before their first sample."""
        most = max(1, self.max_samples // 100)
        checks = [
            (batch_size >= 1, "Expected batch_size >= 1."),
            (batch_size <= most, f"Expected batch_size <= {most}."),
        ]
        size = checked(checks, size=batch_size)["size"]
        return self.state_outputs("", self.first_rows(size), tf.zeros([size], tf.int32), tf.range(size))

    @signature(when=lambda served: served.model.mel_spec is not None)
    def log_mel(self, waveform) -> dict[str, tf.Tensor]:
        """Features of a recording by the model's recipe."""
        spec = self.model.mel_spec
        waveform = checked(check_waveform(waveform, self.max_samples, shortest=1), waveform=waveform)["waveform"]
        return {"features": log_mel(waveform, spec), "spec": tf.constant(json.dumps(spec.get_config()))}

    def state_outputs(self, prefix, queues, index, row) -> dict[str, tf.Tensor]:
        """The tensors of a state.

        Args:
            prefix: Of their names: "new_", or "" at the start.
            queues: `[batch, state_size]`.
            index: int32 `[batch]`.
            row: int32 `[batch]`.
        """
        numbers = [*(tf.fill(tf.shape(index), word) for word in self.fingerprint), index, row]
        queues = tf.cast(queues, tf.float32)
        return {f"{prefix}state_queues": queues, f"{prefix}state_stream": tf.stack(numbers, axis=1)}

    def check_state(self, queues, stream, batch_size, known=None, told="") -> Iterator[tuple[tf.Tensor, str]]:
        """Checks of a state, of whose numbers the first `known` (None: all) must be finite; else `told` is said too."""
        model = self.model
        yield from check_state(queues, stream, self.state_size, self.fingerprint, model.period, batch_size)
        yield tf.reduce_all(tf.math.is_finite(queues[:, :known])), f"Expected state_queues without NaN{told}."

    def sized(self, queues) -> tf.Tensor:
        """Returns `state_queues`, once checked, with the static shape `[batch, state_size]`."""
        return tf.reshape(queues, [tf.shape(queues)[0], self.state_size])


def hidden(value) -> Callable[[], Any]:
    """A function that returns `value`: behind it, TensorFlow saves with the functions none of what Keras made."""
    return lambda: value


def fingerprint(model) -> tuple[int, int]:
    """Returns two int32 numbers that tell a model from others, of its configuration and its weights."""
    config = {key: value for key, value in model.get_config().items() if key not in ("name", "trainable")}
    if config.get("sample_rate") is None:  # as in the configurations of earlier versions
        config.pop("sample_rate", None)
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
    for weight in model.weights:
        digest.update(np.asarray(weight).tobytes())
    return tuple(int.from_bytes(digest.digest()[i : i + 4], "big", signed=True) for i in (0, 4))
