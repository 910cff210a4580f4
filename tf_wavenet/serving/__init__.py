"""What a SavedModel serves: signatures, the checks of their requests, and what is written about them.

May import files, signal, streaming, decoding and models.
"""

from tf_wavenet.serving.documents import describe, write_documents
from tf_wavenet.serving.effect_signatures import EffectSignatures
from tf_wavenet.serving.replace_folder import replace_folder
from tf_wavenet.serving.served import Served
from tf_wavenet.serving.signatures import Signatures
from tf_wavenet.serving.vocoder_signatures import VocoderSignatures
from tf_wavenet.serving.warmup import write_warmup

__all__ = [
    "EffectSignatures",
    "Served",
    "Signatures",
    "VocoderSignatures",
    "describe",
    "replace_folder",
    "write_documents",
    "write_warmup",
]
