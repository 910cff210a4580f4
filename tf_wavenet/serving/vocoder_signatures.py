"""The functions behind the signatures of a SavedModel of a feed-forward vocoder."""

import math

import keras
import tensorflow as tf

from tf_wavenet.decoding.random_numbers import uniforms
from tf_wavenet.serving.checks import check_features, checked


class VocoderSignatures(tf.Module):
    """A vocoder's signatures, and the weights that they read; `export_saved_model` describes them.

    Args:
        model: A `tf_wavenet.Vocoder`.
        jit_compile: Whether XLA compiles the model in the process that serves.
        max_samples: Int, the most samples of one request, all rows together.
    """

    def __init__(self, model, jit_compile, max_samples):
        super().__init__()
        self.weights = [weight.value for weight in model.weights]
        self._parts = lambda: model  # behind a function, Keras's objects are not saved with the weights
        self._jit_compile = jit_compile
        self._max_samples = max_samples

    def functions(self):
        """Returns a dict of the signatures' functions by name."""
        model = self._parts()
        inputs = {"local_condition": tf.TensorSpec((None, None, model.num_mels), tf.float32, "local_condition")}
        if model.needs_noise:
            inputs["seed"] = tf.TensorSpec((), tf.int64, "seed")
        functions = {"serving_default": self._function(self._speak, inputs)}
        if model.causal:
            one, two = (self._state(model.get_initial_state(batch_size)) for batch_size in (1, 2))
            # What a second stream makes longer.
            self._lengths = {
                name: tuple(b - a for a, b in zip(one[name].shape, two[name].shape, strict=True)) for name in one
            }
            state = {
                name: tf.TensorSpec(
                    [None if d else n for d, n in zip(self._lengths[name], x.shape, strict=True)], x.dtype, name
                )
                for name, x in one.items()
            }
            size = {"batch_size": tf.TensorSpec((), tf.int32, "batch_size")}
            functions["initial_state"] = self._function(self._initial_state, size)
            functions["generate_chunk"] = self._function(self._generate_chunk, inputs | state)
        return functions

    def _function(self, function, inputs):
        traced = tf.function(lambda *values: function(**dict(zip(inputs, values, strict=True))))
        return traced.get_concrete_function(*inputs.values())

    def _speak(self, local_condition, seed=None):
        inputs = self._inputs(local_condition, seed, tf.constant(0))
        return {"waveform": tf.function(self._parts().call, jit_compile=self._jit_compile)(inputs)}

    def _initial_state(self, batch_size):
        batch_size = checked([(batch_size >= 1, "Expected batch_size >= 1.")], batch_size=batch_size)["batch_size"]
        return self._state(self._parts().get_initial_state(batch_size))

    def _generate_chunk(self, local_condition, seed=None, **state):
        model, batch_size = self._parts(), tf.shape(local_condition)[0]
        checks = []
        for name, x in state.items():
            for axis, length in enumerate(self._lengths[name]):
                if length:
                    same = tf.shape(x)[axis] == length * batch_size
                    checks.append((same, f"Expected {name} of as many rows as the batch."))
        state = checked(checks, **state)
        position = state.pop("state_position")
        inputs = self._inputs(local_condition, seed, position)
        nested = model.get_initial_state(1)
        nested = keras.tree.pack_sequence_as(nested, [state[name] for name in _names(nested)])
        waveform, new = tf.function(model.prime, jit_compile=self._jit_compile)(inputs, nested)
        new = self._state(new, position + tf.shape(waveform)[1])
        return {"waveform": waveform, **{f"new_{name}": x for name, x in new.items()}}

    def _inputs(self, features, seed, position):
        """Checks a request and draws its noise, from seed, row and sample, so that chunks draw what the whole does."""
        model = self._parts()
        batch_size, frames, _ = tf.unstack(tf.shape(features, tf.int64))
        limit, samples = self._max_samples, batch_size * frames * model.local_hop
        checks = [
            ((batch_size >= 1) & (frames >= 1), "Expected local_condition of at least 1 row and 1 frame."),
            (samples <= limit, f"Expected local_condition of at most {limit} samples, all rows together."),
            (tf.reduce_all(tf.math.is_finite(features)), "Expected local_condition without NaN."),
        ]
        checks += [] if model.mel_spec is None else check_features(model.mel_spec, features)
        if seed is None:
            return checked(checks, local_condition=features)
        given = checked([*checks, (seed >= 0, "Expected seed >= 0.")], local_condition=features, seed=seed)
        seed, time = tf.bitcast(given.pop("seed"), tf.uint32), tf.cast(frames, tf.int32) * model.local_hop
        rows, index = tf.meshgrid(tf.range(tf.shape(features)[0]), position + tf.range(time), indexing="ij")
        rows, index = (tf.cast(tf.reshape(x, (-1,)), tf.uint32) for x in (rows, index))
        first, second = tf.unstack(uniforms(seed, rows, index), axis=-1)
        noise = tf.sqrt(-2.0 * tf.math.log(first)) * tf.cos(2.0 * math.pi * second)  # Box and Muller
        return {**given, "noise": tf.reshape(noise, (-1, time))}

    def _state(self, state, position=0):
        flat = dict(zip(_names(state), keras.tree.flatten(state), strict=True))
        return {**flat, "state_position": tf.convert_to_tensor(position, tf.int32)}


def _names(state):
    """Names of the tensors of a nested state, in the order in which Keras flattens them."""
    return ["state_" + "_".join(path) for path, _ in keras.tree.flatten_with_path(state)]
