import dataclasses

import numpy as np
import pytest

from tf_wavenet import MelSpec
from tf_wavenet.signal import mel_to_magnitude

SPEC = MelSpec.from_preset("speech_16k")


@pytest.mark.parametrize("spec", [SPEC, SPEC.standardized(), dataclasses.replace(SPEC, log_base="10")])
def test_spectra_that_the_filters_can_make_come_back(spec, rng):
    filters = spec.filterbank()
    magnitude = rng.uniform(1.0, 2.0, (3, 4, 80)) @ filters.T * 100.0  # a mixture of filters, the least energy there is
    logs = np.log(magnitude @ filters) / (np.log(10.0) if spec.log_base == "10" else 1.0)
    if spec.normalization is not None:
        logs = (logs - spec.normalization[0]) / spec.normalization[1]
    estimate = np.asarray(mel_to_magnitude(logs.astype("float32"), spec, floor=1e-9))
    assert estimate.shape == (3, 4, 513) and estimate.dtype == "float32"
    np.testing.assert_allclose(estimate, np.maximum(magnitude, 1e-9), rtol=1e-3, atol=1e-4 * magnitude.max())


def test_nothing_is_below_the_floor():
    silence = np.full((1, 2, 80), np.log(SPEC.floor), "float32")
    assert float(np.min(mel_to_magnitude(silence, SPEC, floor=0.5))) == 0.5
    speech = np.random.default_rng(0).normal(-4.0, 2.0, (1, 50, 80)).astype("float32")
    assert float(np.min(mel_to_magnitude(speech, SPEC))) == np.float32(1e-4)
