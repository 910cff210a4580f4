"""An array of layers of a Neural Amp Modeler WaveNet."""

import keras

from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_dilations, check_positive_int
from tf_wavenet.layers import CausalConv1D
from tf_wavenet.models.nam.layer import FILM_SITES, NamLayer, fan_in


class NamLayerArray(keras.layers.Layer):
    """Layers in series; the sum of their head outputs, and of the head path so far, is convolved to `head_channels`.

    Part of a `NamWaveNet`, which gives `input_channels` and `condition_size`. An argument that says "each layer" is one
    value for all of them, or a list of one for each.

    Args:
        input_channels: Int >= 1, channels of the input, which are projected to `channels`.
        condition_size: Int >= 1, channels of the condition.
        channels: Int >= 1, channels of the residual path.
        dilations: Sequence of positive ints, one layer each.
        kernel_sizes: Int >= 1, taps of the dilated convolution; each layer.
        activation: Name of a function, or a dict of its "type" and parameters, as in `.nam` files; each layer.
        gating_mode: "none", "gated" (`f(z) * g(w)`) or "blended" (`f(z) * g(w) + z * (1 - g(w))`, z and w the first and
            the second half of the convolution's output); each layer.
        secondary_activation: The function g, as `activation`; each layer.
        bottleneck: Int >= 1, channels after the activation; None means `channels`.
        head_channels: Int >= 1, channels of the head output.
        head_kernel_size: Int >= 1, taps of the head's convolution.
        head_dilation: Int >= 1, its dilation.
        head_bias: Whether it has a bias.
        layer1x1_groups: Int >= 1, groups of the projection to the residual path; None: there is none.
        head1x1_channels: Int >= 1, channels of a projection to the head path; None: there is none.
        head1x1_groups: Int >= 1, its groups.
        groups_input: Int >= 1, groups of the dilated convolutions.
        groups_input_mixin: Int >= 1, groups of the condition's projections.
        films: Dict of the places where the condition scales and shifts (feature-wise linear modulation), each name of
            `FILM_SITES` with a dict of "shift", True, and "groups", 1, unless they differ. None: nowhere.

    Raises:
        ValueError: If an argument is outside its range.

    References:
        Perez et al., FiLM: Visual Reasoning with a General Conditioning Layer (2018), section 2.1.
    """

    def __init__(
        self,
        input_channels,
        condition_size,
        channels,
        dilations,
        kernel_sizes=3,
        activation="Tanh",
        gating_mode="none",
        secondary_activation="Sigmoid",
        bottleneck=None,
        head_channels=1,
        head_kernel_size=1,
        head_dilation=1,
        head_bias=True,
        layer1x1_groups=1,
        head1x1_channels=None,
        head1x1_groups=1,
        groups_input=1,
        groups_input_mixin=1,
        films=None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.input_channels, self.condition_size = input_channels, condition_size
        self.channels = check_positive_int("channels", channels)
        self.dilations = check_dilations(dilations)
        self.bottleneck = self.channels if bottleneck is None else check_positive_int("bottleneck", bottleneck)
        self.head_channels = check_positive_int("head_channels", head_channels)
        self.head_input_channels = self.bottleneck if head1x1_channels is None else head1x1_channels
        self.films = _checked_films(films, layer1x1_groups, head1x1_channels)
        policy = self.dtype_policy
        self.rechannel = CausalConv1D(
            channels, 1, use_bias=False, kernel_initializer=fan_in(), dtype=policy, name="rechannel"
        )
        of_each_layer = zip(
            self.dilations,
            self._each("kernel_sizes", kernel_sizes),
            self._each("activation", activation),
            self._each("gating_mode", gating_mode),
            self._each("secondary_activation", secondary_activation),
            strict=True,
        )
        self.layers = [
            NamLayer(
                self.channels,
                self.bottleneck,
                condition_size,
                kernel_size,
                dilation,
                function,
                mode,
                secondary,
                layer1x1_groups,
                head1x1_channels,
                head1x1_groups,
                groups_input,
                groups_input_mixin,
                self.films,
                dtype=policy,
                name=f"layer_{i}",
            )
            for i, (dilation, kernel_size, function, mode, secondary) in enumerate(of_each_layer)
        ]
        self.head_rechannel = CausalConv1D(
            self.head_channels,
            head_kernel_size,
            head_dilation,
            use_bias=head_bias,
            kernel_initializer=fan_in(),
            dtype=policy,
            name="head_rechannel",
        )

    def build(self, input_shape=None) -> None:
        """Builds the convolutions, whose input channels are all known."""
        self.rechannel.build((None, None, self.input_channels))
        for layer in self.layers:
            layer.build()
        self.head_rechannel.build((None, None, self.head_input_channels))
        self.built = True

    def compute(self, x, condition, head, convolve) -> tuple[Tensor, Tensor]:
        """Runs the layers.

        Args:
            x: `[batch, time, input_channels]`.
            condition: `[batch, time, condition_size]`.
            head: Head output of the array before, or None.
            convolve: Applies a `CausalConv1D` to its input, see `NamWaveNet`.

        Returns:
            `(x, head)`: `[batch, time, channels]` and `[batch, time, head_channels]`.
        """
        x = self.rechannel.apply_taps([x])
        for layer in self.layers:
            x, y = layer.compute(x, condition, convolve)
            head = y if head is None else head + y
        return x, convolve(self.head_rechannel, head)

    def convolutions(self) -> list[tuple[CausalConv1D, int]]:
        """List of `(CausalConv1D, its input channels)`, in the order of a `.nam` file."""
        return [
            (self.rechannel, self.input_channels),
            *(pair for layer in self.layers for pair in layer.convolutions()),
            (self.head_rechannel, self.head_input_channels),
        ]

    def _each(self, name, value):
        if not isinstance(value, (list, tuple)):
            return [value] * len(self.dilations)
        if len(value) != len(self.dilations):
            raise ValueError(f"Expected {len(self.dilations)} {name}, as many as dilations. Received: {name}={value!r}")
        return value


def _checked_films(films, layer1x1_groups, head1x1_channels):
    films = dict(films or {})
    if not set(films) <= set(FILM_SITES):
        raise ValueError(f"Expected films at {FILM_SITES}. Received: {sorted(films)}")
    for site, projection in (("layer1x1_post_film", layer1x1_groups), ("head1x1_post_film", head1x1_channels)):
        if site in films and projection is None:
            raise ValueError(f"Expected no {site} without a {site.split('_')[0]}. Received: {films[site]!r}")
    return {site: {"shift": True, "groups": 1, **film} for site, film in films.items()}
