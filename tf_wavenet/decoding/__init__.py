"""Incremental generation: one compiled loop over `Streamable.step`."""

from tf_wavenet.decoding.decoder import Decoder, generate, stream

__all__ = ["Decoder", "generate", "stream"]
