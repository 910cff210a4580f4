"""A network over feature frames."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int, is_int
from tf_wavenet.layers.convnext_block import ConvNeXtBlock


@registered
class FrameNetwork(keras.layers.Layer):
    """Encodes frames of features: a convolution over time, ConvNeXt blocks, layer normalisation.

    It works at the frame rate, so it costs little beside anything that works at the sample rate. Before the first
    frame and after the last, the nearest one stands in, as if it had been given more often: a part of a sequence with
    `reach` frames more on either side gives what the whole gives.

    Args:
        channels: Int >= 1, channels of the network and its output.
        num_blocks: Int >= 0, ConvNeXt blocks.
        hidden_channels: Int >= 1, channels inside the blocks; None means `2 * channels`.
        kernel_size: Odd int >= 1, taps of every convolution.
        look_ahead: Int >= 0, frames after its own that an output depends on, at most `(kernel_size - 1) // 2` a
            convolution: the latency of a stream. None: as many as before it.

    Input shape:
        `[batch, frames, features]`, frames >= 1.

    Output shape:
        `[batch, frames, channels]`.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> network = FrameNetwork(channels=16, num_blocks=2)
    >>> tuple(network(keras.ops.zeros((2, 10, 80))).shape), network.reach
    ((2, 10, 16), (9, 9))
    >>> FrameNetwork(channels=16, num_blocks=2, look_ahead=4).reach  # 4 frames of 12.5 ms: 50 ms of latency
    (14, 4)

    References:
        Siuzdak, Vocos (2023), section 3.2. At the frame rate before the network of samples, as the "frame rate network"
        of Valin and Skoglund, LPCNet (2019), section 3.
    """

    def __init__(
        self, channels=192, num_blocks=4, hidden_channels=None, kernel_size=7, look_ahead=None, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.channels = check_positive_int("channels", channels)
        if not is_int(num_blocks) or num_blocks < 0:
            raise ValueError(f"Expected num_blocks to be an int >= 0. Received: num_blocks={num_blocks!r}")
        self.num_blocks = int(num_blocks)
        self.hidden_channels = hidden_channels
        hidden = (
            2 * self.channels if hidden_channels is None else check_positive_int("hidden_channels", hidden_channels)
        )
        self.kernel_size = check_positive_int("kernel_size", kernel_size)
        if self.kernel_size % 2 == 0:
            raise ValueError(f"Expected kernel_size to be odd. Received: kernel_size={kernel_size}")
        most = (self.kernel_size - 1) // 2 * (self.num_blocks + 1)
        if look_ahead is not None and (not is_int(look_ahead) or not 0 <= look_ahead <= most):
            raise ValueError(f"Expected look_ahead to be None or an int in [0, {most}]. Received: {look_ahead!r}")
        self.look_ahead = look_ahead

        policy = self.dtype_policy
        small = keras.initializers.TruncatedNormal(stddev=0.02)
        self.conv = keras.layers.Conv1D(
            self.channels, self.kernel_size, kernel_initializer=small, dtype=policy, name="conv"
        )
        self.blocks = [
            ConvNeXtBlock(
                hidden,
                self.kernel_size,
                causal=True,  # where its taps lie is a matter of what it is given
                layer_scale=1.0 / self.num_blocks,
                dtype=policy,
                name=f"block_{i}",
            )
            for i in range(self.num_blocks)
        ]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-6, dtype=policy, name="norm")
        self.input_spec = keras.layers.InputSpec(ndim=3)

    @property
    def reach(self) -> tuple[int, int]:
        """Pair of ints, the frames before and after its own that an output depends on (at most)."""
        total = (self.kernel_size - 1) * (self.num_blocks + 1)
        after = total // 2 if self.look_ahead is None else self.look_ahead
        return total - after, after

    def build(self, input_shape) -> None:
        """Builds the children."""
        self.conv.build((None, None, input_shape[-1]))
        for layer in (*self.blocks, self.norm):
            layer.build((None, None, self.channels))

    def call(self, inputs) -> Tensor:
        """Encodes the frames."""
        before, after = self.reach
        first, last = (ops.repeat(x, n, axis=1) for x, n in ((inputs[:, :1], before), (inputs[:, -1:], after)))
        x = self.conv(ops.concatenate([first, inputs, last], axis=1))
        ahead = after - self._ahead(after)
        for block in self.blocks:
            # Every convolution uses up frames at both ends; the block's input is cut to match.
            mine = self._ahead(ahead)
            ahead -= mine
            convolved = block.conv.convolve(x)
            x = x[:, self.kernel_size - 1 - mine :][:, : ops.shape(convolved)[1]] + block.branch(convolved)
        return self.norm(x)

    def _ahead(self, left):
        return min(left, (self.kernel_size - 1) // 2)

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `[batch, frames, channels]`."""
        return (*input_shape[:-1], self.channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "num_blocks": self.num_blocks,
            "hidden_channels": self.hidden_channels,
            "kernel_size": self.kernel_size,
            "look_ahead": self.look_ahead,
        }
