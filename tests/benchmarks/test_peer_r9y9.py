import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks.peer_r9y9 import describe, to_levels  # noqa: E402


def test_levels_are_ours():
    assert to_levels(np.array([[-1.0, 0.0, 1.0]], np.float32)).tolist() == [[0, 128, 255]]


def test_progress_says_how_long_it_takes():
    progress = {"step": 30, "seconds": 15.0, "training_bits_per_sample": 3.5, "bits_per_sample": 3.25}
    expected = "step 30/150: 3.500 bits per sample, held out 3.250, 2.00 steps/s, 1.0 min left"
    assert describe(progress, steps=150) == expected
