"""Output distributions: what the parameters that a model predicts for one sample mean.

All have `parameter_size`, `has_levels`, `log_prob`, `sample`, `mode` and `quantize`, and compute in float32.

May import signal.
"""

from tf_wavenet.distributions.gaussian import Gaussian
from tf_wavenet.distributions.mixture_of_gaussians import MixtureOfGaussians
from tf_wavenet.distributions.mixture_of_logistics import MixtureOfLogistics
from tf_wavenet.distributions.mu_law_categorical import MuLawCategorical
from tf_wavenet.distributions.residual import Residual

__all__ = ["Gaussian", "MixtureOfGaussians", "MixtureOfLogistics", "MuLawCategorical", "Residual"]
