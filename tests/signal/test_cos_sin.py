import numpy as np

from tests.support.arrays import assert_allclose, numpy_of
from tf_wavenet.signal import cos_sin


def test_equals_numpy():
    phase = np.linspace(-20, 20, 200_001).astype("float32")
    cosine, sine = map(numpy_of, cos_sin(phase))
    assert_allclose(cosine, np.cos(phase.astype("float64")), atol=2e-6)
    assert_allclose(sine, np.sin(phase.astype("float64")), atol=2e-6)
    assert cosine.dtype == np.float32


def test_not_a_number_stays_one():
    assert np.isnan(cos_sin(np.float32([np.nan]))).all()
