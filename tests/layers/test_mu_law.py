import numpy as np

from tests.support import reference
from tests.support.arrays import assert_array_equal
from tf_wavenet.layers import MuLawDecode, MuLawEncode


def test_round_trip_under_half_precision():
    # Levels and samples are not the policy's business: bfloat16 would merge neighbouring levels.
    levels = np.arange(256, dtype="int32")
    waveform = MuLawDecode(dtype="mixed_bfloat16")(levels)
    assert_array_equal(MuLawEncode(dtype="mixed_bfloat16")(waveform), levels)


def test_encodes_as_numpy(rng):
    x = rng.uniform(-1, 1, (2, 500)).astype("float32")
    assert_array_equal(MuLawEncode(mu=1023)(x), reference.mu_law_levels(x, 1023))
