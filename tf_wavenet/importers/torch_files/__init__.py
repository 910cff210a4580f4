"""Checkpoints of PyTorch, NumPy and safetensors, read without the programs that wrote them.

May import nothing of this package but the importers' error.
"""

from tf_wavenet.importers.torch_files.checkpoint_file import read_checkpoint
from tf_wavenet.importers.torch_files.torch_checkpoint import read_torch_checkpoint

__all__ = ["read_checkpoint", "read_torch_checkpoint"]
