"""The compiled generation loop and the Python functions around it."""

import numpy as np
import tensorflow as tf

from tf_wavenet.decoding.random_numbers import uniform
from tf_wavenet.decoding.sampler import SamplingSettings, check_count

BLOCK_SAMPLES = 4000
"""Most samples that one call of the compiled loop makes; its output buffer has this length."""


class Decoder:
    """Generates from any `Streamable` model that predicts `model.distribution` of the next sample.

    The whole loop, sampling included, is one `tf.function`, compiled by XLA once for each batch size (and once more
    for each use of top-k or top-p). The number of samples is an argument of the compiled loop, so chunks and totals
    of any length run the same code. Layout and measurements: see `ConvQueue`.

    The state is a dict of tensors: `model`, the model's own state; `previous`, float32 `[batch]`, the last sample;
    `index`, int32 `[batch]`, the absolute index of the next one, prompt included.

    Args:
        model: A `Streamable` over `[batch]` samples, with a `distribution`.
        jit_compile: Whether XLA compiles the loop.
    """

    def __init__(self, model, jit_compile=True):
        self._model = model
        self._prime = tf.function(self._prime_step, reduce_retracing=True)
        self.decode = tf.function(self._decode, jit_compile=jit_compile)

    def initial_state(self, batch_size):
        """Returns the state before the first sample of `batch_size` rows."""
        return {
            "model": self._model.get_initial_state(batch_size),
            "previous": tf.zeros([batch_size]),
            "index": tf.zeros([batch_size], tf.int32),
        }

    def prompted_state(self, prompt):
        """Returns the state after the waveforms `prompt`, `[batch, time]`, by one pass that is parallel in time."""
        prompt = tf.convert_to_tensor(prompt, tf.float32)
        batch_size, time = prompt.shape
        state = self.initial_state(batch_size)
        if not time:
            return state
        # The queues hold nothing older than the receptive field.
        fed = tf.pad(prompt[:, :-1], [[0, 0], [1, 0]])[:, -self._model.receptive_field :]
        return {
            "model": self._prime(fed, state["model"]),
            "previous": prompt[:, -1],
            "index": tf.fill([batch_size], time),
        }

    def _prime_step(self, samples, state):
        return self._model.prime(samples, state)[1]

    def _decode(self, state, num_samples, seed, temperature, top_k=None, top_p=None):
        """Makes `num_samples` <= `BLOCK_SAMPLES` samples: returns `[BLOCK_SAMPLES, batch]`, zeros behind, and state.

        Args:
            state: The decoder's state.
            num_samples: int32 scalar.
            seed: uint32 `[2]` or `[batch, 2]`.
            temperature: float32 scalar.
            top_k: None or int32 scalar.
            top_p: None or float32 scalar.
        """
        batch_size = state["previous"].shape[0] or tf.shape(state["previous"])[0]
        rows = tf.cast(tf.range(batch_size), tf.uint32)

        def body(i, state, audio):
            params, model_state = self._model.step(state["previous"], state["model"])
            random = uniform(seed, rows, tf.cast(state["index"], tf.uint32))
            sample = self._model.distribution.sample(params, random, temperature, top_k, top_p)
            # A model that predicts NaN must not pass for one that predicts some level.
            sample = tf.where(tf.reduce_any(tf.math.is_nan(params), axis=-1), np.nan, sample)
            audio = tf.tensor_scatter_nd_update(audio, [[i]], sample[tf.newaxis])
            return i + 1, {"model": model_state, "previous": sample, "index": state["index"] + 1}, audio

        audio = tf.zeros([BLOCK_SAMPLES, batch_size])
        _, state, audio = tf.while_loop(lambda i, *_: i < num_samples, body, (0, state, audio))
        return audio, state


def generate(model, num_samples, batch_size=1, seed=0, temperature=1.0, top_k=None, top_p=None, prompt=None):
    """Generates `[batch_size, num_samples]`; see `WaveNet.generate`."""
    num_samples = check_count("num_samples", num_samples, 0)
    chunks = stream(model, num_samples, BLOCK_SAMPLES, batch_size, seed, temperature, top_k, top_p, prompt)
    return np.concatenate([np.zeros((batch_size, 0), "float32"), *chunks], axis=1)


def stream(
    model,
    num_samples,
    chunk_samples=BLOCK_SAMPLES,
    batch_size=1,
    seed=0,
    temperature=1.0,
    top_k=None,
    top_p=None,
    prompt=None,
):
    """Yields chunks of `[batch_size, chunk_samples]`; see `WaveNet.stream`."""
    total = float("inf") if num_samples is None else check_count("num_samples", num_samples, 0)
    chunk_samples = check_count("chunk_samples", chunk_samples, 1)
    batch_size = check_count("batch_size", batch_size, 1)
    seed = check_count("seed", seed, 0)
    if seed >= 2**63:
        raise ValueError(f"Expected seed to be below 2**63. Received: seed={seed}")
    settings = SamplingSettings(temperature, top_k, top_p)
    prompt = _check_prompt(prompt, batch_size)
    return _chunks(model, total, chunk_samples, batch_size, seed, settings, prompt)


def _chunks(model, total, chunk_samples, batch_size, seed, settings, prompt):
    decoder = decoder_of(model)
    state = decoder.initial_state(batch_size) if prompt is None else decoder.prompted_state(prompt)
    seed = tf.constant([seed & 0xFFFFFFFF, seed >> 32], tf.uint32)
    temperature = tf.constant(settings.temperature, tf.float32)
    size = model.distribution.parameter_size
    top_k = None if settings.top_k is None else tf.constant(min(settings.top_k, size), tf.int32)
    top_p = None if settings.top_p is None else tf.constant(settings.top_p, tf.float32)
    made = 0
    while made < total:
        chunk, wanted = [], int(min(chunk_samples, total - made))
        while wanted:
            n = min(wanted, BLOCK_SAMPLES)
            audio, state = decoder.decode(state, tf.constant(n), seed, temperature, top_k, top_p)
            chunk.append(audio[:n].numpy().T)
            if np.isnan(chunk[-1]).any():
                raise FloatingPointError("Expected the model to predict finite parameters. Received: NaN")
            wanted -= n
        made += chunk_samples
        yield np.concatenate(chunk, axis=1)


def decoder_of(model):
    """Returns the model's decoder, made on first use and kept, with what it compiled, as long as the model."""
    if model._decoder is None:
        model._decoder = Decoder(model)
    return model._decoder


def _check_prompt(prompt, batch_size):
    if prompt is None:
        return None
    prompt = np.asarray(prompt, "float32")
    shape = prompt.shape
    if prompt.ndim == 1:
        prompt = np.broadcast_to(prompt, (batch_size, *shape))
    if prompt.ndim != 2 or len(prompt) != batch_size:
        raise ValueError(f"Expected prompt of shape [time] or [{batch_size}, time]. Received: shape {list(shape)}")
    if not np.isfinite(prompt).all() or np.abs(prompt).max(initial=0.0) > 1.0:
        raise ValueError("Expected prompt to be finite and in [-1, 1].")
    return prompt
