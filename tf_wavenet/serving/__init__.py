"""What a SavedModel serves: signatures, the checks of their requests, and what is written about them."""

from tf_wavenet.serving.documents import describe, write_documents
from tf_wavenet.serving.signatures import Signatures

__all__ = ["Signatures", "describe", "write_documents"]
