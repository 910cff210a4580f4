"""Decodes audio inside a tf.data graph."""

import os
from typing import TYPE_CHECKING

from tf_wavenet.data._tensorflow import import_tensorflow
from tf_wavenet.data.audio import load_audio
from tf_wavenet.data.read_audio import check_sample_rate

if TYPE_CHECKING:
    import tensorflow as tf


def decode_audio(path: "tf.Tensor", sample_rate: int, engine: str = "libsndfile") -> "tf.Tensor":
    """Reads one audio file as mono at `sample_rate`: `load_audio` for pipelines of one's own.

    Args:
        path: Scalar string tensor.
        sample_rate: Rate of the result in Hz, 1000 to 384000.
        engine: "libsndfile" is `load_audio` behind `tf.numpy_function`: every format, resampling, every check; decoding
            does not hold Python's lock. "tensorflow-io" runs without Python, so the pipeline can be serialised. It
            takes what `training.prepare` writes and no more: 16-bit WAV and FLAC that are at `sample_rate` already.
            Decode files once by `index_corpus` before, because tensorflow-io's FLAC decoder does not return on some
            damaged ones. Its samples are equal to the bit, its speed is lower. Its other decoders
            and its resampler are not used: slower, and the resampler is inaccurate.

    Returns:
        float32 tensor [time] in [-1, 1].

    Example:
    >>> import tempfile, numpy as np, soundfile, tensorflow as tf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/clip.wav", np.zeros(800), 16000)
    ...     names = tf.data.Dataset.from_tensors(f"{folder}/clip.wav")
    ...     [waveform] = names.map(lambda name: decode_audio(name, 8000))
    >>> tuple(waveform.shape)
    (400,)

    Raises:
        AudioError: If `sample_rate` is out of range. At run time a bad file is a tf.errors.OpError.
        ImportError: If TensorFlow is not installed; if the engine is "tensorflow-io" and it is not installed, or not
            made for this tensorflow.
        ValueError: If there is no such engine.
    """
    tf = import_tensorflow("decode_audio")
    check_sample_rate(sample_rate, "sample_rate")
    if engine == "libsndfile":
        read = lambda name: load_audio(os.fsdecode(name), sample_rate)  # noqa: E731
        return tf.ensure_shape(tf.numpy_function(read, [path], tf.float32), [None])
    if engine == "tensorflow-io":
        return _decode_with_tensorflow_io(tf, path, sample_rate)
    raise ValueError(f"Expected engine to be 'libsndfile' or 'tensorflow-io'. Received: engine={engine!r}")


def _decode_with_tensorflow_io(tf, path, sample_rate):
    import tensorflow_io

    content = tf.io.read_file(path)

    def flac():
        rate = tf.cast(tf.io.decode_raw(tf.strings.substr(content, 18, 3), tf.uint8), tf.int32)  # STREAMINFO, 20 bits
        levels = tensorflow_io.audio.decode_flac(content, dtype=tf.int16)
        return rate[0] * 4096 + rate[1] * 16 + rate[2] // 16, levels

    def wav():
        rate = tf.io.decode_raw(tf.strings.substr(content, 24, 4), tf.int32)[0]  # the fmt chunk, first in the file
        return rate, tensorflow_io.audio.decode_wav(content, dtype=tf.int16)

    rate, levels = tf.cond(tf.strings.substr(content, 0, 4) == b"fLaC", flac, wav)
    message = "expected a file at the pipeline's sample rate; training.prepare makes such files"
    with tf.control_dependencies([tf.debugging.assert_equal(rate, sample_rate, message)]):
        return tf.reduce_mean(tf.cast(levels, tf.float32) / 32768.0, axis=1)
