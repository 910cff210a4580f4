from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.judging import packages as judges
from tests.support.slow import some

CLIP = Path(__file__).parents[3] / "training/sample_corpus/wavs/female/02.flac"
JUDGES = {
    "pesq": (judges.pesq_wb, 4.64, -1),
    "pystoi": (judges.stoi, 1.0, -1),
    "librosa": (judges.mel_cepstral_distortion, 0.0, 1),
    "tf_wavenet": (judges.stft_loss, 0.0, 1),
}


def needs(package):
    return pytest.importorskip(package, reason=f"{package} is not installed: pip install -e '.[quality]'")


@pytest.fixture(scope="module")
def speech():
    return soundfile.read(CLIP)[0]


def with_noise(speech, decibels):
    noise = np.random.default_rng(0).standard_normal(len(speech))
    return speech + noise * np.sqrt(np.mean(speech**2)) * 10 ** (-decibels / 20)


@pytest.mark.parametrize("package", some(JUDGES, *(judge for judge in JUDGES if judge != "librosa")))
def test_identical_audio_is_best_and_noise_makes_it_worse_step_by_step(package, speech):
    needs(package)
    judge, best, direction = JUDGES[package]
    scores = [judge(speech, audio) for audio in (speech, *(with_noise(speech, db) for db in (30, 15, 0)))]
    assert scores[0] == pytest.approx(best, abs=0.01)
    assert np.all(direction * np.diff(scores) > 1e-3 * max(scores))


@pytest.mark.large
def test_dnsmos_hears_noise(speech):
    needs("speechmos")
    needs("onnxruntime")
    needs("librosa")
    scores = [judges.dnsmos(audio) for audio in (speech, with_noise(speech, 15), with_noise(speech, 0))]
    assert np.all(np.diff(scores) < -0.1)
    assert 1.0 < scores[2] and scores[0] < 5.0


@pytest.mark.large
def test_dnsmos_of_a_long_clip_is_that_of_the_package(speech):
    network = pytest.importorskip("speechmos.dnsmos", reason="speechmos is not installed: pip install -e '.[quality]'")
    long = np.tile(speech, 4)[:160000].astype(np.float32)
    assert judges.dnsmos(long) == pytest.approx(network.run(long, 16000)["ovrl_mos"])


@pytest.mark.parametrize("package", JUDGES)
def test_silence_and_scraps_have_no_score(package):
    needs(package)
    judge, _, _ = JUDGES[package]
    scrap = np.sin(np.arange(1000) / 5)
    assert np.isnan(judge(np.zeros(16000), np.zeros(16000)))
    assert np.isnan(judge(scrap, scrap))


@pytest.mark.parametrize("package", JUDGES)
def test_refuses_audio_of_another_length(package):
    needs(package)
    with pytest.raises(ValueError, match=r"Expected reference and audio \[time\] of one length. Received: .*\(9,\)"):
        JUDGES[package][0](np.ones(10), np.ones(9))


def test_distance_of_a_known_offset_follows_the_formula():
    reference = np.random.default_rng(0).normal(size=(5, 13))
    offset = np.full((5, 13), 0.1)
    assert judges.cepstral_distance(reference, reference + offset) == pytest.approx(10 / np.log(10) * np.sqrt(26) * 0.1)
    offset[:, 1:] = 0.0
    offset[3:] = 0.0  # three frames of five, one coefficient
    expected = 0.6 * 10 / np.log(10) * np.sqrt(2) * 0.1
    assert judges.cepstral_distance(reference, reference + offset) == pytest.approx(expected)


def test_cepstra_are_those_of_the_definition_and_give_decibels():
    """A log spectrum that differs by a cosine of 3 dB amplitude is 3 / sqrt(2) dB away, whatever the level."""
    needs("scipy")
    middle = np.pi * (np.arange(40) + 0.5) / 40
    cosine = 10 ** (0.3 * np.cos(4 * middle))[None]
    flat = np.ones((1, 40))
    cepstra = judges.mel_cepstra(5.0 * cosine)
    expected = np.zeros(13)
    expected[3] = 0.3 * np.log(10) / 2
    np.testing.assert_allclose(cepstra[0], expected, atol=1e-12)
    assert judges.cepstral_distance(judges.mel_cepstra(flat), cepstra) == pytest.approx(3 / np.sqrt(2))


def test_cepstra_of_what_is_60_db_below_the_loudest_are_those_at_60_db():
    needs("scipy")
    powers = np.ones((2, 40))
    powers[1, 20:] = 1e-9
    expected = judges.mel_cepstra(np.maximum(powers, 1e-6))
    np.testing.assert_allclose(judges.mel_cepstra(powers), expected, atol=1e-12)
    assert np.all(judges.mel_cepstra(np.zeros((2, 40))) == 0.0)


@pytest.mark.large
def test_distortion_of_a_filter_is_that_of_its_response(speech):
    """A filter moves every frame's cepstra by those of its own log response."""
    needs("librosa")
    noise, taps = np.random.default_rng(0).standard_normal(16000), np.array([1.0, -0.5])
    flat, shaped = (judges.mel_powers(np.pad(x, (8000, 8000)))[50:51] for x in ([1.0], taps))
    expected = judges.cepstral_distance(judges.mel_cepstra(flat), judges.mel_cepstra(shaped))
    filtered = np.convolve(noise, taps)[:16000]
    assert judges.mel_cepstral_distortion(noise, filtered) == pytest.approx(expected, rel=0.05)
    assert judges.mel_cepstral_distortion(speech, 0.3 * speech) < 1e-6  # the level does not count


def test_a_missing_package_is_named_with_the_extra():
    expected = r"Expected the package no_such_judge: pip install -e '.\[quality\]'. Received: "
    with pytest.raises(ValueError, match=expected):
        judges.require("no_such_judge.inside")


@pytest.mark.large
def test_all_judges_together(speech):
    for package in judges.PACKAGES:
        needs(package)
    pytest.importorskip("pyworld", reason="needs pyworld", exc_type=ImportError)
    scores = judges.judge(speech, speech)
    assert list(scores) == ["pesq_wb", "stoi", "mcd_db", "stft_loss", "dnsmos", "f0_cents", "voicing_error"]
    assert scores["mcd_db"] == scores["f0_cents"] == scores["voicing_error"] == 0.0
