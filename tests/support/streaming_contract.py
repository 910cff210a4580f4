"""One check for everything that streams: `verify_streaming_contract`."""

import bisect

import keras
import numpy as np
from keras import ops, tree

from tests.support.arrays import numpy_of
from tests.support.gradients import gradient_by_input


def randomise(layer, seed=0, scale=0.3):
    """Gives every weight, biases too, random values: zeros hide mistakes."""
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(rng.normal(0, scale, weight.shape))


def verify_streaming_contract(layer, x, step_inputs=lambda x: x, differentiable=True, tolerance=1e-5):
    """Raises AssertionError unless `layer` streams as `tf_wavenet.Streamable` promises.

    Args:
        layer: Layer or model; its weights are randomised.
        x: NumPy `[batch >= 2, time, ...]`, longer than twice the receptive field.
        step_inputs: What `step` must be fed, time by time, to give `call(x)`.
        differentiable: Whether the receptive field can be measured from gradients; else by changing inputs.
        tolerance: Of outputs, relative to their largest magnitude.
    """
    layer(x[:, :1])
    randomise(layer)
    fed, time, field = step_inputs(x), x.shape[1], layer.receptive_field
    assert len(x) >= 2 and time > 2 * field, "the check needs two rows and more than two receptive fields"
    whole = _flat(layer(x))
    scale = max(np.abs(y).max() for y in whole)

    def close(actual, expected, what):
        for a, e in zip(actual, expected, strict=True):
            assert a.shape == e.shape, f"{what}: shape {a.shape} instead of {e.shape}"
            error = np.abs(a - e).max(initial=0.0)
            assert error <= tolerance * scale, f"{what}: differs by {error}, largest output {scale}"

    # Stacked steps are the call, however they are executed; the state keeps its form.
    executions = _executions(layer.step)
    for name, step in executions.items():
        steps = field + 1 if name == "eager" and len(executions) > 1 else time  # eager steps are slow
        ys = _run_steps(step, fed[:, :steps], layer.get_initial_state(len(x)))
        close(ys, [y[:, :steps] for y in whole], f"stacked {name} steps")
    for length in {1, field - 1, field, field + 1} - {0}:
        close(_flat(layer(x[:, :length])), [y[:, :length] for y in whole], f"call of length {length}")

    # Stop, keep the state, resume; blocks and steps mixed.
    half, state = time // 2, layer.get_initial_state(len(x))
    parts = []
    for block in (fed[:, :1], fed[:, 1:half]):
        y, state = layer.prime(block, state)
        parts.append(_flat(y))
    state = tree.map_structure(lambda s: ops.convert_to_tensor(numpy_of(s)), state)
    y, state = layer.step(fed[:, half], state)
    parts.append([a[:, None] for a in _flat(y)])
    y, _ = layer.prime(fed[:, half + 1 :], state)
    parts.append(_flat(y))
    close([np.concatenate(ys, axis=1) for ys in zip(*parts, strict=True)], whole, "prime, stop, step, prime")

    if hasattr(layer, "pack_state"):  # Conditioned has none: its rows share one time
        _check_packing(layer, fed, whole, close)

    # NaN in the future or in another row changes nothing.
    spoiled = x.copy()
    spoiled[0, half:] = np.nan
    before = [y[:1, :half] for y in whole]
    others = [y[1:] for y in whole]
    spoiled_fed = step_inputs(spoiled)
    for what, ys in {
        "call": _flat(layer(spoiled)),
        "step": _run_steps(list(executions.values())[-1], spoiled_fed, layer.get_initial_state(len(x))),
        "prime": _flat(layer.prime(spoiled_fed, layer.get_initial_state(len(x)))[0]),
    }.items():
        close([y[:1, :half] for y in ys], before, f"{what} with NaN in the future")
        close([y[1:] for y in ys], others, f"{what} with NaN in another row")

    measured = _field_from_gradients(layer, fed) if differentiable else _field_from_changes(layer, x)
    assert measured == field, f"receptive field {field}, measured {measured}"


