"""Global and local conditions, projected to what the gated activations of a residual stack add."""

import reprlib
from typing import Any

import keras
import numpy as np
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int, shape_of
from tf_wavenet.layers._dense import Dense
from tf_wavenet.layers._replace import replace
from tf_wavenet.layers.conv_in_upsample_network import ConvInUpsampleNetwork
from tf_wavenet.layers.feature_upsampler import FeatureUpsampler
from tf_wavenet.layers.frame_network import FrameNetwork
from tf_wavenet.layers.linear_predictor import LinearPredictor
from tf_wavenet.signal.mel_spec import MelSpec


@registered
class Conditioning(keras.layers.Layer):
    """Turns a speaker or any vector (global), a feature sequence (local) or both into the condition of each sample.

    `encode` upsamples the features and sets the global vector beside them; `project` is the one matrix product that
    makes the inputs of all gated activations (`V * y` of the paper, without bias). `call` is one after the other.
    With a network at the frame rate, `encode` and `project` stay at that rate, and each of their vectors holds for
    `hold` samples. With linear prediction, its coefficients and its factor on the temperature stand behind the rest.

    `WaveNet(conditioning=Conditioning(...))` takes a layer without `units`, and makes its own from the arguments.

    Args:
        local_channels: Int >= 1, channels of the local features; None means `mel_spec.num_mels`, or none.
        local_hop: Int >= 1, samples in a feature frame; None means `mel_spec.hop_length`.
        mel_spec: `MelSpec` of the local features; None: unknown.
        speakers: Names of speakers, or their number: the global condition is a speaker's number, and is embedded.
        global_channels: Int >= 1, channels of the global vector, or of a speaker's embedding (then None means 16).
        frame_network: Dict of `FrameNetwork`'s arguments: such a network at the frame rate encodes the local features,
            instead of upsampling them; what it says of a frame holds for all samples of the frame. None: upsampling.
        linear_prediction: Order of linear prediction from the mels (`LinearPredictor`), or a dict of its arguments but
            `mel_spec`, which it needs. None: there is none.
        upsampling: "linear", "repeat" or "transposed", see `FeatureUpsampler`; or "stretch", `ConvInUpsampleNetwork`.
        local_context: Int >= 0, frames on either side that a convolution over frames sees.
        local_filters: Int >= 1, channels that this convolution makes; None keeps `local_channels`.
        upsample_scales: Sequence of positive ints, the stages of "stretch", whose product is `local_hop`; None else.
        units: Int >= 1, channels of the output, `ResidualStack.condition_units`; None: of a layer that is not called.

    Input shape:
        Dict with "local_condition", `[batch, frames, local_channels]`, and "global_condition", int `[batch]` with
        speakers, else `[batch, global_channels]`; only those that the layer was made for.

    Output shape:
        `[batch, frames * local_hop, units]`, and `order + 1` more with a predictor; `[batch, 1, units]` without a local
        condition.

    Raises:
        ValueError: If an argument is outside its range, a condition is missing, or has another shape.

    Example:
    >>> layer = Conditioning(local_channels=80, local_hop=200, speakers=("ann", "bob"), units=64)
    >>> condition = {"local_condition": keras.ops.zeros((3, 5, 80)), "global_condition": keras.ops.array([0, 1, 1])}
    >>> tuple(layer(condition).shape)
    (3, 1000, 64)

    References:
        van den Oord et al., WaveNet (2016), section 2.5.
    """

    def __init__(
        self,
        local_channels=None,
        local_hop=None,
        mel_spec=None,
        speakers=None,
        global_channels=None,
        frame_network=None,
        linear_prediction=None,
        upsampling="linear",
        local_context=0,
        local_filters=None,
        upsample_scales=None,
        units=None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.units = _positive_or_none("units", units)
        self.mel_spec = _deserialized(mel_spec)
        if self.mel_spec is not None:
            if not isinstance(self.mel_spec, MelSpec):
                raise ValueError(f"Expected mel_spec to be a MelSpec. Received: mel_spec={mel_spec!r}")
            local_channels = _same("local_channels", local_channels, self.mel_spec.num_mels)
            local_hop = _same("local_hop", local_hop, self.mel_spec.hop_length)
        self.linear_predictor = None
        if linear_prediction is not None:
            self.linear_predictor = _predictor(self.mel_spec, linear_prediction)
        self.speakers = None if speakers is None else _speaker_names(speakers)
        if speakers is not None and global_channels is None:
            global_channels = 16
        if (local_channels is None) != (local_hop is None):
            raise ValueError(f"Expected local_channels with local_hop. Received: {local_channels=}, {local_hop=}")
        if local_channels is None and frame_network is not None:
            raise ValueError("Expected local_channels or a mel_spec with frame_network. Received: neither")
        if local_channels is None and global_channels is None:
            raise ValueError("Expected local_channels, a mel_spec, speakers or global_channels. Received: none of them")
        self.local_channels = _positive_or_none("local_channels", local_channels)
        self.local_hop = local_hop
        self.upsampling = upsampling
        self.local_context = local_context
        self.local_filters = local_filters
        self.global_channels = _positive_or_none("global_channels", global_channels)

        self.upsample_scales = upsample_scales if upsample_scales is None else tuple(upsample_scales)
        if (upsample_scales is None) != (upsampling != "stretch"):
            raise ValueError(
                f"Expected upsample_scales with upsampling='stretch' only. Received: {upsample_scales=}, {upsampling=}"
            )
        if frame_network is not None and not isinstance(frame_network, dict):
            expected = "Expected frame_network to be a dict of the arguments of FrameNetwork"
            raise ValueError(f"{expected}. Received: frame_network={frame_network!r}")
        self.frame_network = frame_network if frame_network is None else dict(frame_network)
        if frame_network is not None and (local_context or local_filters or upsampling != "linear"):
            expected = "Expected frame_network instead of local_context, local_filters and another upsampling"
            raise ValueError(f"{expected}. Received: {local_context=}, {local_filters=}, {upsampling=}")

        policy = self.dtype_policy
        # Speakers' numbers must not become floats of half precision.
        self.autocast = False
        self.upsampler = self.encoder = self.embedding = None
        if frame_network is not None:
            self.encoder = FrameNetwork(**self.frame_network, dtype=policy, name="encoder")
        elif upsample_scales is not None:
            self.upsampler = ConvInUpsampleNetwork(upsample_scales, local_context, dtype=policy, name="upsampler")
            if local_filters is not None or self.upsampler.hop_length != local_hop:
                product = "Expected upsample_scales whose product is local_hop, and no local_filters"
                raise ValueError(f"{product}. Received: {upsample_scales=}, {local_hop=}, {local_filters=}")
        elif local_channels is not None:
            self.upsampler = FeatureUpsampler(
                local_hop, upsampling, local_context, local_filters, dtype=policy, name="upsampler"
            )
        if self.speakers is not None:
            self.embedding = keras.layers.Embedding(self.num_speakers, global_channels, dtype=policy, name="embedding")
        self.projection = None
        if units is not None:
            self.projection = Dense(units, use_bias=False, dtype=policy, name="projection")

    def replace(self, **changes) -> "Conditioning":
        """Returns a layer, not built, of the same arguments but for `changes`; name and dtype are the default's."""
        return replace(self, changes)

    def build(self, input_shape=None) -> None:
        """Builds the children; what they need is known."""
        if self.projection is None:
            raise ValueError("Expected a Conditioning with units to be built. Received: units=None")
        for layer in (self.upsampler, self.encoder):
            if layer is not None:
                layer.build((None, None, self.local_channels))
        if self.embedding is not None:
            self.embedding.build((None,))
        self.projection.build((None, None, self._projected_from))
        self.built = True

    @property
    def num_speakers(self) -> int | None:
        """Int, the number of speakers; None if the global condition is a vector, or there is none."""
        return None if self.speakers is None else len(self.speakers)

    @property
    def linear_prediction(self) -> dict[str, Any] | None:
        """Dict of the arguments of `linear_predictor`, but for `mel_spec`; None without linear prediction."""
        predictor = self.linear_predictor
        return None if predictor is None else {name: getattr(predictor, name) for name in _OF_PREDICTOR}

    @property
    def hold(self) -> int:
        """Int, samples that each vector of `encode` and `project` holds for: `local_hop` with a frame network, or 1."""
        return 1 if self.encoder is None else self.local_hop

    @property
    def reach(self) -> int:
        """Int, frames on either side of its own that a sample depends on (at most); 0 without local features."""
        if self.encoder is not None:
            return max(self.encoder.reach)
        return 0 if self.upsampler is None else self.upsampler.reach

    @property
    def look_ahead(self) -> int:
        """Int, frames after its own that a sample depends on (at most): what a stream must wait for."""
        return self.reach if self.encoder is None else self.encoder.reach[1]

    @property
    def encoded_channels(self) -> int:
        """Int, channels that `encode` makes."""
        return self._projected_from + self._of_predictor

    @property
    def projected_channels(self) -> int:
        """Int, channels that `project` makes."""
        return self.units + self._of_predictor

    @property
    def _of_predictor(self):
        return 0 if self.linear_predictor is None else self.linear_predictor.order + 1

    @property
    def _projected_from(self):
        local = (self.local_filters or self.local_channels) if self.local_channels else 0
        local = local if self.encoder is None else self.encoder.channels
        return local + (self.global_channels or 0)

    def call(self, inputs) -> Tensor:
        """Returns the condition of each sample."""
        return self.held(self.project(self.encode(**inputs)))

    def held(self, vectors) -> Tensor:
        """Returns `[batch, samples, channels]`, each vector of `encode` or `project` as often as it holds."""
        return vectors if self.hold == 1 else ops.repeat(vectors, self.hold, axis=1)

    def encode(self, local_condition=None, global_condition=None) -> Tensor:
        """Returns the conditions side by side, `[batch, vectors or 1, encoded_channels]`, not yet projected."""
        self.check(local_condition, global_condition)
        parts = []
        if self.local_channels is not None:
            layer = self.upsampler if self.encoder is None else self.encoder
            parts.append(layer(ops.cast(local_condition, self.compute_dtype)))
        if self.global_channels is not None:
            vector = self.embedding(global_condition) if self.num_speakers else global_condition
            vector = ops.expand_dims(ops.cast(vector, self.compute_dtype), 1)
            if parts:
                shape = ops.shape(parts[0])
                vector = ops.broadcast_to(vector, (shape[0], shape[1], self.global_channels))
            parts.append(vector)
        if self.linear_predictor is not None:
            predictor = self.linear_predictor
            temperature = ops.expand_dims(predictor.temperature(local_condition), -1)
            told = ops.concatenate([predictor.coefficients(local_condition), temperature], axis=-1)
            told = told if self.encoder is not None else ops.repeat(told, self.local_hop, axis=1)
            parts = [*(ops.cast(part, "float32") for part in parts), told]
        return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]

    def check(self, local_condition=None, global_condition=None, rows=None) -> None:
        """Checks conditions: that they are those of this layer, of its shapes, and `rows` rows, or None: any.

        Raises:
            ValueError: If not, or if a speaker is unknown, where the numbers are at hand.
        """
        self._check("local_condition", local_condition, self.local_channels, 3, rows)
        self._check("global_condition", global_condition, self.global_channels, 1 if self.num_speakers else 2, rows)
        if self.num_speakers and isinstance(global_condition, np.ndarray):
            number = global_condition.dtype.kind in "iu"
            if not number or not np.all((global_condition >= 0) & (global_condition < self.num_speakers)):
                expected = f"Expected global_condition to be speakers' numbers, ints in [0, {self.num_speakers})"
                raise ValueError(f"{expected}. Received: {reprlib.repr(global_condition.tolist())}")

    def project(self, encoded) -> Tensor:
        """Returns `[..., projected_channels]` for `[..., encoded_channels]`."""
        gates, told = self.project_apart(encoded)
        return gates if told is None else ops.concatenate([ops.cast(gates, "float32"), told], axis=-1)

    def project_apart(self, encoded) -> tuple[Tensor, Tensor | None]:
        """Returns what `project` does as a pair: `[..., units]`, and float32 `[..., order + 1]` or None."""
        if self.linear_predictor is None:
            return self.projection(encoded), None
        return self.projection(encoded[..., : self._projected_from]), encoded[..., self._projected_from :]

    def split(self, projected) -> tuple[Tensor, Tensor | None]:
        """Returns the pair of `project_apart` for what `project` returned."""
        if self.linear_predictor is None:
            return projected, None
        return ops.cast(projected[..., : self.units], self.compute_dtype), projected[..., self.units :]

    def _check(self, name, condition, channels, ndim, rows):
        if (condition is None) != (channels is None):
            wanted = "no" if channels is None else "a"
            got = "none" if condition is None else f"shape {tuple(condition.shape)}"
            raise ValueError(f"Expected {wanted} {name}. Received: {got}")
        if condition is None:
            return
        shape = shape_of(condition)
        if shape is None or len(shape) != ndim or (ndim > 1 and shape[-1] != channels):
            wanted = {1: "[batch]", 2: f"[batch, {channels}]", 3: f"[batch, frames, {channels}]"}[ndim]
            raise ValueError(f"Expected {name} of shape {wanted}. Received: shape {shape}")
        if None not in (rows, shape[0]) and rows != shape[0]:
            raise ValueError(f"Expected {name} of as many rows as the waveform, {rows}. Received: shape {shape}")

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `[batch, time or 1, projected_channels]`."""
        local = input_shape.get("local_condition")
        shape = local or input_shape["global_condition"]
        time = 1 if local is None else local[1] and local[1] * self.local_hop
        return (shape[0], time, self.projected_channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "local_channels": self.local_channels,
            "local_hop": self.local_hop,
            "mel_spec": self.mel_spec if self.mel_spec is None else keras.saving.serialize_keras_object(self.mel_spec),
            "speakers": self.speakers if self.speakers is None else list(self.speakers),
            "global_channels": self.global_channels,
            "frame_network": self.frame_network if self.frame_network is None else dict(self.frame_network),
            "linear_prediction": self.linear_prediction,
            "upsampling": self.upsampling,
            "local_context": self.local_context,
            "local_filters": self.local_filters,
            "upsample_scales": self.upsample_scales if self.upsample_scales is None else list(self.upsample_scales),
            "units": self.units,
        }

    @classmethod
    def from_config(cls, config) -> "Conditioning":
        """Returns the layer of `get_config`, which used to hold the number of speakers."""
        config = dict(config)
        number = config.pop("num_speakers", None)
        return cls(**config if number is None else {**config, "speakers": number})


_OF_PREDICTOR = ("order", "lag_window", "white_noise", "voiced_temperature")


def _predictor(mel_spec, linear_prediction):
    if mel_spec is None:
        raise ValueError("Expected a mel_spec, from which linear_prediction is made. Received: none")
    arguments = linear_prediction if isinstance(linear_prediction, dict) else {"order": linear_prediction}
    if not set(arguments) <= set(_OF_PREDICTOR):
        names = ", ".join(_OF_PREDICTOR)
        raise ValueError(f"Expected linear_prediction to be an int, or a dict of {names}. Received: {arguments}")
    return LinearPredictor(mel_spec, **arguments, name="predictor")


def _positive_or_none(name, value):
    return value if value is None else check_positive_int(name, value)


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
