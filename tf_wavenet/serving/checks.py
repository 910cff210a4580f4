"""Checks of requests: assertions in the graph, whose message names the input and what was expected."""

import math
import reprlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

_TOLERANCE = 0.01  # in log units, as in `MelSpec.check_features`


def checked(checks, **inputs) -> dict[str, Any]:
    """Returns the inputs, which nothing can read before the checks have passed.

    Args:
        checks: Pairs of a boolean tensor and the message if it is false.
        **inputs: Tensors, or dicts of tensors.

    Returns:
        Dict of the inputs.
    """
    with tf.control_dependencies([tf.debugging.Assert(condition, [message]) for condition, message in checks]):
        return tf.nest.map_structure(tf.identity, inputs)


def with_channels(name, value, channels) -> tf.Tensor:
    """Returns a tensor, which nothing can read before its last axis was found to have so many channels.

    What a signature says of shapes holds while it is traced; a request is not held to it.
    """
    asked = tf.raw_ops.PlaceholderWithDefault(input=value, shape=None)
    right = (tf.rank(asked) == value.shape.rank) & (tf.shape(asked)[-1] == channels)
    axes = {1: "", 2: "batch, ", 3: "batch, frames, "}[value.shape.rank]
    return checked([(right, f"Expected {name} of shape [{axes}{channels}].")], value=value)["value"]


def check_waveform(waveform, max_samples, shortest=0) -> Iterator[tuple[tf.Tensor, str]]:
    """Checks of a waveform `[batch, time]`."""
    batch_size, time = tf.unstack(tf.shape(waveform, tf.int64))
    yield batch_size >= 1, "Expected waveform of at least 1 row."
    if shortest:
        yield time >= shortest, f"Expected waveform of at least {shortest} sample."
    yield batch_size * time <= max_samples, f"Expected waveform of at most {max_samples} samples, all rows together."
    yield tf.reduce_all(tf.abs(waveform) <= 1.0), "Expected waveform in [-1, 1], without NaN."


def check_recording(recording, max_samples) -> Iterator[tuple[tf.Tensor, str]]:
    """Checks of a recording `[batch, time]` that an effect is to play."""
    batch_size, time = tf.unstack(tf.shape(recording, tf.int64))
    yield (batch_size >= 1) & (time >= 1), "Expected recording of at least 1 row and 1 sample."
    few = batch_size * time <= max_samples
    yield few, f"Expected recording of at most {max_samples} samples, all rows together."
    yield tf.reduce_all(tf.math.is_finite(recording)), "Expected recording without NaN."


def check_sampling(distribution, seed, temperature, top_k, top_p) -> Iterator[tuple[tf.Tensor, str]]:
    """Checks of the settings of sampling, each of any shape."""
    yield tf.reduce_all(seed >= 0), "Expected seed >= 0."
    usable = tf.math.is_finite(temperature) & (temperature >= 0)
    yield tf.reduce_all(usable), "Expected temperature finite and >= 0."
    yield tf.reduce_all(top_k >= 0), "Expected top_k >= 0; 0 is off."
    yield tf.reduce_all((top_p > 0) & (top_p <= 1)), "Expected top_p in (0, 1]; 1.0 is off."
    if not distribution.has_levels:
        off = tf.reduce_all(top_k == 0) & tf.reduce_all(top_p == 1)
        yield off, f"Expected top_k 0 and top_p 1.0: {type(distribution).__name__} has no levels to choose among."


def check_features(spec, features) -> Iterator[tuple[tf.Tensor, str]]:
    """Checks that features `[batch, frames, num_mels]` can be of a `MelSpec`, as its `check_features` does."""
    mean, scale = (0.0, 1.0) if spec.normalization is None else spec.normalization
    logs = features * tf.constant(scale, tf.float32) + tf.constant(mean, tf.float32)
    base = math.e if spec.log_base == "e" else 10.0
    recipe = f"log_base {spec.log_base}, floor {spec.floor:g}, normalization {reprlib.repr(spec.normalization)}"
    lowest, highest = spec.bounds
    above = ~tf.reduce_any(logs < lowest - _TOLERANCE)  # NaN is another check's to tell
    yield above, f"Expected local_condition of {recipe}: log-mels of at least {lowest:.2f}."
    loudness = tf.reduce_mean(base ** tf.minimum(logs, 80.0 / math.log(base)), axis=-1)
    below = ~tf.reduce_any(loudness > base ** (highest + _TOLERANCE))
    yield below, f"Expected local_condition of {recipe}: frames that average at most {highest:.2f}."


