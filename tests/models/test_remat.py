"""`keras.RematScope`: what is computed anew for the gradient is what was computed before."""

import keras
import numpy as np
import pytest

from tests.support.arrays import assert_allclose, numpy_of
from tests.support.slow import some
from tf_wavenet import WaveNet
from tf_wavenet.layers import Conditioning


@pytest.mark.parametrize("conditioned", some([False, True]))
@pytest.mark.parametrize("mode", ["full", "list_of_layers"])
def test_learns_the_same(rng, conditioned, mode):
    x = rng.uniform(-1, 1, (2, 20)).astype("float32")
    inputs = {"waveform": x, "global_condition": np.array([0, 1])} if conditioned else x
    weights = []
    for scope in (keras.RematScope(mode=None), keras.RematScope(mode=mode, layer_names=["stack"])):
        with scope:
            keras.utils.set_random_seed(0)
            conditioning = Conditioning(speakers=2) if conditioned else None
            model = WaveNet((1, 2), residual_channels=4, skip_channels=4, mu=15, conditioning=conditioning)
            assert model.stack._remat_mode.mode == scope.mode
            model.compile("sgd", jit_compile=False)
            model.train_on_batch(inputs, x)
        weights.append([numpy_of(weight) for weight in model.weights])
    for one, other in zip(*weights, strict=True):
        assert_allclose(one, other, atol=1e-6)
