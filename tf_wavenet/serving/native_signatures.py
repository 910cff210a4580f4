"""A WaveNet's signatures for a process of our own, whose streams go on by the native decoder."""

import numpy as np
import tensorflow as tf

from tf_wavenet.decoding.sampler import SamplingSettings
from tf_wavenet.serving.checks import checked
from tf_wavenet.serving.served import hidden
from tf_wavenet.serving.signatures import Signatures


class NativeSignatures(Signatures):
    """As `Signatures`, the same requests and states; `generate_chunk` calls Python, so it cannot be exported.

    Needs numba.

    Args:
        model: A `tf_wavenet.WaveNet`.
        max_samples: Int >= 1, the most samples of one request, all rows together.

    Raises:
        ValueError: If numba is not installed.

    Example:
    >>> from tf_wavenet import WaveNet
    >>> model = WaveNet(dilations=(1, 2), residual_channels=4, skip_channels=4)
    >>> served = NativeSignatures(model, max_samples=1000)
    >>> sampling = {"seed": tf.constant(0, tf.int64), "temperature": tf.constant(1.0)}
    >>> sampling |= {"top_k": tf.constant(0), "top_p": tf.constant(1.0)}
    >>> made = served.generate_chunk(tf.constant(5), **sampling, **served.initial_state(2))
    >>> made["waveform"].shape, sorted(made)
    (TensorShape([2, 5]), ['new_state_queues', 'new_state_stream', 'waveform'])
    """

    def __init__(self, model, max_samples) -> None:
        from tf_wavenet.decoding.native import is_native

        is_native(model, "native")  # tells why it is not
        from tf_wavenet.decoding.native.native_decoder import NativeDecoder

        super().__init__(model, False, max_samples)
        self._native = hidden(NativeDecoder(model))

    def go_on(self, queues, index, row, num_samples, settings, encoded) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """Makes samples of streams; see `Signatures`."""
        told = [queues, index, row, num_samples, *settings, *([] if encoded is None else [encoded])]
        kinds = [tf.float32, tf.float32, tf.int32, tf.int32]
        waveform, queues, index, row = tf.numpy_function(self._decode, told, kinds)
        finite = tf.reduce_all(tf.math.is_finite(waveform))
        made = checked([(finite, "Expected the model to predict finite parameters.")], waveform=waveform)["waveform"]
        return tf.ensure_shape(made, [None, None]), (tf.ensure_shape(queues, [None, None]), index, row)

    def _decode(self, queues, index, row, num_samples, seed, temperature, top_k, top_p, encoded=None):
        native, batch = self._native(), len(queues)
        seeds, *settings = (np.broadcast_to(values, batch) for values in (seed, temperature, top_k, top_p))
        settings = [
            SamplingSettings(float(heat), int(k) or None, float(p) if p < 1 else None)
            for heat, k, p in zip(*settings, strict=True)
        ]
        states, waveform = native.unpack(queues, index, row), np.zeros((batch, num_samples), np.float32)
        if not waveform.size:
            return waveform, queues, index, row
        waveform = native.decode(states, int(num_samples), seeds, settings, encoded)
        queues, index, row = native.pack(states)
        return waveform, queues, index.astype(np.int32), row.astype(np.int32)
