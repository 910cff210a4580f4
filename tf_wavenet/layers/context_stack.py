"""A second, cheaper stack that looks far back at a lower rate and conditions the first."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int
from tf_wavenet.layers._dense import Dense
from tf_wavenet.layers._replace import replace
from tf_wavenet.layers.residual_stack import ResidualStack


@registered
class ContextStack(keras.layers.Layer):
    """Residual stack at 1 / `hop_length` of the rate; its output is held for `hop_length` steps.

    The step `t = f * hop_length` completes frame f, the inputs `t - hop_length + 1 ... t` (zeros before the start). A
    frame is projected to `residual_channels`, the stack runs over frames, and what it makes of frame f is the output
    at steps `t ... t + hop_length - 1`. So the stack computes once in `hop_length` steps, also when it streams.

    `WaveNet(context_stack=ContextStack(...))` takes a layer without `units`, and makes its own from the arguments.

    Args:
        dilations: Sequence of positive ints, in frames.
        hop_length: Int >= 1, inputs in a frame.
        residual_channels: Int >= 1, channels of the residual path.
        skip_channels: Int >= 1, channels of the skip path; None means `residual_channels`.
        kernel_size: Int >= 1, taps of the dilated convolutions.
        units: Int >= 1, channels of the output, `ResidualStack.condition_units` of the stack it conditions; None: of a
            layer that is not called.

    Input shape:
        `[batch, time, channels]`; `[batch, channels]` in `step`.

    Output shape:
        `[batch, time, units]`; `[batch, units]` in `step`.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> layer = ContextStack(dilations=(1, 2, 4), hop_length=16, residual_channels=4, units=8)
    >>> tuple(layer(keras.ops.zeros((1, 100, 1))).shape)
    (1, 100, 8)
    >>> layer.receptive_field  # 8 frames of 16, and 15 steps for which the output is held
    143

    References:
        van den Oord et al., WaveNet (2016), section 2.6.
    """

    def __init__(
        self,
        dilations,
        hop_length=32,
        residual_channels=16,
        skip_channels=None,
        kernel_size=2,
        units=None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units if units is None else check_positive_int("units", units)
        skip_channels = residual_channels if skip_channels is None else skip_channels
        self.hop_length = check_positive_int("hop_length", hop_length)
        self.residual_channels = check_positive_int("residual_channels", residual_channels)
        self.skip_channels = skip_channels
        self.kernel_size = kernel_size
        policy = self.dtype_policy
        self.frame = Dense(residual_channels, dtype=policy, name="frame")
        self.stack = ResidualStack(dilations, residual_channels, skip_channels, kernel_size, dtype=policy, name="stack")
        self.dilations = self.stack.dilations
        self.out = None
        if units is not None:
            self.out = Dense(units, use_bias=False, dtype=policy, name="out")
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def replace(self, **changes) -> "ContextStack":
        """Returns a layer, not built, of the same arguments but for `changes`; name and dtype are the default's."""
        return replace(self, changes)

    def build(self, input_shape) -> None:
        """Builds the children."""
        if self.out is None:
            raise ValueError("Expected a ContextStack with units to be built. Received: units=None")
        self._channels = input_shape[-1]
        self.frame.build((None, None, self.hop_length * self._channels))
        self.stack.build((None, None, self.residual_channels))
        self.out.build((None, None, self.skip_channels))

    def call(self, inputs) -> Tensor:
        """Runs the whole sequence from a past of zeros."""
        time, hop = ops.shape(inputs)[1], self.hop_length
        frames = (time + hop - 1) // hop
        x = ops.pad(inputs, ((0, 0), (hop - 1, 0), (0, 0)))[:, : frames * hop]
        # The last frame may be incomplete; the steps that would see it are not asked for.
        missing = frames * hop - ops.shape(x)[1]
        x = ops.pad(x, ((0, 0), (0, missing), (0, 0)))
        context = self._project(self.stack(self._frames(x)))
        return ops.repeat(context, hop, axis=1)[:, :time]

    def get_initial_state(self, batch_size) -> dict[str, Any]:
        """Returns the state before the first step, a past of zeros.

        Args:
            batch_size: Int or scalar integer tensor.

        Returns:
            Dict: `recent`, the last `hop_length - 1` inputs; `held`, the output of the last frame; `phase`, int32,
            steps since then; `stack`, the state of the stack over frames.
        """
        dtype = self.compute_dtype
        return {
            "recent": ops.zeros((batch_size, self.hop_length - 1, self._channels), dtype),
            "held": ops.zeros((batch_size, self.units), dtype),
            "phase": ops.zeros((), "int32"),
            "stack": self.stack.get_initial_state(batch_size),
        }

    def step(self, inputs, state) -> tuple[Tensor, dict[str, Any]]:
        """Runs one time step; the stack computes only when a frame is complete.

        Args:
            inputs: `[batch, channels]`, the input at this time step.
            state: The state of `get_initial_state` or of the step before.

        Returns:
            `(outputs, state)`: `[batch, units]` and the next state.
        """
        x = ops.expand_dims(ops.cast(ops.convert_to_tensor(inputs), self.compute_dtype), 1)
        recent = ops.concatenate([state["recent"], x], axis=1)

        def compute():
            y, stack = self.stack.step(self._frames(recent)[:, 0], state["stack"])
            return {"held": self._project(y), "stack": stack}

        def hold():
            return {"held": state["held"], "stack": state["stack"]}

        new = ops.cond(ops.equal(state["phase"], 0), compute, hold)
        new |= {"recent": recent[:, 1:], "phase": (state["phase"] + 1) % self.hop_length}
        return new["held"], {name: new[name] for name in state}

    def prime(self, inputs, state) -> tuple[Tensor, dict[str, Any]]:
        """Runs a block of time steps in parallel, as many `step`s would.

        Args:
            inputs: `[batch, time, channels]`, time >= 1.
            state: The state of `get_initial_state` or of an earlier `step` or `prime`.

        Returns:
            `(outputs, state)`: `[batch, time, units]` and the state after the block.
        """
        x = ops.cast(ops.convert_to_tensor(inputs), self.compute_dtype)
        time, hop = ops.shape(x)[1], self.hop_length
        joined = ops.concatenate([state["recent"], x], axis=1)
        first = (hop - state["phase"]) % hop  # the first step of the block that completes a frame
        frames = (time - first + hop - 1) // hop
        complete = ops.take(joined, first + ops.arange(frames * hop), axis=1)
        y, stack = self.stack.prime(self._frames(complete), state["stack"])
        context = ops.concatenate([ops.expand_dims(state["held"], 1), self._project(y)], axis=1)
        outputs = ops.take(context, (ops.arange(time) - first + hop) // hop, axis=1)
        return outputs, {
            "recent": joined[:, time:],
            "held": outputs[:, -1],
            "phase": (state["phase"] + time) % hop,
            "stack": stack,
        }

    def pack_state(self, state) -> Tensor:
        """Returns `[batch, state_size]`; see `tf_wavenet.Streamable`."""
        recent = ops.reshape(state["recent"], (ops.shape(state["held"])[0], (self.hop_length - 1) * self._channels))
        return ops.concatenate([recent, state["held"], self.stack.pack_state(state["stack"])], axis=-1)

    def unpack_state(self, rows, time) -> dict[str, Any]:
        """Returns the state of `pack_state`'s rows, all of which have taken `time` steps modulo `hop_length`."""
        rows = ops.cast(ops.convert_to_tensor(rows), self.compute_dtype)
        recent = (self.hop_length - 1) * self._channels
        recent, held, stack = rows[:, :recent], rows[:, recent:][:, : self.units], rows[:, recent + self.units :]
        return {
            "recent": ops.reshape(recent, (ops.shape(rows)[0], self.hop_length - 1, self._channels)),
            "held": held,
            "phase": ops.cast(time, "int32") % self.hop_length,
            "stack": self.stack.unpack_state(stack),
        }

    @property
    def state_size(self) -> int:
        """Int, the numbers of one stream's state."""
        return (self.hop_length - 1) * self._channels + self.units + self.stack.state_size

    def _frames(self, x):
        return self.frame(ops.reshape(x, (ops.shape(x)[0], -1, self.hop_length * self._channels)))

    def _project(self, skip):
        return self.out(ops.relu(skip))

    @property
    def receptive_field(self) -> int:
        """Int, the number of inputs, the present one included, that one output depends on (at most)."""
        return (self.stack.receptive_field + 1) * self.hop_length - 1

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `input_shape` with `units` channels."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "dilations": list(self.dilations),
            "hop_length": self.hop_length,
            "residual_channels": self.residual_channels,
            "skip_channels": self.skip_channels,
            "kernel_size": self.kernel_size,
            "units": self.units,
        }
