"""The multi-period discriminator of HiFi-GAN."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_ints


@registered
class MultiPeriodDiscriminator(keras.layers.Layer):
    """Discriminators that look at every p-th sample, one for each period p.

    The waveform is mirrored at its end up to a multiple of p; the p interleaved sequences go through the same
    convolutions.

    Args:
        periods: Sequence of positive ints, one discriminator each.
        channels: Sequence of positive ints, filters of the convolutions (5 taps; stride 3 but for the last).

    Input shape:
        `[batch, time]`, time at least the longest period, and known when a graph is made.

    Output shape:
        List, for each period a list of tensors: the outputs of the convolutions, `[batch * p, steps, filters]`, and
        the scores, `[batch * p, steps, 1]`.

    Raises:
        ValueError: If an argument is not a sequence of positive ints, or the length is not known.

    Example:
    >>> outputs = MultiPeriodDiscriminator(channels=(4, 8))(keras.ops.zeros((2, 100)))
    >>> [tuple(scores.shape) for *_, scores in outputs]
    [(4, 17, 1), (6, 12, 1), (10, 7, 1), (14, 5, 1), (22, 4, 1)]

    References:
        Kong et al., HiFi-GAN (2020), section 2.3. The norms of its weights are not kept apart (no weight norm).
    """

    def __init__(self, periods=(2, 3, 5, 7, 11), channels=(32, 128, 512, 1024, 1024), **kwargs) -> None:
        super().__init__(**kwargs)
        self.periods = check_positive_ints("periods", periods)
        self.channels = check_positive_ints("channels", channels)
        last = len(self.channels) - 1
        policy = self.dtype_policy
        self.convs = [
            [
                keras.layers.Conv1D(filters, 5, 1 if i == last else 3, dtype=policy, name=f"conv_{p}_{i}")
                for i, filters in enumerate(self.channels)
            ]
            for p in self.periods
        ]
        self.posts = [keras.layers.Conv1D(1, 3, dtype=policy, name=f"post_{p}") for p in self.periods]

    def build(self, input_shape) -> None:
        """Builds the convolutions."""
        for convs, post in zip(self.convs, self.posts, strict=True):
            channels = 1
            for conv in (*convs, post):
                conv.build((None, None, channels))
                channels = conv.filters

    def call(self, inputs) -> list[list[Tensor]]:
        """Returns the outputs of all layers of all discriminators."""
        if inputs.shape[1] is None:
            raise ValueError("Expected waveforms of a length that is known when the graph is made. Received: None")
        return [self._discriminate(inputs, *parts) for parts in zip(self.periods, self.convs, self.posts, strict=True)]

    def _discriminate(self, x, period, convs, post):
        missing, rows = -x.shape[1] % period, -(-x.shape[1] // period)  # known, where the batch is not
        x = ops.pad(x, ((0, 0), (0, missing)), mode="reflect") if missing else x
        x = ops.transpose(ops.reshape(x, (-1, rows, period)), (0, 2, 1))
        x, outputs = ops.reshape(x, (-1, rows, 1)), []
        for conv in convs:
            x = ops.leaky_relu(conv(ops.pad(x, ((0, 0), (2, 2), (0, 0)))), 0.1)
            outputs.append(x)
        return [*outputs, post(ops.pad(x, ((0, 0), (1, 1), (0, 0))))]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "periods": list(self.periods), "channels": list(self.channels)}
