"""The feed-forward WaveNet of Neural Amp Modeler."""

import copy
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import as_array, check_batch_size, check_number, check_sample_rate, fits, shape_of
from tf_wavenet.layers import CausalConv1D
from tf_wavenet.models._decoding import import_decoding
from tf_wavenet.models.exportable import Exportable
from tf_wavenet.models.first_batch import FirstBatch
from tf_wavenet.models.nam.head import NamHead
from tf_wavenet.models.nam.layer_array import NamLayerArray
from tf_wavenet.models.nam.presets import NAM_PRESETS
from tf_wavenet.models.peak import Peak
from tf_wavenet.signal.full_scale import check_full_scale
from tf_wavenet.streaming.check_state import check_rows, check_state


@registered
class NamWaveNet(FirstBatch, Exportable):
    """Model of an amplifier, pedal or other audio effect: turns what goes in into what comes out, sample by sample.

    The architecture of Neural Amp Modeler's `.nam` files, which `tf_wavenet.importers` reads and writes. Train it by
    `fit` on pairs of input and output. What came before the first sample is silence without end, as a plug-in prewarms
    its models, not zeros in every layer: biases have had their effect.

    To process audio in blocks as a plug-in does, pass the state on:

        process = model.block_processor()
        state = model.get_initial_state(batch_size=1)
        for block in blocks:  # [1, 64]
            output, state = process(block, state)

    Args:
        arrays: List of dicts, the arguments of each `NamLayerArray` but `input_channels` and `condition_size`. The
            first sees the waveform, each further one the output of the one before.
        head: None, or a dict of the arguments of `NamHead` but `input_channels`: convolutions after the last array.
        head_scale: Float, factor on the head output of the last array.
        condition_dsp: None, or a `NamWaveNet` of the same rate, whose output is the condition of every layer instead of
            the waveform.
        sample_rate: Rate in Hz that the model is meant for; None: unknown.
        metadata: Dict that goes with the model into its `.nam` file (name, gear, loudness and so on), or None.

    Input shape:
        `[batch, time]`, a waveform; `[batch]` in `step`.

    Output shape:
        As the input; `[batch, time, channels]` if the last convolution has more than one filter.

    Raises:
        ValueError: If an argument is outside its range, or the channels of two arrays do not fit each other.

    Example:
    >>> array = {"channels": 4, "dilations": (1, 2, 4), "head_channels": 2}
    >>> model = NamWaveNet([array, {"channels": 2, "dilations": (8, 16)}], head_scale=0.02)
    >>> tuple(model(keras.ops.zeros((1, 100))).shape)
    (1, 100)
    >>> model.receptive_field
    63

    References:
        van den Oord et al., WaveNet (2016), section 2.4, for the dilated layers and their skip connections.
    """

    mel_spec = None  # as a WaveNet without features
    period = 1  # streams at any positions go together

    def __init__(
        self, arrays, head=None, head_scale=0.02, condition_dsp=None, sample_rate=None, metadata=None, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.peak = Peak()
        self.arrays = [dict(array) for array in arrays]
        self.head = head
        self.head_scale = check_number("head_scale", head_scale)
        self.condition_dsp = condition_dsp
        if isinstance(condition_dsp, dict):
            self.condition_dsp = keras.saving.deserialize_keras_object(condition_dsp)
        if not (self.condition_dsp is None or isinstance(self.condition_dsp, NamWaveNet)):
            raise ValueError(f"Expected condition_dsp to be a NamWaveNet. Received: condition_dsp={condition_dsp!r}")
        self.sample_rate = check_sample_rate(sample_rate)
        if self.condition_dsp is not None and self.condition_dsp.sample_rate != self.sample_rate:
            theirs = self.condition_dsp.sample_rate
            raise ValueError(f"Expected condition_dsp to have sample_rate={self.sample_rate}. Received: {theirs}")
        self.metadata = metadata
        if not self.arrays:
            raise ValueError(f"Expected at least 1 array. Received: arrays={arrays!r}")

        policy = self.dtype_policy
        condition_size = 1 if self.condition_dsp is None else self.condition_dsp.output_channels
        self.layer_arrays, channels = [], 1
        for i, arguments in enumerate(self.arrays):
            array = NamLayerArray(channels, condition_size, **arguments, dtype=policy, name=f"array_{i}")
            if i and not self.layer_arrays[-1].head_channels == array.channels == array.head_input_channels:
                raise ValueError(
                    f"Expected head_channels of array {i - 1} to be the channels of array {i}, and of its head path. "
                    f"Received: {self.layer_arrays[-1].head_channels}, {array.channels}, {array.head_input_channels}"
                )
            self.layer_arrays.append(array)
            channels = array.channels
        for unused in self.layer_arrays[-1].layers[-1].residual_layers():
            unused.trainable = False  # nothing follows that would take its residual, though files have its weights
        self.output_channels = self.layer_arrays[-1].head_channels
        self.post_head = None
        if head is not None:
            self.post_head = NamHead(self.output_channels, **head, dtype=policy, name="post_head")
            self.output_channels = self.post_head.out_channels

    @classmethod
    def from_preset(cls, name, **overrides) -> "NamWaveNet":
        """Returns a model with a named architecture and random weights.

        Args:
            name: "standard", "lite", "feather" or "nano", the sizes that NAM's plug-ins have known from the beginning,
                or "a2" or "a2_lite", their successors.
            **overrides: Constructor arguments that replace the preset's.

        Raises:
            ValueError: If there is no such preset.
        """
        if name not in NAM_PRESETS:
            raise ValueError(f"Expected a preset of {sorted(NAM_PRESETS)}. Received: preset={name!r}")
        return cls(**{**copy.deepcopy(NAM_PRESETS[name]), **overrides})

    def build(self, input_shape=None) -> None:
        """Builds every child, whatever the input's batch and length."""
        for part in (*self.layer_arrays, self.post_head, self.condition_dsp):
            if part is not None and not part.built:
                part.build()
        self.built = True

    def compile(self, optimizer="rmsprop", *arguments, **kwargs) -> None:
        """Configures training as `keras.Model.compile`."""
        super().compile(optimizer, *arguments, **kwargs)
        if not self.built:
            self.build()
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)  # else the first step is traced twice

    def compile_from_config(self, config) -> None:
        """Compiles as the saved model was compiled; Keras calls it on loading."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True) -> Tensor | None:
        """Returns the loss of `y`, of the shape of the output."""
        self._check_targets(x, y)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def check_batch(self, inputs, targets, sample_weight) -> None:
        """Raises a ValueError if tensors are not of the shapes that `fit` takes."""
        self.check_inputs(inputs)
        self._check_targets(inputs, targets)

    def _check_targets(self, x, y):
        channels = () if self.output_channels == 1 else (self.output_channels,)
        if y is None or not fits(y.shape, (*x.shape, *channels)):
            received = "none" if y is None else f"{tuple(y.shape)} for {tuple(x.shape)}"
            raise ValueError(f"Expected targets y of the output's shape [batch, time]. Received: {received}")

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict[str, Any]:
        """Returns the metrics."""
        self.peak.update_state([x, y])
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def input_specs(self) -> keras.layers.InputSpec:
        """Returns the `keras.layers.InputSpec` of the waveform."""
        return keras.layers.InputSpec("float32", (None, None))

    def check_inputs(self, inputs) -> None:
        """Raises a ValueError for what `call` does not take; values are looked at where they are at hand."""
        if isinstance(inputs, dict) or not fits(shape_of(inputs), (None, None)):
            received = sorted(inputs) if isinstance(inputs, dict) else f"shape {shape_of(inputs)}"
            raise ValueError(f"Expected waveform of shape [batch, time]. Received: {received}")
        check_full_scale("waveform", inputs)

    def call(self, waveform) -> Tensor:
        """Returns the output for a whole waveform, from silence on."""
        return self._process(waveform, self.get_initial_state(ops.shape(waveform)[0]))[0]

    def compute(self, x, convolve) -> Tensor:
        """The arithmetic: `[batch, time, output_channels]` for `[batch, time, 1]`.

        `convolve(convolution, x)` applies a `CausalConv1D`, of this model or of its `condition_dsp`, in their order.
        """
        condition = x if self.condition_dsp is None else self.condition_dsp.compute(x, convolve)
        head = None
        for array in self.layer_arrays:
            x, head = array.compute(x, condition, head, convolve)
        head = head * self.head_scale
        return head if self.post_head is None else self.post_head.compute(head, convolve)

    def get_initial_state(self, batch_size) -> dict[str, Tensor]:
        """Returns the state after endless silence: every convolution has seen nothing but the same value.

        Args:
            batch_size: Int or scalar integer tensor.

        Returns:
            Dict of one tensor in the compute dtype, `past`, `[batch, state_size]`: the past inputs of every convolution
            that looks back, in order of time. (One tensor, because each costs a call of a compiled function dearly.)
        """
        if not self.built:
            raise ValueError(f"Expected {self.name} to be built before it streams: call it, or build().")
        check_batch_size(batch_size)
        pasts = []

        def convolve(conv, x):
            pasts.append(ops.tile(x[:, 0], (1, conv.receptive_field - 1)))
            return conv.apply_taps([x] * conv.kernel_size)

        self.compute(ops.zeros((batch_size, 1, 1), self.compute_dtype), convolve)
        return {"past": ops.concatenate(pasts, axis=-1)}

    def step(self, sample, state) -> tuple[Tensor, dict[str, Tensor]]:
        """Processes one sample; blocks (`prime`) are far cheaper.

        Args:
            sample: `[batch]`.
            state: The state of `get_initial_state` or of an earlier `step` or `prime`.

        Returns:
            `(output, state)`: `[batch]` and the next state.
        """
        sample = self._checked("sample", sample, state, "batch")
        output, state = self._process(ops.expand_dims(sample, 1), state)
        return output[:, 0], state

    def prime(self, waveform, state) -> tuple[Tensor, dict[str, Tensor]]:
        """Processes a block.

        Args:
            waveform: `[batch, time]`.
            state: The state of `get_initial_state` or of an earlier `step` or `prime`.

        Returns:
            `(output, state)`: float32 `[batch, time]` and the state after the block.
        """
        return self._process(self._checked("waveform", waveform, state, "batch", "time"), state)

    def _checked(self, name, x, state, *axes):
        """What a step or block takes, as a tensor; one line says what is wrong with it."""
        x = as_array(name, x)
        if not fits(x.shape, (None,) * len(axes)):
            raise ValueError(f"Expected {name} of shape [{', '.join(axes)}]. Received: shape {tuple(x.shape)}")
        check_state(self, state, x.shape[0])
        return ops.convert_to_tensor(x)

    def _process(self, waveform, state):
        past, first = state["past"], 0

        def convolve(conv, x):
            nonlocal past, first
            (batch, time, channels), length = ops.shape(x), conv.receptive_field - 1
            if not length:
                return conv.apply_taps([x])
            size = length * channels
            joined = ops.reshape(state["past"][:, first : first + size], (batch, length, channels))
            joined = ops.concatenate([joined, x], axis=1)
            # In place, where XLA compiles: joining all pasts anew would take as long as the whole network.
            past = ops.slice_update(past, (0, first), ops.reshape(joined[:, time:], (batch, size)))
            first += size
            return conv.convolve(joined)

        x = ops.expand_dims(ops.cast(ops.convert_to_tensor(waveform), self.compute_dtype), -1)
        y = ops.cast(self.compute(x, convolve), "float32")
        return (ops.squeeze(y, -1) if self.output_channels == 1 else y), {"past": past}

    def block_processor(self, engine=None) -> Callable[[Any, Any], tuple[Any, Any]]:
        """Returns `prime`, compiled, with the weights of now as constants: the fastest way through short blocks.

        Args:
            engine: "native": NumPy arrays and a state that is moved on in place. "xla": tensors. None: native where
                numba is installed. See `tf_wavenet.decoding.block_processor`.

        Raises:
            RuntimeError: If the Keras backend is not TensorFlow.
            ValueError: If the engine is none of these, or numba is not installed.
        """
        return import_decoding().block_processor(self, engine)

    def pack_state(self, state) -> Tensor:
        """Returns `[batch, state_size]`, one row of numbers for each stream; see `tf_wavenet.Streamable`."""
        check_state(self, state)
        return state["past"]

    def unpack_state(self, rows, time=None) -> dict[str, Tensor]:
        """Returns the state of `pack_state`'s rows, whatever the time."""
        rows = as_array("rows", rows)
        check_rows(self, rows)
        return {"past": ops.cast(ops.convert_to_tensor(rows), self.compute_dtype)}

    @property
    def state_size(self) -> int:
        """Int, the numbers of one stream's state."""
        own = sum((conv.receptive_field - 1) * channels for conv, channels in self.convolutions())
        return own if self.condition_dsp is None else own + self.condition_dsp.state_size

    def convolutions(self) -> list[tuple[CausalConv1D, int]]:
        """List of `(CausalConv1D, its input channels)`, in the order of a `.nam` file; `condition_dsp` has its own."""
        parts = (*self.layer_arrays, self.post_head)
        return [pair for part in parts if part is not None for pair in part.convolutions()]

    @property
    def receptive_field(self) -> int:
        """Int, the number of samples, the present one included, that one output depends on."""
        field = 1 + sum(c.receptive_field - 1 for c, _ in self.convolutions())
        if self.condition_dsp is None:
            return field
        # The condition enters after the first convolution, unless it also modulates that one's input.
        first = self.layer_arrays[0].layers[0]
        later = field if "conv_pre_film" in first.films else field - first.conv.receptive_field + 1
        return max(field, later + self.condition_dsp.receptive_field - 1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        condition_dsp = self.condition_dsp
        return {
            **super().get_config(),
            "arrays": [dict(array) for array in self.arrays],
            "head": self.head if self.head is None else dict(self.head),
            "head_scale": self.head_scale,
            "condition_dsp": None if condition_dsp is None else keras.saving.serialize_keras_object(condition_dsp),
            "sample_rate": self.sample_rate,
            "metadata": self.metadata if self.metadata is None else dict(self.metadata),
        }
