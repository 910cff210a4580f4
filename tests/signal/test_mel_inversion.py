import dataclasses

import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, numpy_of
from tf_wavenet import MelSpec
from tf_wavenet.signal import log_mel_of, mel_gain, mel_to_magnitude

SPEC = MelSpec.from_preset("speech_16k")


@pytest.mark.parametrize("spec", [SPEC, SPEC.standardized(), dataclasses.replace(SPEC, log_base="10")])
@pytest.mark.parametrize("rounds", [0, 4])
def test_equals_numpy(spec, rounds, rng):
    mel = np.exp(rng.normal(-4.0, 1.5, (6, 80)))
    logs = np.log(mel) / (np.log(10.0) if spec.log_base == "10" else 1.0)
    if spec.normalization is not None:
        logs = (logs - spec.normalization[0]) / spec.normalization[1]
    actual = numpy_of(mel_to_magnitude(logs.reshape(2, 3, 80).astype("float32"), spec, rounds))
    assert actual.dtype == "float32"
    assert_allclose(actual.reshape(6, 513), reference.smooth_magnitude(mel, spec, rounds), rtol=2e-3)


def test_rounds_bring_the_mels_closer(rng):
    spectrum = np.exp(np.convolve(rng.normal(0, 3, 513), np.hanning(60) / 30, "same"))
    mel = spectrum @ SPEC.filterbank()
    errors = []
    for rounds in (0, 3, 10):
        found = numpy_of(mel_to_magnitude(np.log(mel)[None].astype("float32"), SPEC, rounds))[0]
        errors.append(np.abs(np.log(found @ SPEC.filterbank() / mel)).mean())
    assert errors[0] > 2 * errors[1] > 2 * errors[2]


def test_nothing_is_below_the_floor():
    silence = np.full((1, 2, 80), np.log(SPEC.floor), "float32")
    assert numpy_of(mel_to_magnitude(silence, SPEC, floor=0.5)).min() == 0.5


@pytest.mark.parametrize("name", ["speech_16k", "jik876", "kan_bayashi"])
def test_nearer_to_a_smooth_spectrum_than_least_squares(name):
    spec = MelSpec.from_preset(name)
    filters = spec.filterbank()
    reached, hertz = filters.any(axis=1), np.linspace(0, spec.sample_rate / 2, len(filters))
    spectra = np.exp(np.outer([1.0, -2.0], np.cos(hertz / 600.0)) - hertz / 2000)
    logs = np.log(spectra @ filters) / (np.log(10.0) if spec.log_base == "10" else 1.0)
    ours = numpy_of(mel_to_magnitude(logs.astype("float32"), spec, rounds=10))
    assert_allclose(ours @ filters, spectra @ filters, rtol=0.05)
    theirs = np.maximum(spectra @ filters @ np.linalg.pinv(filters), 1e-4)
    far, farther = (np.abs(np.log((x / spectra)[:, reached])).mean() for x in (ours, theirs))
    assert far < 0.5 * farther


@pytest.mark.parametrize("spec", [SPEC, SPEC.standardized(), dataclasses.replace(SPEC, log_base="10")])
def test_gain_changes_smooth_mels_to_those_wanted(spec, rng):
    smooth = np.cumsum(rng.normal(0, 0.01, (2, 3, 513)), axis=-1)
    spectrum, other = np.exp(smooth - 3), np.exp(smooth[::-1] - 2)
    found, wanted = (log_mel_of(np.square(x).astype("float32"), spec) for x in (spectrum, other))
    changed = spectrum * numpy_of(mel_gain(wanted, found, spec))
    assert_allclose(log_mel_of(np.square(changed).astype("float32"), spec), wanted, atol=0.03)
    far = mel_gain(wanted, numpy_of(found) - 100.0, spec, most=4.0)
    assert_allclose(far, np.full(far.shape, 4.0), rtol=1e-5)
