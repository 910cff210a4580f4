"""The names of inputs and outputs: what each means, its range, its unit, and how a request must give it."""

from typing import Any, NamedTuple

import tensorflow as tf

SAMPLING = ("seed", "temperature", "top_k", "top_p")
CONDITIONS = ("local_condition", "global_condition")


class Tensor(NamedTuple):
    """An input or output.

    Attributes:
        meaning: What it is.
        range: What is valid, empty if anything is.
        unit: Its unit.
        shape: Of an input; None in it is any length.
        dtype: Of an input.
    """

    meaning: str
    range: str = ""
    unit: str = "none"
    shape: Any = ()
    dtype: Any = tf.float32

    def spec(self, name, by_row=False) -> tf.TensorSpec:
        """Returns the `tf.TensorSpec`; `by_row`: one number, or one a row. Of a state the graph checks the size."""
        shape = None if by_row else self.shape
        return tf.TensorSpec([None] * len(shape) if name.startswith("state_") else shape, self.dtype, name=name)


def shared_inputs(max_samples) -> dict[str, Tensor]:
    """Inputs that every family has: dict of `Tensor`s."""
    together = f"{max_samples} at most in all rows together"
    waveform = Tensor("samples", f"in [-1, 1], {together}", "full scale", [None, None])
    return {
        "waveform": waveform,
        "batch_size": Tensor("rows to make", ">= 1", "rows", dtype=tf.int32),
        "seed": Tensor("same seed, same samples", ">= 0", dtype=tf.int64),
    }


def shared_outputs(spec) -> dict[str, Tensor]:
    """Outputs that every family has, of a model with a `MelSpec` or None: dict of `Tensor`s."""
    return {"features": Tensor("log-mel features", unit=unit_of(spec)), "spec": Tensor("the features' recipe, JSON")}


def state(size, queues) -> dict[str, Tensor]:
    """The two tensors of a state; `queues` says in words what its `size` numbers are."""
    stream = "state: the model's fingerprint, the index of the next sample, the row's number"
    return {
        "state_queues": Tensor(f"state: {queues}", shape=[None, size]),
        "state_stream": Tensor(stream, shape=[None, 4], dtype=tf.int32),
    }


def local_condition(channels, hop, spec) -> Tensor:
    """Features of a model."""
    meaning = f"features; frame f governs samples f * {hop} ... (f + 1) * {hop} - 1"
    return Tensor(meaning, unit=unit_of(spec), shape=[None, None, channels])


def unit_of(spec) -> str:
    """The unit of features, whose `MelSpec` may be None."""
    return "as recorded in training" if spec is None else f"log, base {spec.log_base}, normalised"
