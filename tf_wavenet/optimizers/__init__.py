"""Optimizers for `compile`.

May import nothing of this package.
"""

from tf_wavenet.optimizers.conv_muon import ConvMuon

__all__ = ["ConvMuon"]
