"""The tensors of a model, taken one by one, each checked."""

import numpy as np

from tf_wavenet.importers.checkpoint_error import CheckpointError


def fold_weight_norm(magnitude: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Returns the weight that PyTorch's weight norm makes, `g v / |v|`, norms over all axes but the first.

    Args:
        magnitude: `g`, `[n, 1, ...]`.
        direction: `v`, `[n, ...]`.

    Returns:
        float32 array of `direction`'s shape.

    Example:
    >>> fold_weight_norm(np.array([[10.0]]), np.array([[3.0, 4.0]])).tolist()
    [[6.0, 8.0]]

    References:
        Salimans and Kingma, Weight Normalization (2016), section 2, equation 2.
    """
    direction = np.asarray(direction, np.float64)
    norm = np.sqrt(np.sum(direction**2, axis=tuple(range(1, direction.ndim)), keepdims=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        return (magnitude * direction / norm).astype(np.float32)


class StateDict:
    """Names and tensors of a PyTorch module, of which every one must be used, in the shape that is expected.

    Args:
        tensors: Dict of arrays, as a file held them.
        path: The file, for messages.

    Raises:
        CheckpointError: If `tensors` is no dict.

    Example:
    >>> state = StateDict({"linear.weight": np.ones((3, 2)), "linear.bias": np.zeros(3)}, "model.pth")
    >>> state.weight("linear", (3, 2)).dtype
    dtype('float32')
    >>> state.check_all_taken()
    Traceback (most recent call last):
        ...
    tf_wavenet.importers.checkpoint_error.CheckpointError: model.pth: expected no linear.bias for this configuration
    """

    # The two spellings of weight norm: g and v.
    _NORMED = (("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1"))

    def __init__(self, tensors: dict[str, np.ndarray], path):
        if not isinstance(tensors, dict):
            raise CheckpointError(path, f"expected a dict of tensors. Received: {type(tensors).__name__}")
        self.tensors, self.path, self._taken = tensors, path, set()

    def __contains__(self, key: str) -> bool:
        return key in self.tensors

    def shape(self, name: str) -> tuple[int, ...]:
        """Returns the shape of a weight, folded or not."""
        for key in (f"{name}.weight", *(f"{name}.{v}" for _, v in self._NORMED)):
            if key in self:
                return np.shape(self.tensors[key])
        raise CheckpointError(self.path, f"expected {name}.weight. Received: no such key")

    def take(self, key: str, shape: tuple[int, ...]) -> np.ndarray:
        """Returns a tensor as float32; raises a CheckpointError that names a key which is missing or does not fit."""
        if key not in self:
            raise CheckpointError(self.path, f"expected {key}. Received: no such key")
        value = self.tensors[key]
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            raise CheckpointError(self.path, f"expected {key} to be a tensor of floating point numbers")
        if value.shape != tuple(shape):
            raise CheckpointError(self.path, f"expected {key} of shape {list(shape)}. Received: {list(value.shape)}")
        self._taken.add(key)
        return self._finite(value.astype(np.float32), key)

    def weight(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Returns the weight of a layer, its weight norm folded if it has one."""
        for g, v in self._NORMED:
            if f"{name}.{v}" in self:
                magnitude = self.take(f"{name}.{g}", (shape[0], *(1 for _ in shape[1:])))
                folded = fold_weight_norm(magnitude, self.take(f"{name}.{v}", shape))
                return self._finite(folded, f"{name}.{v}")
        return self.take(f"{name}.weight", shape)

    def bias(self, name: str, size: int) -> np.ndarray:
        """Returns the bias of a layer."""
        return self.take(f"{name}.bias", (size,))

    def ignore(self, *keys: str) -> None:
        """Counts keys as used whose values change nothing."""
        self._taken.update(keys)

    def check_all_taken(self) -> None:
        """Raises a CheckpointError that names the first tensor that nothing took."""
        for key in self.tensors:
            if key not in self._taken:
                raise CheckpointError(self.path, f"expected no {key} for this configuration")

    def _finite(self, value, key):
        if not np.all(np.isfinite(value)):
            raise CheckpointError(self.path, f"expected finite numbers in {key}. Received: NaN or infinite")
        return value
