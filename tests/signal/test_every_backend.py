"""On every backend: of arrays and of tensors alike, and differentiable."""

import numpy as np
import pytest
from keras import ops

from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.gradients import gradient_by_input
from tf_wavenet import MelSpec, signal
from tf_wavenet.signal import mu_law

SPEC = MelSpec.from_preset(
    "speech_16k", hop_length=20, win_length=64, fft_length=128, num_mels=10, preemphasis=0.85, loudness=-26.0
)
MIRRORED = MelSpec.from_preset("r9y9", hop_length=16, win_length=64, fft_length=64, num_mels=5).standardized()
# What they are functions of: waveforms and phases, features, autocorrelations; and how they are called.
OF_WAVES = {
    "cos_sin": lambda x: ops.stack(signal.cos_sin(4.0 * x)),
    "log_mel": lambda x: signal.log_mel(x, SPEC),
    "log_mel, mirrored": lambda x: signal.log_mel(x, MIRRORED),
    "mu_law_compand": lambda x: mu_law.mu_law_compand(0.3 + 0.4 * x),  # bent too much about 0 for small differences
    "mu_law_expand": mu_law.mu_law_expand,
    "overlap_add": lambda x: signal.overlap_add(ops.reshape(x, (2, 13, 10)), 4),
    "stft_magnitude": lambda x: signal.stft_magnitude(x, 64, 16, 48),
    "synthesis_frames": lambda x: signal.synthesis_frames(x, 128, 64),
}
OF_FEATURES = {
    "linear_prediction": lambda x: signal.linear_prediction(x, SPEC, 8),
    "mel_to_magnitude": lambda x: signal.mel_to_magnitude(x, SPEC),
    "mel_to_magnitude, standardised": lambda x: signal.mel_to_magnitude(x[..., :5], MIRRORED),
    "voicing": lambda x: signal.voicing(x, SPEC),
}
OF_AUTOCORRELATIONS = {"levinson": signal.levinson}
FUNCTIONS = {**OF_WAVES, **OF_FEATURES, **OF_AUTOCORRELATIONS}
each = pytest.mark.parametrize("name", FUNCTIONS)


def input_of(name, rng):
    if name in OF_WAVES:
        return rng.uniform(-0.6, 0.6, (2, 130)).astype("float32")
    if name in OF_FEATURES:  # falling, so that frames are neither surely voiced nor surely not
        return (rng.normal(-3.0, 0.2, (2, 3, 10)) - 0.25 * np.arange(10)).astype("float32")
    return np.concatenate([np.ones((3, 1)), rng.uniform(-0.15, 0.15, (3, 4))], axis=-1).astype("float32")


@each
def test_arrays_and_tensors_give_the_same(rng, name):
    x = input_of(name, rng)
    assert_array_equal(FUNCTIONS[name](x), FUNCTIONS[name](ops.convert_to_tensor(x)))


@each
def test_the_gradient_is_that_of_small_differences(rng, name):
    x, function = input_of(name, rng), FUNCTIONS[name]
    weights, direction = rng.normal(size=numpy_of(function(x)).shape), rng.normal(size=x.shape).astype("float32")
    ways = [np.sum(weights * numpy_of(function(x + np.float32(h) * direction), "float64")) for h in (-2e-3, 2e-3)]
    weights = ops.convert_to_tensor(weights.astype("float32"))
    gradient = gradient_by_input(lambda x: weights * function(x), x)
    measured, slope = (ways[1] - ways[0]) / 4e-3, np.sum(gradient * direction)
    assert abs(measured - slope) < 0.03 * np.linalg.norm(gradient) * np.linalg.norm(direction) / np.sqrt(x.size) + 1e-3


def test_recordings_may_be_tensors(rng):
    waveform = rng.uniform(-0.3, 0.3, (2, 400)).astype("float32")
    expected, gain = signal.preprocess(waveform, SPEC)
    actual, same = signal.preprocess(ops.convert_to_tensor(waveform), SPEC)
    assert_array_equal(actual, expected)
    assert_array_equal(same, gain)
    again = signal.restore(ops.convert_to_tensor(expected), SPEC, ops.convert_to_tensor(gain))
    assert_allclose(again, waveform, atol=1e-5)
    SPEC.check_features(signal.log_mel(ops.convert_to_tensor(waveform), SPEC))
