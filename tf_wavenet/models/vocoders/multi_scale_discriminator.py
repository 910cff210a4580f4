"""The multi-scale discriminator of HiFi-GAN."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int
from tf_wavenet.layers import GroupedConv1D

# Of each convolution: filters in units of `channels`, taps, stride, groups.
_CONVOLUTIONS = (
    (1, 15, 1, 1),
    (1, 41, 2, 4),
    (2, 41, 2, 16),
    (4, 41, 4, 16),
    (8, 41, 4, 16),
    (8, 41, 1, 16),
    (8, 5, 1, 1),
)


@registered
class MultiScaleDiscriminator(keras.layers.Layer):
    """Discriminators that look at the waveform, at its average over 4 samples, at the average of that, and so on.

    Args:
        scales: Int >= 1, discriminators; each average has half as many samples.
        channels: Multiple of 16, filters of the first convolution; there are 8 times as many in the last.

    Input shape:
        `[batch, time]`.

    Output shape:
        List, for each scale a list of tensors: the outputs of the convolutions, `[batch, steps, filters]`, and the
        scores, `[batch, steps, 1]`.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> outputs = MultiScaleDiscriminator(channels=16)(keras.ops.zeros((2, 1000)))
    >>> [tuple(scores.shape) for *_, scores in outputs]
    [(2, 16, 1), (2, 8, 1), (2, 4, 1)]

    References:
        Kumar et al., MelGAN (2019), section 2.2; Kong et al., HiFi-GAN (2020), section 2.3. The norms of its weights
        are not kept apart (neither weight norm nor spectral norm).
    """

    def __init__(self, scales=3, channels=128, **kwargs) -> None:
        super().__init__(**kwargs)
        self.scales = check_positive_int("scales", scales)
        self.channels = check_positive_int("channels", channels)
        if channels % 16:
            raise ValueError(f"Expected channels to be a multiple of 16. Received: channels={channels}")
        policy = self.dtype_policy
        self.convs = [
            [
                GroupedConv1D(n * channels, taps, strides, groups=groups, dtype=policy, name=f"conv_{scale}_{i}")
                for i, (n, taps, strides, groups) in enumerate(_CONVOLUTIONS)
            ]
            for scale in range(scales)
        ]
        self.posts = [keras.layers.Conv1D(1, 3, dtype=policy, name=f"post_{scale}") for scale in range(scales)]

    def build(self, input_shape) -> None:
        """Builds the convolutions."""
        for convs, post in zip(self.convs, self.posts, strict=True):
            channels = 1
            for conv in (*convs, post):
                conv.build((None, None, channels))
                channels = conv.filters

    def call(self, inputs) -> list[list[Tensor]]:
        """Returns the outputs of all layers of all discriminators."""
        x, outputs = ops.expand_dims(inputs, -1), []
        for scale in range(self.scales):
            if scale:
                x = ops.average_pool(_pad(x, 2), 4, 2, padding="valid")
            outputs.append(self._discriminate(x, self.convs[scale], self.posts[scale]))
        return outputs

    def _discriminate(self, x, convs, post):
        outputs = []
        for conv in convs:
            x = ops.leaky_relu(conv(_pad(x, conv.kernel_size[0] // 2)), 0.1)
            outputs.append(x)
        return [*outputs, post(_pad(x, 1))]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "scales": self.scales, "channels": self.channels}


def _pad(x, side):
    return ops.pad(x, ((0, 0), (side, side), (0, 0)))