def check_conditions(model, conditions, batch_size) -> Iterator[tuple[tf.Tensor, str]]:
    """Checks of the conditions that the model has, as far as they do not depend on the time."""
    conditioning, spec = model.conditioning, getattr(model, "mel_spec", None)
    channels = {"local_condition": conditioning and conditioning.local_channels}
    if conditioning and conditioning.num_speakers is None:
        channels["global_condition"] = conditioning.global_channels
    conditions = {
        name: with_channels(name, value, channels[name]) if name in channels else value
        for name, value in conditions.items()
    }
    if spec is not None and "local_condition" in conditions:
        yield from check_features(spec, conditions["local_condition"])
    for name, value in conditions.items():
        yield tf.shape(value)[0] == batch_size, f"Expected {name} of as many rows as the batch."
        if value.dtype == tf.float32:
            yield tf.reduce_all(tf.math.is_finite(value)), f"Expected {name} without NaN."
        else:
            speakers = conditioning.num_speakers
            yield tf.reduce_all((value >= 0) & (value < speakers)), f"Expected {name} in [0, {speakers})."
        if value.shape.rank == 3:
            yield tf.shape(value)[1] >= 1, f"Expected {name} of at least 1 frame."


def check_one_or_all(batch_size, **values) -> Iterator[tuple[tf.Tensor, str]]:
    """Checks that each of the values is one number, or one a row."""
    for name, value in values.items():
        yield (tf.size(value) == 1) | (tf.size(value) == batch_size), f"Expected {name} to be one number, or one a row."


def check_size(num_samples, batch_size, max_samples) -> Iterator[tuple[tf.Tensor | bool, str]]:
    """Checks of what is to be generated, scalars."""
    yield num_samples >= 0, "Expected num_samples >= 0."
    yield batch_size >= 1, "Expected batch_size >= 1."
    asked = tf.cast(tf.maximum(num_samples, 1), tf.int64) * tf.cast(batch_size, tf.int64)
    yield asked <= max_samples, f"Expected at most {max_samples} samples, num_samples times batch_size."


def check_covered(model, conditions, batch_size, num_samples) -> Iterator[tuple[tf.Tensor, str]]:
    """Checks of the conditions of whole waveforms."""
    yield from check_conditions(model, conditions, batch_size)
    if "local_condition" in conditions:
        covered = tf.shape(conditions["local_condition"])[1] * model.conditioning.local_hop
        yield covered >= num_samples, "Expected local_condition of a frame for every sample."


def check_window(
    model, positions, conditions, first_frame, stream, batch_size, num_samples
) -> Iterator[tuple[tf.Tensor, str]]:
    """Checks of conditions of which the local one begins at frame `first_frame` of the stream."""
    yield from check_conditions(model, conditions, batch_size)
    if "local_condition" in conditions:
        yield tf.size(first_frame) == batch_size, "Expected first_frame of as many rows as the batch."
        yield tf.reduce_all(first_frame >= 0), "Expected first_frame >= 0."
        hop = model.conditioning.local_hop
        first = tf.cast(first_frame, tf.int64)[:, tf.newaxis] * hop
        index = stream[:, 2:3]
        rows = tf.minimum(tf.shape(first)[0], tf.shape(index)[0])  # where they differ, another check says so
        start = positions.between(first[:rows], index[:rows])
        covered = tf.shape(conditions["local_condition"], tf.int64)[1] * hop
        inside = start + tf.cast(num_samples, tf.int64) <= covered
        yield tf.reduce_all(inside), "Expected local_condition, from first_frame on, of a frame for every sample."


def check_frames(model, features, max_samples) -> Iterator[tuple[tf.Tensor, str]]:
    """Checks of the features `[batch, frames, num_mels]` that a vocoder speaks."""
    features = with_channels("local_condition", features, model.num_mels)
    shape = tf.shape(features, tf.int64)
    batch_size, frames = shape[0], shape[1]
    yield (batch_size >= 1) & (frames >= 1), "Expected local_condition of at least 1 row and 1 frame."
    few = batch_size * frames * model.local_hop <= max_samples
    yield few, f"Expected local_condition of at most {max_samples} samples, all rows together."
    yield tf.reduce_all(tf.math.is_finite(features)), "Expected local_condition without NaN."
    if model.mel_spec is not None:
        yield from check_features(model.mel_spec, features)


def check_state(queues, stream, size, fingerprint, period, batch_size) -> Iterator[tuple[tf.Tensor, str]]:
    """Checks of a state: that it is one, of this model, of streams that can go on side by side."""
    yield tf.shape(queues)[0] == batch_size, "Expected state_queues of as many rows as the batch."
    yield tf.shape(stream)[0] == batch_size, "Expected state_stream of as many rows as the batch."
    yield batch_size >= 1, "Expected a state of at least 1 row."
    yield tf.shape(queues)[1] == size, f"Expected state_queues of shape [batch, {size}]."
    yield tf.shape(stream)[1] == 4, "Expected state_stream of shape [batch, 4]."
    first, second, index, row = (stream[:, i : i + 1] for i in range(4))
    same = tf.reduce_all(first == fingerprint[0]) & tf.reduce_all(second == fingerprint[1])
    yield same, "Expected a state of this model: state_stream names another."
    yield tf.reduce_all((index >= 0) & (index < 2**30)), "Expected state_stream with indices in [0, 2**30)."
    yield tf.reduce_all(row >= 0), "Expected state_stream with rows >= 0."
    if period > 1:
        together = tf.reduce_all(index % period == index[:1] % period)
        yield together, f"Expected streams of this model to be at the same position modulo {period}."
