import numpy as np
import pytest

from benchmarks.timing.product_shapes import product_shapes
from benchmarks.timing.products import products_step
from tf_wavenet import WaveNet

MODELS = {
    "small": {"dilations": (1, 2, 5), "residual_channels": 4, "skip_channels": 6},
    "other": {
        "dilations": (3,),
        "kernel_size": 3,
        "residual_channels": 4,
        "skip_channels": 6,
        "gate_channels": 10,
        "head_channels": 7,
        "causal_kernel_size": 1,
        "input_encoding": "scalar",
        "mu": 15,
    },
}


@pytest.mark.parametrize("name", MODELS)
def test_products_use_every_kernel_of_the_model_once(name):
    model = WaveNet(**MODELS[name])
    kernels = [tuple(v.shape) for v in model.trainable_variables if v.name == "kernel"]
    shapes = [shape for of_name in product_shapes(model).values() for shape in of_name]
    taps = [shape[-2:] for shape in kernels for _ in range(shape[0] if len(shape) == 3 else 1)]
    assert sorted(shapes) == sorted(taps)


@pytest.mark.parametrize("name", MODELS)
def test_products_step_runs(name):
    assert products_step(WaveNet(**MODELS[name]), samples=11)() is None


def test_backward_products_are_not_pruned():
    """Each gradient that the compiled function returns is of its kernel's shape and none is zero."""
    model = WaveNet(**MODELS["small"])
    run = products_step(model, samples=11)
    step, weights, inputs, gradient = (
        cell.cell_contents for cell in _closure(run, "step", "weights", "inputs", "gradient")
    )
    gradients = step(weights, inputs, gradient)
    shapes = [w.shape for name in sorted(weights) for w in weights[name]]
    assert [g.shape for g in gradients] == shapes
    assert all(np.abs(g.numpy()).max() > 0 for g in gradients)


def _closure(function, *names):
    cells = dict(zip(function.__code__.co_freevars, function.__closure__, strict=True))
    return [cells[name] for name in names]
