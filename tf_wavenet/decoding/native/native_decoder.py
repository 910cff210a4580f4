"""Generation by compiled loops over vectors of the processor, without TensorFlow in the loop."""

import concurrent.futures
import functools
import os
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_wavenet.decoding.native import products, tiles
from tf_wavenet.decoding.native.kernel import decode
from tf_wavenet.decoding.native.network import ONE_HOT, Network, State
from tf_wavenet.decoding.native.packed_weights import (
    context_network,
    matrices_of,
    matrices_of_context,
    network,
    pack,
    pack_halves,
)
from tf_wavenet.decoding.native.sampling import CATEGORICAL
from tf_wavenet.decoding.native.stack import bfloat16
from tf_wavenet.decoding.sampler import SamplingSettings

_CACHE = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")
_PROJECTED_BYTES = 2**23
_MAX_PEAK = 4.0  # with pre-emphasis samples pass full scale


class NativeDecoder:
    """Continues states of `tf_wavenet.decoding.Decoder`, with the weights that the model has when it is made.

    Sums are float32. The same random numbers are drawn as by `Decoder`, so that samples differ only where rounding
    moves the parameters across a draw's edge. Rows are decoded in groups, which share one reading of the weights: of
    eight and four, or more where the processor has a matrix unit (`native.tiles`). Groups take dot products of bfloat16
    where the processor has those (`native.dots`).

    Args:
        model: A `WaveNet` for which `tf_wavenet.decoding.native.why_not` is None.
        dtype: "float16" or "float32", of the matrices in memory. None: float32 where they fill at most half of the
            second-level cache, else float16, which is read in half the time.
        threads: Int >= 1, groups of rows at once; None: as many as there are cores.
        use_bfloat16: Bool, whether groups of rows may be multiplied in bfloat16.
    """

    def __init__(self, model, dtype=None, threads=None, use_bfloat16=True) -> None:
        self._model, self._networks = model, {}
        matrices = matrices_of(model)
        numbers = sum(matrix.size for product in matrices for matrix in product)
        self._dtype = dtype or ("float32" if 4 * numbers <= _cache_bytes() / 2 else "float16")
        self._network = self._networks[False, False] = network(model, pack(matrices, self._dtype))
        self._threads = threads or _cores()
        self._context = None
        if model.context_stack is not None:
            weights = pack(matrices_of_context(model.context_stack), self._dtype)
            self._context = context_network(model.context_stack, weights)
        layer = model.conditioning
        # A condition of each sample is one more input of a group's convolutions, which costs less than to project it
        # before and to read that.
        self._condition = 0
        if model.local_channels and layer.hold == 1 and layer.linear_predictor is None:
            self._condition = layer.encoded_channels
        inputs = [sum(map(len, product)) for product in matrices]
        self._most = max(inputs) + self._condition
        fits = all(size % products.LANES == 0 for size in (*map(len, sum(matrices, [])), self._condition))
        exact = dtype == "float32" or (bfloat16 is tiles and self._network.weights.dtype == np.float32)
        fits = fits and (bfloat16 is not tiles or self._context is None)  # whose rows are eight or four at a time
        self._groups = bfloat16.GROUPS if use_bfloat16 and fits and not exact and bfloat16.available() else ()

    def _network_of(self, halves, conditioned) -> Network:
        """The model, packed for products in bfloat16 or not, with the condition as an input or projected."""
        key = halves, conditioned
        if key not in self._networks:
            matrices = matrices_of(self._model, conditioned)
            weights = pack_halves(matrices) if halves else pack(matrices, self._dtype)
            self._networks[key] = network(self._model, weights, conditioned)
        return self._networks[key]

    def start(self, state) -> list[State]:
        """Returns the states of groups of rows that go on from a state of `Decoder`."""
        packed = np.asarray(self._model.pack_state(state["model"]), np.float32)
        return self._groups_of(packed, {name: np.array(value) for name, value in state.items() if name != "model"})

    def unpack(self, rows, index, row) -> list[State]:
        """Returns the states of `pack`'s, or `Decoder.pack`'s, rows.

        Args:
            rows: float32 `[batch, state_size]`, of a model and a decoder as these.
            index: Ints `[batch]`, the indices of the next samples.
            row: Ints `[batch]`, the rows' numbers.
        """
        size = self._model.state_size
        values = {"previous": rows[:, size], "index": index, "row": row}
        if self._network.preemphasis:
            values["output"] = rows[:, size + 1]
        return self._groups_of(rows[:, :size], values)

    def pack(self, states) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns what `Decoder.pack` does of the state of all rows, and their indices and numbers: see `unpack`."""
        rows = np.concatenate([self._packed(state) for state in states])
        return rows, *(np.concatenate([getattr(state, name) for state in states]) for name in ("index", "row"))

    def check(self, states: list[State]) -> None:
        """Makes sure that states that come from a file lead nowhere outside their arrays.

        Args:
            states: As `start` returns them, of the same shapes.

        Raises:
            ValueError: If a place is none, or a sample is beyond full scale.
        """
        peak = 1.0 if self._network.encoding == ONE_HOT else _MAX_PEAK
        for state in states:
            places = {
                "positions": _in_rings(self._network, state),
                "levels": (state.levels >= -1) & (state.levels < self._network.channels),
                "index": state.index >= 0,
                "previous": np.abs(state.previous) <= peak,  # which names a level
                "output": np.abs(state.output) <= _MAX_PEAK,
            }
            found = [(name, getattr(state, name), fine) for name, fine in places.items()]
            if state.heard:
                found.append(("positions", state.heard.positions, _in_rings(self._context, state.heard)))
            for name, values, fine in found:
                if not fine.all():
                    raise ValueError(
                        f"Expected a state that a decoder has made. Received: {name} of {values[~fine][0]}"
                    )

    def decode(self, states, num_samples, seed, settings, condition=None) -> np.ndarray:
        """Makes `num_samples` of every row, `[rows, num_samples]`, and moves the states on.

        Args:
            states: What `start` returned.
            num_samples: Int >= 1.
            seed: Int in [0, 2**63), or one for each row.
            settings: `SamplingSettings`, or one for each row.
            condition: None, or the encoded condition, `[rows, vectors or 1, channels]`, from the vector on that holds
                the first of these samples.
        """
        if condition is not None:
            condition = np.asarray(tf.cast(tf.transpose(condition, [1, 0, 2]), tf.float32))
        audio = [np.empty((num_samples, len(state.row)), np.float32) for state in states]
        rows = sum(made.shape[1] for made in audio)
        seeds = np.broadcast_to(np.asarray(seed, np.uint64), rows)
        keys = np.stack([seeds & np.uint64(0xFFFFFFFF), seeds >> np.uint64(32)], axis=1).astype(np.uint32)
        each = [settings] * rows if isinstance(settings, SamplingSettings) else settings
        temperatures = np.array([one.temperature for one in each], np.float32)
        top_ks = np.array([one.top_k or 0 for one in each], np.int64)
        top_ps = np.array([1.0 if one.top_p is None else one.top_p for one in each], np.float64)
        filtered = (top_ks > 0).any() or (top_ps < 1.0).any()

        def run(made, state, first):
            of = slice(first, first + made.shape[1])
            part = None if condition is None else condition[:, of]
            inside = part is not None and made.shape[1] > 1 and self._condition > 0
            net = self._network_of(state.halves.size > 0, inside)
            group = None if made.shape[1] == 1 else made.shape[1]
            located = None if net.kind == CATEGORICAL else True
            context = (self._context, state.heard) if state.heard else None
            for samples, vectors, hold in self._parts(made, part, inside):
                vectors.flags.writeable = False  # one type for numba, whatever they come from
                drawn = keys[of], temperatures[of], top_ks[of] if filtered else None, top_ps[of]
                decode(samples, group, located, net, state, context, vectors, hold, *drawn)

        firsts = np.cumsum([0, *(part.shape[1] for part in audio)])[:-1]
        if len(states) == 1 or self._threads == 1:
            for job in zip(audio, states, firsts, strict=True):
                run(*job)
        else:
            with concurrent.futures.ThreadPoolExecutor(min(self._threads, len(states))) as pool:
                list(pool.map(run, audio, states, firsts))
        return np.concatenate(audio, axis=1).T

    def _parts(self, made, condition, inside):
        """Yields the parts of a group's samples with their condition and the samples that a vector of it holds for.

        Conditions are projected in parts that caches hold.
        """
        layer, num_samples, rows = self._model.conditioning, *made.shape
        if condition is None:
            yield made, np.zeros((0, rows, 1), np.float32), 0
        elif inside:
            yield made, np.array(condition, order="C"), 1
        elif len(condition) == 1:
            yield made, self._projected(condition), 0
        else:
            vectors = max(1, _PROJECTED_BYTES // (4 * rows * layer.projected_channels))
            for first in range(0, num_samples, vectors * layer.hold):
                # A part may begin and end within a vector.
                vector = first // layer.hold
                part = self._projected(condition[vector : vector + vectors + 1])
                yield made[first : first + vectors * layer.hold], part, layer.hold

    def _projected(self, condition):
        # As a matrix: TensorFlow would multiply the rows of each vector by themselves.
        projected = self._model.conditioning.project(tf.reshape(condition, [-1, condition.shape[-1]]))
        return np.asarray(tf.cast(projected, tf.float32)).reshape(*condition.shape[:2], -1)

    def _sizes(self, rows):
        """Rows of each group, the largest first, but of those in bfloat16 not so large that a thread has none."""
        share = max(rows // self._threads, min(self._groups, default=0))
        for size in (*(size for size in self._groups if size <= share), *products.GROUPS, 1):
            while rows >= size:
                yield size
                rows -= size

    def _groups_of(self, packed, values):
        groups, first = [], 0
        for size in self._sizes(len(packed)):
            part = slice(first, first + size)
            groups.append(self._group(packed[part], {name: value[part] for name, value in values.items()}))
            first += size
        return groups

    def _group(self, packed, values) -> State:
        net, rows, taken = self._network, len(packed), 0

        def take(*shape) -> np.ndarray:
            nonlocal taken
            size = int(np.prod(shape))
            part = packed[:, taken : taken + size].reshape(rows, *shape)
            taken += size
            return part

        first = np.zeros((rows, net.first_taps, net.channels), np.float32)
        first[:, 1:] = take(net.first_taps - 1, net.channels)
        ring = take(_slots(net), net.residual)
        heard = ()
        if self._context is not None:
            frames, units = self._context, self._model.context_stack.units
            recent = np.zeros((rows, frames.first_taps, 1), np.float32)
            recent[:, 1:] = take(frames.first_taps - 1, 1)
            held = take(units)
            heard = _state(frames, rows, recent, take(_slots(frames), frames.residual), values)
            heard.parameters.reshape(rows, -1)[:, :units] = held
        order = max(net.order, 0)
        past, predicted = np.zeros((rows, order), np.float32), np.zeros(rows, np.float32)
        if net.order >= 0:
            past[:, 1:] = take(max(order - 1, 0))
            predicted[:] = take(1)[:, 0]
        return _state(net, rows, first, ring, values)._replace(
            past=past,
            predicted=predicted,
            told=np.zeros(rows * self._condition, np.float32),
            heard=heard,
            halves=np.zeros(bfloat16.halves_size(rows, self._most) if rows in self._groups else 0, np.uint16),
        )

    def _packed(self, state):
        net, rows = self._network, len(state.row)
        first = state.seen
        if net.encoding == ONE_HOT:
            first = (state.levels[..., None] == np.arange(net.channels)).astype(np.float32)
        parts = [first[1:].transpose(1, 0, 2), _ring_in_order(net, state)]
        if state.heard:
            held = state.heard.parameters.reshape(rows, -1)[:, : self._model.context_stack.units]
            recent = state.heard.seen[1:].transpose(1, 0, 2)
            parts += [recent, held, _ring_in_order(self._context, state.heard)]
        if net.order >= 0:
            parts += [state.past[:, 1:], state.predicted]
        parts += [state.previous, *([state.output] if net.preemphasis else [])]
        return np.concatenate([np.reshape(part, (rows, -1)) for part in parts], axis=1)


def _ring_in_order(net, state):
    """What every layer has seen, oldest first, `[rows, slots, residual]`."""
    ring = state.ring.reshape(_slots(net), len(state.row), net.residual)
    ends = (net.kernel_size - 1) * np.cumsum(net.dilations)
    layers = np.split(ring, ends[:-1])
    turned = [np.roll(layer, -position, axis=0) for layer, position in zip(layers, state.positions, strict=True)]
    return np.concatenate(turned).transpose(1, 0, 2)


def _slots(net):
    return (net.kernel_size - 1) * int(net.dilations.sum())


def _in_rings(net, state):
    return (state.positions >= 0) & (state.positions < (net.kernel_size - 1) * net.dilations)


def _state(net, rows, first, ring, values) -> State:
    """A network's state with what its first convolution and its others have seen, without prediction and halves."""
    nothing = ~first.any(axis=-1)
    scratch = {
        name: np.zeros(rows * size, np.float32)
        for name, size in (
            ("x", net.residual_wide),
            ("sums", net.gates_wide),
            ("gated", net.layers * net.gates // 2),
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
        past=np.zeros((rows, 0), np.float32),
        predicted=np.zeros(rows, np.float32),
        index=_own(values["index"], np.int64),
        row=_own(values["row"], np.uint32),
        weighted=np.zeros(max(net.classes, 1), np.float32),
        scores=np.zeros(max(net.classes, 1), np.float32),
        started=np.zeros(rows, np.int64),
        vector=np.zeros(rows, np.int64),
        told=np.zeros(0, np.float32),
        heard=(),
        halves=np.zeros(0, np.uint16),
        **scratch,
    )


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@functools.cache
def _cache_bytes():
    """Size of the second-level cache; 0 where Linux does not tell."""
    try:
        return int(_CACHE.read_text().strip().removesuffix("K")) * 1024
    except (OSError, ValueError):
        return 0


def _own(array, dtype):
    """A writable contiguous copy; numba compiles anew for others."""
    return np.array(array, dtype, order="C")
