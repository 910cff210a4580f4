"""The WaveNet model."""

import keras
from keras import ops

from tf_wavenet.distributions import MuLawCategorical
from tf_wavenet.layers import CausalConv1D, OutputHead, ResidualStack
from tf_wavenet.layers._validation import check_dilations, check_positive_int
from tf_wavenet.models.autoregressive_model import AutoregressiveModel
from tf_wavenet.models.presets import PRESETS
from tf_wavenet.mu_law import check_mu, mu_law_encode


@keras.saving.register_keras_serializable(package="tf_wavenet")
class WaveNet(AutoregressiveModel):
    """Autoregressive model of raw audio: `p(x) = prod_t p(x[t] | x[<t])`.

    `model(waveform)[:, t]` holds the parameters of the distribution of `waveform[:, t]` given the samples before it.
    The model itself shifts the waveform by one sample (of silence), so `fit(x=waveform, y=waveform)` is right, and
    `fit(waveform)` too. `step` fed 0.0 and then each true sample gives the same parameters.

    Args:
        dilations: Sequence of positive ints, one residual block each.
        kernel_size: Int >= 1, taps of the dilated convolutions.
        residual_channels: Int >= 1, channels of the residual path.
        skip_channels: Int >= 1, channels of the skip path.
        gate_channels: Even int, channels entering the gated activations; None means `2 * residual_channels`.
        head_channels: Int >= 1, channels between the head's two projections; None means `skip_channels`.
        input_encoding: "one_hot", the mu-law levels as 0/1 vectors, or "scalar", the waveform itself (in training as
            it is, not quantised; in generation as it was drawn, at the centre of a level).
        causal_kernel_size: Int >= 1, taps of the first causal convolution.
        mu: Positive int, the highest mu-law level; 255 gives 256 classes.
        use_bias: Whether convolutions and projections have biases.
        residual_scale: Float, factor on every block's residual output.
        skip_scale: Float, factor on the summed skip output.

    Input shape:
        `[batch, time]`, waveform in [-1, 1].

    Output shape:
        `[batch, time, parameter_size]`, float32 logits of the `mu + 1` levels.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> model = WaveNet(dilations=(1, 2, 4, 8) * 2, residual_channels=8, skip_channels=16)
    >>> tuple(model(keras.ops.zeros((1, 100))).shape)
    (1, 100, 256)
    >>> model.receptive_field
    32

    References:
        van den Oord et al., WaveNet: A Generative Model for Raw Audio (2016), sections 2.1 to 2.4.
    """

    def __init__(
        self,
        dilations=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512) * 2,
        kernel_size=2,
        residual_channels=32,
        skip_channels=128,
        gate_channels=None,
        head_channels=None,
        input_encoding="one_hot",
        causal_kernel_size=2,
        mu=255,
        use_bias=True,
        residual_scale=1.0,
        skip_scale=1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if input_encoding not in ("one_hot", "scalar"):
            raise ValueError(
                f"Expected input_encoding to be 'one_hot' or 'scalar'. Received: input_encoding={input_encoding!r}"
            )
        # Samples keep their dtype until they are encoded: half precision would merge neighbouring mu-law levels.
        self.autocast = False
        self.dilations = check_dilations(dilations)
        self.kernel_size = kernel_size
        self.residual_channels = check_positive_int("residual_channels", residual_channels)
        self.skip_channels = skip_channels
        self.gate_channels = gate_channels
        self.head_channels = head_channels
        self.input_encoding = input_encoding
        self.causal_kernel_size = check_positive_int("causal_kernel_size", causal_kernel_size)
        self.mu = check_mu(mu)
        self.use_bias = use_bias
        self.residual_scale = residual_scale
        self.skip_scale = skip_scale

        policy = self.dtype_policy
        self.distribution = MuLawCategorical(mu)
        self.causal_conv = CausalConv1D(
            residual_channels, causal_kernel_size, use_bias=use_bias, dtype=policy, name="causal_conv"
        )
        self.stack = ResidualStack(
            self.dilations,
            residual_channels,
            skip_channels,
            kernel_size,
            gate_channels=gate_channels,
            use_bias=use_bias,
            residual_scale=residual_scale,
            skip_scale=skip_scale,
            dtype=policy,
            name="stack",
        )
        self.head = OutputHead(
            self.distribution.parameter_size, head_channels, use_bias=use_bias, dtype=policy, name="head"
        )
        self.input_spec = keras.layers.InputSpec(ndim=2)
        # Everything is known here: a WaveNet has its weights from the start.
        self.build((None, None))

    @classmethod
    def from_preset(cls, name, **overrides):
        """Returns a WaveNet with a named set of constructor arguments.

        Args:
            name: "tiny" (learns speech in minutes on two CPU cores), "small" (20 blocks, 32 / 128 channels) or
                "paper" (30 blocks, 64 / 256 channels).
            **overrides: Constructor arguments that replace the preset's.

        Returns:
            A `WaveNet` with random weights.

        Raises:
            ValueError: If there is no such preset.
        """
        if name not in PRESETS:
            raise ValueError(f"Expected a preset of {sorted(PRESETS)}. Received: preset={name!r}")
        return cls(**{**PRESETS[name], **overrides})

    def build(self, input_shape):
        """Builds every child, whatever the input's batch and length."""
        if self.built:
            return
        encoded = (None, None, self.mu + 1 if self.input_encoding == "one_hot" else 1)
        self.causal_conv.build(encoded)
        self.stack.build(self.causal_conv.compute_output_shape(encoded))
        self.head.build((None, None, self.skip_channels))
        self.built = True

    def call(self, inputs):
        """Returns the parameters of every sample's distribution, `[batch, time, parameter_size]`.

        Args:
            inputs: `[batch, time]` waveform in [-1, 1].
        """
        previous = ops.pad(inputs, ((0, 0), (1, 0)))[:, :-1]
        return self._parameters(self.stack(self.causal_conv(self._encode(previous))))

    def get_initial_state(self, batch_size):
        """Returns the state before the first sample.

        Args:
            batch_size: Int or scalar integer tensor.

        Returns:
            Dict of dicts of tensors in the compute dtype, those of the first convolution and of the residual stack.
        """
        return {
            "causal_conv": self.causal_conv.get_initial_state(batch_size),
            "stack": self.stack.get_initial_state(batch_size),
        }

    def step(self, previous_sample, state):
        """Predicts one sample from the one before it and the state.

        Args:
            previous_sample: `[batch]`, the sample before the one to predict, in [-1, 1]; 0.0 at the very start.
            state: The state of `get_initial_state` or of the step before.

        Returns:
            `(parameters, state)`: float32 `[batch, parameter_size]` and the next state.
        """
        previous_sample = ops.convert_to_tensor(previous_sample)
        x, causal_state = self.causal_conv.step(self._encode(previous_sample), state["causal_conv"])
        x, stack_state = self.stack.step(x, state["stack"])
        return self._parameters(x), {"causal_conv": causal_state, "stack": stack_state}

    def prime(self, previous_samples, state):
        """Runs many steps in parallel: fills the queues from a block of known samples.

        Args:
            previous_samples: `[batch, time]`, what `time` steps would be fed; time >= 1.
            state: The state of `get_initial_state` or of an earlier `step` or `prime`.

        Returns:
            `(parameters, state)`: float32 `[batch, time, parameter_size]` and the state after the block.
        """
        previous_samples = ops.convert_to_tensor(previous_samples)
        x, causal_state = self.causal_conv.prime(self._encode(previous_samples), state["causal_conv"])
        x, stack_state = self.stack.prime(x, state["stack"])
        return self._parameters(x), {"causal_conv": causal_state, "stack": stack_state}

    @property
    def receptive_field(self):
        """Int, the number of past samples that the distribution of one sample depends on."""
        return self.causal_conv.receptive_field + self.stack.receptive_field - 1

    def compute_output_shape(self, input_shape):
        """Returns `[batch, time, parameter_size]`."""
        return (*input_shape, self.distribution.parameter_size)

    def compute_output_spec(self, inputs, training=None):
        """Returns a float32 tensor, whatever the compute dtype."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), "float32")

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "dilations": list(self.dilations),
            "kernel_size": self.kernel_size,
            "residual_channels": self.residual_channels,
            "skip_channels": self.skip_channels,
            "gate_channels": self.gate_channels,
            "head_channels": self.head_channels,
            "input_encoding": self.input_encoding,
            "causal_kernel_size": self.causal_kernel_size,
            "mu": self.mu,
            "use_bias": self.use_bias,
            "residual_scale": self.residual_scale,
            "skip_scale": self.skip_scale,
        }

    def _encode(self, samples):
        if self.input_encoding == "scalar":
            return ops.expand_dims(ops.cast(samples, self.compute_dtype), -1)
        return ops.one_hot(mu_law_encode(samples, self.mu), self.mu + 1, dtype=self.compute_dtype)

    def _parameters(self, skip):
        return ops.cast(self.head(skip), "float32")
