"""The measure of speakers, on the two voices of the sample corpus."""

from pathlib import Path

import numpy as np
import pytest

for package in ("pyworld", "librosa"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install -e '.[quality]'")

from benchmarks.judging.speakers import Speakers, leave_one_out, voice  # noqa: E402
from tf_wavenet.data import index_corpus  # noqa: E402

CORPUS = Path(__file__).parents[3] / "training/sample_corpus"


def clips(each, seconds):
    """Returns the first `each` files of either speaker, `seconds` of each, and their speakers."""
    files = index_corpus(CORPUS).files
    chosen = [file for name in ("female", "male") for file in [f for f in files if f.speaker == name][:each]]
    return [file.load(16000)[: int(16000 * seconds)] for file in chosen], [file.speaker for file in chosen]


@pytest.fixture(scope="module")
def few():
    waveforms, names = clips(3, 1.5)
    return waveforms, names, [voice(waveform) for waveform in waveforms]


def test_pitch_of_a_known_sound():
    """Pulses 80 samples apart are 200 Hz."""
    audio = np.zeros(16000)
    audio[::80] = 0.5
    assert np.exp(voice(audio)[0]) == pytest.approx(200, rel=0.01)


def test_noise_and_silence_have_no_voice():
    assert voice(np.zeros(16000)) is None
    assert voice(np.zeros(100)) is None
    assert voice(0.1 * np.random.default_rng(0).standard_normal(1600)) is None


@pytest.mark.large
def test_level_does_not_count(few):
    waveforms, _, voices = few
    np.testing.assert_allclose(voice(0.1 * waveforms[0]), voices[0], atol=0.01)


@pytest.mark.large
def test_tells_the_two_voices_apart_by_pitch_and_by_envelope(few):
    _, names, voices = few
    assert leave_one_out(voices, names) == names
    speakers = Speakers(voices, names)
    for clip, name in zip(voices, names, strict=True):
        distances = speakers.distances(clip)
        right, wrong = distances.pop(name), *distances.values()
        assert wrong.pitch > 2 * right.pitch and wrong.envelope > 1.5 * right.envelope


def test_distances_are_in_standard_deviations_of_the_corpus():
    """Two speakers, spread 2 around their means in the first number and 1 in the others."""
    steps = np.array([[2.0, *[1.0] * 13], [-2.0, *[-1.0] * 13]]) / np.sqrt(2)
    means = {"a": np.zeros(14), "b": np.full(14, 10.0)}
    voices = [mean + step for mean in means.values() for step in steps]
    speakers = Speakers(voices, ["a", "a", "b", "b"])
    distances = speakers.distances(np.array([4.0, *[3.0] * 13]))
    assert (distances["a"].pitch, distances["a"].envelope) == pytest.approx((2.0, 3.0))
    assert (distances["b"].pitch, distances["b"].envelope) == pytest.approx((3.0, 7.0))
    assert distances["a"].total == pytest.approx(13**0.5)
    assert speakers.nearest(np.full(14, 9.0)) == "b"
    assert speakers.nearest(None) is None


@pytest.mark.parametrize("names", [["a", "a"], ["a", "b"]])
def test_refuses_too_few_speakers_or_clips(names):
    with pytest.raises(ValueError, match="Expected at least two speakers of two voiced clips each. Received: {"):
        Speakers([np.zeros(14), np.ones(14)], names)


def test_naming_each_by_the_others_takes_three():
    with pytest.raises(ValueError, match="speakers of three voiced clips each. Received: {'a': 3, 'b': 2}"):
        leave_one_out([np.full(14, level) for level in range(5)], ["a", "a", "a", "b", "b"])


@pytest.mark.large
def test_every_recording_is_named_by_the_others():
    waveforms, names = clips(18, 10)
    assert leave_one_out([voice(waveform) for waveform in waveforms], names) == names
