"""Models that others have trained, read without their software; nothing in a file is executed.

May import signal, distributions, layers and models.
"""

from tf_wavenet.importers.checkpoint_error import CheckpointError
from tf_wavenet.importers.ibab import from_ibab, read_tf1_checkpoint
from tf_wavenet.importers.import_weights import import_weights
from tf_wavenet.importers.jik876 import from_jik876
from tf_wavenet.importers.kan_bayashi import from_kan_bayashi
from tf_wavenet.importers.nam import read_nam, write_nam
from tf_wavenet.importers.nam_loudness import nam_loudness
from tf_wavenet.importers.r9y9 import from_r9y9
from tf_wavenet.importers.settings import Settings
from tf_wavenet.importers.state_dict import StateDict, fold_weight_norm
from tf_wavenet.importers.statistics import read_statistics
from tf_wavenet.importers.torch_files.checkpoint_file import read_checkpoint
from tf_wavenet.importers.torch_files.torch_checkpoint import read_torch_checkpoint

__all__ = [
    "CheckpointError",
    "Settings",
    "StateDict",
    "fold_weight_norm",
    "from_ibab",
    "from_jik876",
    "from_kan_bayashi",
    "from_r9y9",
    "import_weights",
    "nam_loudness",
    "read_checkpoint",
    "read_nam",
    "read_statistics",
    "read_tf1_checkpoint",
    "read_torch_checkpoint",
    "write_nam",
]
