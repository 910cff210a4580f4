"""Weights of other projects' models, read without their software."""

from tf_wavenet.importers.checkpoint_error import CheckpointError
from tf_wavenet.importers.checkpoint_file import read_checkpoint
from tf_wavenet.importers.state_dict import StateDict, fold_weight_norm
from tf_wavenet.importers.torch_checkpoint import read_torch_checkpoint

__all__ = ["CheckpointError", "StateDict", "fold_weight_norm", "read_checkpoint", "read_torch_checkpoint"]
