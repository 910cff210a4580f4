import numpy as np
import pytest

from tf_wavenet import NamWaveNet
from tf_wavenet.importers import nam_loudness


def effect(activation, before, after, bias=0.0, sample_rate=8000):
    """A model whose output is `after * f(before * x + bias)`."""
    array = {"channels": 1, "dilations": (1,), "kernel_sizes": 1, "activation": activation}
    model = NamWaveNet([array], head_scale=after, sample_rate=sample_rate)
    model.build()
    (layer,) = model.layer_arrays[0].layers
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    layer.input_mixin.kernel.assign(np.full(layer.input_mixin.kernel.shape, before))
    layer.conv.bias.assign([bias])
    end = model.layer_arrays[0].head_rechannel
    end.kernel.assign(np.ones(end.kernel.shape))
    return model


LINEAR = {"type": "LeakyReLU", "negative_slope": 1.0}
HARD = {"type": "Hardtanh", "min_val": -0.5, "max_val": 0.5}


@pytest.mark.parametrize("sample_rate", [None, 8000, 44100])
def test_of_a_linear_model_is_the_level_of_the_noise(sample_rate):
    measured = nam_loudness(effect(LINEAR, before=4.0, after=0.25, sample_rate=sample_rate))
    assert measured == {"loudness": pytest.approx(-15.0, abs=1e-3), "gain": pytest.approx(0.0, abs=1e-5)}
    assert nam_loudness(effect(LINEAR, 1.0, -0.1))["loudness"] == pytest.approx(-35.0, abs=1e-3)


def test_of_a_model_that_knows_full_level_only():
    # A square wave of 0.5 at each level but silence: ten of eleven levels are full.
    half = pytest.approx(20 * np.log10(0.5), abs=0.01)
    measured = nam_loudness(effect(HARD, before=1e6, after=1.0))
    assert measured == {"loudness": half, "gain": pytest.approx(9 / 11, abs=1e-3)}
    assert nam_loudness(effect(HARD, before=0.0, after=1.0, bias=1.0)) == {"loudness": half, "gain": 1.0}


def test_gain_grows_with_the_drive():
    gains = [nam_loudness(effect("Tanh", drive, 1.0))["gain"] for drive in (0.1, 5.0, 50.0)]
    assert gains[0] < 0.01 < 0.15 < gains[1] < gains[2] < 9 / 11


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("after", [0.0, 1e38])
def test_says_nothing_of_silence_and_of_what_is_not_finite(after):
    assert nam_loudness(effect(LINEAR, before=100.0, after=after)) == {}
