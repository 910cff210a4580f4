"""Statistics gathered in pieces against NumPy's of the whole."""

import numpy as np

from training.corpora.mel_statistics import MelStatistics


def test_pieces_give_the_statistics_of_the_whole(rng):
    features = np.maximum(rng.normal(-9.0, 3.0, (500, 4)), -11.5).astype("float32")
    statistics = MelStatistics(floor=-11.5, num_mels=4)
    for start in range(0, 500, 130):
        statistics.add(features[start : start + 130])
    assert statistics.frames == 500
    assert statistics.at_floor == np.count_nonzero(features == -11.5) > 0
    np.testing.assert_allclose(statistics.mean, features.mean(0), rtol=1e-5)
    np.testing.assert_allclose(statistics.deviation, features.std(0), rtol=1e-4)
