"""The WaveNet model."""

from typing import Any

import keras
import numpy as np
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import (
    as_array,
    check_batch_size,
    check_dilations,
    check_number,
    check_positive_int,
    check_sample_rate,
    fits,
    is_int,
    shape_of,
)
from tf_wavenet.distributions import MuLawCategorical, Residual
from tf_wavenet.layers import (
    CausalConv1D,
    Conditioning,
    ContextStack,
    MuLawNoise,
    OutputHead,
    ResidualStack,
)
from tf_wavenet.models.autoregressive_model import AutoregressiveModel
from tf_wavenet.models.flat_config import from_flat
from tf_wavenet.models.presets import PRESETS
from tf_wavenet.signal.full_scale import check_full_scale
from tf_wavenet.signal.mel_spec import MelSpec
from tf_wavenet.signal.mu_law import check_mu, mu_law_compand, mu_law_encode
from tf_wavenet.streaming.check_state import check_rows, check_state
from tf_wavenet.streaming.packing import pack_states, packed_size, unpack_states
from tf_wavenet.streaming.rematerialized import Rematerialized

_SPARE_FRAMES = 2  # other programs count a last frame, or one at either end, that the waveform does not need


@registered
class WaveNet(Rematerialized, AutoregressiveModel):
    """Autoregressive model of raw audio: `p(x) = prod_t p(x[t] | x[<t], h)`.

    `model(waveform)[:, t]` holds the parameters of the distribution of `waveform[:, t]` given the samples before it.
    The model itself shifts the waveform by one sample (of silence), so `fit(x=waveform, y=waveform)` is right, and
    `fit(waveform)` too. `step` fed 0.0 and then each true sample gives the same parameters.

    The condition h may be global (a speaker or any vector), local (features such as a log-mel spectrogram: frame f
    governs samples `f * local_hop ... (f + 1) * local_hop - 1`), or both; then the model's input is a dict.

    Args:
        dilations: Sequence of positive ints, one residual block each.
        kernel_size: Int >= 1, taps of the dilated convolutions.
        residual_channels: Int >= 1, channels of the residual path.
        skip_channels: Int >= 1, channels of the skip path.
        gate_channels: Even int, channels entering the gated activations; None means `2 * residual_channels`.
        head_channels: Int >= 1, channels between the head's two projections; None means `skip_channels`.
        input_encoding: "one_hot", the mu-law levels as 0/1 vectors; "scalar", the samples as the distribution can
            draw them (`distribution.quantize`); or "companded", the samples by mu-law, not quantised. None: "one_hot"
            for `MuLawCategorical`, else "scalar"; with linear prediction, always "companded".
        causal_kernel_size: Int >= 1, taps of the first causal convolution.
        mu: Positive int, the highest mu-law level of the one-hot input and of the default distribution.
        use_bias: Whether convolutions and projections have biases.
        residual_scale: Float, factor on every block's residual output.
        skip_scale: Float, factor on the summed skip output.
        distribution: What the output parametrises, one of `tf_wavenet.distributions`; None: `MuLawCategorical(mu)`.
        conditioning: `Conditioning` (without `units`): which conditions there are and how they are encoded. Of a
            `mel_spec` in it, `generate` and `stream` check features (`MelSpec.check_features`), and with its
            `preemphasis` the model speaks pre-emphasised audio, which `call` and `step` take
            (`tf_wavenet.signal.preprocess`); `generate` and `stream` undo it. With its `linear_prediction` the
            distribution is that of what the prediction misses (`Residual`), and the network sees the last sample, the
            last residual and this sample's prediction. None: there is no condition.
        context_stack: `ContextStack` (without `units`): a second, cheaper stack that looks far back at a lower rate.
            None: there is none.
        past_noise: Number >= 0: while training, noise of up to so many mu-law levels on the past that the model sees
            (`MuLawNoise`), of the residuals with linear prediction, else of the samples.
        sample_rate: Number > 0, the rate in Hz that the model is meant for, which exports tell; None: that of the
            `mel_spec`, or unknown.

    Input shape:
        `[batch, time]`, waveform in [-1, 1]; with a condition a dict of "waveform" and, as the model was made,
        "local_condition", `[batch, frames, local_channels]` with `frames * local_hop >= time`, and
        "global_condition", int `[batch]` with speakers, else `[batch, global_channels]`. Of a part of a recording,
        "local_window" instead of "local_condition": its frames and `context_frames` more on either side (beyond the
        ends of the recording, its first and last frame again; "stretch", whose filters see zeros there, differs in
        those few). `fit` and `evaluate` take at most 2 frames more than these: others are of another hop.

    Output shape:
        `[batch, time, parameter_size]`, float32.

    Raises:
        ValueError: If an argument is outside its range; if an input is missing or has another shape.

    Example:
    >>> model = WaveNet(dilations=(1, 2, 4, 8) * 2, residual_channels=8, skip_channels=16)
    >>> tuple(model(keras.ops.zeros((1, 100))).shape)
    (1, 100, 256)
    >>> model.receptive_field
    32
    >>> from tf_wavenet.layers import Conditioning
    >>> voices = WaveNet((1, 2), residual_channels=8, conditioning=Conditioning(speakers=("ann", "bob")))
    >>> tuple(voices({"waveform": keras.ops.zeros((2, 50)), "global_condition": keras.ops.array([0, 1])}).shape)
    (2, 50, 256)

    References:
        van den Oord et al., WaveNet: A Generative Model for Raw Audio (2016), sections 2.1 to 2.6. Linear prediction:
        Valin and Skoglund, LPCNet (2019); Hwang et al., LP-WaveNet (2018).
    """

    def __init__(
        self,
        dilations=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512) * 2,
        kernel_size=2,
        residual_channels=32,
        skip_channels=128,
        gate_channels=None,
        head_channels=None,
        input_encoding=None,
        causal_kernel_size=2,
        mu=255,
        use_bias=True,
        residual_scale=1.0,
        skip_scale=1.0,
        distribution=None,
        conditioning=None,
        context_stack=None,
        past_noise=0.0,
        sample_rate=None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.mu = check_mu(mu)
        self.distribution = MuLawCategorical(mu) if distribution is None else _deserialized(distribution)
        if not is_int(getattr(self.distribution, "parameter_size", None)):
            one = "one of tf_wavenet.distributions, such as Gaussian()"
            raise ValueError(f"Expected distribution to be {one}. Received: distribution={distribution!r}")
        conditioning = _layer("conditioning", conditioning, Conditioning)
        context_stack = _layer("context_stack", context_stack, ContextStack)
        self.predictor = None if conditioning is None else conditioning.linear_predictor
        if self.predictor is not None:
            if not isinstance(self.distribution, Residual):
                self.distribution = Residual(self.distribution)
        elif isinstance(self.distribution, Residual):
            raise ValueError("Expected linear_prediction with a distribution of residuals. Received: none")
        if input_encoding is None:
            input_encoding = "one_hot" if isinstance(self.distribution, MuLawCategorical) else "scalar"
            input_encoding = input_encoding if self.predictor is None else "companded"
        encodings = ("one_hot", "scalar", "companded") if self.predictor is None else ("companded",)
        if input_encoding not in encodings:
            expected = " or ".join(map(repr, encodings))
            raise ValueError(f"Expected input_encoding to be {expected}. Received: input_encoding={input_encoding!r}")
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
        self.use_bias = use_bias
        self.residual_scale = residual_scale
        self.skip_scale = skip_scale
        self.past_noise = check_number("past_noise", past_noise)
        if self.past_noise < 0:
            raise ValueError(f"Expected past_noise to be at least 0. Received: past_noise={past_noise}")
        self._sample_rate = check_sample_rate(sample_rate)
        self.noise = MuLawNoise(past_noise, self.mu, seed=0, name="noise") if self.past_noise else None

        policy = self.dtype_policy
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
        # In the dtype of its weights, float32 under mixed precision: rounded logits would be wrong probabilities.
        self.head = OutputHead(
            self.distribution.parameter_size
            if self.predictor is None
            else self.distribution.distribution.parameter_size,
            head_channels,
            use_bias=use_bias,
            dtype=policy.variable_dtype,
            name="head",
        )
        units = self.stack.condition_units
        self.conditioning = self.context_stack = None
        if conditioning is not None:
            self.conditioning = conditioning.replace(units=units, dtype=policy, name="conditioning")
            self.predictor = self.conditioning.linear_predictor
        if self.mel_spec is not None and sample_rate not in (None, self.mel_spec.sample_rate):
            expected = f"Expected sample_rate to be that of the mel_spec, {self.mel_spec.sample_rate}"
            raise ValueError(f"{expected}. Received: sample_rate={sample_rate!r}")
        if context_stack is not None:
            self.context_stack = context_stack.replace(units=units, dtype=policy, name="context_stack")
        # Everything is known here: a WaveNet has its weights from the start.
        self.build(self.input_shapes())

    @classmethod
    def from_preset(cls, name, **overrides) -> "WaveNet":
        """Returns a WaveNet with a named set of constructor arguments.

        Args:
            name: "tiny" (learns speech in minutes on two CPU cores), "small" (20 blocks, 32 / 128 channels), "paper"
                (30 blocks, 64 / 256 channels), "babble" (10 blocks of 48 / 64 channels that look back 2,214 samples:
                speech without words), "speaker" (as tiny, with a global condition: give
                `conditioning=Conditioning(speakers=...)`), "vocoder" (16 blocks, speaks the log-mels of "speech_16k",
                standardised, with pre-emphasis 0.85) or "lpc_vocoder" (the same mels; 9 blocks of 48 channels, linear
                prediction, a network at the frame rate).
            **overrides: Constructor arguments that replace the preset's.

        Returns:
            A `WaveNet` with random weights.

        Raises:
            ValueError: If there is no such preset.
        """
        return cls(**{**cls.preset_arguments(name), **overrides})

    @staticmethod
    def preset_arguments(name) -> dict[str, Any]:
        """Returns the constructor arguments of a preset, a new dict.

        Args:
            name: As in `from_preset`.

        Raises:
            ValueError: If there is no such preset.
        """
        if not isinstance(name, str) or name not in PRESETS:
            raise ValueError(f"Expected a preset of {sorted(PRESETS)}. Received: preset={name!r}")
        arguments = dict(PRESETS[name])
        if "conditioning" in arguments:
            arguments["conditioning"] = Conditioning(**arguments["conditioning"])
        return arguments

    def build(self, input_shape) -> None:
        """Builds every child, whatever the input's batch and length."""
        if self.built:
            return
        channels = {"one_hot": self.mu + 1, "scalar": 1, "companded": 1 if self.predictor is None else 3}
        encoded = (None, None, channels[self.input_encoding])
        self.causal_conv.build(encoded)
        self.stack.build(self.causal_conv.compute_output_shape(encoded))
        self.head.build((None, None, self.skip_channels))
        if self.conditioning is not None:
            self.conditioning.build()
        if self.context_stack is not None:
            self.context_stack.build((None, None, 1))
        self.built = True

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True) -> Tensor | None:
        """Returns the loss, for `fit` and `evaluate`; refuses features of more frames than the waveform needs."""
        if self.local_channels is not None and isinstance(x, dict):
            name, margin = ("local_window", self.context_frames) if "local_window" in x else ("local_condition", 0)
            time, frames = x["waveform"].shape[1], x[name].shape[1]
            if None not in (time, frames):
                least = -(-time // self.local_hop) + 2 * margin
                if frames > least + _SPARE_FRAMES:
                    expected = f"Expected {name} of {least} to {least + _SPARE_FRAMES} frames for {time} samples"
                    raise ValueError(f"{expected}, local_hop={self.local_hop}. Received: {frames} frames")
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def call(self, inputs, training=None) -> Tensor:
        """Returns the parameters of every sample's distribution, `[batch, time, parameter_size]`.

        Args:
            inputs: `[batch, time]` waveform in [-1, 1], or the dict of the class's docstring.
            training: Whether there is noise on the past.
        """
        waveform, conditions = self.split_inputs(inputs)
        gates, coefficients, temperature = self._condition(waveform, conditions)
        if training and self.past_noise:
            waveform = self._noisy(waveform, coefficients)
        previous = _before(waveform)
        if self.context_stack is not None:
            gates = _sum(gates, self.context_stack(self._scalar(previous)))
        if self.predictor is None:
            return self._to_parameters(self.stack(self.causal_conv(self._encode(previous)), gates))
        prediction, residual = self.predictor(previous, coefficients)
        x = self.causal_conv(self._encode(previous, residual, prediction))
        return self._to_parameters(self.stack(x, gates), prediction, temperature)

    def get_initial_state(self, batch_size) -> dict[str, Any]:
        """Returns the state before the first sample.

        Args:
            batch_size: Int or scalar integer tensor.

        Returns:
            Dict of dicts of tensors in the compute dtype: those of the first convolution, of the residual stack and,
            if there are any, of the context stack and of the linear predictor (float32).
        """
        check_batch_size(batch_size)
        return {name: layer.get_initial_state(batch_size) for name, layer in self._streaming_layers().items()}

    def step(self, previous_sample, state, condition=None) -> tuple[Tensor, dict[str, Any]]:
        """Predicts one sample from the one before it and the state.

        Args:
            previous_sample: `[batch]`, the sample before the one to predict, in [-1, 1]; 0.0 at the very start.
            state: The state of `get_initial_state` or of the step before.
            condition: `[batch, channels]`, if the model is conditioned: `model.conditioning(...)[:, t]`.

        Returns:
            `(parameters, state)`: float32 `[batch, parameter_size]` and the next state.
        """
        return self._stream("step", previous_sample, state, condition)

    def prime(self, previous_samples, state, condition=None) -> tuple[Tensor, dict[str, Any]]:
        """Runs many steps in parallel: fills the queues from a block of known samples.

        Args:
            previous_samples: `[batch, time]`, what `time` steps would be fed; time >= 1.
            state: The state of `get_initial_state` or of an earlier `step` or `prime`.
            condition: `[batch, time or 1, channels]`, as in `step`.

        Returns:
            `(parameters, state)`: float32 `[batch, time, parameter_size]` and the state after the block.
        """
        return self._stream("prime", previous_samples, state, condition)

    def _stream(self, schedule, previous, state, condition):
        if (condition is None) != (self.conditioning is None):
            wanted = "no condition" if self.conditioning is None else "a condition, model.conditioning(...)"
            raise ValueError(f"Expected {wanted} in {schedule}.")
        previous, condition = self._checked_step(schedule, previous, state, condition)
        new_state = {}

        def run(name, x, *extra):
            y, new_state[name] = getattr(getattr(self, name), schedule)(x, state[name], *extra)
            return y

        seen, told = (previous,), ()
        if condition is not None:
            condition, predictor = self.conditioning.split(condition)
        if self.predictor is not None:
            prediction, residual = run("predictor", previous, predictor[..., :-1])
            temperature = ops.broadcast_to(predictor[..., -1], ops.shape(prediction))
            seen, told = (previous, residual, prediction), (prediction, temperature)
        x = run("causal_conv", self._encode(*seen))
        if self.context_stack is not None:
            condition = _sum(condition, run("context_stack", self._scalar(previous)))
        parameters = self._to_parameters(run("stack", x, condition), *told)
        return parameters, {name: new_state[name] for name in state}

    def _checked_step(self, schedule, previous, state, condition):
        """What a step or block takes, as tensors; one line says what is wrong with it."""
        name, axes = ("previous_sample", "batch") if schedule == "step" else ("previous_samples", "batch, time")
        previous = as_array(name, previous)
        if not fits(previous.shape, (None,) * (1 if schedule == "step" else 2)):
            raise ValueError(f"Expected {name} of shape [{axes}]. Received: shape {tuple(previous.shape)}")
        if isinstance(previous, np.ndarray):
            check_full_scale(name, previous)
        check_state(self, state, previous.shape[0])
        if condition is not None:
            condition, channels = as_array("condition", condition), self.conditioning.projected_channels
            if not fits(condition.shape, (previous.shape[0], *(None,) * (len(previous.shape) - 1), channels)):
                expected = f"Expected condition of shape [{axes}, {channels}], of model.conditioning(...)"
                raise ValueError(f"{expected}. Received: shape {tuple(condition.shape)}")
            condition = ops.convert_to_tensor(condition)
        return ops.convert_to_tensor(previous), condition

    def pack_state(self, state) -> Tensor:
        """Returns `[batch, state_size]`, one row of numbers for each stream; see `tf_wavenet.Streamable`."""
        check_state(self, state)
        return pack_states(self._streaming_layers(), state)

    def unpack_state(self, rows, time) -> dict[str, Any]:
        """Returns the state of `pack_state`'s rows, `[batch, state_size]`.

        Args:
            rows: Of streams that may be at different times.
            time: Int or scalar int tensor, the steps that they have taken; modulo `period` they must agree.
        """
        rows = as_array("rows", rows)
        check_rows(self, rows)
        return unpack_states(self._streaming_layers(), rows, time)

    @property
    def state_size(self) -> int:
        """Int, the numbers of one stream's state."""
        return packed_size(self._streaming_layers())

    def _streaming_layers(self):
        names = ("causal_conv", "stack", "context_stack", "predictor")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def mel_spec(self) -> MelSpec | None:
        """`MelSpec` of the local features; None if there are none, or their recipe is unknown."""
        return None if self.conditioning is None else self.conditioning.mel_spec

    @property
    def sample_rate(self) -> float | None:
        """Rate in Hz that the model is meant for; None if it is unknown."""
        return self._sample_rate if self.mel_spec is None else self.mel_spec.sample_rate

    @property
    def speakers(self) -> tuple[str, ...] | None:
        """Tuple of the names of the speakers; None if the model knows none."""
        return None if self.conditioning is None else self.conditioning.speakers

    @property
    def global_channels(self) -> int | None:
        """Int, channels of the global condition or of a speaker's embedding; None without one."""
        return None if self.conditioning is None else self.conditioning.global_channels

    @property
    def local_channels(self) -> int | None:
        """Int, channels of the local features; None without them."""
        return None if self.conditioning is None else self.conditioning.local_channels

    @property
    def local_hop(self) -> int | None:
        """Int, samples in a frame of the local features; None without them."""
        return None if self.conditioning is None else self.conditioning.local_hop

    @property
    def receptive_field(self) -> int:
        """Int, the number of past samples that the distribution of one sample depends on (at most)."""
        near = self.causal_conv.receptive_field + self.stack.receptive_field - 1
        near += 0 if self.predictor is None else self.predictor.receptive_field - 1
        if self.context_stack is None:
            return near
        # The context enters at every block's gate, and the blocks after the first look back from there.
        later = self.stack.receptive_field - self.stack.blocks[0].receptive_field
        return max(near, later + self.context_stack.receptive_field)

    @property
    def context_frames(self) -> int:
        """Int, frames on either side of its own that a sample depends on (at most); 0 without local features."""
        return 0 if self.conditioning is None else self.conditioning.reach

    @property
    def context_samples(self) -> int:
        """Int, past samples that a training window needs in front of its targets."""
        return self.receptive_field

    @property
    def period(self) -> int:
        """Int, samples after which the schedule of the layers repeats: the hop of the context stack, or 1 without one.

        A part of a recording gives what the whole gives only if it begins at a multiple of it.
        """
        return 1 if self.context_stack is None else self.context_stack.hop_length

    def split_inputs(self, inputs) -> tuple[Tensor, dict[str, Tensor]]:
        """Splits what `call` takes.

        Args:
            inputs: Waveform, or dict.

        Returns:
            `(waveform, conditions)`: `[batch, time]`, and a dict of the conditions. "local_window" stays what it is.

        Raises:
            ValueError: If an input is missing, unknown or has another shape.
        """
        given = self._named(inputs)
        waveform = given.pop("waveform")
        if not keras.utils.is_keras_tensor(waveform):
            waveform = ops.convert_to_tensor(waveform)
        return waveform, given

    def check_inputs(self, inputs) -> None:
        """Raises a ValueError for what `call` does not take; values are looked at where they are at hand."""
        given = self._named(inputs)
        waveform = given.pop("waveform")
        check_full_scale("waveform", waveform)
        if self.conditioning is not None:
            margin = self.context_frames if "local_window" in given else 0
            given["local_condition"] = given.pop("local_window", given.get("local_condition"))
            self.conditioning.check(rows=waveform.shape[0], **given)
            if self.local_channels is not None:
                self._check_frames(given["local_condition"].shape[1], waveform.shape[1], margin)

    def _named(self, inputs):
        """The inputs as a dict; their names and the shape of the waveform are checked."""
        given = dict(inputs) if isinstance(inputs, dict) else {"waveform": inputs}
        names = {"waveform"}
        if self.local_channels is not None:
            names |= {"local_window" if "local_window" in given else "local_condition"}
        names |= {"global_condition"} if self.global_channels is not None else set()
        if set(given) != names:
            raise ValueError(f"Expected inputs {sorted(names)}. Received: {sorted(given)}")
        shape = shape_of(given["waveform"])
        if not fits(shape, (None, None)):
            raise ValueError(f"Expected waveform of shape [batch, time]. Received: shape {shape}")
        return given

    def _condition(self, waveform, conditions):
        """The inputs of the gates, `[batch, vectors or 1, units]`, each sample's predictor and temperature, or None."""
        if self.conditioning is None:
            return None, None, None
        given, margin = dict(conditions), 0
        if "local_window" in given:
            given["local_condition"], margin = given.pop("local_window"), self.context_frames
        encoded = self.conditioning.encode(**given)
        time, hold = waveform.shape[1], self.conditioning.hold
        if self.local_channels is not None:
            self._check_frames(given["local_condition"].shape[1], time, margin)
            vectors = -(-(ops.shape(waveform)[1] if time is None else time) // hold)
            encoded = encoded[:, margin * self.local_hop // hold :][:, :vectors]
        gates, told = self.conditioning.project_apart(encoded)
        if told is not None:
            told = self.conditioning.held(told)[:, : ops.shape(waveform)[1]]
        if hold > 1 and (None in (time, gates.shape[1]) or time % hold or self.context_stack is not None):
            gates = self.conditioning.held(gates)[:, : ops.shape(waveform)[1]]
        return (gates, None, None) if told is None else (gates, told[..., :-1], told[..., -1])

    def _check_frames(self, frames, time, margin):
        if None not in (time, frames) and (frames - 2 * margin) * self.local_hop < time:
            name, least = "local_window" if margin else "local_condition", -(-time // self.local_hop) + 2 * margin
            expected = f"Expected {name} of at least {least} frames for {time} samples"
            raise ValueError(f"{expected}. Received: {frames} frames")

    def _noisy(self, waveform, coefficients):
        if self.predictor is None:
            return self.noise(waveform, training=True)
        waveform, gain = ops.cast(waveform, "float32"), self.distribution.gain
        residual = gain * (waveform - self.predictor(_before(waveform), coefficients)[0])
        # What the noise layer clips is no noise.
        return waveform + (self.noise(residual, training=True) - ops.clip(residual, -1.0, 1.0)) / gain

    def _scalar(self, waveform):
        return ops.expand_dims(ops.cast(self.distribution.quantize(waveform), self.compute_dtype), -1)

    def input_specs(self) -> keras.layers.InputSpec | dict[str, keras.layers.InputSpec]:
        """Returns the `keras.layers.InputSpec` of the waveform, or with conditions a dict of all."""
        spec = keras.layers.InputSpec
        specs = {"waveform": spec("float32", (None, None))}
        if self.local_channels is not None:
            specs["local_condition"] = spec("float32", (None, None, self.local_channels))
        if self.speakers is not None:
            specs["global_condition"] = spec("int32", (None,))
        elif self.global_channels is not None:
            specs["global_condition"] = spec("float32", (None, self.global_channels))
        return specs if len(specs) > 1 else specs["waveform"]

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `[batch, time, parameter_size]`."""
        shape = input_shape["waveform"] if isinstance(input_shape, dict) else input_shape
        return (*shape, self.distribution.parameter_size)

    def compute_output_spec(self, inputs, training=None) -> keras.KerasTensor:
        """Returns a float32 tensor, whatever the compute dtype."""
        waveform, _ = self.split_inputs(inputs)
        return keras.KerasTensor(self.compute_output_shape(waveform.shape), "float32")

    def get_config(self) -> dict[str, Any]:
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
            "distribution": keras.saving.serialize_keras_object(self.distribution),
            "conditioning": _config(self.conditioning),
            "context_stack": _config(self.context_stack),
            "past_noise": self.past_noise,
            "sample_rate": self._sample_rate,
        }

    @classmethod
    def from_config(cls, config) -> "WaveNet":
        """Returns the model of `get_config`, of this version or an earlier one."""
        return cls(**from_flat(config))

    def _encode(self, samples, *predicted):
        if self.input_encoding == "companded":
            gain = 1.0 if self.predictor is None else self.distribution.gain
            seen = [mu_law_compand(gain * ops.cast(x, "float32"), self.mu) for x in (samples, *predicted)]
            return ops.cast(ops.stack(seen, axis=-1), self.compute_dtype)
        if self.input_encoding == "scalar":
            return self._scalar(samples)
        return ops.one_hot(mu_law_encode(samples, self.mu), self.mu + 1, dtype=self.compute_dtype)

    def _to_parameters(self, skip, *told):
        params = ops.cast(self.head(skip), "float32")
        return ops.concatenate([params, *(ops.expand_dims(x, -1) for x in told)], axis=-1) if told else params


def _before(waveform):
    """The waveform shifted by one sample of silence: the one-sample shift of teacher forcing."""
    return ops.pad(waveform, ((0, 0), (1, 0)))[:, :-1]


def _deserialized(value):
    return keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value


def _layer(name, given, kind):
    # Not deserialised, which would give it weights.
    layer = kind.from_config(given["config"]) if isinstance(given, dict) else given
    if layer is not None and not isinstance(layer, kind):
        raise ValueError(f"Expected {name} to be a {kind.__name__}. Received: {name}={given!r}")
    if layer is not None and layer.built and layer.weights:
        raise ValueError(f"Expected {name} without weights, which would be lost. Received: {len(layer.weights)}")
    return layer


def _config(layer):
    return None if layer is None else keras.saving.serialize_keras_object(layer)


def _sum(condition, context):
    return context if condition is None else condition + context
