"""What a SavedModel serves: signatures, the checks of their requests, and what is written about them."""

from tf_wavenet.serving.documents import describe, write_assets, write_documents
from tf_wavenet.serving.signatures import Signatures
from tf_wavenet.serving.vocoder_signatures import VocoderSignatures
from tf_wavenet.serving.warmup import write_warmup

__all__ = ["Signatures", "VocoderSignatures", "describe", "write_assets", "write_documents", "write_warmup"]
