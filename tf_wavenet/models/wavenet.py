"""The WaveNet model."""

import keras
from keras import ops

from tf_wavenet._validation import check_dilations, check_number, check_positive_int, is_int
from tf_wavenet.distributions import MuLawCategorical, Residual
from tf_wavenet.layers import (
    CausalConv1D,
    Conditioning,
    ContextStack,
    LinearPredictor,
    MuLawNoise,
    OutputHead,
    ResidualStack,
)
from tf_wavenet.models.autoregressive_model import AutoregressiveModel
from tf_wavenet.models.presets import PRESETS
from tf_wavenet.signal.mel_spec import MelSpec
from tf_wavenet.signal.mu_law import check_mu, mu_law_compand, mu_law_encode


@keras.saving.register_keras_serializable(package="tf_wavenet")
class WaveNet(AutoregressiveModel):
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
        speakers: Names of speakers, or their number: the global condition is a speaker's number.
        global_channels: Int >= 1, channels of the global vector or of a speaker's embedding (then None means 16).
        local_channels: Int >= 1, channels of the local features; None means `mel_spec.num_mels`, or none.
        local_hop: Int >= 1, samples in a feature frame; None means `mel_spec.hop_length`.
        upsampling: "linear", "repeat" or "transposed", see `FeatureUpsampler`; or "stretch", `ConvInUpsampleNetwork`.
        upsample_scales: Sequence of positive ints, the stages of "stretch", whose product is `local_hop`; None else.
        local_context: Int >= 0, frames on either side that a convolution over frames sees.
        local_filters: Int >= 1, channels that this convolution makes; None keeps `local_channels`.
        context_dilations: Sequence of positive ints, in frames of `context_hop` samples: blocks of a second, cheaper
            stack that looks far back at a lower rate (`ContextStack`). None: there is none.
        context_hop: Int >= 1, samples in a frame of the context stack.
        context_channels: Int >= 1, its residual and skip channels.
        mel_spec: `MelSpec` of the local features, kept with the model; None: unknown. `generate` and `stream` check
            shape and values by it (`MelSpec.check_features`), `tf_wavenet.data.load_features` every field. With its
            `preemphasis` the model speaks pre-emphasised audio, which `call` and `step` take
            (`tf_wavenet.signal.preprocess`); `generate` and `stream` undo it.
        frame_network: Dict of `FrameNetwork`'s arguments: such a network at the frame rate encodes the local features,
            instead of upsampling them; what it says of a frame holds for all samples of the frame. None: upsampling.
        linear_prediction: Order of linear prediction from the mels (`LinearPredictor`), or a dict of its arguments but
            `mel_spec`: then the distribution is that of what the prediction misses (`Residual`), and the network sees
            the last sample, the last residual and this sample's prediction. None: there is none.
        past_noise: Number >= 0: while training, noise of up to so many mu-law levels on the past that the model sees
            (`MuLawNoise`), of the residuals with linear prediction, else of the samples.

    Input shape:
        `[batch, time]`, waveform in [-1, 1]; with a condition a dict of "waveform" and, as the model was made,
        "local_condition", `[batch, frames, local_channels]` with `frames * local_hop >= time`, and
        "global_condition", int `[batch]` with speakers, else `[batch, global_channels]`. Of a part of a recording,
        "local_window" instead of "local_condition": its frames and `context_frames` more on either side (beyond the
        ends of the recording, its first and last frame again; "stretch", whose filters see zeros there, differs in
        those few).

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
    >>> voices = WaveNet(dilations=(1, 2), residual_channels=8, skip_channels=16, speakers=("ann", "bob"))
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
        speakers=None,
        global_channels=None,
        local_channels=None,
        local_hop=None,
        upsampling="linear",
        local_context=0,
        local_filters=None,
        context_dilations=None,
        context_hop=32,
        context_channels=16,
        mel_spec=None,
        upsample_scales=None,
        frame_network=None,
        linear_prediction=None,
        past_noise=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.mu = check_mu(mu)
        self.distribution = MuLawCategorical(mu) if distribution is None else _deserialized(distribution)
        if not is_int(getattr(self.distribution, "parameter_size", None)):
            one = "one of tf_wavenet.distributions, such as Gaussian()"
            raise ValueError(f"Expected distribution to be {one}. Received: distribution={distribution!r}")
        self.mel_spec = _deserialized(mel_spec)
        if self.mel_spec is not None and not isinstance(self.mel_spec, MelSpec):
            raise ValueError(f"Expected mel_spec to be a MelSpec. Received: mel_spec={mel_spec!r}")
        self.predictor = None
        if linear_prediction is not None:
            if self.mel_spec is None:
                raise ValueError("Expected a mel_spec, from which linear_prediction is made. Received: none")
            arguments = linear_prediction if isinstance(linear_prediction, dict) else {"order": linear_prediction}
            if not set(arguments) <= set(_OF_PREDICTOR):
                names = ", ".join(_OF_PREDICTOR)
                raise ValueError(
                    f"Expected linear_prediction to be an int, or a dict of {names}. Received: {arguments}"
                )
            self.predictor = LinearPredictor(self.mel_spec, **arguments, name="predictor")
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
        self.speakers = speakers if speakers is None else _speaker_names(speakers)
        self.global_channels = 16 if speakers is not None and global_channels is None else global_channels
        self.local_channels, self.local_hop = local_channels, local_hop
        if self.mel_spec is not None:
            self.local_channels = _same("local_channels", local_channels, self.mel_spec.num_mels)
            self.local_hop = _same("local_hop", local_hop, self.mel_spec.hop_length)
        self.upsampling = upsampling
        self.upsample_scales = upsample_scales if upsample_scales is None else tuple(upsample_scales)
        self.local_context = local_context
        self.local_filters = local_filters
        self.context_dilations = context_dilations if context_dilations is None else check_dilations(context_dilations)
        self.context_hop = context_hop
        self.context_channels = context_channels
        if frame_network is not None and not isinstance(frame_network, dict):
            expected = "Expected frame_network to be a dict of the arguments of FrameNetwork"
            raise ValueError(f"{expected}. Received: frame_network={frame_network!r}")
        self.frame_network = frame_network if frame_network is None else dict(frame_network)
        self.past_noise = check_number("past_noise", past_noise)
        if self.past_noise < 0:
            raise ValueError(f"Expected past_noise to be at least 0. Received: past_noise={past_noise}")
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
        self.conditioning = self.context_stack = None
        if self.local_channels is not None or self.global_channels is not None:
            self.conditioning = Conditioning(
                self.stack.condition_units,
                self.local_channels,
                self.local_hop,
                upsampling,
                local_context,
                local_filters,
                self.global_channels,
                None if self.speakers is None else len(self.speakers),
                upsample_scales,
                self.frame_network,
                self.predictor,
                dtype=policy,
                name="conditioning",
            )
        elif frame_network is not None:
            raise ValueError("Expected local_channels or a mel_spec with frame_network. Received: neither")
        if self.context_dilations is not None:
            self.context_stack = ContextStack(
                self.stack.condition_units,
                context_hop,
                self.context_dilations,
                context_channels,
                context_channels,
                dtype=policy,
                name="context_stack",
            )
        # Everything is known here: a WaveNet has its weights from the start.
        self.build((None, None))

    @classmethod
    def from_preset(cls, name, **overrides):
        """Returns a WaveNet with a named set of constructor arguments.

        Args:
            name: "tiny" (learns speech in minutes on two CPU cores), "small" (20 blocks, 32 / 128 channels), "paper"
                (30 blocks, 64 / 256 channels), "speaker" (as tiny, with a global condition: give `speakers`),
                "vocoder" (16 blocks, speaks the log-mels of "speech_16k", standardised, with pre-emphasis 0.85) or
                "lpc_vocoder" (the same mels; 9 blocks of 64 channels, linear prediction, a network at the frame rate).
            **overrides: Constructor arguments that replace the preset's.

        Returns:
            A `WaveNet` with random weights.

        Raises:
            ValueError: If there is no such preset.
        """
        return cls(**{**cls.preset_arguments(name), **overrides})

    @staticmethod
    def preset_arguments(name):
        """Returns the constructor arguments of a preset, a new dict.

        Args:
            name: As in `from_preset`.

        Raises:
            ValueError: If there is no such preset.
        """
        if name not in PRESETS:
            raise ValueError(f"Expected a preset of {sorted(PRESETS)}. Received: preset={name!r}")
        return dict(PRESETS[name])

    def build(self, input_shape):
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

    def call(self, inputs, training=None):
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

    def get_initial_state(self, batch_size):
        """Returns the state before the first sample.

        Args:
            batch_size: Int or scalar integer tensor.

        Returns:
            Dict of dicts of tensors in the compute dtype: those of the first convolution, of the residual stack and,
            if there are any, of the context stack and of the linear predictor (float32).
        """
        return {name: layer.get_initial_state(batch_size) for name, layer in self._streaming_layers().items()}

    def step(self, previous_sample, state, condition=None):
        """Predicts one sample from the one before it and the state.

        Args:
            previous_sample: `[batch]`, the sample before the one to predict, in [-1, 1]; 0.0 at the very start.
            state: The state of `get_initial_state` or of the step before.
            condition: `[batch, channels]`, if the model is conditioned: `model.conditioning(...)[:, t]`.

        Returns:
            `(parameters, state)`: float32 `[batch, parameter_size]` and the next state.
        """
        return self._stream("step", previous_sample, state, condition)

    def prime(self, previous_samples, state, condition=None):
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
        previous, new_state = ops.convert_to_tensor(previous), {}

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

    def pack_state(self, state):
        """Returns `[batch, state_size]`, one row of numbers for each stream; see `tf_wavenet.Streamable`."""
        layers = self._streaming_layers().items()
        return ops.concatenate([layer.pack_state(state[name]) for name, layer in layers], axis=-1)

    def unpack_state(self, rows, time):
        """Returns the state of `pack_state`'s rows, `[batch, state_size]`.

        Args:
            rows: Of streams that may be at different times.
            time: Int or scalar int tensor, the steps that they have taken; modulo `period` they must agree.
        """
        state, first = {}, 0
        for name, layer in self._streaming_layers().items():
            state[name] = layer.unpack_state(rows[:, first:][:, : layer.state_size], time)
            first += layer.state_size
        return state

    @property
    def state_size(self):
        """Int, the numbers of one stream's state."""
        return sum(layer.state_size for layer in self._streaming_layers().values())

    def _streaming_layers(self):
        names = ("causal_conv", "stack", "context_stack", "predictor")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def linear_prediction(self):
        """Dict of the arguments of `predictor`, but for `mel_spec`; None without linear prediction."""
        return None if self.predictor is None else {name: getattr(self.predictor, name) for name in _OF_PREDICTOR}

    @property
    def receptive_field(self):
        """Int, the number of past samples that the distribution of one sample depends on (at most)."""
        near = self.causal_conv.receptive_field + self.stack.receptive_field - 1
        near += 0 if self.predictor is None else self.predictor.receptive_field - 1
        if self.context_stack is None:
            return near
        # The context enters at every block's gate, and the blocks after the first look back from there.
        later = self.stack.receptive_field - self.stack.blocks[0].receptive_field
        return max(near, later + self.context_stack.receptive_field)

    @property
    def context_frames(self):
        """Int, frames on either side of its own that a sample depends on (at most); 0 without local features."""
        return 0 if self.conditioning is None else self.conditioning.reach

    @property
    def context_samples(self):
        """Int, past samples that a training window needs in front of its targets."""
        return self.receptive_field

    @property
    def period(self):
        """Int, samples after which the schedule of the layers repeats: `context_hop`, or 1 without context stack.

        A part of a recording gives what the whole gives only if it begins at a multiple of it.
        """
        return 1 if self.context_stack is None else self.context_hop

    def split_inputs(self, inputs):
        """Splits what `call` takes.

        Args:
            inputs: Waveform, or dict.

        Returns:
            `(waveform, conditions)`: `[batch, time]`, and a dict of the conditions. "local_window" stays what it is.

        Raises:
            ValueError: If an input is missing, unknown or has another shape.
        """
        given = dict(inputs) if isinstance(inputs, dict) else {"waveform": inputs}
        names = {"waveform"}
        if self.local_channels is not None:
            names |= {"local_window" if "local_window" in given else "local_condition"}
        names |= {"global_condition"} if self.global_channels is not None else set()
        if set(given) != names:
            raise ValueError(f"Expected inputs {sorted(names)}. Received: {sorted(given)}")
        waveform = given.pop("waveform")
        if not keras.utils.is_keras_tensor(waveform):
            waveform = ops.convert_to_tensor(waveform)
        if len(waveform.shape) != 2:
            raise ValueError(f"Expected waveform of shape [batch, time]. Received: shape {tuple(waveform.shape)}")
        return waveform, given

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
            frames = given["local_condition"].shape[1]
            if None not in (time, frames) and (frames - 2 * margin) * self.local_hop < time:
                name, least = "local_window" if margin else "local_condition", -(-time // self.local_hop) + 2 * margin
                raise ValueError(
                    f"Expected {name} of at least {least} frames for {time} samples. Received: {frames} frames"
                )
            vectors = -(-(ops.shape(waveform)[1] if time is None else time) // hold)
            encoded = encoded[:, margin * self.local_hop // hold :][:, :vectors]
        gates, told = self.conditioning.project_apart(encoded)
        if told is not None:
            told = self.conditioning.held(told)[:, : ops.shape(waveform)[1]]
        if hold > 1 and (None in (time, gates.shape[1]) or time % hold or self.context_stack is not None):
            gates = self.conditioning.held(gates)[:, : ops.shape(waveform)[1]]
        return (gates, None, None) if told is None else (gates, told[..., :-1], told[..., -1])

    def _noisy(self, waveform, coefficients):
        if self.predictor is None:
            return self.noise(waveform, training=True)
        waveform, gain = ops.cast(waveform, "float32"), self.distribution.gain
        residual = gain * (waveform - self.predictor(_before(waveform), coefficients)[0])
        # What the noise layer clips is no noise.
        return waveform + (self.noise(residual, training=True) - ops.clip(residual, -1.0, 1.0)) / gain

    def _scalar(self, waveform):
        return ops.expand_dims(ops.cast(self.distribution.quantize(waveform), self.compute_dtype), -1)

    def compute_output_shape(self, input_shape):
        """Returns `[batch, time, parameter_size]`."""
        shape = input_shape["waveform"] if isinstance(input_shape, dict) else input_shape
        return (*shape, self.distribution.parameter_size)

    def compute_output_spec(self, inputs, training=None):
        """Returns a float32 tensor, whatever the compute dtype."""
        waveform, _ = self.split_inputs(inputs)
        return keras.KerasTensor(self.compute_output_shape(waveform.shape), "float32")

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
            "distribution": keras.saving.serialize_keras_object(self.distribution),
            "speakers": self.speakers if self.speakers is None else list(self.speakers),
            "global_channels": self.global_channels,
            "local_channels": self.local_channels,
            "local_hop": self.local_hop,
            "upsampling": self.upsampling,
            "upsample_scales": self.upsample_scales if self.upsample_scales is None else list(self.upsample_scales),
            "local_context": self.local_context,
            "local_filters": self.local_filters,
            "context_dilations": self.context_dilations
            if self.context_dilations is None
            else list(self.context_dilations),
            "context_hop": self.context_hop,
            "context_channels": self.context_channels,
            "mel_spec": self.mel_spec if self.mel_spec is None else keras.saving.serialize_keras_object(self.mel_spec),
            "frame_network": self.frame_network,
            "linear_prediction": self.linear_prediction,
            "past_noise": self.past_noise,
        }

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


_OF_PREDICTOR = ("order", "lag_window", "white_noise", "voiced_temperature")


def _before(waveform):
    """The waveform shifted by one sample of silence: the one-sample shift of teacher forcing."""
    return ops.pad(waveform, ((0, 0), (1, 0)))[:, :-1]


def _deserialized(value):
    return keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value


def _same(name, given, of_spec):
    if given not in (None, of_spec):
        raise ValueError(f"Expected {name} to be the mel_spec's, {of_spec}. Received: {name}={given!r}")
    return of_spec


def _speaker_names(speakers):
    if isinstance(speakers, str):
        raise ValueError(f"Expected speakers to be names, or their number. Received: speakers={speakers!r}")
    if hasattr(speakers, "__index__"):
        speakers = range(check_positive_int("speakers", speakers))
    names = tuple(str(name) for name in speakers)
    if not names or len(set(names)) != len(names):
        raise ValueError(f"Expected speakers to be different names, at least 1. Received: speakers={speakers!r}")
    return names


def _sum(condition, context):
    return context if condition is None else condition + context
