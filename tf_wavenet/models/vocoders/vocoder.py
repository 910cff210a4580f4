"""What feed-forward vocoders share: features in, waveform out, whole or in chunks."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import as_array, check_batch_size, check_positive_int, check_seed, fits, shape_of
from tf_wavenet.models._decoding import check_eager
from tf_wavenet.models.array_inputs import arrays_of
from tf_wavenet.models.exportable import Exportable
from tf_wavenet.signal.mel_spec import MelSpec
from tf_wavenet.streaming.check_state import check_rows, check_state
from tf_wavenet.streaming.packing import pack_states, packed_size, unpack_states


class Vocoder(Exportable):
    """Base of models that make all samples of a frame at once, such as generators of GANs.

    A subclass sets `local_hop` and its layers, calls `self.build` at the end of its constructor, and writes its
    arithmetic once, in `compute(features, noise, run)`, where `run(layer, x, ...)` applies one of
    `self.streaming_layers()`: over the whole sequence (`call`) or over a block that continues a state (`prime`).

    Args:
        num_mels: Int >= 1, channels of the features; None means `mel_spec.num_mels`, or 80.
        causal: Whether samples depend on no later frame; only then the model streams.
        mel_spec: `MelSpec` of the features, kept with the model; None: unknown.

    Raises:
        ValueError: If `mel_spec` is no `MelSpec`, has pre-emphasis or another number of mels than `num_mels`, or
            `num_mels` is not a positive int.

    Example:
    >>> from tf_wavenet import HiFiGAN
    >>> model = HiFiGAN(upsample_initial_channel=16, causal=True)
    >>> [chunk.shape for chunk in model.stream(np.zeros((10, 80)), chunk_frames=8)]
    [(1, 2048), (1, 512)]
    """

    needs_noise = False
    # What a WaveNet may have and these have not.
    speakers = global_channels = None
    context_frames = context_samples = 0
    period = 1

    def __init__(self, num_mels=None, causal=False, mel_spec=None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.mel_spec = keras.saving.deserialize_keras_object(mel_spec) if isinstance(mel_spec, dict) else mel_spec
        if self.mel_spec is None:
            self.num_mels = 80 if num_mels is None else check_positive_int("num_mels", num_mels)
        else:
            if not isinstance(self.mel_spec, MelSpec):
                raise ValueError(f"Expected mel_spec to be a MelSpec. Received: mel_spec={mel_spec!r}")
            if self.mel_spec.preemphasis:
                raise ValueError(f"Expected mel_spec without preemphasis. Received: {self.mel_spec.preemphasis}")
            self.num_mels = self.mel_spec.num_mels
            if num_mels not in (None, self.num_mels):
                raise ValueError(f"Expected num_mels to be the mel_spec's, {self.num_mels}. Received: {num_mels=}")
        self.causal = bool(causal)
        self.last_seed = None  # that of the newest generate or stream
        self.autocast = False

    def input_specs(self) -> keras.layers.InputSpec | dict[str, keras.layers.InputSpec]:
        """Returns the `keras.layers.InputSpec` of the features, or with noise a dict of both."""
        features = keras.layers.InputSpec("float32", (None, None, self.num_mels))
        if not self.needs_noise:
            return features
        return {"local_condition": features, "noise": keras.layers.InputSpec("float32", (None, None))}

    def _check_hop(self, name, scales):
        """Returns the product of `scales`, which must be the mel spec's hop."""
        hop = int(np.prod(scales))
        if self.mel_spec is not None and self.mel_spec.hop_length != hop:
            wanted = f"with the product {self.mel_spec.hop_length}, the mel_spec's hop_length"
            raise ValueError(f"Expected {name} {wanted}. Received: {name}={scales}")
        return hop

    @property
    def local_channels(self) -> int:
        """Int, channels of the features: `num_mels`, by the name that a WaveNet has for it."""
        return self.num_mels

    def compute(self, features, noise, run) -> Tensor:
        """The arithmetic; returns `[batch, time, 1]`."""
        raise NotImplementedError

    def streaming_layers(self) -> list[keras.layers.Layer]:
        """The layers that `compute` runs, in order; their names are the keys of the state."""
        raise NotImplementedError

    def call(self, inputs) -> Tensor:
        """Returns the waveform of features, float32 `[batch, frames * local_hop]`.

        Args:
            inputs: Features `[batch, frames, num_mels]`, or a dict of them, "local_condition", and, for a model that
                needs it, "noise", `[batch, frames * local_hop]`.
        """
        return self._waveform(inputs, lambda layer, x, *condition: layer(x, *condition))

    def get_initial_state(self, batch_size) -> dict[str, Any]:
        """Returns the state before the first frame.

        Args:
            batch_size: Int or scalar integer tensor.

        Returns:
            Dict of dicts of tensors, one for each of `streaming_layers`.

        Raises:
            ValueError: If the model is not causal.
        """
        check_batch_size(batch_size)
        return {name: layer.get_initial_state(batch_size) for name, layer in self._layers_of_state().items()}

    def prime(self, inputs, state) -> tuple[Tensor, dict[str, Any]]:
        """Makes the samples of a block of frames that continues a state.

        Args:
            inputs: What `call` takes, for the frames of the block.
            state: The state of `get_initial_state` or of an earlier `prime`.

        Returns:
            `(waveform, state)`: float32 `[batch, frames * local_hop]`, as `call` gives for these frames when it sees
            all, and the state after the block.
        """
        new_state, inputs = {}, arrays_of(inputs, "local_condition")
        check_state(self, state, self.split_inputs(inputs)[0].shape[0])

        def run(layer, x, *condition):
            y, new_state[layer.name] = layer.prime(x, state[layer.name], *condition)
            return y

        return self._waveform(inputs, run), new_state

    def pack_state(self, state) -> Tensor:
        """Returns `[batch, state_size]`, one row of numbers for each stream; see `tf_wavenet.BlockStreamable`."""
        check_state(self, state)
        return pack_states(self._layers_of_state(), state)

    def unpack_state(self, rows, time=None) -> dict[str, Any]:
        """Returns the state of `pack_state`'s rows, whatever the time."""
        rows = as_array("rows", rows)
        check_rows(self, rows)
        return unpack_states(self._layers_of_state(), rows, time)

    @property
    def state_size(self) -> int:
        """Int, the numbers of one stream's state."""
        return packed_size(self._layers_of_state())

    def generate(self, local_condition, seed=0) -> np.ndarray:
        """Speaks features.

        Args:
            local_condition: Features `[frames, num_mels]` or `[batch, frames, num_mels]`.
            seed: Int in [0, 2**63), of the noise of a model that needs it. None: a new one, drawn by Python's `random`
                and logged (logger "tf_wavenet", level INFO); `last_seed` keeps it.

        Returns:
            NumPy float32 `[batch, frames * local_hop]`.

        Raises:
            ValueError: If an argument is outside its range.
        """
        features, rng = self._checked(local_condition, seed)
        return ops.convert_to_numpy(self(self._with_noise(features, rng)))

    def stream(self, local_condition, chunk_frames=32, seed=0) -> Iterator[np.ndarray]:
        """Speaks features in chunks, with the samples of `generate`.

        Args:
            local_condition: As in `generate`.
            chunk_frames: Int >= 1, frames in each chunk but the last.
            seed: As in `generate`.

        Returns:
            Iterator of NumPy float32 `[batch, chunk_frames * local_hop]`.

        Raises:
            ValueError: As `generate`, or if the model is not causal; at once, not at the first chunk.
        """
        chunk_frames = check_positive_int("chunk_frames", chunk_frames)
        features, rng = self._checked(local_condition, seed)
        return self._chunks(features, chunk_frames, rng, self.get_initial_state(len(features)))

    def _chunks(self, features, chunk_frames, rng, state):
        for first in range(0, features.shape[1], chunk_frames):
            waveform, state = self.prime(self._with_noise(features[:, first : first + chunk_frames], rng), state)
            yield ops.convert_to_numpy(waveform)

    def split_inputs(self, inputs) -> tuple[Tensor, Tensor | None]:
        """Splits what `call` takes.

        Args:
            inputs: Features, or dict.

        Returns:
            `(features, noise)`, `[batch, frames, num_mels]` and `[batch, frames * local_hop]` or None.

        Raises:
            ValueError: If an input is missing, unknown or has another shape.
        """
        given = dict(inputs) if isinstance(inputs, dict) else {"local_condition": inputs}
        names = {"local_condition", "noise"} if self.needs_noise else {"local_condition"}
        if set(given) != names:
            raise ValueError(f"Expected inputs {sorted(names)}. Received: {sorted(given)}")
        features = given["local_condition"]
        shape = shape_of(features)
        if not fits(shape, (None, None, self.num_mels)):
            expected = f"Expected local_condition of shape [batch, frames, {self.num_mels}]"
            swapped = "; transposed?" if fits(shape, (None, self.num_mels, None)) else ""
            raise ValueError(f"{expected}. Received: shape {shape}{swapped}")
        noise = given.get("noise")
        if noise is not None:
            time = None if features.shape[1] is None else features.shape[1] * self.local_hop
            expected = (features.shape[0], time)
            if not fits(noise.shape, expected):
                raise ValueError(f"Expected noise of shape {expected}. Received: shape {tuple(noise.shape)}")
        return features, noise

    def check_inputs(self, inputs) -> None:
        """Raises a ValueError for what `call` does not take."""
        self.split_inputs(inputs)

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `[batch, frames * local_hop]`."""
        batch, frames, _ = input_shape["local_condition"] if isinstance(input_shape, dict) else input_shape
        return (batch, frames and frames * self.local_hop)

    def compute_output_spec(self, inputs) -> keras.KerasTensor:
        """Returns a float32 tensor, whatever the compute dtype."""
        features, _ = self.split_inputs(inputs)
        return keras.KerasTensor(self.compute_output_shape(features.shape), "float32")

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_mels": self.num_mels,
            "causal": self.causal,
            "mel_spec": self.mel_spec if self.mel_spec is None else keras.saving.serialize_keras_object(self.mel_spec),
        }

    def _layers_of_state(self):
        if not self.causal:
            raise ValueError(f"Expected causal=True to stream. Received: {self.name}, which looks ahead.")
        return {layer.name: layer for layer in self.streaming_layers()}

    def _waveform(self, inputs, run):
        features, noise = self.split_inputs(inputs)
        features = ops.cast(features, "float32")  # layers cast what they are given; a prior is made of all its bits
        noise = noise if noise is None else ops.cast(ops.expand_dims(noise, -1), self.compute_dtype)
        return ops.squeeze(ops.cast(self.compute(features, noise, run), "float32"), -1)

    def _checked(self, local_condition, seed):
        self.last_seed = check_seed(seed)
        check_eager("generate and stream", "call the model there, or prime")
        features = ops.convert_to_numpy(as_array("local_condition", local_condition))
        if self.mel_spec is not None:
            self.mel_spec.check_features(features)
        features = features.astype("float32")
        features = features[None] if features.ndim == 2 else features
        self.split_inputs({"local_condition": features, "noise": None} if self.needs_noise else features)
        return features, np.random.default_rng(self.last_seed)

    def _with_noise(self, features, rng):
        if not self.needs_noise:
            return features
        # Time by time, so that chunks draw what the whole draws.
        noise = rng.standard_normal((features.shape[1] * self.local_hop, len(features)), "float32").T
        return {"local_condition": features, "noise": noise}
