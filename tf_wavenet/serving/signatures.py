"""The signatures of a WaveNet."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from tf_wavenet.decoding.decoder import Decoder
from tf_wavenet.serving import checks
from tf_wavenet.serving.checks import checked
from tf_wavenet.serving.generation import CHUNK_BLOCK, encoded_from, generate_samples
from tf_wavenet.serving.served import Served, hidden
from tf_wavenet.serving.signature import signature
from tf_wavenet.serving.tensors import SAMPLING, Tensor
from tf_wavenet.serving.wavenet_tensors import facts, wavenet_inputs, wavenet_outputs
from tf_wavenet.signal.mu_law import mu_law_decode, mu_law_encode


def _conditioned(served):
    return served.model.conditioning is not None


class Signatures(Served):
    """A WaveNet's signatures; see `Served`. The queues are those of the network, and the last sample.

    Args:
        model: A `tf_wavenet.WaveNet`.
        jit_compile: Whether XLA compiles the loop in the process that serves.
        max_samples: Int >= 1, the most samples of one request, all rows together.

    Example:
    >>> from tf_wavenet import WaveNet
    >>> model = WaveNet(dilations=(1, 2), residual_channels=4, skip_channels=4)
    >>> served = Signatures(model, jit_compile=False, max_samples=1000)
    >>> served.inputs["num_samples"].range
    '>= 0, the same for all rows, 1000 at most in all rows together'
    >>> sorted(served.score(tf.zeros((2, 50))))
    ['bits_per_sample', 'log_likelihood']
    >>> served.initial_state(2)["state_queues"].shape[1] == served.state_size == model.state_size + 1
    True
    """

    def __init__(self, model, jit_compile, max_samples) -> None:
        super().__init__(model, max_samples)
        self._decoder = hidden(Decoder(model, jit_compile))

    @property
    def state_size(self) -> int:
        """Int, the numbers of a stream's `state_queues`."""
        return self._decoder().state_size

    @property
    def inputs(self) -> dict[str, Tensor]:
        """Dict of `Tensor`s."""
        return wavenet_inputs(self.model, self.state_size, self.max_samples)

    @property
    def outputs(self) -> dict[str, Tensor]:
        """Dict of `Tensor`s, without what are inputs too."""
        return wavenet_outputs(self.model)

    def about(self) -> dict[str, Any]:
        """Returns a dict of what clients may want to know of the model."""
        return facts(self.model)

    def first_rows(self, batch_size) -> tf.Tensor:
        """Returns the queues of streams before their first sample."""
        return self._decoder().pack(self._decoder().initial_state(batch_size))

    @signature()
    def serving_default(self, waveform, **conditions) -> dict[str, tf.Tensor]:
        """Parameters of each sample's distribution given the samples before it (teacher forcing)."""
        return {"parameters": self.model(self._given(waveform, conditions))}

    @signature()
    def score(self, waveform, **conditions) -> dict[str, tf.Tensor]:
        """How probable waveforms are."""
        nats = self.model.log_prob(self._given(waveform, conditions, shortest=1))
        return {
            "bits_per_sample": -tf.reduce_mean(nats, axis=1) / math.log(2.0),
            "log_likelihood": tf.reduce_sum(nats, axis=1),
        }

    def _given(self, waveform, conditions, shortest=0):
        batch_size, time = tf.unstack(tf.shape(waveform))
        asked = [
            *checks.check_waveform(waveform, self.max_samples, shortest),
            *checks.check_covered(self.model, conditions, batch_size, time),
        ]
        given = checked(asked, waveform=waveform, **conditions)
        return given if conditions else given["waveform"]

    @signature()
    def generate(self, num_samples, batch_size, seed, temperature, top_k, top_p, **conditions) -> dict[str, tf.Tensor]:
        """Generates whole waveforms."""
        asked = [
            *checks.check_size(num_samples, batch_size, self.max_samples),
            *checks.check_sampling(self.model.distribution, seed, temperature, top_k, top_p),
            *checks.check_covered(self.model, conditions, batch_size, num_samples),
        ]
        conditions, decoder = checked(asked, size=batch_size, **conditions), self._decoder()
        state = decoder.initial_state(conditions.pop("size"))
        encoded = self.model.conditioning.encode(**conditions) if conditions else None
        settings = (seed, temperature, top_k, top_p)
        return {"waveform": generate_samples(self.model, decoder, state, num_samples, settings, encoded)[0]}

    @signature()
    def prime(self, waveform, state_queues, state_stream, first_frame=None, **conditions) -> dict[str, tf.Tensor]:
        """Streams hear a waveform, such as a prompt, in one parallel pass."""
        batch_size, time = tf.unstack(tf.shape(waveform))
        asked = [
            *checks.check_waveform(waveform, self.max_samples, shortest=1),
            *self._check_state(state_queues, state_stream, batch_size),
            *self._check_window(conditions, first_frame, state_stream, batch_size, time),
        ]
        given = checked(asked, waveform=waveform, queues=state_queues, stream=state_stream, **conditions)
        waveform, state = given.pop("waveform"), self._unpacked(given.pop("queues"), given.pop("stream"))
        encoded = encoded_from(self.model.conditioning, self._decoder().positions, state["index"], first_frame, given)
        return self._packed(self._decoder().prime(state, waveform, encoded))

    @signature(by_row=("num_samples", *SAMPLING))
    def generate_chunk(
        self, num_samples, seed, temperature, top_k, top_p, state_queues, state_stream, first_frame=None, **conditions
    ) -> dict[str, tf.Tensor]:
        """Streams go on for some samples. Rows may be strangers: no row's samples depend on another's."""
        batch_size, lengths = tf.shape(state_queues)[0], tf.reshape(num_samples, [-1])
        settings = {"seed": seed, "temperature": temperature, "top_k": top_k, "top_p": top_p}
        longest = tf.reduce_max(tf.concat([lengths, [0]], axis=0))
        shortest = tf.reduce_min(tf.concat([lengths, [longest]], axis=0))
        asked = [
            *checks.check_size(shortest, 1, self.max_samples),
            *checks.check_size(longest, batch_size, self.max_samples),
            (shortest == longest, "Expected num_samples to be the same for all rows."),
            *checks.check_sampling(self.model.distribution, **settings),
            *self._check_state(state_queues, state_stream, batch_size),
            *self._check_window(conditions, first_frame, state_stream, batch_size, longest),
            *checks.check_one_or_all(batch_size, num_samples=num_samples, **settings),
        ]
        given = checked(asked, length=longest, queues=state_queues, stream=state_stream, **settings, **conditions)
        queues, stream, longest = (given.pop(name) for name in ("queues", "stream", "length"))
        settings = [tf.reshape(given.pop(name), [-1]) for name in settings]
        index, row = self._decoder().positions.turned(stream[:, 2], stream[:, 3])
        encoded = encoded_from(self.model.conditioning, self._decoder().positions, index, first_frame, given)
        waveform, state = self.go_on(queues, index, row, longest, settings, encoded)
        return {"waveform": waveform, **self.state_outputs("new_", *state)}

    def go_on(self, queues, index, row, num_samples, settings, encoded) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """Makes samples of streams, all checked.

        Args:
            queues: float32 `[batch, state_size]`.
            index: int32 `[batch]`, of the next sample.
            row: int32 `[batch]`.
            num_samples: int32 scalar.
            settings: seed, temperature, top_k and top_p, each `[1]` or `[batch]`.
            encoded: The encoded condition from the next sample on, or None.

        Returns:
            float32 `[batch, num_samples]`, and the new `(queues, index, row)`.
        """
        decoder = self._decoder()
        state = decoder.unpack(self.sized(queues), index, row)
        waveform, state = generate_samples(self.model, decoder, state, num_samples, settings, encoded, CHUNK_BLOCK)
        return waveform, (decoder.pack(state), state["index"], state["row"])

    @signature()
    def step(self, previous_sample, state_queues, state_stream, condition=None) -> dict[str, tf.Tensor]:
        """Streams take one sample, and the distribution of the next is returned: the client samples."""
        batch_size, model = tf.shape(previous_sample)[0], self.model
        in_range = tf.reduce_all(tf.abs(previous_sample) <= 1.0)
        asked = [
            (in_range, "Expected previous_sample in [-1, 1], without NaN."),
            *self._check_state(state_queues, state_stream, batch_size, known=model.state_size),
        ]
        given = {"previous": previous_sample, "queues": state_queues, "stream": state_stream}
        if condition is not None:
            given["condition"] = checks.with_channels("condition", condition, model.conditioning.encoded_channels)
            asked.append((tf.shape(condition)[0] == batch_size, "Expected condition of as many rows as the batch."))
            asked.append((tf.reduce_all(tf.math.is_finite(condition)), "Expected condition without NaN."))
        given = checked(asked, **given)
        state = self._unpacked(given["queues"], given["stream"])
        if condition is not None:
            condition = model.conditioning.project(tf.expand_dims(given["condition"], 1))
        # A block of one sample: unlike the ring of `step`, its operations exist in ONNX and LiteRT.
        params, model_state = model.prime(tf.expand_dims(given["previous"], 1), state["model"], condition)
        # The sample that follows is the client's: what it is stays open, and only step is told it.
        nothing = tf.fill([batch_size], np.float32(np.nan))
        index, row = self._decoder().positions.advance(state["index"], state["row"], 1)
        state |= {"model": model_state, "index": index, "row": row, "previous": nothing}
        finite = tf.reduce_all(tf.math.is_finite(params))
        made = checked([(finite, "Expected the model to predict finite parameters.")], parameters=params[:, 0])
        return {**made, **self._packed(state)}

    @signature(when=_conditioned)
    def encode_condition(self, **conditions) -> dict[str, tf.Tensor]:
        """Conditions of each sample, as `step` takes them."""
        layer, some, most = self.model.conditioning, next(iter(conditions.values())), self.max_samples
        asked = list(checks.check_conditions(self.model, conditions, tf.shape(some)[0]))
        if "local_condition" in conditions:
            samples = tf.reduce_prod(tf.shape(some, tf.int64)[:2]) * layer.local_hop
            asked.append((samples <= most, f"Expected local_condition for at most {most} samples, all rows."))
        encoded = layer.held(layer.encode(**checked(asked, **conditions)))
        return {"encoded_condition": tf.cast(encoded, tf.float32)}

    @signature()
    def mu_law_encode(self, waveform) -> dict[str, tf.Tensor]:
        """Companding."""
        finite = tf.reduce_all(tf.math.is_finite(waveform))
        waveform = checked([(finite, "Expected waveform without NaN or infinity.")], waveform=waveform)["waveform"]
        return {"levels": mu_law_encode(waveform, self.model.mu)}

    @signature()
    def mu_law_decode(self, levels) -> dict[str, tf.Tensor]:
        """Expanding."""
        mu = self.model.mu
        valid = tf.reduce_all((levels >= 0) & (levels <= mu))
        levels = checked([(valid, f"Expected levels in [0, {mu}].")], levels=levels)["levels"]
        return {"decoded": mu_law_decode(levels, mu)}

    def _check_state(self, queues, stream, batch_size, known=None):
        told = "; what step returns can only go on in step"
        return self.check_state(queues, stream, batch_size, known, told)

    def _check_window(self, conditions, first_frame, stream, batch_size, num_samples):
        positions = self._decoder().positions
        return checks.check_window(self.model, positions, conditions, first_frame, stream, batch_size, num_samples)

    def _packed(self, state):
        return self.state_outputs("new_", self._decoder().pack(state), state["index"], state["row"])

    def _unpacked(self, queues, stream):
        return self._decoder().unpack(self.sized(queues), stream[:, 2], stream[:, 3])
