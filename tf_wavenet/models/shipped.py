"""Trained models that come with the package."""

from pathlib import Path

import keras

_PACKAGE = Path(__file__).parents[1]
FOLDERS = _PACKAGE / "saved_models", _PACKAGE.parent / "saved_models"  # in an installed wheel, in a checkout


def shipped() -> tuple[str, ...]:
    """Lists the trained models that come with the package.

    Returns:
        Their names for `load`, sorted.

    Example:
    >>> shipped()
    ('acoustic_16k', 'istft_vocoder_16k', 'lpc_vocoder_16k', 'piano_8k')
    """
    return tuple(sorted(_files()))


def load(name: str) -> keras.Model:
    """Loads a trained model that comes with the package; `saved_models/README.md` says what each is good for.

    The weights are float16 in the file and float32 in the model. It is not compiled: call `compile` to train it
    further, `generate` or `stream` to hear it.

    Args:
        name: One of `shipped()`. A `.keras` file of your own is loaded by `keras.models.load_model`.

    Returns:
        The model.

    Raises:
        ValueError: If no model of that name comes with the package.

    Example:
    >>> vocoder = load("istft_vocoder_16k")
    >>> mels = keras.ops.zeros((1, 10, 80))  # as `tf_wavenet.signal.log_mel(waveform, vocoder.mel_spec)` makes
    >>> vocoder.generate(mels).shape  # of one utterance of 10 frames, 12.5 ms each, at 16 kHz
    (1, 2000)
    """
    files = _files()
    if name not in files:
        raise ValueError(f"Expected name to be one of {sorted(files)}. Received: name={name!r}")
    return keras.models.load_model(files[name], compile=False)


def _files():
    return {path.stem: path for folder in reversed(FOLDERS) for path in folder.glob("*.keras")}
