"""Linguistic features, against arrays worked out by hand and a loop over the frames."""

import math

import numpy as np
import pytest

from training.text.linguistic import features_of_text, linguistic_features
from training.text.linguistic_spec import LinguisticSpec
from training.text.phonemes import PAUSE, Phone, find_espeak, speak_phonemes

SPEC = LinguisticSpec(("_", "a", "b"), 16000, 80, 50.0, 200.0)
PHONES = [Phone("_", 0.0, 0.01), Phone("a", 0.01, 0.0275), Phone("b", 0.0275, 0.05)]

try:
    find_espeak()
    ESPEAK = True
except ValueError:
    ESPEAK = False


def test_an_utterance_by_hand():
    f0 = [0, 0, 100, 0, 50, 200, 0, 0, 0, 0, 0]
    features = linguistic_features(PHONES, f0, SPEC)
    assert features.dtype == np.float32
    # Middles of the frames: 2.5 ms, 7.5 ms, ... Frame 5, at 27.5 ms, is b's first; frame 10 is of no phone.
    phone, position, seconds = "__aaabbbbb ", [], {"_": 0.01, "a": 0.0175, "b": 0.0225}
    position = [0.25, 0.75, 2.5 / 17.5, 7.5 / 17.5, 12.5 / 17.5, 0, 5 / 22.5, 10 / 22.5, 15 / 22.5, 20 / 22.5, 0]
    voiced = [0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0]
    log_f0 = [0.5, 0.5, 0.5, 0.25, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    before, after = {"a": "_", "b": "a"}, {"_": "a", "a": "b"}
    expected = []
    for i, symbol in enumerate(phone):
        groups = [symbol, before.get(symbol), after.get(symbol)]
        hot = [float(group == candidate) for group in groups for candidate in "_ab"]
        length = math.log(seconds[symbol] / 0.1) if symbol in seconds else 0.0
        expected.append([*hot, position[i], length, voiced[i], log_f0[i]])
    np.testing.assert_allclose(features, expected, rtol=1e-6, atol=1e-6)


def test_a_gap_between_phones_is_zero():
    features = linguistic_features([PHONES[0], PHONES[2]], np.zeros(10), SPEC)
    assert not features[2:5].any()
    assert features[:2].any(axis=1).all()
    assert features[5:].any(axis=1).all()
    assert features[0, 6 + 2] == 1.0  # b still comes after the pause


def test_the_frame_in_which_the_last_phone_ends_is_its():
    features = linguistic_features([Phone("a", 0.0, 0.011)], np.zeros(4), SPEC)
    assert features[:, 1].tolist() == [1, 1, 1, 0]
    assert features[2, 9] == 1.0


def test_nothing_voiced_has_a_pitch_of_zero():
    assert not linguistic_features(PHONES, np.zeros(10), SPEC)[:, -2:].any()


@pytest.mark.parametrize("seed", range(5))
def test_each_frame_has_the_phone_of_its_middle(seed):
    rng = np.random.default_rng(seed)
    bounds = np.concatenate([[0.0], np.cumsum(rng.uniform(0.001, 0.1, 40))])
    symbols = rng.choice(["_", "a", "b"], 40)
    phones = [Phone(str(s), *bounds[i : i + 2]) for i, s in enumerate(symbols)]
    frames = SPEC.num_frames(int(bounds[-1] * 16000))
    features = linguistic_features(phones, np.full(frames, 100.0), SPEC)
    for f in range(frames - 1):
        time = (80 * f + 40) / 16000
        (phone,) = [p for p in phones if p.start <= time < p.end]
        assert features[f, :3].tolist() == [float(phone.symbol == s) for s in SPEC.phones]
        assert features[f, 9] == pytest.approx((time - phone.start) / (phone.end - phone.start), abs=1e-4)
    # Phones of a frame or more begin within half a frame of where they are said to.
    changes = 1 + np.flatnonzero(np.any(np.diff(features[:, [*range(9), 10]], axis=0), axis=1))
    for phone in phones[1:]:
        if phone.end - phone.start > 0.005:
            assert np.abs(changes * 0.005 - phone.start).min() <= 0.0025 + 1e-9


@pytest.mark.parametrize(
    ("phones", "f0", "message"),
    [
        ([Phone("c", 0.0, 0.1), Phone("d", 0.1, 0.2)], [0], "phones out of _ a b. Received: c d .first at 0.00 s."),
        ([*PHONES, Phone("q", 0.5, 0.6)], [0], "phones out of _ a b. Received: q .first at 0.50 s."),
        (PHONES[::-1], [0], "phones in order of time, none overlapping. Received: 3 phones"),
        ([], [0], "phones in order of time, none overlapping. Received: 0 phones"),
        (PHONES, [], "f0 .frames. in Hz, 0 for none. Received: shape .0,."),
        (PHONES, [[0.0]], "f0 .frames. in Hz"),
        (PHONES, [-1.0], "f0 .frames. in Hz"),
        (PHONES, [math.nan], "f0 .frames. in Hz"),
    ],
)
def test_bad_input_is_one_line(phones, f0, message):
    with pytest.raises(ValueError, match=f"^Expected {message}"):
        linguistic_features(phones, f0, SPEC)


@pytest.mark.skipif(not ESPEAK, reason="needs espeak-ng's library or espeakng-loader")
def test_the_features_of_a_text():
    pytest.importorskip("pyworld", reason="needs pyworld", exc_type=ImportError)
    text = "Seven small boats."
    waveform, phones = speak_phonemes(text, "en-us", 16000)
    spec = LinguisticSpec(tuple(sorted({phone.symbol for phone in phones})))
    features = features_of_text(text, "en-us", spec)
    assert features.shape == (spec.num_frames(len(waveform)), spec.num_channels)
    names = spec.channel_names
    spoken = [names[i].removeprefix("phone ") for i in features[:, : len(spec.phones)].argmax(axis=1)]
    runs = [symbol for symbol, previous in zip(spoken, [None, *spoken], strict=False) if symbol != previous]
    expected = [phone.symbol for phone in phones if phone.end - phone.start >= 0.005]
    assert runs == expected
    voiced = features[:, names.index("voiced")]
    for symbol, low, high in (("ɛ", 0.9, 1.0), ("oʊ", 0.75, 1.0), ("s", 0.0, 0.5)):
        assert low <= np.mean(voiced[np.array(spoken) == symbol]) <= high
    pitch = spec.f0_floor * (spec.f0_ceil / spec.f0_floor) ** features[voiced == 1, names.index("log F0")]
    assert 70 < np.median(pitch) < 150  # a man's voice

    low, high = (
        np.median(features_of_text(text, voice, spec)[:, names.index("log F0")]) for voice in ("en-us", "en-us+f2")
    )
    assert high > low + 0.2
    with pytest.raises(ValueError, match="^Expected phones out of .* Received: .*first at"):
        features_of_text("Seven small dogs.", "en-us", spec)
    assert PAUSE in spec.phones
