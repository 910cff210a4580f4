"""Optimizers for `compile`.

May import nothing of this package.
"""

from tf_wavenet.optimizers.muon import Muon

__all__ = ["Muon"]
