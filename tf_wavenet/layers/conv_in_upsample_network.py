"""From features at a frame rate to features at the sample rate, as Parallel WaveGAN does it."""

from typing import Any

import keras
import numpy as np
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int, check_positive_ints
from tf_wavenet.layers.causal_conv1d import CausalConv1D
from tf_wavenet.streaming.held_past import HeldPast


@registered
class ConvInUpsampleNetwork(keras.layers.Layer):
    """A convolution over frames, then stages that repeat every input and smooth with one learned filter.

    The convolution sees `aux_context_window` frames on either side (causal: before) and keeps the channels; beyond the
    ends stands the nearest frame. Stage i repeats every input `upsample_scales[i]` times and convolves with a filter
    of `2 * upsample_scales[i] + 1` taps, common to all channels, centred (causal: ending) at its output; beyond the
    ends are zeros. Nothing has a bias. `FeatureUpsampler(method="repeat")` is ours, which treats the ends as features
    that go on.

    Args:
        upsample_scales: Sequence of positive ints; their product is the number of samples in a frame.
        aux_context_window: Int >= 0, frames on either side that the convolution sees.
        causal: Whether outputs depend on no later frame; only then the layer streams.

    Input shape:
        `[batch, frames, channels]`.

    Output shape:
        `[batch, frames * hop_length, channels]`.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> layer = ConvInUpsampleNetwork(upsample_scales=(4, 4, 4, 4), aux_context_window=2)
    >>> tuple(layer(keras.ops.ones((1, 10, 80))).shape)
    (1, 2560, 80)

    References:
        Yamamoto et al., Parallel WaveGAN (2020), section 3.1. kan-bayashi/ParallelWaveGAN, `ConvInUpsampleNetwork`.
    """

    def __init__(self, upsample_scales, aux_context_window=0, causal=False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.upsample_scales = check_positive_ints("upsample_scales", upsample_scales)
        self.aux_context_window = (
            0 if aux_context_window == 0 else check_positive_int("aux_context_window", aux_context_window)
        )
        self.causal = bool(causal)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    @property
    def hop_length(self) -> int:
        """Int, samples in a frame."""
        return int(np.prod(self.upsample_scales))

    @property
    def reach(self) -> int:
        """Int, the frames on either side of its own that a sample depends on (at most), as of `FeatureUpsampler`."""
        return self.aux_context_window + 2

    def build(self, input_shape) -> None:
        """Creates the kernel of the convolution and the filters of the stages, `[2 * scale + 1]`, at first averages."""
        channels = input_shape[-1]
        if channels is None:
            raise ValueError(f"Expected the last axis (channels) to be known. Received: input_shape={input_shape}")
        width = (1 if self.causal else 2) * self.aux_context_window + 1
        self.conv_in = CausalConv1D(
            channels, width, use_bias=False, kernel_initializer="he_normal", dtype=self.dtype_policy, name="conv_in"
        )
        self.conv_in.build(input_shape)
        self.smoothing = [
            self.add_weight(
                name=f"smooth_{i}",
                shape=(2 * scale + 1,),
                initializer=keras.initializers.Constant(1.0 / (2 * scale + 1)),
            )
            for i, scale in enumerate(self.upsample_scales)
        ]

    def call(self, inputs) -> Tensor:
        """Upsamples all frames."""
        parts = [self._held.before(inputs), inputs]
        if not self.causal:
            parts.append(ops.repeat(inputs[:, -1:], self.aux_context_window, axis=1))
        x = self.conv_in.convolve(ops.concatenate(parts, axis=1))
        for i in range(len(self.smoothing)):
            x = self._stage(ops.pad(x, ((0, 0), (2, 0) if self.causal else (1, 1), (0, 0))), i)
        return x

    def get_initial_state(self, batch_size) -> dict[str, Tensor]:
        """Returns the state before the first frame: the last inputs of every convolution.

        Args:
            batch_size: Int or scalar integer tensor.

        Returns:
            Dict of tensors: those of `HeldPast`, of the frames, and "stage_0", "stage_1", ...
        """
        shape = (batch_size, 2, self.conv_in.filters)
        return {
            **self._held.initial(batch_size),
            **{name: ops.zeros(shape, self.compute_dtype) for name in self._stages},
        }

    def prime(self, inputs, state) -> tuple[Tensor, dict[str, Tensor]]:
        """Upsamples a block of frames that continues the state.

        Args:
            inputs: `[batch, frames, channels]`, frames >= 1.
            state: The state of `get_initial_state` or of an earlier `prime`.

        Returns:
            `(outputs, state)`: `[batch, frames * hop_length, channels]`, as in `call`, and the state after the block.

        Raises:
            ValueError: If the layer is not causal.
        """
        if not self.causal:
            raise ValueError(f"Expected causal=True to stream. Received: {self.name}, which looks ahead.")
        x, new_state = self._held.join(inputs, state)
        x = self.conv_in.convolve(x)
        for i, name in enumerate(self._stages):
            x = ops.concatenate([state[name], x], axis=1)
            new_state[name] = x[:, -2:]
            x = self._stage(x, i)
        return x, new_state

    def pack_state(self, state) -> Tensor:
        """Returns `[batch, state_size]`, one row of numbers for each stream; see `tf_wavenet.BlockStreamable`."""
        shape = (ops.shape(state["past"])[0], 2 * self.conv_in.filters)
        stages = [ops.reshape(state[name], shape) for name in self._stages]
        return ops.concatenate([self._held.pack(state), *stages], axis=-1)

    def unpack_state(self, rows, time=None) -> dict[str, Tensor]:
        """Returns the state of `pack_state`'s rows, whatever the time."""
        first, size = self._held.size, 2 * self.conv_in.filters
        rows = ops.cast(ops.convert_to_tensor(rows), self.compute_dtype)
        state, shape = self._held.unpack(rows[:, :first]), (ops.shape(rows)[0], 2, self.conv_in.filters)
        for i, name in enumerate(self._stages):
            state[name] = ops.reshape(rows[:, first + i * size :][:, :size], shape)
        return state

    @property
    def state_size(self) -> int:
        """Int, the numbers of one stream's state."""
        return self._held.size + 2 * self.conv_in.filters * len(self.smoothing)

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `[batch, frames * hop_length, channels]`."""
        return (input_shape[0], input_shape[1] and input_shape[1] * self.hop_length, input_shape[2])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "upsample_scales": list(self.upsample_scales),
            "aux_context_window": self.aux_context_window,
            "causal": self.causal,
        }

    @property
    def _held(self):
        return HeldPast(self.aux_context_window, self.conv_in.filters, self.compute_dtype)

    @property
    def _stages(self):
        return [f"stage_{i}" for i in range(len(self.smoothing))]

    def _stage(self, x, i):
        """Repeats and smooths; `x` has 2 frames more than those whose outputs are returned.

        The filter spans 3 frames at most, so each of a frame's outputs is a weighted sum of 3 frames: the weights are
        sums of taps, found without repeating anything.
        """
        scale, time = self.upsample_scales[i], ops.shape(x)[1] - 2
        weights = ops.matmul(ops.cast(_tap_frames(scale, self.causal), x.dtype), ops.cast(self.smoothing[i], x.dtype))
        y = sum(weights[j][None, None, :, None] * ops.expand_dims(x[:, j:][:, :time], 2) for j in range(3))
        return ops.reshape(y, (-1, time * scale, x.shape[-1]))


def _tap_frames(scale, causal):
    """Returns 0/1 `[3, scale, 2 * scale + 1]`: whether a tap of an output of the frame falls in one of 3 frames."""
    output, tap = np.arange(scale)[:, None], np.arange(2 * scale + 1)
    frame = (output + tap - (2 if causal else 1) * scale) // scale + (2 if causal else 1)
    return (frame == np.arange(3)[:, None, None]).astype("float32")
