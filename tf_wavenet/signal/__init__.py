"""Pure signal processing through `keras.ops`: what needs no weights and no files."""

from tf_wavenet.signal.mel_inversion import mel_to_magnitude

__all__ = ["mel_to_magnitude"]
