import inspect

import keras
import numpy as np
import pytest

from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tf_wavenet import ConvMuon


def variable(rng, shape, name="kernel"):
    return keras.Variable(rng.normal(size=shape).astype("float32"), name=name)


def steps(optimizer, variables, gradients):
    """Values of the variables before and after each step."""
    values = [[numpy_of(v) for v in variables]]
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradient], variables)
        values.append([numpy_of(v) for v in variables])
    return values


def orthogonal(matrix):
    """Five quintic Newton-Schulz iterations on the matrix itself, in double precision."""
    x = matrix.astype("float64") / np.linalg.norm(matrix)
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x @ x.T @ x + 2.0315 * x @ x.T @ x @ x.T @ x
    return x


@pytest.mark.parametrize("shape", [(3, 8, 6), (1, 4, 24), (2, 3, 4, 5), (16, 12)])
def test_step_of_a_kernel(rng, shape):
    kernel, gradients = variable(rng, shape), rng.normal(size=(4, *shape)).astype("float32")
    values = [v for [v] in steps(ConvMuon(0.1, momentum=0.9), [kernel], gradients[:, None])]
    mean = np.zeros(shape)
    for before, after, gradient in zip(values, values[1:], gradients, strict=False):
        mean = 0.9 * mean + 0.1 * gradient
        ahead = (0.9 * mean + 0.1 * gradient).reshape(-1, shape[-1])
        step = ((before - after) / 0.1).reshape(-1, shape[-1])
        longer = np.sqrt(max(step.shape))
        assert_allclose(step, 0.2 * longer * orthogonal(ahead), atol=1e-4)
        # And it is what it is for: near the orthogonal factor of the momentum, with the steps of Adam in size.
        left, _, right = np.linalg.svd(ahead, full_matrices=False)
        singular = np.diag(left.T @ step @ right.T) / (0.2 * longer)
        assert singular.min() > 0.3 and singular.max() < 1.3
        assert 0.1 < np.sqrt(np.mean(step**2)) < 0.24


@pytest.mark.skipif(
    "rms_rate" not in inspect.signature(keras.optimizers.Muon).parameters, reason="this Keras scales steps otherwise"
)
def test_dense_kernels_are_taken_as_keras_does(rng):
    ours, theirs = variable(rng, (12, 7)), variable(rng, (12, 7))
    theirs.assign(ours)
    gradients = rng.normal(size=(5, 1, 12, 7)).astype("float32")
    peer = keras.optimizers.Muon(0.01, momentum=0.95, weight_decay=None)
    for a, b in zip(steps(ConvMuon(0.01), [ours], gradients), steps(peer, [theirs], gradients), strict=True):
        assert_allclose(a, b, atol=2e-5)


@pytest.mark.parametrize(
    ("shape", "name"), [((6,), "bias"), ((), "scale"), ((7, 4, 1), "kernel"), ((9, 3), "embeddings")]
)
def test_everything_else_is_adams(rng, shape, name):
    ours, theirs = variable(rng, shape, name), variable(rng, shape, name)
    theirs.assign(ours)
    gradients = rng.normal(size=(5, 1, *shape)).astype("float32")
    settings = {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-8}
    adam = steps(keras.optimizers.Adam(0.01, **settings), [theirs], gradients)
    for a, b in zip(steps(ConvMuon(0.01, **settings), [ours], gradients), adam, strict=True):
        assert_allclose(a, b, atol=1e-6)


def test_a_kernel_without_a_gradient_stays(rng):
    kernel = variable(rng, (3, 4, 5))
    before, after = steps(ConvMuon(0.1), [kernel], np.zeros((1, 1, 3, 4, 5), "float32"))
    assert_array_equal(before, after)


@pytest.mark.large
def test_a_saved_model_goes_on_learning(rng, tmp_path):
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.Conv1D(4, 5), keras.layers.Conv1D(1, 1)])
    model.compile(ConvMuon(0.01, momentum=0.8, ns_steps=3, weight_decay=0.1, use_ema=True), "mse")
    x, y = rng.normal(size=(2, 10, 3)).astype("float32"), rng.normal(size=(2, 6, 1)).astype("float32")
    model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    for each in (model, loaded):
        each.train_on_batch(x, y)
    for a, b in zip(model.weights, loaded.weights, strict=True):
        assert_array_equal(a, b)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch has no XLA")
@pytest.mark.large
def test_compiled_by_xla_it_takes_the_same_steps(rng):
    x, y = rng.normal(size=(2, 10, 3)).astype("float32"), rng.normal(size=(2, 6, 4)).astype("float32")
    weights = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((None, 3)), keras.layers.Conv1D(4, 5)])
        model.compile(ConvMuon(0.01), "mse", jit_compile=jit_compile)
        for _ in range(3):
            model.train_on_batch(x, y)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 1.0}, "Expected momentum to be at least 0 and below 1. Received: momentum=1.0"),
        ({"beta_2": "high"}, "Expected beta_2 to be a number"),
        ({"epsilon": 0.0}, "Expected epsilon to be positive"),
        ({"ns_steps": 0}, "Expected ns_steps to be a positive int"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        ConvMuon(**options)


def test_files_of_the_old_name_load():
    saved = keras.saving.serialize_keras_object(ConvMuon(0.01))
    assert saved["registered_name"] == "tf_wavenet>Muon"
    assert isinstance(keras.saving.deserialize_keras_object(saved | {"class_name": "Muon"}), ConvMuon)
