"""Linear prediction from log-mel features, as a layer that streams."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_number, is_int
from tf_wavenet.signal import linear_prediction, voicing
from tf_wavenet.signal.mel_spec import MelSpec


@registered
class LinearPredictor(keras.layers.Layer):
    """Predicts each sample as a weighted sum of those before it, with the weights that its mel frame tells.

    There are no weights to learn, and arithmetic is float32 whatever the dtype policy. `coefficients` makes the
    predictors of the frames (`tf_wavenet.signal.linear_prediction`); `call`, `step` and `prime` apply them to the
    samples before the present one, `previous[t] = x[t - 1]`, and say besides what the last prediction missed.

    Args:
        mel_spec: `MelSpec` of the features; its `preemphasis` is that of the waveform.
        order: Int >= 0, samples that a prediction is made of; 0 predicts silence, for comparisons.
        lag_window: In Hz, as in `tf_wavenet.signal.linear_prediction`.
        white_noise: As in `tf_wavenet.signal.linear_prediction`.
        voiced_temperature: Positive number, the factor on the temperature of sampling in voiced frames: where a period
            repeats itself, less of what is drawn should be noise. An attribute that may be set at any time.

    Input shape:
        `previous`, `[batch, time]`, and `coefficients`, `[batch, time, order]`; without time in `step`.

    Output shape:
        A pair, each as `previous`: the prediction of x[t], and the last residual, `x[t - 1]` less its prediction.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> import numpy as np
    >>> layer = LinearPredictor(MelSpec.from_preset("speech_16k"))
    >>> a = layer.coefficients(np.full((1, 2, 80), -5.0, "float32"))  # of two frames of 200 samples
    >>> prediction, residual = layer(np.zeros((1, 400), "float32"), keras.ops.repeat(a, 200, axis=1))
    >>> tuple(prediction.shape), tuple(residual.shape)
    ((1, 400), (1, 400))

    References:
        Valin and Skoglund, LPCNet (2019), section 2; Hwang et al., LP-WaveNet (2018), section 3.
    """

    def __init__(self, mel_spec, order=16, lag_window=40.0, white_noise=1e-4, voiced_temperature=1.0, **kwargs) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.mel_spec = keras.saving.deserialize_keras_object(mel_spec) if isinstance(mel_spec, dict) else mel_spec
        if not isinstance(self.mel_spec, MelSpec):
            raise ValueError(f"Expected mel_spec to be a MelSpec. Received: mel_spec={mel_spec!r}")
        if not is_int(order) or not 0 <= order < self.mel_spec.num_mels:
            raise ValueError(f"Expected order to be an int in [0, num_mels). Received: order={order!r}")
        self.order = int(order)
        self.lag_window = check_number("lag_window", lag_window)
        self.white_noise = check_number("white_noise", white_noise)
        if self.lag_window < 0 or self.white_noise < 0:
            raise ValueError(f"Expected lag_window and white_noise >= 0. Received: {lag_window=}, {white_noise=}")
        self.voiced_temperature = check_number("voiced_temperature", voiced_temperature)
        if self.voiced_temperature <= 0:
            raise ValueError(f"Expected voiced_temperature to be positive. Received: {voiced_temperature}")
        self.built = True

    def coefficients(self, features) -> Tensor:
        """Returns the predictors of frames, float32 `[..., order]`, for log-mels `[..., num_mels]`."""
        return linear_prediction(features, self.mel_spec, self.order, self.lag_window, self.white_noise)

    def temperature(self, features) -> Tensor:
        """Returns the factors on the temperature of frames, float32 `[...]`, for log-mels `[..., num_mels]`."""
        if self.voiced_temperature == 1.0:
            return ops.ones(ops.shape(features)[:-1], "float32")
        return 1.0 + (self.voiced_temperature - 1.0) * voicing(features, self.mel_spec)

    def call(self, previous, coefficients) -> tuple[Tensor, Tensor]:
        """Predicts a whole sequence from a past of silence."""
        return self.prime(previous, self.get_initial_state(ops.shape(previous)[0]), coefficients)[0]

    def get_initial_state(self, batch_size) -> dict[str, Tensor]:
        """Returns the state before the first sample.

        Args:
            batch_size: Int or scalar integer tensor.

        Returns:
            Dict: `past`, float32 `[batch, order - 1]`, the samples before the last one, oldest first; `prediction`,
            float32 `[batch]`, the last.
        """
        return {
            "past": ops.zeros((batch_size, self._past), "float32"),
            "prediction": ops.zeros((batch_size,), "float32"),
        }

    def step(self, previous, state, coefficients) -> tuple[tuple[Tensor, Tensor], dict[str, Tensor]]:
        """Predicts one sample.

        Args:
            previous: `[batch]`, the sample before it.
            state: The state of `get_initial_state` or of the step before.
            coefficients: `[batch, order]`.

        Returns:
            `((prediction, residual), state)`: two of `[batch]`, and the next state.
        """
        previous, coefficients = ops.cast(previous, "float32"), ops.convert_to_tensor(coefficients)
        joined = ops.concatenate([state["past"], ops.expand_dims(previous, -1)], axis=-1)
        prediction = ops.zeros_like(previous)
        if self.order:
            prediction = ops.sum(ops.flip(joined, axis=-1) * coefficients, axis=-1)
        new = {"past": joined[:, joined.shape[1] - self._past :], "prediction": prediction}
        return (prediction, previous - state["prediction"]), new

    def prime(self, previous, state, coefficients) -> tuple[tuple[Tensor, Tensor], dict[str, Tensor]]:
        """Predicts a block of samples in parallel, as many `step`s would; time >= 1."""
        previous, coefficients = ops.cast(previous, "float32"), ops.convert_to_tensor(coefficients)
        time = ops.shape(previous)[1]
        joined = ops.concatenate([state["past"], previous], axis=1)
        prediction = ops.zeros_like(previous)
        for k in range(self.order):
            prediction = prediction + coefficients[..., k] * joined[:, self._past - k :][:, :time]
        before = ops.concatenate([ops.expand_dims(state["prediction"], 1), prediction[:, :-1]], axis=1)
        new = {"past": joined[:, ops.shape(joined)[1] - self._past :], "prediction": prediction[:, -1]}
        return (prediction, previous - before), new

    def pack_state(self, state) -> Tensor:
        """Returns `[batch, state_size]`; see `tf_wavenet.Streamable`."""
        return ops.concatenate([state["past"], ops.expand_dims(state["prediction"], -1)], axis=-1)

    def unpack_state(self, rows, time=None) -> dict[str, Tensor]:
        """Returns the state of `pack_state`'s rows, whatever the time."""
        rows = ops.cast(ops.convert_to_tensor(rows), "float32")
        return {"past": rows[:, : self._past], "prediction": rows[:, self._past]}

    @property
    def state_size(self) -> int:
        """Int, the numbers of one stream's state."""
        return self._past + 1

    @property
    def receptive_field(self) -> int:
        """Int, the inputs that the outputs depend on: the last residual needs one more than the prediction."""
        return self.order + 1

    @property
    def _past(self):
        return max(self.order - 1, 0)

    def compute_output_shape(
        self, previous_shape, coefficients_shape=None
    ) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
        """Returns the shapes of the prediction and the residual."""
        return tuple(previous_shape), tuple(previous_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "mel_spec": keras.saving.serialize_keras_object(self.mel_spec),
            "order": self.order,
            "lag_window": self.lag_window,
            "white_noise": self.white_noise,
            "voiced_temperature": self.voiced_temperature,
        }
