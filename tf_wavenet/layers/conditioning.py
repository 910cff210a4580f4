"""Global and local conditions, projected to what the gated activations of a residual stack add."""

import keras
from keras import ops

from tf_wavenet._validation import check_positive_int
from tf_wavenet.layers.conv_in_upsample_network import ConvInUpsampleNetwork
from tf_wavenet.layers.feature_upsampler import FeatureUpsampler
from tf_wavenet.layers.frame_network import FrameNetwork
from tf_wavenet.layers.linear_predictor import LinearPredictor


@keras.saving.register_keras_serializable(package="tf_wavenet")
class Conditioning(keras.layers.Layer):
    """Turns a speaker or any vector (global), a feature sequence (local) or both into the condition of each sample.

    `encode` upsamples the features and sets the global vector beside them; `project` is the one matrix product that
    makes the inputs of all gated activations (`V * y` of the paper, without bias). `call` is one after the other.
    With a network at the frame rate, `encode` and `project` stay at that rate, and each of their vectors holds for
    `hold` samples. With a linear predictor, its coefficients and its factor on the temperature stand behind the rest.

    Args:
        units: Int >= 1, channels of the output, `ResidualStack.condition_units`.
        local_channels: Int >= 1, channels of the local features; None: there are none.
        local_hop: Int >= 1, samples in a feature frame.
        upsampling: "linear", "repeat" or "transposed", see `FeatureUpsampler`; or "stretch", `ConvInUpsampleNetwork`.
        local_context: Int >= 0, frames on either side that a convolution over frames sees.
        local_filters: Int >= 1, channels that this convolution makes; None keeps `local_channels`.
        global_channels: Int >= 1, channels of the global vector, or of a speaker's embedding; None: there is none.
        num_speakers: Int >= 1: the global condition is a speaker's number in [0, num_speakers) and is embedded.
            None: it is a vector.
        upsample_scales: Sequence of positive ints, the stages of "stretch", whose product is `local_hop`; None else.
        frame_network: Dict of `FrameNetwork`'s arguments: such a network encodes the frames, instead of upsampling.
        linear_predictor: `LinearPredictor` whose coefficients the local condition, log-mels, tells; None: none.

    Input shape:
        Dict with "local_condition", `[batch, frames, local_channels]`, and "global_condition", int `[batch]` with
        speakers, else `[batch, global_channels]`; only those that the layer was made for.

    Output shape:
        `[batch, frames * local_hop, units]`, and `order + 1` more with a predictor; `[batch, 1, units]` without a local
        condition.

    Raises:
        ValueError: If an argument is outside its range, a condition is missing, or has another shape.

    Example:
    >>> layer = Conditioning(units=64, local_channels=80, local_hop=200, global_channels=16, num_speakers=2)
    >>> condition = {"local_condition": keras.ops.zeros((3, 5, 80)), "global_condition": keras.ops.array([0, 1, 1])}
    >>> tuple(layer(condition).shape)
    (3, 1000, 64)

    References:
        van den Oord et al., WaveNet (2016), section 2.5.
    """

    def __init__(
        self,
        units,
        local_channels=None,
        local_hop=None,
        upsampling="linear",
        local_context=0,
        local_filters=None,
        global_channels=None,
        num_speakers=None,
        upsample_scales=None,
        frame_network=None,
        linear_predictor=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = check_positive_int("units", units)
        if (local_channels is None) != (local_hop is None) or (num_speakers is not None and global_channels is None):
            raise ValueError(
                "Expected local_channels with local_hop, and global_channels with num_speakers. Received: "
                f"{local_channels=}, {local_hop=}, {global_channels=}, {num_speakers=}"
            )
        if local_channels is None and global_channels is None:
            raise ValueError("Expected local_channels or global_channels. Received: neither")
        self.local_channels = _positive_or_none("local_channels", local_channels)
        self.local_hop = local_hop
        self.upsampling = upsampling
        self.local_context = local_context
        self.local_filters = local_filters
        self.global_channels = _positive_or_none("global_channels", global_channels)
        self.num_speakers = _positive_or_none("num_speakers", num_speakers)

        self.upsample_scales = upsample_scales if upsample_scales is None else tuple(upsample_scales)
        if (upsample_scales is None) != (upsampling != "stretch"):
            raise ValueError(
                f"Expected upsample_scales with upsampling='stretch' only. Received: {upsample_scales=}, {upsampling=}"
            )

        self.frame_network = frame_network if frame_network is None else dict(frame_network)
        if isinstance(linear_predictor, dict):
            linear_predictor = keras.saving.deserialize_keras_object(linear_predictor)
        self.linear_predictor = linear_predictor
        if linear_predictor is not None and not isinstance(linear_predictor, LinearPredictor):
            raise ValueError(f"Expected linear_predictor to be a LinearPredictor. Received: {linear_predictor!r}")
        if local_channels is None and (frame_network is not None or linear_predictor is not None):
            raise ValueError("Expected local_channels with frame_network and linear_predictor. Received: None")
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
        if num_speakers is not None:
            self.embedding = keras.layers.Embedding(num_speakers, global_channels, dtype=policy, name="embedding")
        self.projection = keras.layers.Dense(self.units, use_bias=False, dtype=policy, name="projection")

    def build(self, input_shape=None):
        """Builds the children; what they need is known."""
        for layer in (self.upsampler, self.encoder):
            if layer is not None:
                layer.build((None, None, self.local_channels))
        if self.embedding is not None:
            self.embedding.build((None,))
        self.projection.build((None, None, self._projected_from))
        self.built = True

    @property
    def hold(self):
        """Int, samples that each vector of `encode` and `project` holds for: `local_hop` with a frame network, or 1."""
        return 1 if self.encoder is None else self.local_hop

    @property
    def reach(self):
        """Int, frames on either side of its own that a sample depends on (at most); 0 without local features."""
        if self.encoder is not None:
            return max(self.encoder.reach)
        return 0 if self.upsampler is None else self.upsampler.reach

    @property
    def look_ahead(self):
        """Int, frames after its own that a sample depends on (at most): what a stream must wait for."""
        return self.reach if self.encoder is None else self.encoder.reach[1]

    @property
    def encoded_channels(self):
        """Int, channels that `encode` makes."""
        return self._projected_from + self._of_predictor

    @property
    def projected_channels(self):
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

    def call(self, inputs):
        """Returns the condition of each sample."""
        return self.held(self.project(self.encode(**inputs)))

    def held(self, vectors):
        """Returns `[batch, samples, channels]`, each vector of `encode` or `project` as often as it holds."""
        return vectors if self.hold == 1 else ops.repeat(vectors, self.hold, axis=1)

    def encode(self, local_condition=None, global_condition=None):
        """Returns the conditions side by side, `[batch, vectors or 1, encoded_channels]`, not yet projected."""
        self._check("local_condition", local_condition, self.local_channels, 3)
        self._check("global_condition", global_condition, self.global_channels, 1 if self.num_speakers else 2)
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

    def project(self, encoded):
        """Returns `[..., projected_channels]` for `[..., encoded_channels]`."""
        gates, told = self.project_apart(encoded)
        return gates if told is None else ops.concatenate([ops.cast(gates, "float32"), told], axis=-1)

    def project_apart(self, encoded):
        """Returns what `project` does as a pair: `[..., units]`, and float32 `[..., order + 1]` or None."""
        if self.linear_predictor is None:
            return self.projection(encoded), None
        return self.projection(encoded[..., : self._projected_from]), encoded[..., self._projected_from :]

    def split(self, projected):
        """Returns the pair of `project_apart` for what `project` returned."""
        if self.linear_predictor is None:
            return projected, None
        return ops.cast(projected[..., : self.units], self.compute_dtype), projected[..., self.units :]

    def _check(self, name, condition, channels, ndim):
        if (condition is None) != (channels is None):
            wanted = "no" if channels is None else "a"
            got = "none" if condition is None else f"shape {tuple(condition.shape)}"
            raise ValueError(f"Expected {wanted} {name}. Received: {got}")
        if condition is None:
            return
        shape = tuple(condition.shape)
        if len(shape) != ndim or (ndim > 1 and shape[-1] != channels):
            wanted = {1: "[batch]", 2: f"[batch, {channels}]", 3: f"[batch, frames, {channels}]"}[ndim]
            raise ValueError(f"Expected {name} of shape {wanted}. Received: shape {shape}")

    def compute_output_shape(self, input_shape):
        """Returns `[batch, time or 1, projected_channels]`."""
        local = input_shape.get("local_condition")
        shape = local or input_shape["global_condition"]
        time = 1 if local is None else local[1] and local[1] * self.local_hop
        return (shape[0], time, self.projected_channels)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "local_channels": self.local_channels,
            "local_hop": self.local_hop,
            "upsampling": self.upsampling,
            "local_context": self.local_context,
            "local_filters": self.local_filters,
            "global_channels": self.global_channels,
            "num_speakers": self.num_speakers,
            "upsample_scales": self.upsample_scales if self.upsample_scales is None else list(self.upsample_scales),
            "frame_network": self.frame_network,
            "linear_predictor": self.linear_predictor
            if self.linear_predictor is None
            else keras.saving.serialize_keras_object(self.linear_predictor),
        }


def _positive_or_none(name, value):
    return value if value is None else check_positive_int(name, value)
