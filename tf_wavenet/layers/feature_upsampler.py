"""From features at a frame rate to one feature vector for each sample."""

from typing import Any

import keras
import numpy as np
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int

METHODS = ("linear", "repeat", "transposed")


@registered
class FeatureUpsampler(keras.layers.Layer):
    """Upsamples local features by an integer: feature frame f belongs to samples `f * hop ... (f + 1) * hop - 1`.

    Methods:
        linear: Linear interpolation between the centres of the frames. No weights.
        repeat: In several stages, each repeats every frame and smooths with one learned filter of `2 * scale + 1`
            taps, common to all channels and centred (at first a moving average).
        transposed: In several stages, each a transposed convolution (kernel `2 * scale`, centred), with a leaky ReLU
            between stages.

    Before that, a convolution over frames may look at `context_frames` on either side. Where frames are missing, before
    the first and after the last, the nearest one stands in, as if it had been given more often; extra frames at the end
    serve as context.

    Args:
        hop_length: Int >= 1, samples in a frame.
        method: "linear", "repeat" or "transposed".
        context_frames: Int >= 0, frames on either side that the convolution over frames sees.
        filters: Int >= 1, channels that the convolution over frames makes; None keeps the input's, and then there is
            no convolution unless `context_frames` is above 0.

    Input shape:
        `[batch, frames, channels]`, frames >= 1.

    Output shape:
        `[batch, frames * hop_length, filters or channels]`.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> upsampler = FeatureUpsampler(hop_length=4)
    >>> frames = keras.ops.reshape(keras.ops.arange(3, dtype="float32"), (1, 3, 1))
    >>> [round(float(y), 3) for y in upsampler(frames)[0, :, 0]]
    [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.125, 1.375, 1.625, 1.875, 2.0, 2.0]

    References:
        van den Oord et al., WaveNet (2016), section 2.5 (transposed convolution, repetition).
        Odena et al., Deconvolution and Checkerboard Artifacts (2016): why repetition is followed by a filter.
    """

    def __init__(self, hop_length, method="linear", context_frames=0, filters=None, **kwargs) -> None:
        super().__init__(**kwargs)
        if method not in METHODS:
            raise ValueError(f"Expected method to be one of {METHODS}. Received: method={method!r}")
        self.hop_length = check_positive_int("hop_length", hop_length)
        self.method = method
        self.context_frames = (
            context_frames if context_frames == 0 else check_positive_int("context_frames", context_frames)
        )
        self.filters = filters if filters is None else check_positive_int("filters", filters)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    @property
    def scales(self) -> tuple[int, ...]:
        """Tuple of ints, the factors of the stages; their product is `hop_length`."""
        return _scales(self.hop_length) if self.method != "linear" else ()

    @property
    def reach(self) -> int:
        """Int, the frames on either side of its own that a sample depends on (at most).

        The stages of "repeat" reach 1 frame, then 1 / scale of it, 1 / scale**2 and so on: together less than 1.5.
        """
        return self.context_frames + (2 if self.method == "repeat" else 1)

    def build(self, input_shape) -> None:
        """Creates the convolution over frames and the filters of the stages."""
        channels = input_shape[-1]
        if channels is None:
            raise ValueError(f"Expected the last axis (channels) to be known. Received: input_shape={input_shape}")
        self.frame_conv, self.smoothing, self.stages = None, [], []
        if self.context_frames or self.filters:
            self.frame_conv = keras.layers.Conv1D(
                self.filters or channels, 2 * self.context_frames + 1, dtype=self.dtype_policy, name="frame_conv"
            )
            self.frame_conv.build((None, None, channels))
            channels = self.filters or channels
        for i, scale in enumerate(self.scales):
            if self.method == "repeat":
                average = keras.initializers.Constant(1.0 / (2 * scale + 1))
                self.smoothing.append(self.add_weight(name=f"smooth_{i}", shape=(2 * scale + 1,), initializer=average))
            else:
                stage = keras.layers.Conv1DTranspose(
                    channels, 2 * scale, strides=scale, dtype=self.dtype_policy, name=f"stage_{i}"
                )
                stage.build((None, None, channels))
                self.stages.append(stage)

    def call(self, inputs) -> Tensor:
        """Upsamples the features."""
        # Frames beyond the ends, once: what the stages add at the edges of these is cut off.
        x = _pad_edges(inputs, self.reach)
        if self.frame_conv is not None:
            x = self.frame_conv(x)
        if self.method == "linear":
            x = self._interpolate(x)
        for i, scale in enumerate(self.scales):
            x = self._smooth(x, scale, i) if self.method == "repeat" else self._transpose(x, scale, i)
        edge = (self.reach - self.context_frames) * self.hop_length
        return x[:, edge:-edge]

    def _interpolate(self, x):
        hop = self.hop_length
        # The distance from each sample of a frame to the frame's centre, in frames.
        offset = (np.arange(hop) + 0.5) / hop - 0.5
        weights = np.stack([np.maximum(-offset, 0), 1 - np.abs(offset), np.maximum(offset, 0)]).astype("float32")
        x = _pad_edges(x, 1)
        neighbours = ops.stack([x[:, :-2], x[:, 1:-1], x[:, 2:]], axis=-1)
        y = ops.matmul(neighbours, ops.cast(weights, x.dtype))  # [batch, frames, channels, hop]
        return ops.reshape(ops.transpose(y, (0, 1, 3, 2)), (ops.shape(x)[0], -1, x.shape[-1]))

    def _smooth(self, x, scale, i):
        x = _pad_edges(ops.repeat(x, scale, axis=1), scale)
        time, kernel = ops.shape(x)[1] - 2 * scale, ops.cast(self.smoothing[i], x.dtype)
        return sum(kernel[j] * x[:, j:][:, :time] for j in range(2 * scale + 1))

    def _transpose(self, x, scale, i):
        first, time = scale + scale // 2, ops.shape(x)[1] * scale
        if i:
            x = ops.leaky_relu(x, 0.1)
        return self.stages[i](_pad_edges(x, 1))[:, first:][:, :time]

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `[batch, frames * hop_length, filters or channels]`."""
        frames = input_shape[1] and input_shape[1] * self.hop_length
        return (input_shape[0], frames, self.filters or input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "hop_length": self.hop_length,
            "method": self.method,
            "context_frames": self.context_frames,
            "filters": self.filters,
        }


def _scales(hop):
    """Factors of `hop`, primes merged while they stay below 6, so that every stage is short; largest first."""
    factors, rest, prime = [], hop, 2
    while rest > 1:
        while rest % prime == 0:
            rest //= prime
            if factors and factors[-1] * prime < 6:
                factors[-1] *= prime
            else:
                factors.append(prime)
        prime += 1
    return tuple(sorted(factors, reverse=True))


def _pad_edges(x, frames):
    return ops.concatenate([ops.repeat(x[:, :1], frames, axis=1), x, ops.repeat(x[:, -1:], frames, axis=1)], axis=1)
