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
    >>> state.take("linear.weight", (3, 2)).dtype
    dtype('float32')
    >>> state.check_all_taken()
    Traceback (most recent call last):
        ...
    tf_wavenet.importers.checkpoint_error.CheckpointError: model.pth: expected no linear.bias for this configuration
    """

    def __init__(self, tensors: dict[str, np.ndarray], path) -> None:
        if not isinstance(tensors, dict):
            raise CheckpointError(path, f"expected a dict of tensors. Received: {type(tensors).__name__}")
        self.tensors, self.path, self._taken = tensors, path, set()

    def __contains__(self, key: str) -> bool:
        return key in self.tensors

    def rows(self, key: str) -> int:
        """Returns the number of rows of a matrix, such as a table of speakers."""
        shape = np.shape(self.tensors[key])
        if len(shape) != 2:
            raise CheckpointError(self.path, f"expected {key} to be a matrix. Received: shape {list(shape)}")
        return shape[0]

    def take(self, key: str, shape: tuple[int, ...]) -> np.ndarray:
        """Returns a tensor, its weight norm folded if it has one.

        Args:
            key: Its name; with weight norm there are two others, `key_g` and `key_v`, or newer spellings of them.
            shape: Its shape, in which axes of length 1 do not count.

        Returns:
            float32 array, of the tensor's own shape.

        Raises:
            CheckpointError: If it is missing, has another shape, or is not finite; it names the key.
        """
        for names in self._weight_norms(key):
            if names[1] in self:
                direction = self._tensor(names[1], shape)
                magnitude = self._tensor(names[0], direction.shape[:1])
                magnitude = magnitude.reshape(-1, *(1 for _ in direction.shape[1:]))
                return self._finite(names[1], fold_weight_norm(magnitude, direction))
        return self._tensor(key, shape)

    def ignore(self, prefix: str) -> None:
        """Counts all tensors whose names begin so as used: their values change nothing."""
        self._taken.update(key for key in self.tensors if str(key).startswith(prefix))

    def check_all_taken(self) -> None:
        """Raises a CheckpointError that names the first tensor that nothing took."""
        for key in self.tensors:
            if key not in self._taken:
                raise CheckpointError(self.path, f"expected no {key} for this configuration")

    @staticmethod
    def _weight_norms(key):
        """Returns the names of magnitude and direction, in either spelling."""
        module, _, name = key.rpartition(".")
        return [
            (f"{key}_g", f"{key}_v"),
            tuple(f"{module}.parametrizations.{name}.original{i}" for i in range(2)),
        ]

    def _tensor(self, key, shape):
        if key not in self:
            raise CheckpointError(self.path, f"expected {key}. Received: no such key")
        value = self.tensors[key]
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            raise CheckpointError(self.path, f"expected {key} to be a tensor of floating point numbers")
        if [n for n in value.shape if n != 1] != [n for n in shape if n != 1]:
            raise CheckpointError(self.path, f"expected {key} of shape {list(shape)}. Received: {list(value.shape)}")
        self._taken.add(key)
        return self._finite(key, value.astype(np.float32))

    def _finite(self, key, value):
        if not np.all(np.isfinite(value)):
            raise CheckpointError(self.path, f"expected finite numbers in {key}. Received: NaN or infinite")
        return value
