"""The functions behind the signatures of a SavedModel."""

import hashlib
import json
import math

import numpy as np
import tensorflow as tf

from tf_wavenet.decoding.decoder import BLOCK_SAMPLES, Decoder
from tf_wavenet.serving.checks import check_conditions, check_sampling, check_state, check_waveform, checked
from tf_wavenet.signal.mu_law import mu_law_decode, mu_law_encode

_CHUNK_BLOCK = 400  # A block's condition is projected whole, so blocks much longer than a chunk would waste time.
_SAMPLING = {"seed": tf.int64, "temperature": tf.float32, "top_k": tf.int32, "top_p": tf.float32}


class Signatures(tf.Module):
    """A model's signatures, and the weights that they read; `export_saved_model` describes them.

    A stream's state is two tensors. `state_queues`, float32 `[batch, state_size]`: the queues in order of time, so that
    streams at different positions can stand side by side, and the last sample. `state_stream`, int32 `[batch, 4]`: the
    model's fingerprint (two numbers), the index of the next sample, the row's number.

    Args:
        model: A `WaveNet`.
        jit_compile: Whether XLA compiles the loop.
        max_samples: Int, the most samples of one request, all rows together.
    """

    def __init__(self, model, jit_compile, max_samples):
        super().__init__()
        self._tracked = [weight.value for weight in model.weights]
        self._model = _Untracked(model)
        self._decoder = _Untracked(Decoder(model, jit_compile))
        self.max_samples = max_samples
        self.fingerprint = fingerprint(model)

    @property
    def model(self):
        """The model."""
        return self._model.get()

    @property
    def state_size(self):
        """Int, the numbers of a stream's `state_queues`."""
        return self._decoder.get().state_size

    def functions(self):
        """Returns a dict of the signatures' functions by name."""
        waveform = {"waveform": ([None, None], tf.float32)}
        levels = {"levels": ([None, None], tf.int32)}
        size = {"num_samples": ([], tf.int32), "batch_size": ([], tf.int32)}
        sampling = {name: ([], dtype) for name, dtype in _SAMPLING.items()}
        by_row = {name: (None, dtype) for name, dtype in {"num_samples": tf.int32, **_SAMPLING}.items()}
        state = {"state_queues": ([None, None], tf.float32), "state_stream": ([None, None], tf.int32)}
        previous, conditions = {"previous_sample": ([None], tf.float32)}, self._conditions()
        local = "local_condition" in conditions
        chunk_conditions = {**conditions, **({"first_frame": ([None], tf.int32)} if local else {})}
        encoded = {}
        if conditions:
            encoded["condition"] = ([None, self.model.conditioning.encoded_channels], tf.float32)
        functions = {
            "serving_default": self._function(self._predict, waveform | conditions),
            "score": self._function(self._score, waveform | conditions),
            "generate": self._function(self._generate, size | sampling | conditions),
            "initial_state": self._function(self._initial_state, {"batch_size": ([], tf.int32)}),
            "prime": self._function(self._prime, waveform | state | chunk_conditions),
            "generate_chunk": self._function(self._generate_chunk, by_row | state | chunk_conditions),
            "step": self._function(self._step, previous | state | encoded),
            "mu_law_encode": self._function(self._encode, waveform),
            "mu_law_decode": self._function(self._decode, levels),
        }
        if conditions:
            functions["encode_condition"] = self._function(self._encode_condition, conditions)
        if getattr(self.model, "mel_spec", None) is not None:
            functions["log_mel"] = self._function(self._log_mel, waveform)
        return functions

    def _function(self, function, inputs):
        """A function of named inputs, given as name -> (shape, dtype)."""
        specs = [tf.TensorSpec(shape, dtype, name=name) for name, (shape, dtype) in inputs.items()]
        traced = tf.function(lambda *values: function(**dict(zip(inputs, values, strict=True))))
        return traced.get_concrete_function(*specs)

    def _conditions(self):
        layer, inputs = self.model.conditioning, {}
        if layer is not None and layer.local_channels is not None:
            inputs["local_condition"] = ([None, None, layer.local_channels], tf.float32)
        if layer is not None and layer.num_speakers is not None:
            inputs["global_condition"] = ([None], tf.int32)
        elif layer is not None and layer.global_channels is not None:
            inputs["global_condition"] = ([None, layer.global_channels], tf.float32)
        return inputs

    def _check_conditions(self, conditions, batch_size, num_samples):
        layer = self.model.conditioning
        yield from check_conditions(self.model, conditions, batch_size)
        if "local_condition" in conditions:
            covered = tf.shape(conditions["local_condition"])[1] * layer.local_hop
            yield covered >= num_samples, "Expected local_condition of a frame for every sample."

    def _check_size(self, num_samples, batch_size):
        """Checks of what is to be generated, scalars."""
        limit = self.max_samples
        yield num_samples >= 0, "Expected num_samples >= 0."
        yield batch_size >= 1, "Expected batch_size >= 1."
        asked = tf.cast(tf.maximum(num_samples, 1), tf.int64) * tf.cast(batch_size, tf.int64)
        yield asked <= limit, f"Expected at most {limit} samples, num_samples times batch_size."

    def _inputs(self, waveform, conditions, shortest=0):
        batch_size, time = tf.unstack(tf.shape(waveform))
        checks = [
            *check_waveform(waveform, self.max_samples, shortest),
            *self._check_conditions(conditions, batch_size, time),
        ]
        inputs = checked(checks, waveform=waveform, **conditions)
        return inputs if conditions else inputs["waveform"]

    def _predict(self, waveform, **conditions):
        return {"parameters": self.model(self._inputs(waveform, conditions))}

    def _score(self, waveform, **conditions):
        nats = self.model.log_prob(self._inputs(waveform, conditions, shortest=1))
        return {
            "bits_per_sample": -tf.reduce_mean(nats, axis=1) / math.log(2.0),
            "log_likelihood": tf.reduce_sum(nats, axis=1),
        }

    def _log_mel(self, waveform):
        from tf_wavenet.signal.log_mel import log_mel

        spec = self.model.mel_spec
        waveform = self._inputs(waveform, {}, shortest=1)
        return {"features": log_mel(waveform, spec), "spec": tf.constant(json.dumps(spec.get_config()))}

    def _encode_condition(self, **conditions):
        layer, some = self.model.conditioning, next(iter(conditions.values()))
        checks = list(check_conditions(self.model, conditions, tf.shape(some)[0]))
        if "local_condition" in conditions:
            samples = tf.reduce_prod(tf.shape(some, tf.int64)[:2]) * layer.local_hop
            limit = self.max_samples
            checks.append((samples <= limit, f"Expected local_condition for at most {limit} samples, all rows."))
        encoded = layer.held(layer.encode(**checked(checks, **conditions)))
        return {"encoded_condition": tf.cast(encoded, tf.float32)}

    def _generate(self, num_samples, batch_size, seed, temperature, top_k, top_p, **conditions):
        checks = [
            *self._check_size(num_samples, batch_size),
            *check_sampling(self.model.distribution, seed, temperature, top_k, top_p),
            *self._check_conditions(conditions, batch_size, num_samples),
        ]
        conditions = checked(checks, size=batch_size, **conditions)
        state = self._decoder.get().initial_state(conditions.pop("size"))
        encoded = self.model.conditioning.encode(**conditions) if conditions else None
        audio, _ = self._run(state, num_samples, (seed, temperature, top_k, top_p), encoded)
        return {"generated": audio}

    def _initial_state(self, batch_size):
        checks = [
            (batch_size >= 1, "Expected batch_size >= 1."),
            (batch_size <= self._max_rows, f"Expected batch_size <= {self._max_rows}."),
        ]
        state = self._decoder.get().initial_state(checked(checks, size=batch_size)["size"])
        return self._packed(state, "state_")

    @property
    def _max_rows(self):
        return max(1, self.max_samples // 100)

    def _prime(self, waveform, state_queues, state_stream, first_frame=None, **conditions):
        batch_size, time = tf.unstack(tf.shape(waveform))
        checks = [
            *check_waveform(waveform, self.max_samples, shortest=1),
            *self._check_state(state_queues, state_stream, batch_size),
            *self._check_window(conditions, first_frame, state_stream, batch_size, time),
        ]
        inputs = checked(checks, waveform=waveform, queues=state_queues, stream=state_stream, **conditions)
        waveform, state = inputs.pop("waveform"), self._unpacked(inputs.pop("queues"), inputs.pop("stream"))
        encoded = self._encoded_from(state["index"], first_frame, inputs)
        return self._packed(self._decoder.get().prime(state, waveform, encoded), "new_state_")

    def _generate_chunk(
        self,
        num_samples,
        seed,
        temperature,
        top_k,
        top_p,
        state_queues,
        state_stream,
        first_frame=None,
        **conditions,
    ):
        batch_size = tf.shape(state_queues)[0]
        settings = {"seed": seed, "temperature": temperature, "top_k": top_k, "top_p": top_p}
        lengths = tf.reshape(num_samples, [-1])
        longest = tf.reduce_max(tf.concat([lengths, [0]], axis=0))
        checks = [
            *self._check_size(tf.reduce_min(tf.concat([lengths, [longest]], axis=0)), 1),
            *self._check_size(longest, batch_size),
            (tf.reduce_all(lengths == longest), "Expected num_samples to be the same for all rows."),
            *check_sampling(self.model.distribution, **settings),
            *self._check_state(state_queues, state_stream, batch_size),
            *self._check_window(conditions, first_frame, state_stream, batch_size, longest),
        ]
        for name, value in {"num_samples": num_samples, **settings}.items():
            one_or_all = (tf.size(value) == 1) | (tf.size(value) == batch_size)
            checks.append((one_or_all, f"Expected {name} to be one number, or one a row."))
        inputs = checked(checks, length=longest, queues=state_queues, stream=state_stream, **settings, **conditions)
        state = self._unpacked(inputs.pop("queues"), inputs.pop("stream"))
        longest, settings = inputs.pop("length"), [tf.reshape(inputs.pop(name), [-1]) for name in settings]
        encoded = self._encoded_from(state["index"], first_frame, inputs)
        audio, state = self._run(state, longest, settings, encoded, _CHUNK_BLOCK)
        return {"generated": audio, **self._packed(state, "new_state_")}

    def _step(self, previous_sample, state_queues, state_stream, condition=None):
        batch_size = tf.shape(previous_sample)[0]
        in_range = tf.reduce_all(tf.abs(previous_sample) <= 1.0)
        checks = [
            (in_range, "Expected previous_sample in [-1, 1], without NaN."),
            *self._check_state(state_queues, state_stream, batch_size, in_step=True),
        ]
        inputs = {"previous": previous_sample, "queues": state_queues, "stream": state_stream}
        if condition is not None:
            inputs["condition"] = condition
            checks.append((tf.shape(condition)[0] == batch_size, "Expected condition of as many rows as the batch."))
            checks.append((tf.reduce_all(tf.math.is_finite(condition)), "Expected condition without NaN."))
        inputs, model = checked(checks, **inputs), self.model
        state = self._unpacked(inputs["queues"], inputs["stream"])
        if condition is not None:
            condition = model.conditioning.project(tf.expand_dims(inputs["condition"], 1))
        # A block of one sample: unlike the ring of `step`, its operations exist in ONNX and LiteRT.
        params, model_state = model.prime(tf.expand_dims(inputs["previous"], 1), state["model"], condition)
        # The sample that follows is the client's: what it is stays open, and only step is told it.
        nothing = tf.fill([batch_size], np.float32(np.nan))
        state |= {"model": model_state, "index": state["index"] + 1, "previous": nothing}
        return {"parameters": params[:, 0], **self._packed(state, "new_state_")}

    def _check_state(self, queues, stream, batch_size, in_step=False):
        model = self.model
        yield from check_state(queues, stream, self.state_size, self.fingerprint, model.period, batch_size)
        known = queues[:, : model.state_size] if in_step else queues
        finite = tf.reduce_all(tf.math.is_finite(known))
        yield finite, "Expected state_queues without NaN; what step returns can only go on in step."

    def _check_window(self, conditions, first_frame, stream, batch_size, num_samples):
        """Checks of conditions of which the local one begins at frame `first_frame` of the stream."""
        layer = self.model.conditioning
        yield from check_conditions(self.model, conditions, batch_size)
        if "local_condition" in conditions:
            yield tf.size(first_frame) == batch_size, "Expected first_frame of as many rows as the batch."
            yield tf.reduce_all(first_frame >= 0), "Expected first_frame >= 0."
            hop = layer.local_hop
            first = tf.cast(first_frame, tf.int64)[:, tf.newaxis] * hop
            last = first + tf.cast(tf.shape(conditions["local_condition"])[1] * hop, tf.int64)
            index = tf.cast(stream[:, 2:3], tf.int64)
            rows = tf.minimum(tf.shape(first)[0], tf.shape(index)[0])  # where they differ, another check says so
            first, last, index = first[:rows], last[:rows], index[:rows]
            inside = (first <= index) & (index + tf.cast(num_samples, tf.int64) <= last)
            yield tf.reduce_all(inside), "Expected local_condition, from first_frame on, of a frame for every sample."

    def _encoded_from(self, index, first_frame, conditions):
        """The encoded condition from each row's own index on."""
        if not conditions:
            return None
        layer = self.model.conditioning
        encoded = layer.encode(**conditions)
        if first_frame is None:
            return encoded
        start, vectors = (index - first_frame * layer.local_hop) // layer.hold, tf.shape(encoded)[1]
        numbers = tf.minimum(start[:, tf.newaxis] + tf.range(vectors), vectors - 1)
        return tf.gather(encoded, numbers, axis=1, batch_dims=1)

    def _run(self, state, num_samples, settings, encoded, longest_block=BLOCK_SAMPLES):
        """Makes `[batch, num_samples]` and the state after it, block by block."""
        model, decoder = self.model, self._decoder.get()
        seed, temperature, top_k, top_p = settings
        size, block = model.distribution.parameter_size, decoder.block_samples(encoded)
        if encoded is not None and encoded.shape[1] != 1:
            hold = model.conditioning.hold
            block = min(block, max(1, longest_block // hold) * hold)
        words = [seed & 0xFFFFFFFF, tf.bitwise.right_shift(seed, tf.constant(32, tf.int64))]
        words = tf.cast(tf.stack(words, axis=-1), tf.uint32)
        filtered = tf.reduce_any(top_k > 0) | tf.reduce_any(top_p < 1)
        kept = tf.where(top_k > 0, tf.minimum(top_k, size), size)

        def body(made, state, blocks):
            n = tf.minimum(num_samples - made, block)
            condition = decoder.condition_block(encoded, made, block)

            def decode(*top):
                return decoder.decode(state, n, words, temperature, *top, condition=condition)

            if model.distribution.has_levels:
                audio, state = tf.cond(filtered, lambda: decode(kept, top_p), decode)
            else:
                audio, state = decode()
            return made + n, state, blocks.write(blocks.size(), audio[:n])

        blocks = tf.TensorArray(tf.float32, size=0, dynamic_size=True, infer_shape=False, element_shape=[None, None])
        _, state, blocks = tf.while_loop(lambda made, *_: made < num_samples, body, (0, state, blocks))
        audio = blocks.write(blocks.size(), tf.zeros([0, tf.shape(state["previous"])[0]])).concat()
        finite = tf.reduce_all(tf.math.is_finite(audio))
        made = checked([(finite, "Expected the model to predict finite parameters.")], audio=audio)
        return tf.transpose(made["audio"]), state

    def _packed(self, state, prefix):
        index, row = state["index"], state["row"]
        numbers = [*(tf.fill(tf.shape(index), word) for word in self.fingerprint), index, row]
        return {f"{prefix}queues": self._decoder.get().pack(state), f"{prefix}stream": tf.stack(numbers, axis=1)}

    def _unpacked(self, queues, stream):
        decoder = self._decoder.get()
        return decoder.unpack(tf.reshape(queues, [tf.shape(queues)[0], decoder.state_size]), stream[:, 2], stream[:, 3])

    def _encode(self, waveform):
        finite = tf.reduce_all(tf.math.is_finite(waveform))
        waveform = checked([(finite, "Expected waveform without NaN or infinity.")], waveform=waveform)["waveform"]
        return {"levels": mu_law_encode(waveform, self.model.mu)}

    def _decode(self, levels):
        mu = self.model.mu
        valid = tf.reduce_all((levels >= 0) & (levels <= mu))
        levels = checked([(valid, f"Expected levels in [0, {mu}].")], levels=levels)["levels"]
        return {"decoded": mu_law_decode(levels, mu)}


def fingerprint(model):
    """Returns two int32 numbers that tell a model from others, of its configuration and its weights."""
    config = {key: value for key, value in model.get_config().items() if key not in ("name", "trainable")}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
    for weight in model.weights:
        digest.update(np.asarray(weight).tobytes())
    return tuple(int.from_bytes(digest.digest()[i : i + 4], "big", signed=True) for i in (0, 4))


class _Untracked:
    """Holds an object out of TensorFlow's sight, so that only the weights are saved with the functions."""

    def __init__(self, value):
        self.get = lambda: value
