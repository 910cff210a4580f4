"""Global and local conditions, projected to what the gated activations of a residual stack add."""

import keras
from keras import ops

from tf_wavenet._validation import check_positive_int
from tf_wavenet.layers.conv_in_upsample_network import ConvInUpsampleNetwork
from tf_wavenet.layers.feature_upsampler import FeatureUpsampler


@keras.saving.register_keras_serializable(package="tf_wavenet")
class Conditioning(keras.layers.Layer):
    """Turns a speaker or any vector (global), a feature sequence (local) or both into the condition of each sample.

    `encode` upsamples the features and sets the global vector beside them; `project` is the one matrix product that
    makes the inputs of all gated activations (`V * y` of the paper, without bias). `call` is one after the other.

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

    Input shape:
        Dict with "local_condition", `[batch, frames, local_channels]`, and "global_condition", int `[batch]` with
        speakers, else `[batch, global_channels]`; only those that the layer was made for.

    Output shape:
        `[batch, frames * local_hop, units]`; `[batch, 1, units]` without a local condition.

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

        policy = self.dtype_policy
        # Speakers' numbers must not become floats of half precision.
        self.autocast = False
        self.upsampler = self.embedding = None
        if upsample_scales is not None:
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
        if self.upsampler is not None:
            self.upsampler.build((None, None, self.local_channels))
        if self.embedding is not None:
            self.embedding.build((None,))
        self.projection.build((None, None, self.encoded_channels))
        self.built = True

    @property
    def encoded_channels(self):
        """Int, channels that `encode` makes."""
        local = (self.local_filters or self.local_channels) if self.local_channels else 0
        return local + (self.global_channels or 0)

    def call(self, inputs):
        """Returns the condition of each sample."""
        return self.project(self.encode(**inputs))

    def encode(self, local_condition=None, global_condition=None):
        """Returns the conditions side by side, `[batch, time or 1, encoded_channels]`, not yet projected."""
        self._check("local_condition", local_condition, self.local_channels, 3)
        self._check("global_condition", global_condition, self.global_channels, 1 if self.num_speakers else 2)
        parts = []
        if self.upsampler is not None:
            parts.append(self.upsampler(ops.cast(local_condition, self.compute_dtype)))
        if self.global_channels is not None:
            vector = self.embedding(global_condition) if self.num_speakers else global_condition
            vector = ops.expand_dims(ops.cast(vector, self.compute_dtype), 1)
            if parts:
                shape = ops.shape(parts[0])
                vector = ops.broadcast_to(vector, (shape[0], shape[1], self.global_channels))
            parts.append(vector)
        return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]

    def project(self, encoded):
        """Returns `[..., units]` for `[..., encoded_channels]`."""
        return self.projection(encoded)

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
        """Returns `[batch, time or 1, units]`."""
        local = input_shape.get("local_condition")
        shape = local or input_shape["global_condition"]
        time = 1 if local is None else local[1] and local[1] * self.local_hop
        return (shape[0], time, self.units)

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
        }


def _positive_or_none(name, value):
    return value if value is None else check_positive_int(name, value)
