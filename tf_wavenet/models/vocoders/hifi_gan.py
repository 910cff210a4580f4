"""The generator of HiFi-GAN."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_dilations, check_positive_int, check_positive_ints
from tf_wavenet.layers import CausalConv1D, HiFiGANResidualBlock, NonCausalConv1D, UpsampleConv1D
from tf_wavenet.models.vocoders.presets import GENERATORS
from tf_wavenet.models.vocoders.vocoder import Vocoder


@registered
class HiFiGAN(Vocoder):
    """Generator that turns log-mel features into a waveform by transposed convolutions and residual blocks.

    After every transposed convolution, residual blocks of different kernels and dilations work side by side and their
    outputs are averaged (multi-receptive field fusion).

    Its weights, by name: `conv_pre`; `up_{i}`, one for each of `upsample_rates`; `resblock_{i}_{j}`, behind `up_{i}`,
    one for each of `resblock_kernel_sizes`, with `conv1_{m}` and (`resblock=1`) `conv2_{m}`, one for each dilation;
    `conv_post`. Each has a `kernel` and a `bias`.

    Args:
        upsample_rates: Sequence of positive ints; their product is the number of samples in a frame.
        upsample_kernel_sizes: As many positive ints, usually twice the rates.
        upsample_initial_channel: Int, channels before the first transposed convolution; each halves them.
        resblock: 1 or 2, the type of residual block: with or without additional convolutions of dilation 1.
        resblock_kernel_sizes: Sequence of odd ints, one residual block each behind every transposed convolution.
        resblock_dilation_sizes: As many sequences of positive ints.
        num_mels: Int >= 1, channels of the features; None means `mel_spec.num_mels`, or 80.
        causal: Whether samples depend on no later frame; only then the model streams.
        mel_spec: `MelSpec` of the features, kept with the model; None: unknown.

    Input shape:
        `[batch, frames, num_mels]`.

    Output shape:
        `[batch, frames * local_hop]`, float32, in (-1, 1).

    Raises:
        ValueError: If an argument is outside its range, or the input has another shape.

    Example:
    >>> model = HiFiGAN(upsample_initial_channel=16)
    >>> tuple(model(keras.ops.zeros((2, 10, 80))).shape)
    (2, 2560)

    References:
        Kong et al., HiFi-GAN (2020), section 2.2, appendix A.1. Causal: kan-bayashi/ParallelWaveGAN.
    """

    def __init__(
        self,
        upsample_rates=(8, 8, 2, 2),
        upsample_kernel_sizes=(16, 16, 4, 4),
        upsample_initial_channel=512,
        resblock=1,
        resblock_kernel_sizes=(3, 7, 11),
        resblock_dilation_sizes=((1, 3, 5),) * 3,
        num_mels=None,
        causal=False,
        mel_spec=None,
        **kwargs,
    ) -> None:
        super().__init__(num_mels=num_mels, causal=causal, mel_spec=mel_spec, **kwargs)
        self.upsample_rates = check_positive_ints("upsample_rates", upsample_rates)
        self.upsample_kernel_sizes = check_positive_ints("upsample_kernel_sizes", upsample_kernel_sizes)
        self.upsample_initial_channel = check_positive_int("upsample_initial_channel", upsample_initial_channel)
        self.resblock = resblock
        self.resblock_kernel_sizes = check_positive_ints("resblock_kernel_sizes", resblock_kernel_sizes)
        self.resblock_dilation_sizes = tuple(check_dilations(dilations) for dilations in resblock_dilation_sizes)
        if resblock not in (1, 2):
            raise ValueError(f"Expected resblock to be 1 or 2. Received: resblock={resblock!r}")
        for name, other in (
            ("upsample_kernel_sizes", "upsample_rates"),
            ("resblock_dilation_sizes", "resblock_kernel_sizes"),
        ):
            if len(getattr(self, name)) != len(getattr(self, other)):
                raise ValueError(f"Expected as many {name} as {other}. Received: {name}={getattr(self, name)}")
        stages = len(self.upsample_rates)
        if upsample_initial_channel % 2**stages:
            expected = f"a multiple of 2**{stages}, since each of upsample_rates halves it"
            raise ValueError(
                f"Expected upsample_initial_channel to be {expected}. Received: {upsample_initial_channel}"
            )
        self.local_hop = self._check_hop("upsample_rates", self.upsample_rates)

        policy, convolution = self.dtype_policy, CausalConv1D if causal else NonCausalConv1D
        # Of PyTorch's convolutions, and so of the published models: uniform in +-sqrt(1 / fan_in).
        uniform = {"class_name": "VarianceScaling", "config": {"scale": 1 / 3, "distribution": "uniform"}}
        options = {"kernel_initializer": uniform, "dtype": policy}
        self.conv_pre = convolution(upsample_initial_channel, 7, name="conv_pre", **options)
        self.ups, self.resblocks = [], []
        channels = upsample_initial_channel
        for i, (rate, width) in enumerate(zip(self.upsample_rates, self.upsample_kernel_sizes, strict=True)):
            channels //= 2
            self.ups.append(UpsampleConv1D(channels, width, rate, causal=causal, name=f"up_{i}", **options))
            sizes = zip(self.resblock_kernel_sizes, self.resblock_dilation_sizes, strict=True)
            self.resblocks.append(
                [
                    HiFiGANResidualBlock(
                        channels, k, dilations, resblock == 1, causal=causal, name=f"resblock_{i}_{j}", **options
                    )
                    for j, (k, dilations) in enumerate(sizes)
                ]
            )
        # In the dtype of its weights, float32 under mixed precision: a rounded waveform would be noisy.
        self.conv_post = convolution(1, 7, kernel_initializer=uniform, dtype=policy.variable_dtype, name="conv_post")
        self.build((None, None, self.num_mels))

    @classmethod
    def from_preset(cls, name, **overrides) -> "HiFiGAN":
        """Returns a generator with a named set of constructor arguments.

        Args:
            name: "hifi_gan_v1", "hifi_gan_v2" or "hifi_gan_v3", the paper's, for the log-mels of "jik876".
            **overrides: Constructor arguments that replace the preset's.

        Returns:
            A `HiFiGAN` with random weights.

        Raises:
            ValueError: If there is no such preset.
        """
        if not str(name).startswith("hifi_gan") or name not in GENERATORS:
            presets = [preset for preset in GENERATORS if preset.startswith("hifi_gan")]
            raise ValueError(f"Expected a preset of {presets}. Received: preset={name!r}")
        return cls(**{**GENERATORS[name], **overrides})

    def build(self, input_shape) -> None:
        """Builds every child, whatever the input's batch and length."""
        if self.built:
            return
        shape = (None, None, self.num_mels)
        for layer in self.streaming_layers():
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.built = True

    def streaming_layers(self) -> list[keras.layers.Layer]:
        """All layers, in order."""
        stages = [layer for up, blocks in zip(self.ups, self.resblocks, strict=True) for layer in (up, *blocks)]
        return [self.conv_pre, *stages, self.conv_post]

    def compute(self, features, noise, run) -> Tensor:
        """The arithmetic; see `Vocoder`."""
        x = run(self.conv_pre, features)
        for up, blocks in zip(self.ups, self.resblocks, strict=True):
            x = run(up, ops.leaky_relu(x, 0.1))
            x = sum(run(block, x) for block in blocks) / len(blocks)
        # The slope of the published models' last activation is PyTorch's default.
        return ops.tanh(run(self.conv_post, ops.leaky_relu(x, 0.01)))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "upsample_rates": list(self.upsample_rates),
            "upsample_kernel_sizes": list(self.upsample_kernel_sizes),
            "upsample_initial_channel": self.upsample_initial_channel,
            "resblock": self.resblock,
            "resblock_kernel_sizes": list(self.resblock_kernel_sizes),
            "resblock_dilation_sizes": [list(dilations) for dilations in self.resblock_dilation_sizes],
        }
