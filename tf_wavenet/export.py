"""SavedModels whose signatures a client without Python can drive."""

import math

import keras
import tensorflow as tf

from tf_wavenet.decoding.decoder import BLOCK_SAMPLES, Decoder
from tf_wavenet.mu_law import mu_law_decode, mu_law_encode
from tf_wavenet.streaming import Streamable


def export_saved_model(model, path, jit_compile=True):
    """Writes a TensorFlow SavedModel with everything a server needs: scoring, generation, companding.

    Signatures, all inputs and outputs by name (`[batch, time]` waveforms are float32 in [-1, 1]):

    - `serving_default`: waveform `[batch, time]` -> parameters `[batch, time, parameter_size]`.
    - `score`: waveform -> bits_per_sample `[batch]`, log_likelihood `[batch]` (nats, summed over time).
    - `generate`: num_samples, batch_size, seed (int64), temperature, top_k (0: off), top_p (1.0: off), all scalars ->
      generated `[batch_size, num_samples]`, the samples of `WaveNet.generate`.
    - `mu_law_encode`: waveform `[batch, time]` -> levels int32.
    - `mu_law_decode`: levels int32 `[batch, time]` -> decoded.

    A request outside these ranges, or with NaN, fails with an InvalidArgumentError that names the input;
    `mu_law_encode` clips instead, as the function does.

    Args:
        model: A `WaveNet`.
        path: Folder to write; a SavedModel that is there is replaced.
        jit_compile: Whether XLA compiles the generation loop in the process that serves.

    Raises:
        ValueError: If `model` is not a streaming model.
        RuntimeError: If the Keras backend is not TensorFlow.

    Example:
    >>> import tempfile, tensorflow as tf
    >>> from tf_wavenet import WaveNet
    >>> model = WaveNet(dilations=(1, 2), residual_channels=4, skip_channels=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_saved_model(model, folder)
    ...     signatures = tf.saved_model.load(folder).signatures
    >>> sorted(signatures)
    ['generate', 'mu_law_decode', 'mu_law_encode', 'score', 'serving_default']
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(f"Expected the Keras backend to be tensorflow. Received: {keras.backend.backend()}")
    if not (isinstance(model, Streamable) and hasattr(model, "distribution")):
        raise ValueError(f"Expected model to be a WaveNet. Received: {type(model).__name__}")
    served = _Served(model, jit_compile)
    tf.saved_model.save(served, path, signatures=served.signatures())


class _Served(tf.Module):
    """The functions behind the signatures, and the weights that they read."""

    def __init__(self, model, jit_compile):
        super().__init__()
        self._tracked = [weight.value for weight in model.weights]
        self._model = _Untracked(model)
        self._decoder = _Untracked(Decoder(model, jit_compile))

    def signatures(self):
        waveform = tf.TensorSpec([None, None], tf.float32, name="waveform")
        levels = tf.TensorSpec([None, None], tf.int32, name="levels")
        request = [
            tf.TensorSpec([], dtype, name=name)
            for name, dtype in (
                ("num_samples", tf.int32),
                ("batch_size", tf.int32),
                ("seed", tf.int64),
                ("temperature", tf.float32),
                ("top_k", tf.int32),
                ("top_p", tf.float32),
            )
        ]
        return {
            "serving_default": tf.function(self._predict, input_signature=[waveform]),
            "score": tf.function(self._score, input_signature=[waveform]),
            "generate": tf.function(self._generate, input_signature=request),
            "mu_law_encode": tf.function(self._encode, input_signature=[waveform]),
            "mu_law_decode": tf.function(self._decode, input_signature=[levels]),
        }

    def _predict(self, waveform):
        with tf.control_dependencies(_check_waveform(waveform)):
            return {"parameters": self._model.get()(tf.identity(waveform))}

    def _score(self, waveform):
        with tf.control_dependencies(
            [*_check_waveform(waveform), _check(tf.shape(waveform)[1] >= 1, "Expected waveform of at least 1 sample.")]
        ):
            nats = self._model.get().log_prob(tf.identity(waveform))
        return {
            "bits_per_sample": -tf.reduce_mean(nats, axis=1) / math.log(2.0),
            "log_likelihood": tf.reduce_sum(nats, axis=1),
        }

    def _generate(self, num_samples, batch_size, seed, temperature, top_k, top_p):
        finite = tf.math.is_finite(temperature)
        with tf.control_dependencies(
            [
                _check(num_samples >= 0, "Expected num_samples >= 0."),
                _check(batch_size >= 1, "Expected batch_size >= 1."),
                _check(seed >= 0, "Expected seed >= 0."),
                _check(finite & (temperature >= 0), "Expected temperature finite and >= 0."),
                _check(top_k >= 0, "Expected top_k >= 0; 0 is off."),
                _check((top_p > 0) & (top_p <= 1), "Expected top_p in (0, 1]; 1.0 is off."),
            ]
        ):
            batch_size = tf.identity(batch_size)
        decoder = self._decoder.get()
        size = self._model.get().distribution.parameter_size
        words = tf.cast(
            tf.stack([seed & 0xFFFFFFFF, tf.bitwise.right_shift(seed, tf.constant(32, tf.int64))]), tf.uint32
        )
        filtered = (top_k > 0) | (top_p < 1)
        kept = tf.where(top_k > 0, tf.minimum(top_k, size), size)

        def body(made, state, blocks):
            n = tf.minimum(num_samples - made, BLOCK_SAMPLES)
            audio, state = tf.cond(
                filtered,
                lambda: decoder.decode(state, n, words, temperature, kept, top_p),
                lambda: decoder.decode(state, n, words, temperature),
            )
            return made + n, state, blocks.write(blocks.size(), audio[:n])

        blocks = tf.TensorArray(tf.float32, size=0, dynamic_size=True, infer_shape=False, element_shape=[None, None])
        _, _, blocks = tf.while_loop(
            lambda made, *_: made < num_samples, body, (0, decoder.initial_state(batch_size), blocks)
        )
        audio = blocks.write(blocks.size(), tf.zeros([0, batch_size])).concat()
        finite = tf.reduce_all(tf.math.is_finite(audio))
        with tf.control_dependencies([_check(finite, "Expected the model to predict finite parameters.")]):
            return {"generated": tf.transpose(audio)}

    def _encode(self, waveform):
        finite = tf.reduce_all(tf.math.is_finite(waveform))
        with tf.control_dependencies([_check(finite, "Expected waveform without NaN or infinity.")]):
            return {"levels": mu_law_encode(tf.identity(waveform), self._model.get().mu)}

    def _decode(self, levels):
        mu = self._model.get().mu
        valid = tf.reduce_all((levels >= 0) & (levels <= mu))
        with tf.control_dependencies([_check(valid, f"Expected levels in [0, {mu}].")]):
            return {"decoded": mu_law_decode(tf.identity(levels), mu)}


class _Untracked:
    """Holds an object out of TensorFlow's sight, so that only the weights are saved with the functions."""

    def __init__(self, value):
        self.get = lambda: value


def _check(condition, message):
    return tf.debugging.Assert(condition, [message])


def _check_waveform(waveform):
    return [_check(tf.reduce_all(tf.abs(waveform) <= 1.0), "Expected waveform in [-1, 1], without NaN.")]