def _check_packing(layer, fed, whole, close):
    """Packed, rows of streams at different times go on side by side as they would alone."""
    period = getattr(layer, "period", None) or getattr(layer, "hop_length", 1)
    early, late = time_of_rows = (period, 3 * period)
    rows = [layer.pack_state(layer.prime(fed[:, :time], layer.get_initial_state(len(fed)))[1]) for time in time_of_rows]
    assert {row.shape for row in rows} == {(len(fed), layer.state_size)}, "rows of another size than state_size"
    state = layer.unpack_state(ops.concatenate([rows[0][:1], rows[1][1:]], axis=0), early)
    length = fed.shape[1] - late
    mixed = np.concatenate([fed[:1, early : early + length], fed[1:, late:]], axis=0)
    ys, _ = layer.prime(mixed[:, :-1], state)
    expected = [np.concatenate([y[:1, early : early + length], y[1:, late:]], axis=0)[:, :-1] for y in whole]
    close(_flat(ys), expected, "packed at different times")


class Conditioned:
    """A conditioned model as the contract knows models: it keeps the time in its state and picks the condition there.

    Args:
        model: A `WaveNet` with a condition.
        conditions: Dict of NumPy arrays, for as many samples as the longest input.
    """

    def __init__(self, model, **conditions):
        self.model, self.conditions, self.weights = model, conditions, model.weights
        self.receptive_field = model.receptive_field

    def __call__(self, waveform):
        return self.model({"waveform": waveform, **self.conditions})

    def get_initial_state(self, batch_size):
        condition = self.model.conditioning(self.conditions)
        state = self.model.get_initial_state(batch_size)
        return {"model": state, "time": ops.zeros((), "int32"), "condition": condition}

    def _advance(self, run, x, state, at, time):
        y, new = run(x, state["model"], at(state["condition"]))
        return y, {**state, "model": new, "time": state["time"] + time}

    def step(self, x, state):
        def at(condition):
            return condition[:, 0] if condition.shape[1] == 1 else ops.take(condition, state["time"], axis=1)

        return self._advance(self.model.step, x, state, at, 1)

    def prime(self, x, state):
        def at(condition):
            times = state["time"] + ops.arange(x.shape[1])
            return condition if condition.shape[1] == 1 else ops.take(condition, times, axis=1)

        return self._advance(self.model.prime, x, state, at, x.shape[1])


def _flat(outputs):
    return [numpy_of(y, "float64") for y in tree.flatten(outputs)]


def _run_steps(step, fed, state):
    form = [(s.shape, s.dtype) for s in tree.flatten(state)]
    outputs = []
    for t in range(fed.shape[1]):
        y, new_state = step(ops.convert_to_tensor(fed[:, t]), state)
        tree.assert_same_structure(new_state, state)
        assert [(s.shape, s.dtype) for s in tree.flatten(new_state)] == form, "the state changed shape or dtype"
        state = new_state
        outputs.append(_flat(y))
    return [np.stack(ys, axis=1) for ys in zip(*outputs, strict=True)]


def _executions(step):
    if keras.backend.backend() == "torch":
        return {"eager": step}
    if keras.backend.backend() == "jax":
        import jax

        return {"eager": step, "compiled": jax.jit(step)}
    import tensorflow as tf

    return {
        "eager": step,
        "graph": tf.function(step, autograph=False),
        "compiled": tf.function(step, autograph=False, jit_compile=True),
    }


def _field_from_gradients(layer, x):
    def last(x):
        # The last of several outputs: a block's first is its residual, which may be the input itself.
        return tree.flatten(layer.prime(x, layer.get_initial_state(len(x)))[0])[-1][:, -1]

    gradient = gradient_by_input(last, x)
    seen = np.flatnonzero(np.abs(gradient).reshape(*gradient.shape[:2], -1).sum(axis=(0, 2)))
    return x.shape[1] - int(seen[0])


def _field_from_changes(model, waveform):
    """For models that look at the samples before the present one only: the farthest distance that is felt."""
    last, time = _flat(model(waveform))[0][:, -1], waveform.shape[1]

    def felt(distance):
        changed = waveform.copy()
        old = changed[:, : time - distance]
        old[...] = -np.sign(old) * 0.9
        return (_flat(model(changed))[0][:, -1] != last).any()

    return bisect.bisect_left(range(1, time + 1), True, key=lambda distance: not felt(distance))
