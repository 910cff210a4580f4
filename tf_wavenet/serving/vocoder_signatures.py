"""The signatures of a feed-forward vocoder."""

import math
from typing import Any

import tensorflow as tf

from tf_wavenet.decoding.positions import positions_of
from tf_wavenet.decoding.random_numbers import uniforms
from tf_wavenet.serving import checks, tensors
from tf_wavenet.serving.checks import checked
from tf_wavenet.serving.generation import seed_words
from tf_wavenet.serving.served import Served, hidden
from tf_wavenet.serving.signature import signature
from tf_wavenet.serving.tensors import Tensor


def _causal(served):
    return served.streams


class VocoderSignatures(Served):
    """A vocoder's signatures; see `Served`. The queues are what its layers keep of the past.

    Args:
        model: A `tf_wavenet.Vocoder`.
        jit_compile: Whether XLA compiles the chunks of streams in the process that serves, each length of chunk once.
        max_samples: Int >= 1, the most samples of one request, all rows together.

    Example:
    >>> from tf_wavenet import HiFiGAN
    >>> model = HiFiGAN((4, 2), (8, 4), 8, 1, (3,), ((1,),), num_mels=4, causal=True)
    >>> served = VocoderSignatures(model, jit_compile=False, max_samples=1000)
    >>> served.generate(tf.zeros((1, 10, 4)))["waveform"].shape
    TensorShape([1, 80])
    >>> served.generate(tf.zeros((1, 200, 4)))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tensorflow.python.framework.errors_impl.InvalidArgumentError: ...at most 1000 samples, all rows together...
    """

    def __init__(self, model, jit_compile, max_samples) -> None:
        super().__init__(model, max_samples)
        self._positions = hidden(positions_of(model))

        def prime(inputs, queues):
            waveform, state = model.prime(inputs, model.unpack_state(queues))
            return waveform, model.pack_state(state)

        # XLA compiles each length anew, which takes seconds and memory that stay: of utterances, none is like another.
        self._call = hidden(tf.function(model.call, autograph=False, jit_compile=False))
        self._prime = hidden(tf.function(prime, autograph=False, jit_compile=jit_compile))

    @property
    def streams(self) -> bool:
        """Whether there is a state: a model that is not causal has none."""
        return self.model.causal

    @property
    def state_size(self) -> int:
        """Int, the numbers of a stream's `state_queues`."""
        return self.model.state_size

    @property
    def inputs(self) -> dict[str, Tensor]:
        """Dict of `Tensor`s."""
        model, inputs = self.model, tensors.shared_inputs(self.max_samples)
        if not model.needs_noise:
            del inputs["seed"]
        inputs["local_condition"] = tensors.local_condition(model.num_mels, model.local_hop, model.mel_spec)
        if self.streams:
            inputs |= tensors.state(self.state_size, "what the layers keep of the past, in order of time")
        return inputs

    @property
    def outputs(self) -> dict[str, Tensor]:
        """Dict of `Tensor`s, without what are inputs too."""
        made = Tensor("samples", "may leave [-1, 1]", "full scale")
        return tensors.shared_outputs(self.model.mel_spec) | {"waveform": made}

    def about(self) -> dict[str, Any]:
        """Returns a dict of what clients may want to know of the model."""
        hop, ahead = self.model.local_hop, 0 if self.streams else None
        return {"speakers": None, "local_hop": hop, "look_ahead_frames": ahead, "margin_frames": ahead}

    def first_rows(self, batch_size) -> tf.Tensor:
        """Returns the queues of streams before their first frame."""
        return self.model.pack_state(self.model.get_initial_state(batch_size))

    @signature()
    def serving_default(self, local_condition, seed=None) -> dict[str, tf.Tensor]:
        """Speaks whole utterances: `generate`."""
        return self.generate(local_condition, seed)

    @signature()
    def generate(self, local_condition, seed=None) -> dict[str, tf.Tensor]:
        """Speaks whole utterances; each row draws its own noise, if the model needs any."""
        given = self._checked(local_condition, seed)
        rows = tf.range(tf.shape(local_condition)[0])
        return {"waveform": _finite(self._call()(self._with_noise(given, tf.zeros_like(rows), rows)))}

    @signature(by_row=("seed",), when=_causal)
    def generate_chunk(self, local_condition, state_queues, state_stream, seed=None) -> dict[str, tf.Tensor]:
        """Streams speak their next frames. Rows may be strangers: no row's samples depend on another's."""
        batch_size = tf.shape(local_condition)[0]
        asked = [*self.check_state(state_queues, state_stream, batch_size)]
        if seed is not None:
            asked += checks.check_one_or_all(batch_size, seed=seed)
        given = self._checked(local_condition, seed, asked, queues=state_queues, stream=state_stream)
        queues, stream = self.sized(given.pop("queues")), given.pop("stream")
        index, row = self._positions().turned(stream[:, 2], stream[:, 3])
        waveform, queues = self._prime()(self._with_noise(given, index, row), queues)
        new = self.state_outputs("new_", queues, *self._positions().advance(index, row, tf.shape(waveform)[1]))
        return {"waveform": _finite(waveform), **new}

    def _checked(self, local_condition, seed, asked=(), **others):
        asked = [*asked, *checks.check_frames(self.model, local_condition, self.max_samples)]
        if seed is not None:
            asked.append((tf.reduce_all(seed >= 0), "Expected seed >= 0."))
            others["seed"] = seed
        return checked(asked, local_condition=local_condition, **others)

    def _with_noise(self, given, index, row):
        """What the model takes; noise is drawn from seed, row and sample, so that chunks draw what the whole does."""
        if "seed" not in given:
            return given["local_condition"]
        features, time = given["local_condition"], tf.shape(given["local_condition"])[1] * self.model.local_hop
        samples = tf.broadcast_to(tf.range(time), [tf.shape(row)[0], time])
        index, row = self._positions().advance(tf.expand_dims(index, 1), tf.expand_dims(row, 1), samples)
        row = tf.broadcast_to(row, tf.shape(index))
        words = tf.expand_dims(seed_words(tf.reshape(given["seed"], [-1])), 1)
        first, second = tf.unstack(uniforms(words, tf.cast(row, tf.uint32), tf.cast(index, tf.uint32)), axis=-1)
        noise = tf.sqrt(-2.0 * tf.math.log(first)) * tf.cos(2.0 * math.pi * second)  # Box and Muller
        return {"local_condition": features, "noise": noise}


def _finite(waveform):
    finite = tf.reduce_all(tf.math.is_finite(waveform))
    return checked([(finite, "Expected the model to make finite samples.")], waveform=waveform)["waveform"]
