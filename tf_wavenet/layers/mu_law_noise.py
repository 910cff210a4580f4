"""Noise of a few mu-law levels, while training."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_number
from tf_wavenet.signal.mu_law import check_mu, mu_law_compand, mu_law_expand
from tf_wavenet.streaming.rematerialized import Rematerialized


@registered
class MuLawNoise(Rematerialized, keras.layers.Layer):
    """Adds Gaussian noise to the companded waveform while training; does nothing else.

    A model that has only ever seen true samples does not know what to do after one of its own that is not quite right.
    Each row has noise of its own strength: none, a quarter, a half or all of `levels`. The state of the random numbers
    is saved with the layer, so that a training that is resumed draws what it would have drawn.

    Args:
        levels: Number >= 0, the largest standard deviation in mu-law levels.
        mu: Positive int, the highest level.
        seed: Int or None, of the random numbers.

    Input shape:
        `[batch, time]`, waveform in [-1, 1].

    Output shape:
        As the input's, float32.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> layer = MuLawNoise(levels=2.0, seed=0)
    >>> silence = keras.ops.zeros((8, 100))
    >>> float(keras.ops.max(layer(silence))), bool(keras.ops.max(layer(silence, training=True)) > 0)
    (0.0, True)

    References:
        Valin and Skoglund, LPCNet (2019), section 3.4: noise of the past in the mu-law domain.
    """

    def __init__(self, levels=2.0, mu=255, seed=None, **kwargs) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.levels = check_number("levels", levels)
        if self.levels < 0:
            raise ValueError(f"Expected levels to be at least 0. Received: levels={levels}")
        self.mu = check_mu(mu)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs, training=None) -> Tensor:
        """Adds the noise, if training."""
        x = ops.cast(inputs, "float32")
        if not training or not self.levels:
            return x
        strength = ops.floor(4.0 * keras.random.uniform((ops.shape(x)[0], 1), seed=self.seed_generator))
        strength = ops.where(strength > 0, 2.0 ** (strength - 3.0), 0.0) * (2.0 * self.levels / self.mu)
        noise = strength * keras.random.normal(ops.shape(x), seed=self.seed_generator)
        return mu_law_expand(mu_law_compand(x, self.mu) + noise, self.mu)

    def save_own_variables(self, store) -> None:
        """Keeps the state of the random numbers, which Keras leaves out."""
        store["noise"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store) -> None:
        """Restores it, where the file holds it."""
        if "noise" in store.keys():  # noqa: SIM118, a store of HDF5 knows no `in`
            self.seed_generator.state.assign(store["noise"])

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `input_shape`."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "levels": self.levels, "mu": self.mu, "seed": self.seed}
