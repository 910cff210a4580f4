"""The decoding benchmark times runs as long as it is told."""

import pytest

from benchmarks import decode


@pytest.mark.large
@pytest.mark.parametrize("conditions", [{}, decode.MELS], ids=["alone", "mels"])
def test_a_timed_run_is_as_long_as_asked_for(conditions):
    figures = decode.measure("tiny", 1, conditions, repeats=1, samples=50)
    assert figures["steps"] == 50
    assert figures["condition"] == ("80 mels" if conditions else "none")
    assert figures["samples_per_s"] > 0 and figures["bound_samples_per_s"] > 0
