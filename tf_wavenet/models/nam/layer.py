"""One layer of a Neural Amp Modeler WaveNet."""

import keras
from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet.layers import CausalConv1D
from tf_wavenet.models.nam.activations import nam_activation

GATING_MODES = ("none", "gated", "blended")
# In the order of their weights.
FILM_SITES = (
    "conv_pre_film",
    "conv_post_film",
    "input_mixin_pre_film",
    "input_mixin_post_film",
    "activation_pre_film",
    "activation_post_film",
    "layer1x1_post_film",
    "head1x1_post_film",
)


class NamLayer(keras.layers.Layer):
    """Dilated causal convolution plus projected condition, activation, and projections to residual and head.

    Part of a `NamLayerArray`, which describes the arguments. All weights lie in `CausalConv1D`s: `convolutions` lists
    them in the order of a `.nam` file.
    """

    def __init__(
        self,
        channels,
        bottleneck,
        condition_size,
        kernel_size,
        dilation,
        activation,
        gating_mode,
        secondary_activation,
        layer1x1_groups,
        head1x1_channels,
        head1x1_groups,
        groups_input,
        groups_input_mixin,
        films,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if gating_mode not in GATING_MODES:
            raise ValueError(f"Expected gating_mode to be one of {GATING_MODES}. Received: gating_mode={gating_mode!r}")
        self.gating_mode = gating_mode
        self.activation, self.secondary_activation = activation, secondary_activation
        self._function = nam_activation(activation, bottleneck)
        if gating_mode != "none":
            self._gate = nam_activation(secondary_activation, bottleneck)
        gated = bottleneck if gating_mode == "none" else 2 * bottleneck
        self._convolutions = []

        def conv(name, input_channels, filters, **options):
            options = {"kernel_size": 1, "kernel_initializer": fan_in(), "dtype": self.dtype_policy, **options}
            layer = CausalConv1D(filters, name=name, **options)
            self._convolutions.append((layer, input_channels))
            return layer

        self.conv = conv("conv", channels, gated, kernel_size=kernel_size, dilation_rate=dilation, groups=groups_input)
        self.input_mixin = conv("input_mixin", condition_size, gated, use_bias=False, groups=groups_input_mixin)
        self.layer1x1 = self.head1x1 = None
        if layer1x1_groups is not None:
            self.layer1x1 = conv("layer1x1", bottleneck, channels, groups=layer1x1_groups)
        if head1x1_channels is not None:
            self.head1x1 = conv("head1x1", bottleneck, head1x1_channels, groups=head1x1_groups)
        modulated = (channels, gated, condition_size, gated, gated, bottleneck, channels, head1x1_channels)
        self.films = {
            site: conv(
                site,
                condition_size,
                size * (2 if films[site]["shift"] else 1),
                groups=films[site]["groups"],
                bias_initializer=_identity(size),
            )
            for site, size in zip(FILM_SITES, modulated, strict=True)
            if site in films
        }

    def build(self, input_shape=None) -> None:
        """Builds the convolutions, whose input channels are all known."""
        for layer, input_channels in self._convolutions:
            layer.build((None, None, input_channels))
        self.built = True

    def compute(self, x, condition, convolve) -> tuple[Tensor, Tensor]:
        """Returns the residual and the head output, `[batch, time, channels]` and `[batch, time, head channels]`."""
        z = self._film("conv_post_film", convolve(self.conv, self._film("conv_pre_film", x, condition)), condition)
        mixed = self.input_mixin.apply_taps([self._film("input_mixin_pre_film", condition, condition)])
        z = z + self._film("input_mixin_post_film", mixed, condition)
        a = self._activate(self._film("activation_pre_film", z, condition))
        a = head = self._film("activation_post_film", a, condition)
        if self.head1x1 is not None:
            head = self._film("head1x1_post_film", self.head1x1.apply_taps([a]), condition)
        if self.layer1x1 is not None:
            x = x + self._film("layer1x1_post_film", self.layer1x1.apply_taps([a]), condition)
        return x, head

    def convolutions(self) -> list[tuple[CausalConv1D, int]]:
        """List of `(CausalConv1D, its input channels)`, in the order of a `.nam` file."""
        return self._convolutions

    def residual_layers(self) -> list[CausalConv1D]:
        """The layers that serve nothing but the residual output."""
        layers = (self.layer1x1, self.films.get("layer1x1_post_film"))
        return [layer for layer in layers if layer is not None]

    def _activate(self, z):
        if self.gating_mode == "none":
            return self._function(z)
        z, gate = ops.split(z, 2, axis=-1)
        gate = self._gate(gate)
        if self.gating_mode == "gated":
            return self._function(z) * gate
        return self._function(z) * gate + z * (1.0 - gate)

    def _film(self, site, x, condition):
        if site not in self.films:
            return x
        modulation = self.films[site].apply_taps([condition])
        if modulation.shape[-1] == x.shape[-1]:
            return x * modulation
        scale, shift = ops.split(modulation, 2, axis=-1)
        return x * scale + shift


def fan_in() -> keras.initializers.Initializer:
    """Returns the initializer of kernels, uniform within `1 / sqrt(inputs)`: what NAM's own models are trained from."""
    return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def _identity(channels):
    """Biases of one for the scales, the first `channels`, and of zero for the shifts."""
    return lambda shape, dtype=None: ops.cast(ops.arange(shape[0]) < channels, dtype)
