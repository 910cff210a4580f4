"""The compiled generation loop and the Python functions around it."""

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_wavenet.decoding.positions import positions_of
from tf_wavenet.decoding.random_numbers import uniforms
from tf_wavenet.decoding.sampler import check_count

BLOCK_SAMPLES = 4000
"""Most samples that one call of the compiled loop makes; its output buffer has this length."""

_PROJECTED_NUMBERS = 1 << 22
"""Most numbers that one call projects of a local condition, 16 MiB; with it the block gets shorter."""

_DECODERS = weakref.WeakKeyDictionary()  # of models; a decoder must not keep its model alive


class Decoder:
    """Generates from any `Streamable` model that predicts `model.distribution` of the next sample.

    The whole loop, sampling included, is one `tf.function`, compiled by XLA once for each batch size (and once more
    for each use of top-k or top-p). The number of samples is an argument of the compiled loop, so chunks and totals
    of any length run the same code. Layout and measurements: see `ConvQueue`.

    The state is a dict of tensors: `model`, the model's own state; `previous`, float32 `[batch]`, the last sample;
    `index`, int32 `[batch]`, the index of the next one, prompt included, and `row`, int32 `[batch]`, the number that
    the row's random numbers are keyed by, besides seed and index; both go round (`Positions`). Rows may be at different
    indices. Of a model that speaks pre-emphasised audio (`preemphasis` of its `mel_spec`), prompts and what is
    generated are audio without it; then `output`, float32 `[batch]`, is the last sample of that.

    A condition comes in as `model.conditioning.encode` makes it, from the vector on that holds the first sample; its
    projection to the gated activations is a matrix product over many of its vectors, outside the loop over samples.

    Args:
        model: A `Streamable` over `[batch]` samples, with a `distribution` and a `conditioning` (or None).
        jit_compile: Whether XLA compiles the loop.

    Example:
    >>> from tf_wavenet import WaveNet
    >>> model = WaveNet(dilations=(1, 2), residual_channels=4, skip_channels=4)
    >>> decoder = Decoder(model, jit_compile=False)
    >>> seed, temperature = tf.constant([0, 0], tf.uint32), tf.constant(1.0)
    >>> state = decoder.prompted_state(np.zeros((2, 30), "float32"))
    >>> audio, state = decoder.decode(state, tf.constant(10), seed, temperature)
    >>> tuple(audio.shape), state["index"].numpy().tolist()  # a block, of which 10 samples were made
    ((4000, 2), [40, 40])
    """

    def __init__(self, model, jit_compile=True) -> None:
        self._model = model
        self._preemphasis = getattr(getattr(model, "mel_spec", None), "preemphasis", 0.0)
        self.positions = positions_of(model)
        self._prime = tf.function(self._prime_step, autograph=False, reduce_retracing=True)
        self.decode = tf.function(self._decode, autograph=False, jit_compile=jit_compile)

    def initial_state(self, batch_size) -> dict[str, Any]:
        """Returns the state before the first sample of `batch_size` rows, numbered from 0."""
        silence = tf.zeros([batch_size])
        state = {"model": self._model.get_initial_state(batch_size), "previous": silence}
        state |= {"index": tf.zeros([batch_size], tf.int32), "row": tf.range(batch_size)}
        return state | ({"output": silence} if self._preemphasis else {})

    def prompted_state(self, prompt, condition=None) -> dict[str, Any]:
        """Returns the state after the waveforms `prompt`.

        Args:
            prompt: float32 `[batch, time]`.
            condition: None, or the encoded condition of at least so many samples, `[batch, vectors or 1, channels]`.
        """
        state, time = self.initial_state(len(prompt)), prompt.shape[1]
        return self.prime(state, tf.convert_to_tensor(prompt, tf.float32), condition) if time else state

    def prime(self, state, audio, condition=None) -> dict[str, Any]:
        """Returns the state after more audio, by one pass that is parallel in time.

        Args:
            state: The decoder's state.
            audio: float32 `[batch, time]`, time >= 1.
            condition: None, or the encoded condition of these samples, `[batch, vectors or 1, channels]`.
        """
        time = tf.shape(audio)[1] if audio.shape[1] is None else audio.shape[1]
        # The queues hold nothing older than the receptive field; the model's schedule is kept.
        period = self._model.period
        skipped = tf.maximum(0, time - self._model.receptive_field) // period * period
        spoken = audio
        if self._preemphasis:
            before = tf.concat([state["output"][:, tf.newaxis], audio[:, :-1]], axis=1)
            spoken = tf.clip_by_value(audio - self._preemphasis * before, -1.0, 1.0)
        fed = tf.concat([state["previous"][:, tf.newaxis], spoken[:, :-1]], axis=1)[:, skipped:]
        if condition is not None and condition.shape[1] != 1:
            condition = self._held(condition, state["index"], skipped, time)
        new = {"model": self._prime(fed, state["model"], condition), "previous": spoken[:, -1]}
        new |= self._moved(state, time)
        return new | ({"output": audio[:, -1]} if self._preemphasis else {})

    def _moved(self, state, samples):
        index, row = self.positions.advance(state["index"], state["row"], samples)
        return {"index": index, "row": row}

    def _held(self, condition, index, first, last):
        """The encoded condition of the samples `first ... last - 1` after `index`, which rows may have of their own."""
        hold = self._model.conditioning.hold
        if hold == 1:
            return condition[:, first:last]
        vectors = (index[:, tf.newaxis] % hold + tf.range(first, last)) // hold
        return tf.gather(condition, vectors, axis=1, batch_dims=1)

    def _prime_step(self, samples, state, condition):
        if condition is not None:
            condition = self._model.conditioning.project(condition)
        return self._model.prime(samples, state, condition)[1]

    def pack(self, state) -> tf.Tensor:
        """Returns a state as float32 `[batch, state_size]`; `index` and `row` are not in it.

        Rows of states whose indices differ may be set side by side; those of `Streamable.period` must agree.
        """
        samples = [state[name][:, tf.newaxis] for name in self._samples]
        return tf.concat([tf.cast(self._model.pack_state(state["model"]), tf.float32), *samples], axis=1)

    def unpack(self, rows, index, row) -> dict[str, Any]:
        """Returns the state of `pack`'s rows, given the int32 `[batch]` tensors that are not in them."""
        size = self._model.state_size
        index, row = self.positions.turned(index, row)
        state = {"model": self._model.unpack_state(rows[:, :size], index[0]), "index": index, "row": row}
        return state | {name: rows[:, size + i] for i, name in enumerate(self._samples)}

    @property
    def model(self) -> Any:
        """The model."""
        return self._model

    @property
    def _samples(self):
        return ("previous", "output") if self._preemphasis else ("previous",)

    @property
    def state_size(self) -> int:
        """Int, the numbers that `pack` makes of one row."""
        return self._model.state_size + len(self._samples)

    def _decode(self, state, num_samples, seed, temperature, top_k=None, top_p=None, condition=None):
        """Makes `num_samples` <= `block` samples: returns `[block, batch]`, zeros behind, and the state.

        The block is as long as the condition (less the samples before its first, where vectors hold for several), or
        `BLOCK_SAMPLES` without one that changes in time.

        Args:
            state: The decoder's state.
            num_samples: int32 scalar.
            seed: uint32 `[2]` or `[batch, 2]`.
            temperature: float32, scalar or `[batch]`.
            top_k: None or int32, scalar or `[batch]`.
            top_p: None or float32, scalar or `[batch]`.
            condition: None, or the encoded condition, `[batch, vectors or 1, channels]`.
        """
        batch_size = state["previous"].shape[0] or tf.shape(state["previous"])[0]
        state = state | self._moved(state, 0)

        block, condition_at = BLOCK_SAMPLES, lambda i: None
        if condition is not None:
            # One product for all samples, here. A loop of loops, each over some, would cost twice the time: XLA copies.
            projected = self._model.conditioning.project(tf.transpose(condition, [1, 0, 2]))
            vectors, hold = condition.shape[1], self._model.conditioning.hold
            if vectors == 1:
                condition_at = lambda i: projected[0]  # noqa: E731
            elif hold == 1:
                block, condition_at = vectors, lambda i: projected[i]
            else:
                # Rows may be at different samples of their vectors.
                block, phase, column = (vectors - 1) * hold, state["index"] % hold, tf.range(batch_size)
                flat = tf.reshape(projected, [-1, projected.shape[-1]])
                condition_at = lambda i: tf.gather(flat, (phase + i) // hold * batch_size + column)  # noqa: E731

        def body(i, state, audio):
            params, model_state = self._model.step(state["previous"], state["model"], condition_at(i))
            random = uniforms(seed, tf.cast(state["row"], tf.uint32), tf.cast(state["index"], tf.uint32))
            sample = self._model.distribution.sample(params, random, temperature, top_k, top_p)
            # A model that predicts NaN must not pass for one that predicts some level.
            sample = tf.where(tf.reduce_any(tf.math.is_nan(params), axis=-1), np.nan, sample)
            new = {"model": model_state, "previous": sample, **self._moved(state, 1)}
            if self._preemphasis:
                sample = new["output"] = sample + self._preemphasis * state["output"]
            return i + 1, new, tf.tensor_scatter_nd_update(audio, [[i]], sample[tf.newaxis])

        audio = tf.zeros([block, batch_size])
        _, state, audio = tf.while_loop(lambda i, *_: i < num_samples, body, (0, state, audio))
        return audio, state

    def block_samples(self, encoded, batch_size=16) -> int:
        """Returns the most samples that one call of `decode` makes.

        Args:
            encoded: The encoded condition or None.
            batch_size: Int, rows.
        """
        if encoded is None or encoded.shape[1] == 1:
            return BLOCK_SAMPLES
        hold = self._model.conditioning.hold
        vectors = _PROJECTED_NUMBERS // (batch_size * self._model.conditioning.projected_channels)
        return max(64 if hold == 1 else hold, min(BLOCK_SAMPLES // hold, vectors) * hold)

    def condition_block(self, encoded, start, length) -> tf.Tensor | None:
        """The encoded condition of the samples from `start` on, at the one length that the loop is compiled for."""
        if encoded is None or encoded.shape[1] == 1:
            return encoded
        hold = self._model.conditioning.hold
        first, vectors = start // hold, length // hold + (hold > 1)  # one more where the first has begun before
        block = encoded[:, first : first + vectors]
        block = tf.pad(block, [[0, 0], [0, vectors - tf.shape(block)[1]], [0, 0]])
        return tf.ensure_shape(block, [encoded.shape[0], vectors, encoded.shape[2]])


def generate(model, request) -> np.ndarray:
    """Generates `[batch, num_samples]`; see `AutoregressiveModel.generate`.

    Args:
        model: The model, a `Streamable` with a `distribution`, such as a `WaveNet`.
        request: The `GenerationRequest`, made for this model.

    Returns:
        NumPy float32 `[batch, num_samples]`, without the prompt.

    Raises:
        ValueError: If the request is without end (`num_samples=None`).
        FloatingPointError: If the model predicts NaN.

    Example:
    >>> from tf_wavenet import WaveNet
    >>> from tf_wavenet.decoding import GenerationRequest
    >>> model = WaveNet(dilations=(1, 2), residual_channels=4, skip_channels=4)
    >>> request = GenerationRequest.make(model, num_samples=20, batch_size=2, engine="xla")
    >>> generate(model, request).shape
    (2, 20)
    """
    if request.num_samples is None:
        raise ValueError("Expected num_samples to be an int >= 0. Received: num_samples=None")
    nothing = np.zeros((len(request.prompt), 0), "float32")
    return np.concatenate([nothing, *_chunks(model, request, BLOCK_SAMPLES)], axis=1)


def stream(model, request, chunk_samples) -> Iterator[np.ndarray]:
    """Yields chunks of `[batch, chunk_samples]`; see `AutoregressiveModel.stream`.

    Args:
        model: The model, a `Streamable` with a `distribution`, such as a `WaveNet`.
        request: The `GenerationRequest`, made for this model; with `num_samples=None` the stream has no end.
        chunk_samples: Int >= 1, samples in each chunk but the last.

    Returns:
        Iterator of NumPy float32 `[batch, chunk_samples]`, the samples of `generate`; the last may be shorter.

    Raises:
        ValueError: If `chunk_samples` is no int >= 1; at once, not at the first chunk.
        FloatingPointError: If the model predicts NaN; at the chunk where it does.

    Example:
    >>> from tf_wavenet import WaveNet
    >>> from tf_wavenet.decoding import GenerationRequest
    >>> model = WaveNet(dilations=(1, 2), residual_channels=4, skip_channels=4)
    >>> request = GenerationRequest.make(model, num_samples=20, engine="xla")
    >>> chunks = list(stream(model, request, chunk_samples=8))
    >>> [chunk.shape for chunk in chunks]
    [(1, 8), (1, 8), (1, 4)]
    >>> bool(np.all(np.concatenate(chunks, axis=1) == generate(model, request)))
    True
    """
    return _chunks(model, request, check_count("chunk_samples", chunk_samples, 1))


def _chunks(model, request, chunk_samples):
    decoder, prompt = decoder_of(model), request.prompt
    encoded = model.conditioning.encode(**request.conditions) if request.conditions else None
    advance = (_natively if request.native else _by_xla)(decoder, decoder.prompted_state(prompt, encoded), request)
    made, total = 0, float("inf") if request.num_samples is None else request.num_samples
    # Not shorter for short chunks: another length could round the projection, and so the samples, differently.
    block = decoder.block_samples(encoded, len(prompt))
    while made < total:
        chunk, wanted = [], int(min(chunk_samples, total - made))
        while wanted:
            n = min(wanted, block)
            condition = decoder.condition_block(encoded, prompt.shape[1] + made, block)
            chunk.append(advance(n, condition))
            if np.isnan(chunk[-1]).any():
                raise FloatingPointError("Expected the model to predict finite parameters. Received: NaN")
            wanted, made = wanted - n, made + n
        yield np.concatenate(chunk, axis=1)


def _by_xla(decoder, state, request):
    """A function of a number of samples and the condition of a block that makes them, `[batch, n]`."""
    settings, size = request.settings, decoder.model.distribution.parameter_size
    seed = tf.constant([request.seed & 0xFFFFFFFF, request.seed >> 32], tf.uint32)
    temperature = tf.constant(settings.temperature, tf.float32)
    top_k = None if settings.top_k is None else tf.constant(min(settings.top_k, size), tf.int32)
    top_p = None if settings.top_p is None else tf.constant(settings.top_p, tf.float32)

    def advance(n, condition):
        nonlocal state
        audio, state = decoder.decode(state, tf.constant(n), seed, temperature, top_k, top_p, condition)
        return audio[:n].numpy().T

    return advance


def _natively(decoder, state, request):
    """As `_by_xla`."""
    from tf_wavenet.decoding.native.native_decoder import NativeDecoder

    native = NativeDecoder(decoder.model)
    states = native.start(state)
    return lambda n, condition: native.decode(states, n, request.seed, request.settings, condition)


def decoder_of(model) -> Decoder:
    """Returns the model's decoder, made on first use and kept, with what it compiled, as long as the model."""
    if model not in _DECODERS:
        _DECODERS[model] = Decoder(weakref.proxy(model))
    return _DECODERS[model]
