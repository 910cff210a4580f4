"""SavedModels whose signatures a client without Python can drive."""

import json
import math

import keras
import tensorflow as tf

from tf_wavenet.decoding.decoder import Decoder, condition_block
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

    The first three also take the conditions that the model has: local_condition, float32 `[batch, frames, channels]`,
    with a frame for every sample, and global_condition, int32 `[batch]` with speakers, else float32 `[batch,
    channels]`. A model with a `MelSpec` has one more:

    - `log_mel`: waveform `[batch, time]` at the spec's rate -> features `[batch, frames, num_mels]`, spec (JSON text).

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
        conditions = self._condition_specs()
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
        model, named = self._model.get(), [*request, *conditions.values()]
        signatures = {
            "serving_default": self._function(self._predict, [waveform, *conditions.values()]),
            "score": self._function(self._score, [waveform, *conditions.values()]),
            "generate": self._function(self._generate, named),
            "mu_law_encode": tf.function(self._encode, input_signature=[waveform]),
            "mu_law_decode": tf.function(self._decode, input_signature=[levels]),
        }
        if getattr(model, "mel_spec", None) is not None:
            signatures["log_mel"] = tf.function(self._log_mel, input_signature=[waveform])
        return signatures

    def _condition_specs(self):
        layer, specs = self._model.get().conditioning, {}
        if layer is None:
            return specs
        if layer.local_channels is not None:
            specs["local_condition"] = tf.TensorSpec([None, None, layer.local_channels], tf.float32)
        if layer.num_speakers is not None:
            specs["global_condition"] = tf.TensorSpec([None], tf.int32)
        elif layer.global_channels is not None:
            specs["global_condition"] = tf.TensorSpec([None, layer.global_channels], tf.float32)
        return {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in specs.items()}

    def _function(self, function, specs):
        """A tf.function whose inputs are called what the specs are called."""
        names = [spec.name for spec in specs]
        traced = tf.function(lambda *inputs: function(**dict(zip(names, inputs, strict=True))))
        concrete = traced.get_concrete_function(*specs)
        return concrete

    def _check_conditions(self, conditions, batch_size, num_samples):
        """Assertions, and the conditions as the model takes them."""
        layer, checks = self._model.get().conditioning, []
        for name, value in conditions.items():
            checks.append(_check(tf.shape(value)[0] == batch_size, f"Expected {name} of as many rows as the batch."))
            if value.dtype == tf.float32:
                checks.append(_check(tf.reduce_all(tf.math.is_finite(value)), f"Expected {name} without NaN."))
            else:
                speakers = layer.num_speakers
                valid = tf.reduce_all((value >= 0) & (value < speakers))
                checks.append(_check(valid, f"Expected {name} in [0, {speakers})."))
        if "local_condition" in conditions:
            covered = tf.shape(conditions["local_condition"])[1] * layer.local_hop
            checks.append(_check(covered >= num_samples, "Expected local_condition of a frame for every sample."))
        return checks

    def _inputs(self, waveform, conditions):
        checks = self._check_conditions(conditions, tf.shape(waveform)[0], tf.shape(waveform)[1])
        with tf.control_dependencies([*_check_waveform(waveform), *checks]):
            waveform, conditions = tf.identity(waveform), {k: tf.identity(v) for k, v in conditions.items()}
        return {"waveform": waveform, **conditions} if conditions else waveform

    def _predict(self, waveform, **conditions):
        return {"parameters": self._model.get()(self._inputs(waveform, conditions))}

    def _score(self, waveform, **conditions):
        some = _check(tf.shape(waveform)[1] >= 1, "Expected waveform of at least 1 sample.")
        with tf.control_dependencies([some]):
            nats = self._model.get().log_prob(self._inputs(tf.identity(waveform), conditions))
        return {
            "bits_per_sample": -tf.reduce_mean(nats, axis=1) / math.log(2.0),
            "log_likelihood": tf.reduce_sum(nats, axis=1),
        }

    def _log_mel(self, waveform):
        from tf_wavenet.data.features import log_mel

        spec = self._model.get().mel_spec
        some = _check(tf.shape(waveform)[1] >= 1, "Expected waveform of at least 1 sample.")
        with tf.control_dependencies([*_check_waveform(waveform), some]):
            features = log_mel(tf.identity(waveform), spec)
        return {"features": features, "spec": tf.constant(json.dumps(spec.get_config()))}

    def _generate(self, num_samples, batch_size, seed, temperature, top_k, top_p, **conditions):
        model = self._model.get()
        finite = tf.math.is_finite(temperature)
        with tf.control_dependencies(
            [
                _check(num_samples >= 0, "Expected num_samples >= 0."),
                _check(batch_size >= 1, "Expected batch_size >= 1."),
                _check(seed >= 0, "Expected seed >= 0."),
                _check(finite & (temperature >= 0), "Expected temperature finite and >= 0."),
                _check(top_k >= 0, "Expected top_k >= 0; 0 is off."),
                _check((top_p > 0) & (top_p <= 1), "Expected top_p in (0, 1]; 1.0 is off."),
                *self._check_conditions(conditions, batch_size, num_samples),
                *([] if model.distribution.has_levels else [_check_off(model.distribution, top_k, top_p)]),
            ]
        ):
            batch_size, conditions = tf.identity(batch_size), {k: tf.identity(v) for k, v in conditions.items()}
        decoder = self._decoder.get()
        size = model.distribution.parameter_size
        encoded = model.conditioning.encode(**conditions) if conditions else None
        block = decoder.block_samples(encoded)
        words = tf.cast(
            tf.stack([seed & 0xFFFFFFFF, tf.bitwise.right_shift(seed, tf.constant(32, tf.int64))]), tf.uint32
        )
        filtered = (top_k > 0) | (top_p < 1)
        kept = tf.where(top_k > 0, tf.minimum(top_k, size), size)

        def body(made, state, blocks):
            n = tf.minimum(num_samples - made, block)
            condition = condition_block(encoded, made, block)

            def decode(*top):
                return decoder.decode(state, n, words, temperature, *top, condition=condition)

            if model.distribution.has_levels:
                audio, state = tf.cond(filtered, lambda: decode(kept, top_p), decode)
            else:
                audio, state = decode()
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


def _check_off(distribution, top_k, top_p):
    name = type(distribution).__name__
    return _check((top_k == 0) & (top_p == 1), f"Expected top_k 0 and top_p 1.0: {name} has no levels to choose among.")


def _check_waveform(waveform):
    return [_check(tf.reduce_all(tf.abs(waveform) <= 1.0), "Expected waveform in [-1, 1], without NaN.")]
