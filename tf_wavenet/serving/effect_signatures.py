"""The signatures of a model of an effect, which turns one waveform into another."""

from typing import Any

import tensorflow as tf

from tf_wavenet.serving import tensors
from tf_wavenet.serving.checks import check_recording, checked
from tf_wavenet.serving.served import Served, hidden
from tf_wavenet.serving.signature import signature
from tf_wavenet.serving.tensors import Tensor


class EffectSignatures(Served):
    """A `NamWaveNet`'s signatures; see `Served`. The queues are what its layers keep of the past.

    Args:
        model: A `tf_wavenet.NamWaveNet` of one output channel; it is built if it is not.
        jit_compile: Whether XLA compiles the model in the process that serves.
        max_samples: Int >= 1, the most samples of one request, all rows together.

    Raises:
        ValueError: If the model has several output channels.

    Example:
    >>> from tf_wavenet import NamWaveNet
    >>> model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}])
    >>> served = EffectSignatures(model, jit_compile=False, max_samples=1000)
    >>> recording, state = tf.random.normal((1, 30), stddev=0.2), served.initial_state(1)
    >>> answer = served.generate_chunk(recording, state["state_queues"], state["state_stream"])
    >>> sorted(answer)
    ['new_state_queues', 'new_state_stream', 'waveform']
    >>> bool(tf.reduce_max(tf.abs(answer["waveform"] - model(recording))) < 1e-5)
    True
    """

    def __init__(self, model, jit_compile, max_samples) -> None:
        if model.output_channels != 1:
            raise ValueError(f"Expected a model of one output channel. Received: {model.output_channels}")
        if not model.built:
            model.build()
        super().__init__(model, max_samples)

        def prime(inputs, queues):
            waveform, state = model.prime(inputs, model.unpack_state(queues))
            return waveform, model.pack_state(state)

        self._call = hidden(tf.function(model.call, autograph=False, jit_compile=jit_compile))
        self._prime = hidden(tf.function(prime, autograph=False, jit_compile=jit_compile))

    @property
    def state_size(self) -> int:
        """Int, the numbers of a stream's `state_queues`."""
        return self.model.state_size

    @property
    def inputs(self) -> dict[str, Tensor]:
        """Dict of `Tensor`s."""
        inputs = tensors.shared_inputs(self.max_samples)
        said = f"finite, {self.max_samples} at most in all rows together"
        return {
            "batch_size": inputs["batch_size"],
            "recording": Tensor("samples of what goes in", said, "full scale", [None, None]),
            **tensors.state(self.state_size, "what the layers keep of the past, in order of time"),
        }

    @property
    def outputs(self) -> dict[str, Tensor]:
        """Dict of `Tensor`s, without what are inputs too."""
        return {"waveform": Tensor("samples of what comes out", "may leave [-1, 1]", "full scale")}

    def about(self) -> dict[str, Any]:
        """Returns a dict of what clients may want to know of the model."""
        return {"speakers": None, "local_hop": None, "look_ahead_frames": None, "margin_frames": None}

    def first_rows(self, batch_size) -> tf.Tensor:
        """Returns the queues of streams before their first sample."""
        return self.model.pack_state(self.model.get_initial_state(batch_size))

    @signature()
    def serving_default(self, recording) -> dict[str, tf.Tensor]:
        """Plays whole recordings through the effect: `generate`."""
        return self.generate(recording)

    @signature()
    def generate(self, recording) -> dict[str, tf.Tensor]:
        """Plays whole recordings through the effect, from silence on."""
        asked = check_recording(recording, self.max_samples)
        return {"waveform": self._call()(checked(asked, recording=recording)["recording"])}

    @signature()
    def generate_chunk(self, recording, state_queues, state_stream) -> dict[str, tf.Tensor]:
        """Streams take their next samples. Rows may be strangers: no row's samples depend on another's."""
        batch_size, time = tf.unstack(tf.shape(recording))
        asked = [*self.check_state(state_queues, state_stream, batch_size)]
        asked += check_recording(recording, self.max_samples)
        given = checked(asked, recording=recording, queues=state_queues, stream=state_stream)
        waveform, queues = self._prime()(given["recording"], self.sized(given["queues"]))
        index, row = given["stream"][:, 2], given["stream"][:, 3]
        return {"waveform": waveform, **self.state_outputs("new_", queues, index + time, row)}
