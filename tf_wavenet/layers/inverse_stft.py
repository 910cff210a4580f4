"""The inverse short-time Fourier transform as a layer."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int, is_int
from tf_wavenet.signal import overlap_add, steady_envelope, synthesis_frames, window_envelope


@registered
class InverseSTFT(keras.layers.Layer):
    """Makes `hop_length` samples of each frame's spectrum: windowed inverse Fourier transforms, overlapped and added.

    What a short-time Fourier transform with the same window gave becomes its waveform again: the sum is divided by
    that of the squared windows. Always in float32, whatever the dtype policy.

    Causal, frame f covers samples `f * hop_length` to `f * hop_length + win_length - 1` and the windows are taken as if
    frames had come before, so that the first ones fade in: no sample depends on a later frame, and the layer streams
    (`prime`), with the samples that still lack frames as its state. Otherwise frame f begins `offset` samples
    earlier, and at both ends the sum is divided by the windows that are there.

    Args:
        hop_length: Int >= 1, samples from frame to frame.
        win_length: Even int >= 2, samples of the window.
        fft_length: Even int >= `win_length`, samples of the transform; the window is in their middle.
        window: "hann" or "hamming".
        offset: Int, samples by which the window of frame f begins before sample `f * hop_length`; 0 to
            `win_length - hop_length`, 0 if causal.
        causal: Whether samples depend on no later frame.

    Input shape:
        `[batch, frames, fft_length + 2]`: the real parts of all bins, then the imaginary parts.

    Output shape:
        `[batch, frames * hop_length]`, float32.

    Raises:
        ValueError: If an argument is outside its range, or windows leave out samples between them.

    Example:
    >>> layer = InverseSTFT(hop_length=200, win_length=800, fft_length=1024, offset=300, causal=False)
    >>> tuple(layer(keras.ops.zeros((2, 10, 1026))).shape)
    (2, 2000)

    References:
        Griffin and Lim, Signal estimation from modified short-time Fourier transform (1984), equation 6; as the last
        layer of a vocoder: Kaneko et al., iSTFTNet (2022), section 2.2.
    """

    def __init__(self, hop_length, win_length, fft_length, window="hann", offset=0, causal=True, **kwargs) -> None:
        super().__init__(**kwargs)
        self.hop_length = check_positive_int("hop_length", hop_length)
        self.win_length = check_positive_int("win_length", win_length)
        self.fft_length = check_positive_int("fft_length", fft_length)
        self.window = window
        self.offset = offset
        self.causal = bool(causal)
        self.autocast = False
        for name in ("win_length", "fft_length"):
            if getattr(self, name) % 2:
                raise ValueError(f"Expected {name} to be even. Received: {name}={getattr(self, name)}")
        if win_length > fft_length:
            raise ValueError(f"Expected win_length to be at most {fft_length=}. Received: win_length={win_length}")
        most = 0 if causal else max(win_length - hop_length, 0)
        if not is_int(offset) or not 0 <= offset <= most:
            raise ValueError(f"Expected offset to be an int in [0, {most}]. Received: offset={offset!r}")
        steady_envelope(win_length, hop_length, window)

    def build(self, input_shape) -> None:
        """Checks the channels; there are no weights."""
        if input_shape[-1] != self.fft_length + 2:
            expected = f"Expected {self.fft_length + 2} channels, real and imaginary parts of fft_length // 2 + 1 bins"
            raise ValueError(f"{expected}. Received: input_shape={tuple(input_shape)}")

    def call(self, inputs) -> Tensor:
        """Makes the whole waveform."""
        frames, total = ops.shape(inputs)[1], self._sum(inputs)
        time = frames * self.hop_length
        if self.causal:
            return self._over_envelope(total[:, :time])
        envelope = window_envelope(frames, self.win_length, self.hop_length, self.window)
        return (total / envelope)[:, self.offset :][:, :time]

    def get_initial_state(self, batch_size) -> dict[str, Tensor]:
        """Returns the state before the first frame: "tail", `[batch_size, samples]` zeros, what frames left behind."""
        return {"tail": ops.zeros((batch_size, self._tail), "float32")}

    def prime(self, inputs, state) -> tuple[Tensor, dict[str, Tensor]]:
        """Makes the samples of a block of frames that continues the state.

        Args:
            inputs: `[batch, frames, fft_length + 2]`, frames >= 1.
            state: The state of `get_initial_state` or of an earlier `prime`.

        Returns:
            `(waveform, state)`: `[batch, frames * hop_length]`, as in `call`, and the state after the block.

        Raises:
            ValueError: If the layer is not causal.
        """
        if not self.causal:
            raise ValueError(f"Expected causal=True to stream. Received: {self.name}, which looks ahead.")
        time, total = ops.shape(inputs)[1] * self.hop_length, self._sum(inputs)
        total += ops.pad(state["tail"], ((0, 0), (0, time)))
        return self._over_envelope(total[:, :time]), {"tail": total[:, time:]}

    def pack_state(self, state) -> Tensor:
        """Returns `[batch, state_size]`, one row of numbers for each stream; see `tf_wavenet.BlockStreamable`."""
        return state["tail"]

    def unpack_state(self, rows, time=None) -> dict[str, Tensor]:
        """Returns the state of `pack_state`'s rows, whatever the time."""
        return {"tail": ops.cast(ops.convert_to_tensor(rows), "float32")}

    @property
    def state_size(self) -> int:
        """Int, the numbers of one stream's state."""
        return self._tail

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `[batch, frames * hop_length]`."""
        return (input_shape[0], input_shape[1] and input_shape[1] * self.hop_length)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "hop_length": self.hop_length,
            "win_length": self.win_length,
            "fft_length": self.fft_length,
            "window": self.window,
            "offset": self.offset,
            "causal": self.causal,
        }

    @property
    def _tail(self):
        return (-(-self.win_length // self.hop_length) - 1) * self.hop_length

    def _sum(self, inputs):
        """The overlapping frames' sum, from the first sample of the first to the last of the last."""
        frames = synthesis_frames(inputs, self.fft_length, self.win_length, self.window)
        return overlap_add(frames, self.hop_length)

    def _over_envelope(self, total):
        gain = 1.0 / steady_envelope(self.win_length, self.hop_length, self.window)
        frames = ops.reshape(total, (-1, ops.shape(total)[1] // self.hop_length, self.hop_length))
        return ops.reshape(ops.multiply(frames, gain), ops.shape(total))
