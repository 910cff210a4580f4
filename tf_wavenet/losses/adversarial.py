"""Least-squares losses of generators and discriminators, and feature matching: pure functions.

Each takes what discriminators return: a list, for each discriminator a list of the outputs of its layers, the last of
which are its scores, 1 for real and 0 for generated audio. Discriminators are summed, all else is averaged.
"""

from keras import ops

from tf_wavenet._tensor import Tensor


def discriminator_loss(real, generated) -> Tensor:
    """Returns the loss of discriminators: the distance of scores from 1 for real, from 0 for generated audio.

    Args:
        real: Outputs for real audio.
        generated: Outputs for generated audio.

    Returns:
        Scalar tensor.

    Example:
    >>> from keras import ops
    >>> float(discriminator_loss([[ops.ones((2, 5))]], [[ops.ones((2, 5))]]))
    1.0

    References:
        Mao et al., Least Squares Generative Adversarial Networks (2017), equation 2; Kong et al., HiFi-GAN (2020),
        equation 1.
    """
    return sum(ops.mean(ops.square(r[-1] - 1.0)) + ops.mean(ops.square(g[-1])) for r, g in _pairs(real, generated))


def generator_loss(generated) -> Tensor:
    """Returns the loss of a generator: the distance of its scores from 1.

    Args:
        generated: Outputs for generated audio.

    Returns:
        Scalar tensor.

    Example:
    >>> from keras import ops
    >>> fooled, alert = ops.ones((2, 5)), ops.zeros((2, 5))  # the scores of two discriminators
    >>> float(generator_loss([[fooled], [alert]]))
    1.0

    References:
        Kong et al., HiFi-GAN (2020), equation 2.
    """
    return sum(ops.mean(ops.square(outputs[-1] - 1.0)) for outputs in generated)


def feature_matching_loss(real, generated) -> Tensor:
    """Returns the mean absolute difference of each layer's outputs, summed over layers and discriminators.

    Args:
        real: Outputs for real audio.
        generated: Outputs for audio that was generated to equal it.

    Returns:
        Scalar tensor.

    Example:
    >>> from keras import ops
    >>> real, generated = ops.ones((2, 5)), ops.zeros((2, 5))
    >>> float(feature_matching_loss([[real, real]], [[generated, generated]]))  # one discriminator of two layers
    2.0

    References:
        Larsen et al., Autoencoding beyond Pixels using a Learned Similarity Metric (2016); Kong et al., HiFi-GAN
        (2020), equation 4.
    """
    layers = [layer for r, g in _pairs(real, generated) for layer in _pairs(r, g)]
    return sum(ops.mean(ops.abs(ops.subtract(r, g))) for r, g in layers)


def _pairs(real, generated):
    return zip(real, generated, strict=True)
