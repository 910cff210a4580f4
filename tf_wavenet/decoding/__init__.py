"""Compiled schedules of `Streamable` models: generation, a loop over `step`, and processing block by block.

May import nothing of this package: it knows models by the protocols of `streaming` alone.
"""

from tf_wavenet.decoding.block_processor import block_processor
from tf_wavenet.decoding.decoder import Decoder, generate, stream
from tf_wavenet.decoding.generation_request import GenerationRequest

__all__ = ["Decoder", "GenerationRequest", "block_processor", "generate", "stream"]
