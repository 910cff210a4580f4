"""What the loss and the metric of predicted distributions share."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._tensor import Tensor


class OfDistribution:
    """Saves the constructor argument `distribution` and brings it back."""

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "distribution": keras.saving.serialize_keras_object(self.distribution)}

    @classmethod
    def from_config(cls, config) -> "OfDistribution":
        """Returns the object of `get_config`."""
        return cls(**{**config, "distribution": keras.saving.deserialize_keras_object(config["distribution"])})


def weight_of_each_sample(sample_weight, samples) -> Tensor:
    """Returns weights `[batch]`, `[batch, 1]` or `[batch, time]` in the shape of `samples`, `[batch, time]`."""
    weight = ops.convert_to_tensor(sample_weight)
    check_weight(weight, samples)
    if len(weight.shape) == 1:
        weight = ops.expand_dims(weight, -1)
    return ops.broadcast_to(weight, ops.shape(samples))


def check_weight(weight, samples) -> None:
    """Raises a ValueError if weights are not of a shape that `samples`, `[batch, time]`, have weights of."""
    given, wanted = tuple(weight.shape), tuple(samples.shape)
    if len(given) not in (1, 2) or given[1:] not in ((), (None,), (1,), (wanted[1] or given[-1],)):
        raise ValueError(f"Expected sample_weight of shape [batch], [batch, 1] or {wanted}. Received: shape {given}")
