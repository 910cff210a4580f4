import numpy as np

from benchmarks.levels import describe, spread


def test_of_a_tone_and_silence():
    tone = 0.5 * np.sin(2 * np.pi * 2000 * np.arange(16000) / 16000)
    figures = describe([tone, np.zeros(16000)], 16000)
    assert figures["seconds"] == 2
    assert abs(figures["rms_db"] - 10 * np.log10(0.125 / 2)) < 0.01
    assert abs(figures["silence_share"] - 0.5) < 0.02
    assert abs(figures["centroid_hz"] - 2000) < 20
    assert figures["from_1000_hz"] > 0.99


def test_spread_leaves_silent_files_out():
    tones = [a * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000) for a in (0.1, 1.0)]
    lowest, low, median, high, highest = spread([*tones, np.zeros(16000)], 16000)["rms_db_of_files"]
    assert -23.02 < low < -21 and -5 < high < -3
    np.testing.assert_allclose([lowest, median, highest], [-23.01, -13.01, -3.01], atol=0.01)
