"""Rounding costs the more bits the fewer numbers there are, and the model is what it was."""

import numpy as np
import pytest

from benchmarks.rounding import ROUNDINGS, lost_bits
from tests.support.flat import wavenet
from tests.support.streaming_contract import randomise


def test_coarser_rounding_loses_more(rng):
    model = wavenet((1, 2), residual_channels=8, skip_channels=8)
    randomise(model, scale=0.5)
    before = model.get_weights()
    waveform = rng.uniform(-0.5, 0.5, (2, 200)).astype("float32")
    lost = {name: lost_bits(model, waveform, name) for name in ROUNDINGS}
    assert 0.0 <= lost["float16 weights"] < lost["bfloat16"] < lost["int8"]
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert lost_bits(model, waveform, "bfloat16") == pytest.approx(lost["bfloat16"])


@pytest.mark.large
def test_what_a_core_can_do_at_most():
    pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")
    from benchmarks.timing.ceilings import ceilings, roofline
    from tf_wavenet.decoding.native.native_decoder import NativeDecoder

    figures = ceilings(repeats=1)
    assert figures["multiply_adds"] > 1e8 and all(figure > 1e8 for figure in figures.values())
    model = wavenet((1, 2), residual_channels=16, skip_channels=16)
    decoder = NativeDecoder(model, "float32")
    multiply_adds = 2 * 2 * 16 * 32 + 16 * 16 + 32 * 16 + 16 * 16 + 16 * 256  # taps, residual, skips, hidden, out
    most = figures["multiply_adds"] / multiply_adds
    assert 0 < roofline(decoder, 1, False, figures) <= most * (1 + 1e-6)
