"""Windows of a pair of recordings, as batches."""

import numpy as np
import tensorflow as tf

from training.amp.config import AmpConfig
from training.amp.pair import AmpPair


def windows(pair: AmpPair, context: int, config: AmpConfig, epochs: range | None = None) -> tf.data.Dataset:
    """Cuts a pair into windows, in another order every epoch, which seed and number of the epoch decide.

    Args:
        pair: Recordings.
        context: Samples of past in front of a window; they have no weight.
        config: Sizes and seed.
        epochs: Numbers of the epochs, one after the other; None: all of the configuration.

    Returns:
        Batches of (input, output, weight), `[batch, context + window_samples]` each.

    Raises:
        ValueError: If the recordings are shorter than one batch.
    """
    count = (len(pair.input) - context) // config.window_samples
    if count < config.batch_size:
        least = (context + config.batch_size * config.window_samples) / pair.sample_rate
        received = len(pair.input) / pair.sample_rate
        raise ValueError(f"Expected {least:.1f} s to train on, or smaller batches. Received: {received:.1f} s")
    x, y = tf.constant(pair.input), tf.constant(pair.output)
    weight = weight_of(context, config.window_samples)

    def cut(number):
        begin = number * config.window_samples
        span = slice(begin, begin + context + config.window_samples)
        return tf.ensure_shape(x[span], weight.shape), tf.ensure_shape(y[span], weight.shape), weight

    epochs = range(config.epochs) if epochs is None else epochs
    used = steps_per_epoch(pair, context, config) * config.batch_size

    def order(epoch):
        return np.random.default_rng((config.seed, int(epoch))).permutation(count)[:used]

    def numbers(epoch):
        return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(tf.numpy_function(order, [epoch], tf.int64), [used]))

    each = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(numbers)
    return each.map(cut).batch(config.batch_size, drop_remainder=True).prefetch(2)


def steps_per_epoch(pair: AmpPair, context: int, config: AmpConfig) -> int:
    """Returns the number of batches of an epoch of `windows`."""
    return (len(pair.input) - context) // config.window_samples // config.batch_size


def weight_of(context: int, samples: int) -> np.ndarray:
    """Returns the weights of a window, float32 `[context + samples]`: 0 for the context, then 1."""
    return np.r_[np.zeros(context, "float32"), np.ones(samples, "float32")]
