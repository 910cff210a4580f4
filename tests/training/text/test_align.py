"""Forced alignment, against espeak-ng, which knows when it speaks each phoneme."""

import numpy as np
import pytest

from training.text.align import ARPABET, SAMPLE_RATE, Aligner
from training.text.phonemes import PAUSE, find_espeak, phonemize, speak_phonemes

pytest.importorskip("pocketsphinx", reason="needs pocketsphinx")
try:
    find_espeak()
except ValueError as error:
    pytest.skip(str(error), allow_module_level=True)

TEXT = "Put the kettle on, our guests will be here soon."


@pytest.fixture(scope="module")
def aligner():
    return Aligner()


@pytest.fixture(scope="module")
def speech():
    """What espeak-ng speaks, its phones, and the symbols of the text."""
    return *speak_phonemes(TEXT, "en-us", SAMPLE_RATE), phonemize([TEXT], "en-us")[0]


def test_phonemes_are_found_where_espeak_speaks_them(aligner, speech):
    waveform, truth, symbols = speech
    found = aligner.align(waveform, symbols)
    truth, phones = ([phone for phone in each if phone.symbol != PAUSE] for each in (truth, found))
    assert [phone.symbol for phone in phones] == [phone.symbol for phone in truth]
    errors = [abs(a.start - b.start) for a, b in zip(phones, truth, strict=True)]
    assert np.median(errors) < 0.03
    assert max(errors) < 0.15
    assert found[0].start == 0.0 and found[-1].end == len(waveform) / SAMPLE_RATE
    assert all(a.end == b.start for a, b in zip(found, found[1:], strict=False))


def test_a_pause_between_words_is_found(aligner):
    parts = [speak_phonemes(word, "en-us", SAMPLE_RATE)[0] for word in ("kettle", "guests")]
    waveform = np.concatenate([parts[0], np.zeros(SAMPLE_RATE // 2), parts[1]])
    phones = aligner.align(waveform, phonemize(["kettle guests"], "en-us")[0])
    (pause,) = [phone for phone in phones[1:-1] if phone.symbol == PAUSE]
    start = len(parts[0]) / SAMPLE_RATE
    assert abs(pause.start - start) < 0.1 and abs(pause.end - start - 0.5) < 0.1


def test_every_recording_is_aligned_alone(aligner, speech):
    waveform, _, symbols = speech
    before = aligner.align(waveform, symbols)
    aligner.align(speak_phonemes("another text", "en-us", SAMPLE_RATE)[0], phonemize(["another text"], "en-us")[0])
    assert aligner.align(waveform, symbols) == before


def test_what_cannot_be_aligned_is_refused(aligner, speech):
    waveform, _, symbols = speech
    with pytest.raises(ValueError, match="^Expected a text with something to say. Received: none$"):
        aligner.align(waveform, [])
    with pytest.raises(ValueError, match="^Expected phonemes of espeak-ng's English. Received: ø$"):
        aligner.align(waveform, ["ø", "n"])
    with pytest.raises(ValueError, match="^Expected a recording of its text. Received: another one$"):
        aligner.align(waveform[:4000], symbols)


def test_phonemes_of_the_acoustic_model(aligner):
    names = {name for each in ARPABET.values() for name in each}
    assert len(names) == 39  # CMUdict's
    for name in names:
        aligner._decoder.add_word(f"test_{name}", name, False)  # raises for a name that the model lacks
