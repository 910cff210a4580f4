"""The generator of Parallel WaveGAN."""

import math
from typing import Any

import keras

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int, check_positive_ints
from tf_wavenet.layers import ConvInUpsampleNetwork, OutputHead, ResidualStack
from tf_wavenet.layers._dense import Dense
from tf_wavenet.models.vocoders.presets import GENERATORS
from tf_wavenet.models.vocoders.vocoder import Vocoder


@registered
class ParallelWaveGAN(Vocoder):
    """Generator that turns Gaussian noise and log-mel features into a waveform: a WaveNet without autoregression.

    All samples are made at once, by the residual stack of WaveNet over noise, its convolutions centred on their
    outputs (or causal), conditioned on features upsampled by `ConvInUpsampleNetwork`. The output is not bounded.

    Its weights, by name: `first_conv`; `upsample_net`, with `conv_in` and `smooth_{i}`; `projection`, of the upsampled
    features to what is added at the gates, all blocks side by side; `stack`, with `block_{i}`: `conv`, `residual` (not
    in the last block, whose residual output is not used) and `skip`; `head`, with `hidden` and `out`.

    Args:
        num_layers: Int >= 1, residual blocks.
        num_stacks: Int >= 1, how often the dilations 1, 2, 4, ... begin anew; divides `num_layers`.
        kernel_size: Odd int >= 1, taps of the dilated convolutions; any int >= 1 if causal.
        residual_channels: Int >= 1, channels of the residual path.
        gate_channels: Even int, channels entering the gated activations.
        skip_channels: Int >= 1, channels of the skip path.
        aux_context_window: Int >= 0, frames on either side (causal: before) that a convolution over frames sees.
        upsample_scales: Sequence of positive ints; their product is the number of samples in a frame.
        num_mels: Int >= 1, channels of the features; None means `mel_spec.num_mels`, or 80.
        causal: Whether samples depend on no later frame; only then the model streams.
        mel_spec: `MelSpec` of the features, kept with the model; None: unknown.

    Input shape:
        Dict of "local_condition", `[batch, frames, num_mels]`, and "noise", `[batch, frames * local_hop]`.

    Output shape:
        `[batch, frames * local_hop]`, float32.

    Raises:
        ValueError: If an argument is outside its range, an input is missing, or has another shape.

    Example:
    >>> model = ParallelWaveGAN(num_layers=6, num_stacks=2, upsample_scales=(4, 4))
    >>> noise = keras.random.normal((2, 160))
    >>> tuple(model({"local_condition": keras.ops.zeros((2, 10, 80)), "noise": noise}).shape)
    (2, 160)

    References:
        Yamamoto et al., Parallel WaveGAN (2020), section 3.1; details as in kan-bayashi/ParallelWaveGAN.
    """

    needs_noise = True

    def __init__(
        self,
        num_layers=30,
        num_stacks=3,
        kernel_size=3,
        residual_channels=64,
        gate_channels=128,
        skip_channels=64,
        aux_context_window=2,
        upsample_scales=(4, 4, 4, 4),
        num_mels=None,
        causal=False,
        mel_spec=None,
        **kwargs,
    ) -> None:
        super().__init__(num_mels=num_mels, causal=causal, mel_spec=mel_spec, **kwargs)
        self.num_layers = check_positive_int("num_layers", num_layers)
        self.num_stacks = check_positive_int("num_stacks", num_stacks)
        if num_layers % num_stacks:
            raise ValueError(f"Expected num_layers to be a multiple of {num_stacks=}. Received: {num_layers=}")
        self.kernel_size = kernel_size
        self.residual_channels = check_positive_int("residual_channels", residual_channels)
        self.gate_channels = gate_channels
        self.skip_channels = skip_channels
        self.aux_context_window = aux_context_window
        self.upsample_scales = check_positive_ints("upsample_scales", upsample_scales)
        self.local_hop = self._check_hop("upsample_scales", self.upsample_scales)

        policy = self.dtype_policy
        self.first_conv = Dense(residual_channels, kernel_initializer="he_normal", dtype=policy, name="first_conv")
        self.upsample_net = ConvInUpsampleNetwork(
            self.upsample_scales, aux_context_window, causal=causal, dtype=policy, name="upsample_net"
        )
        self.stack = ResidualStack(
            tuple(2**i for i in range(num_layers // num_stacks)) * num_stacks,
            residual_channels,
            skip_channels,
            kernel_size,
            gate_channels=gate_channels,
            residual_scale=math.sqrt(1 / 2),
            skip_scale=math.sqrt(1 / num_layers),
            causal=causal,
            dtype=policy,
            name="stack",
        )
        self.projection = Dense(self.stack.condition_units, use_bias=False, dtype=policy, name="projection")
        # In the dtype of its weights, float32 under mixed precision: a rounded waveform would be noisy.
        self.head = OutputHead(1, skip_channels, dtype=policy.variable_dtype, name="head")
        self.build(self.input_shapes())

    @classmethod
    def from_preset(cls, name="parallel_wavegan", **overrides) -> "ParallelWaveGAN":
        """Returns a generator with a named set of constructor arguments.

        Args:
            name: "parallel_wavegan", the paper's, for the log-mels of "kan_bayashi", standardised.
            **overrides: Constructor arguments that replace the preset's.

        Returns:
            A `ParallelWaveGAN` with random weights.

        Raises:
            ValueError: If there is no such preset.
        """
        if name != "parallel_wavegan":
            raise ValueError(f"Expected the preset 'parallel_wavegan'. Received: preset={name!r}")
        return cls(**{**GENERATORS[name], **overrides})

    def build(self, input_shape) -> None:
        """Builds every child, whatever the input's batch and length."""
        if self.built:
            return
        self.first_conv.build((None, None, 1))
        self.upsample_net.build((None, None, self.num_mels))
        self.projection.build((None, None, self.num_mels))
        self.stack.build((None, None, self.residual_channels))
        self.head.build((None, None, self.skip_channels))
        self.built = True

    def streaming_layers(self) -> list[keras.layers.Layer]:
        """Those that look at more than one time."""
        return [self.upsample_net, self.stack]

    def compute(self, features, noise, run) -> Tensor:
        """The arithmetic; see `Vocoder`."""
        condition = self.projection(run(self.upsample_net, features))
        return self.head(run(self.stack, self.first_conv(noise), condition))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_stacks": self.num_stacks,
            "kernel_size": self.kernel_size,
            "residual_channels": self.residual_channels,
            "gate_channels": self.gate_channels,
            "skip_channels": self.skip_channels,
            "aux_context_window": self.aux_context_window,
            "upsample_scales": list(self.upsample_scales),
        }
