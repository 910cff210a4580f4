"""Generation by compiled loops over vectors of the processor, without TensorFlow in the loop."""

import concurrent.futures
import os

import numpy as np
import tensorflow as tf

from tf_wavenet.decoding.native.kernel import State, decode
from tf_wavenet.decoding.native.packed_weights import network
from tf_wavenet.decoding.native.products import ROWS


class NativeDecoder:
    """Continues states of `tf_wavenet.decoding.Decoder`, with the weights that the model has when it is made.

    Sums are float32. The same random numbers are drawn as by `Decoder`, so that samples differ only where rounding
    moves the parameters across a draw's edge. Rows are decoded four at a time, which share one reading of the weights.

    Args:
        model: A `WaveNet` for which `tf_wavenet.decoding.native.why_not` is None.
        dtype: "float16" or "float32", of the matrices in memory.
        threads: Int >= 1, groups of rows at once; None: as many as there are cores.
    """

    def __init__(self, model, dtype="float16", threads=None) -> None:
        self._model = model
        self._network = network(model, dtype)
        self._threads = threads or _cores()

    def start(self, state) -> list[State]:
        """Returns the states of groups of rows that go on from a state of `Decoder`."""
        rows = len(state["previous"])
        packed = np.asarray(self._model.pack_state(state["model"]), np.float32)
        sizes = [ROWS] * (rows // ROWS) + [1] * (rows % ROWS)
        groups, first = [], 0
        for size in sizes:
            part = slice(first, first + size)
            values = {name: np.array(value)[part] for name, value in state.items() if name != "model"}
            groups.append(self._group(packed[part], values))
            first += size
        return groups

    def decode(self, states, num_samples, seed, settings, condition=None) -> np.ndarray:
        """Makes `num_samples` of every row, `[rows, num_samples]`, and moves the states on.

        Args:
            states: What `start` returned.
            num_samples: Int >= 1.
            seed: Int in [0, 2**63).
            settings: `SamplingSettings`.
            condition: None, or the encoded condition, `[rows, vectors or 1, channels]`, from the vector on that holds
                the first of these samples.
        """
        audio = [np.empty((num_samples, len(state.row)), np.float32) for state in states]
        projected, hold = np.zeros((0, len(states), 1), np.float32), 0
        if condition is not None:
            layer = self._model.conditioning
            projected = np.asarray(tf.cast(layer.project(tf.transpose(condition, [1, 0, 2])), tf.float32))
            hold = 0 if len(projected) == 1 else layer.hold
        key = np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)
        top_k, top_p = settings.top_k or 0, 1.0 if settings.top_p is None else float(settings.top_p)

        def run(made, state, first):
            part = _own(projected[:, first : first + made.shape[1]], np.float32)
            decode(made, self._network, state, part, hold, *key, float(settings.temperature), int(top_k), top_p)

        firsts = np.cumsum([0, *(part.shape[1] for part in audio)])[:-1]
        if len(states) == 1 or self._threads == 1:
            for job in zip(audio, states, firsts, strict=True):
                run(*job)
        else:
            with concurrent.futures.ThreadPoolExecutor(min(self._threads, len(states))) as pool:
                list(pool.map(run, audio, states, firsts))
        return np.concatenate(audio, axis=1).T

    def _group(self, packed, values) -> State:
        net, rows = self._network, len(packed)
        channels, half = net.channels, net.gates // 2
        taken = 0

        def take(*shape) -> np.ndarray:
            nonlocal taken
            size = int(np.prod(shape))
            part = packed[:, taken : taken + size].reshape(rows, *shape)
            taken += size
            return part

        first = np.zeros((rows, net.first_taps, channels), np.float32)
        first[:, 1:] = take(net.first_taps - 1, channels)
        slots = (net.kernel_size - 1) * int(net.dilations.sum())
        ring = take(slots, net.residual)
        order = max(net.order, 0)
        past = np.zeros((rows, order), np.float32)
        predicted = np.zeros(rows, np.float32)
        if net.order >= 0:
            past[:, 1:] = take(max(order - 1, 0))
            predicted[:] = take(1)[:, 0]
        nothing = ~first.any(axis=-1)
        scratch = {
            name: np.zeros(rows * size, np.float32)
            for name, size in (
                ("x", net.residual_wide),
                ("sums", net.gates_wide),
                ("gated", net.layers * half),
                ("skips", net.skip_wide),
                ("hiddens", net.hidden_wide),
                ("parameters", net.outputs_wide),
            )
        }
        return State(
            ring=_own(ring.transpose(1, 0, 2), np.float32).ravel(),
            positions=np.zeros(net.layers, np.int64),
            levels=_own(np.where(nothing, -1, first.argmax(axis=-1)).T, np.int64),
            seen=_own(first.transpose(1, 0, 2), np.float32),
            previous=_own(values["previous"], np.float32),
            output=_own(values.get("output", np.zeros(rows)), np.float32),
            past=past,
            predicted=predicted,
            index=_own(values["index"], np.int64),
            row=_own(values["row"], np.uint32),
            weighted=np.zeros(max(net.classes, 1), np.float32),
            scores=np.zeros(max(net.classes, 1), np.float32),
            **scratch,
        )


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _own(array, dtype):
    """A writable contiguous copy; numba compiles anew for others."""
    return np.array(array, dtype, order="C")
