"""An optimizer that orthogonalises the steps of kernels."""

import math
from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered_as
from tf_wavenet._validation import check_number, check_positive_int

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration; they raise small singular values fastest
_TINY = 1e-12


@registered_as("Muon")  # its name in files saved before it was called otherwise than Keras's
class ConvMuon(keras.optimizers.Optimizer):
    """Muon for convolutions: momentum whose steps are orthogonalised for kernels of any rank, Adam for the rest.

    A kernel is laid out as the matrix of the product that it computes, `[taps * input channels, output channels]`, so
    that kernels of convolutions count as those of dense layers (`keras.optimizers.Muon` gives them to Adam). The
    singular values of its momentum are brought near 1 by Newton-Schulz iterations, and the step has the root mean
    square `0.2 * learning_rate`, about that of Adam's, so learning rates of Adam can be kept. They run on the smaller
    Gram matrix, which takes fewer multiplications than iterating on a long kernel. Adam takes biases, vectors, kernels
    of a single output channel, and variables with "embedding" in their path.

    Args:
        learning_rate: Float, schedule or callable.
        momentum: Float in [0, 1), of the kernels' Nesterov momentum.
        beta_1: Float in [0, 1), Adam's, of the mean of gradients.
        beta_2: Float in [0, 1), Adam's, of the mean of squares.
        epsilon: Float > 0, Adam's.
        ns_steps: Int >= 1, Newton-Schulz iterations.
        name: Name of the optimizer.
        **kwargs: As of every Keras optimizer: `weight_decay`, `global_clipnorm`, `use_ema`, ...

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> model = keras.Sequential([keras.Input((None, 3)), keras.layers.Conv1D(4, 5)])
    >>> model.compile(ConvMuon(1e-3), "mse")
    >>> model.fit(ops.zeros((2, 10, 3)), ops.ones((2, 6, 4)), verbose=0).epoch
    [0]

    References:
        Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024); Liu et al., Muon is scalable for
        LLM training (2025), section 2.2: the root mean square.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        momentum=0.95,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        ns_steps=5,
        name="muon",
        **kwargs,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.momentum = check_number("momentum", momentum)
        self.beta_1 = check_number("beta_1", beta_1)
        self.beta_2 = check_number("beta_2", beta_2)
        self.epsilon = check_number("epsilon", epsilon)
        self.ns_steps = check_positive_int("ns_steps", ns_steps)
        for field in ("momentum", "beta_1", "beta_2"):
            if not 0 <= getattr(self, field) < 1:
                received = f"{field}={getattr(self, field)}"
                raise ValueError(f"Expected {field} to be at least 0 and below 1. Received: {received}")
        if epsilon <= 0:
            raise ValueError(f"Expected epsilon to be positive. Received: epsilon={epsilon}")

    def build(self, variables) -> None:
        """Makes a mean of gradients for each variable, and of their squares for those that Adam takes."""
        if self.built:
            return
        super().build(variables)
        self._means = self.add_optimizer_variables(variables, "mean")
        self._squares = [
            None if _is_kernel(variable) else self.add_variable_from_reference(variable, name="square")
            for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate) -> None:
        """Moves one variable."""
        index = self._get_variable_index(variable)
        mean, square = self._means[index], self._squares[index]
        gradient = ops.cast(gradient, variable.dtype)
        rate = ops.cast(learning_rate, variable.dtype)
        if square is None:
            self.assign(mean, self.momentum * mean + (1 - self.momentum) * gradient)
            ahead = self.momentum * mean + (1 - self.momentum) * gradient
            self.assign_sub(variable, 0.2 * rate * self._orthogonal(ahead))
            return
        self.assign(mean, self.beta_1 * mean + (1 - self.beta_1) * gradient)
        self.assign(square, self.beta_2 * square + (1 - self.beta_2) * ops.square(gradient))
        steps = ops.cast(self.iterations + 1, variable.dtype)
        unbiased, scale = mean / (1 - self.beta_1**steps), ops.sqrt(square / (1 - self.beta_2**steps))
        self.assign_sub(variable, rate * unbiased / (scale + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "ns_steps": self.ns_steps,
        }

    def _orthogonal(self, gradient):
        """Returns the nearest orthogonal matrix, about, times the root of its longer side: of root mean square 1."""
        matrix = ops.reshape(gradient, (-1, gradient.shape[-1]))
        wide = matrix.shape[0] < matrix.shape[1]
        if wide:
            matrix = ops.transpose(matrix)
        matrix = matrix / (ops.sqrt(ops.sum(ops.square(matrix))) + _TINY)
        a, b, c = _COEFFICIENTS
        one = ops.eye(matrix.shape[1], dtype=matrix.dtype)
        # X <- X (a + b G + c G^2), G = X^T X: the products of the brackets come first, and meet the matrix once.
        gram, product = ops.matmul(ops.transpose(matrix), matrix), one
        for _ in range(self.ns_steps):
            bracket = a * one + b * gram + c * ops.matmul(gram, gram)
            product = ops.matmul(product, bracket)
            gram = ops.matmul(ops.matmul(bracket, gram), bracket)
        matrix = math.sqrt(matrix.shape[0]) * ops.matmul(matrix, product)
        return ops.reshape(ops.transpose(matrix) if wide else matrix, gradient.shape)


def _is_kernel(variable):
    return len(variable.shape) >= 2 and min(variable.shape[-2:]) > 1 and "embedding" not in variable.path
