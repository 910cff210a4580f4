"""A parallel vocoder at the frame rate."""

from typing import Any

import keras
import numpy as np
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int, is_int
from tf_wavenet.layers import CausalConv1D, ConvNeXtBlock, InverseSTFT, NonCausalConv1D
from tf_wavenet.layers._dense import Dense
from tf_wavenet.models.vocoders.presets import GENERATORS
from tf_wavenet.models.vocoders.vocoder import Vocoder
from tf_wavenet.signal import cos_sin, log_mel_of, mel_gain, mel_spectrum, mel_to_magnitude
from tf_wavenet.signal.mel_filterbank import analysis_window

_MOMENTUM = 0.99 / 1.99  # of the refinements
_LEAST_POWER = 1e-12


@registered
class ISTFTVocoder(Vocoder):
    """Generator that makes the spectrum of every frame, and the waveform of them by an inverse Fourier transform.

    A convolution over the frames, ConvNeXt blocks and a projection to log-magnitude and phase of every bin, all once a
    frame and not once a sample. With the prior, the magnitudes that the mels stand for
    (`tf_wavenet.signal.mel_to_magnitude`) are told to the first layer and added to the log-magnitudes, so that the
    network learns the phases and corrects the rest.

    Its frames lie where those of its `mel_spec` lie. Causal, the samples of a frame are made as soon as its features
    are known, and the network adds no look-ahead: with "speech_16k" the features of a frame need 300 samples (18.75 ms)
    of audio beyond the 200 samples (12.5 ms) that it describes.

    Args:
        channels: Int >= 1, width of the network.
        num_blocks: Int >= 1, number of ConvNeXt blocks.
        hidden_channels: Int >= 1, channels inside a block; None means three times `channels`.
        kernel_size: Int >= 1, frames that each convolution sees; odd if not causal.
        prior: Whether magnitudes start from those that the mels stand for.
        win_length: Even int, samples of the windows that the waveform is made of; None means the mel spec's, or two
            hops if causal.
        num_mels: Int >= 1, channels of the features; None means `mel_spec.num_mels`.
        refinements: Int >= 0, times that the waveform is brought closer to the features: its transform gets the
            magnitudes that their mels ask for, and is inverted again. Each costs about half of what the network does
            (8 of them make up for some hours of training; with one or two a network can be trained). They need
            `win_length=None`, and the whole utterance: none if causal. May be changed later.
        causal: Whether samples depend on no later frame; only then the model streams.
        mel_spec: `MelSpec` of the features, kept with the model.

    Input shape:
        `[batch, frames, num_mels]`.

    Output shape:
        `[batch, frames * local_hop]`, float32.

    Raises:
        ValueError: If an argument is outside its range, or the input has another shape.

    Example:
    >>> from tf_wavenet import MelSpec
    >>> model = ISTFTVocoder(channels=16, num_blocks=2, mel_spec=MelSpec.from_preset("speech_16k").standardized())
    >>> tuple(model(keras.ops.zeros((2, 10, 80))).shape)
    (2, 2000)

    References:
        Siuzdak, Vocos (2023), section 3; Lv et al., FreeV (2024), section 2; Kaneko et al., iSTFTNet (2022); of the
        refinements: Perraudin et al., A Fast Griffin-Lim Algorithm (2013), section 3.
    """

    def __init__(
        self,
        channels=256,
        num_blocks=8,
        hidden_channels=None,
        kernel_size=7,
        prior=True,
        win_length=None,
        num_mels=None,
        refinements=0,
        causal=False,
        mel_spec=None,
        **kwargs,
    ) -> None:
        super().__init__(num_mels=num_mels, causal=causal, mel_spec=mel_spec, **kwargs)
        self.channels = check_positive_int("channels", channels)
        self.num_blocks = check_positive_int("num_blocks", num_blocks)
        self.hidden_channels = hidden_channels
        self.kernel_size = kernel_size
        self.prior = bool(prior)
        self.win_length = win_length
        if not is_int(refinements) or refinements < 0:
            raise ValueError(f"Expected refinements to be an int >= 0. Received: refinements={refinements!r}")
        self.refinements = int(refinements)
        if refinements and (causal or win_length is not None):
            received = f"refinements={refinements}, causal={causal}, win_length={win_length}"
            raise ValueError(f"Expected causal=False and win_length=None with refinements. Received: {received}")
        spec = self.mel_spec
        if spec is None:
            raise ValueError("Expected mel_spec to be a MelSpec, which the windows come from. Received: mel_spec=None")
        hidden = 3 * channels if hidden_channels is None else check_positive_int("hidden_channels", hidden_channels)
        self.local_hop = spec.hop_length

        policy, small = self.dtype_policy, keras.initializers.TruncatedNormal(stddev=0.02)
        convolution = CausalConv1D if causal else NonCausalConv1D
        self.inverse_stft = self._make_inverse_stft(policy)
        # No windowed transform of a waveform in [-1, 1] is louder.
        length = self.inverse_stft.win_length
        self._loudest = float(np.log(analysis_window(spec.window, length, length).sum()))
        self.conv_pre = convolution(channels, kernel_size, kernel_initializer=small, dtype=policy, name="conv_pre")
        small = keras.initializers.TruncatedNormal(stddev=0.02)
        self.prior_projection = None
        if self.prior:
            self.prior_projection = Dense(
                channels, use_bias=False, kernel_initializer=small, dtype=policy, name="prior_projection"
            )
        self.norm_pre = keras.layers.LayerNormalization(epsilon=1e-6, dtype=policy, name="norm_pre")
        self.blocks = [
            ConvNeXtBlock(hidden, kernel_size, causal, layer_scale=1 / num_blocks, dtype=policy, name=f"block_{i}")
            for i in range(num_blocks)
        ]
        self.norm_post = keras.layers.LayerNormalization(epsilon=1e-6, dtype=policy, name="norm_post")
        small = keras.initializers.TruncatedNormal(stddev=0.02)
        units = self.inverse_stft.fft_length + 2
        self.head = Dense(units, kernel_initializer=small, dtype=policy, name="head")
        self.build((None, None, self.num_mels))

    @classmethod
    def from_preset(cls, name="istft_vocoder", **overrides) -> "ISTFTVocoder":
        """Returns a generator with a named set of constructor arguments.

        Args:
            name: "istft_vocoder", ours, for the log-mels of "speech_16k", standardised.
            **overrides: Constructor arguments that replace the preset's.

        Returns:
            An `ISTFTVocoder` with random weights.

        Raises:
            ValueError: If there is no such preset.
        """
        if name != "istft_vocoder":
            raise ValueError(f"Expected the preset 'istft_vocoder'. Received: preset={name!r}")
        return cls(**{**GENERATORS[name], **overrides})

    def build(self, input_shape) -> None:
        """Builds every child, whatever the input's batch and length."""
        if self.built:
            return
        inside, bins = (None, None, self.channels), self.inverse_stft.fft_length // 2 + 1
        self.conv_pre.build((None, None, self.num_mels))
        if self.prior:
            self.prior_projection.build((None, None, bins))
        for layer in (self.norm_pre, *self.blocks, self.norm_post, self.head):
            layer.build(inside)
        self.inverse_stft.build((None, None, 2 * bins))
        self.built = True

    def streaming_layers(self) -> list[keras.layers.Layer]:
        """Those that look at more than one frame."""
        return [self.conv_pre, *self.blocks, self.inverse_stft]

    def compute(self, features, noise, run) -> Tensor:
        """The arithmetic; see `Vocoder`."""
        x, prior = run(self.conv_pre, features), 0.0
        if self.prior:
            prior = self.log_prior(features)
            x = x + self.prior_projection(ops.cast(prior, x.dtype))
        x = self.norm_pre(x)
        for block in self.blocks:
            x = run(block, x)
        magnitude, phase = ops.split(ops.cast(self.head(self.norm_post(x)), "float32"), 2, axis=-1)
        magnitude = ops.exp(ops.minimum(magnitude + prior, self._loudest))
        cosine, sine = cos_sin(phase)
        spectrum = ops.concatenate([magnitude * cosine, magnitude * sine], axis=-1)
        waveform = run(self.inverse_stft, spectrum)
        if self.refinements:
            waveform = self._refined(waveform, features)
        return ops.expand_dims(waveform, -1)

    def _refined(self, waveform, features):
        """Griffin and Lim's iterations, accelerated, whose magnitudes are those of now where the mels are right."""
        spec, before = self.mel_spec, None
        for _ in range(self.refinements):
            real, imaginary = mel_spectrum(waveform, spec)
            power = ops.square(real) + ops.square(imaginary)
            gain = mel_gain(features, log_mel_of(power, spec), spec)
            if before is None:
                spectrum = [gain * real, gain * imaginary]
            else:
                pushed = [now - _MOMENTUM * then for now, then in zip((real, imaginary), before, strict=True)]
                size = ops.square(pushed[0]) + ops.square(pushed[1])
                gain = gain * ops.sqrt((power + _LEAST_POWER) / (size + _LEAST_POWER))
                spectrum = [gain * part for part in pushed]
            before = real, imaginary
            waveform = self.inverse_stft(ops.concatenate(spectrum, axis=-1))
        return waveform

    def log_prior(self, features) -> Tensor:
        """Returns the log-magnitudes that mels stand for, float32 `[..., bins]`, for the windows of the waveform."""
        spec, layer = self.mel_spec, self.inverse_stft
        magnitude = mel_to_magnitude(features, spec)
        if layer.fft_length != spec.fft_length:
            stride, rest = divmod(spec.fft_length, layer.fft_length)
            if rest:
                magnitude = ops.matmul(magnitude, _interpolation(spec.fft_length, layer.fft_length))
            else:
                magnitude = magnitude[..., ::stride]
        # Of a steady tone, a longer window gathers more.
        ours, theirs = (analysis_window(spec.window, n, n).sum() for n in (layer.win_length, spec.win_length))
        return ops.log(magnitude * float(ours / theirs))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "num_blocks": self.num_blocks,
            "hidden_channels": self.hidden_channels,
            "kernel_size": self.kernel_size,
            "prior": self.prior,
            "win_length": self.win_length,
            "refinements": self.refinements,
        }

    def _make_inverse_stft(self, policy):
        spec, length = self.mel_spec, self.win_length
        if length is None:
            length = 2 * spec.hop_length if self.causal else spec.win_length
        length = check_positive_int("win_length", length)
        fft_length = spec.fft_length if length == spec.win_length else 1 << (length - 1).bit_length()
        # The middle of a window of ours is the middle of a window of the mels.
        offset = 0 if self.causal else length // 2 - (spec.fft_length // 2 - spec.frame_offset)
        return InverseSTFT(
            spec.hop_length, length, fft_length, spec.window, offset, self.causal, dtype=policy, name="inverse_stft"
        )


def _interpolation(from_length, to_length):
    """Weights `[from_length // 2 + 1, to_length // 2 + 1]` of linear interpolation between the bins of a transform."""
    wanted = np.arange(to_length // 2 + 1) * (from_length / to_length)
    return np.maximum(1.0 - np.abs(np.arange(from_length // 2 + 1)[:, None] - wanted), 0.0).astype(np.float32)
