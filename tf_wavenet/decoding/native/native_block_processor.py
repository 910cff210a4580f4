"""Effects block by block, without TensorFlow."""

import numpy as np

from tf_wavenet.decoding.native.effect_kernel import PLACE, SPARE, process
from tf_wavenet.decoding.native.effect_program import program_of

_MOST = 256  # steps of a part: more would leave the first-level cache


class NativeState:
    """What a `NativeBlockProcessor` remembers of its streams; it is moved on in place."""

    def __init__(self, memory, positions, places) -> None:
        self.memory = memory  # float32: the weights, then each stream's buffers
        self.positions = positions  # int64 [batch, buffers]
        self.places = places  # scratch


class NativeBlockProcessor:
    """`NamWaveNet.prime` compiled by numba, with the weights that the model has when it is made.

    Blocks may be of any length, and of another one each time; nothing is compiled anew. Nothing is allocated where
    `output` is given. The output of a sample is there as soon as the sample is: there is no latency beside the block's
    own length. Threads may share a processor, each with a state of its own.

    Args:
        model: A `NamWaveNet`, built.
        most: Int >= 1, samples that are processed together.

    Raises:
        ValueError: If the model is not built.

    Example:
    >>> import numpy as np
    >>> from tf_wavenet import NamWaveNet
    >>> model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}])
    >>> model.build()
    >>> process, state = NativeBlockProcessor(model), model.get_initial_state(batch_size=1)
    >>> waveform = np.zeros((1, 48), "float32")
    >>> output, state = process(waveform[:, :16], state)
    >>> output.shape
    (1, 16)
    """

    def __init__(self, model, most=_MOST) -> None:
        start = model.get_initial_state(1)
        self._most = most
        self._program = program_of(model, most)
        self._model = model
        self(np.zeros((1, 1), np.float32), start)  # compiles

    def __call__(self, waveform, state, output=None) -> tuple[np.ndarray, NativeState]:
        """Processes a block.

        Args:
            waveform: `[batch, time]`, float32.
            state: What the model's `get_initial_state` or `unpack_state` returns, or the state of an earlier call,
                which is moved on in place.
            output: None, or a float32 array of the output's shape, to be filled and returned.

        Returns:
            `(output, state)`: `[batch, time]`, of several output channels `[batch, time, channels]`, and the state.

        Raises:
            ValueError: If a shape is not the one that is expected.
        """
        waveform = np.ascontiguousarray(waveform, np.float32)
        if waveform.ndim != 2 or not waveform.size:
            raise ValueError(
                f"Expected waveform of shape [batch, time], at least 1 sample. Received: shape {waveform.shape}"
            )
        if not isinstance(state, NativeState):
            rows = np.asarray(self._model.pack_state(state), np.float32)
            self._model.unpack_state(rows)  # tells what is wrong with them
            state = self._start(rows)
        batch, program = len(state.positions), self._program
        if len(waveform) != batch:
            raise ValueError(f"Expected waveform of {batch} rows, as the state. Received: shape {waveform.shape}")
        wanted = waveform.shape if program.channels == 1 else (*waveform.shape, program.channels)
        if output is None:
            output = np.empty(wanted, np.float32)
        elif output.shape != wanted or output.dtype != np.float32 or not output.flags.c_contiguous:
            raise ValueError(f"Expected output to be float32 {wanted}. Received: {output.dtype} {output.shape}")
        rows = output if program.channels == 1 else output.reshape(batch, -1)
        tables = program.channels, program.operations, program.sources, program.buffers
        rest = state.positions, state.places, state.memory
        for row in range(batch):
            process(row, waveform, rows, *tables, *rest, len(program.weights) + row * program.size, self._most)
        return output, state

    def pack_state(self, state: NativeState) -> np.ndarray:
        """Returns what the model's `pack_state` does, float32 `[batch, state_size]`, for its `unpack_state`."""
        rows = [
            np.concatenate([self._steps(state, row, past).ravel() for past in self._program.pasts] or [np.zeros(0)])
            for row in range(len(state.positions))
        ]
        return np.asarray(rows, np.float32)

    def _start(self, past):
        program = self._program
        memory = np.zeros(len(program.weights) + len(past) * program.size, np.float32)
        memory[: len(program.weights)] = program.weights
        positions, places = (
            np.zeros((len(past), len(program.buffers)), np.int64),
            np.zeros(PLACE * len(program.sources), np.int64),
        )
        state = NativeState(memory, positions, places)
        for row, numbers in enumerate(past):
            taken = 0
            for buffer, steps in program.pasts:
                ring, length = self._ring(state, row, buffer)
                size = steps * len(ring)
                ring[:, :steps] = numbers[taken : taken + size].reshape(steps, -1).T
                ring[:, length : length + self._most + SPARE] = ring[:, : self._most + SPARE]
                state.positions[row, buffer] = steps
                taken += size
        return state

    def _steps(self, state, row, past):
        ring, length = self._ring(state, row, past.buffer)
        steps = np.arange(state.positions[row, past.buffer] - past.steps, state.positions[row, past.buffer])
        return ring[:, steps % length].T

    def _ring(self, state, row, buffer):
        """A view `[channels, time]` of a stream's buffer, and the steps after which it begins anew."""
        first, channels, length, stride = self._program.buffers[buffer]
        first += len(self._program.weights) + row * self._program.size
        return state.memory[first : first + channels * stride].reshape(channels, stride), length
