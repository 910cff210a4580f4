"""Timed phonemes, against the program espeak-ng and the sample corpus that it spoke."""

import ctypes.util
import importlib.util
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training import make_sample_corpus
from training.text import phonemes
from training.text.phonemes import PAUSE, Phone, espeak_version, find_espeak, speak_phonemes

SYSTEM = bool(ctypes.util.find_library("espeak-ng"))
LOADER = bool(importlib.util.find_spec("espeakng_loader"))
CORPUS = Path(make_sample_corpus.__file__).parent / "sample_corpus" / "wavs"
TEXT = "Put the kettle on; our guests will be here soon."

needs_program = pytest.mark.skipif(not (SYSTEM and shutil.which("espeak-ng")), reason="needs the program espeak-ng")
needs_library = pytest.mark.skipif(not (SYSTEM or LOADER), reason="needs espeak-ng's library or espeakng-loader")


@needs_program
@pytest.mark.parametrize("voice", ["en-us", "en-us+f2", "en-gb", "fr"])
def test_phones_are_those_that_the_program_prints(voice):
    command = ["espeak-ng", "-q", "--ipa", "--sep=_", "-v", voice, TEXT]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    expected = [name.strip("ˈˌ") for word in printed.split() for name in word.split("_")]
    expected = [name for name in expected if not name.startswith("(")]  # "(en)": an English word follows
    _, phones = speak_phonemes(TEXT, voice, 16000)
    assert [phone.symbol for phone in phones if phone.symbol != PAUSE] == expected


@needs_program
@pytest.mark.parametrize("voice", make_sample_corpus.VOICES.values())
def test_the_speech_is_that_of_the_program(voice):
    expected = make_sample_corpus.speak(TEXT, voice)
    waveform, phones = speak_phonemes(TEXT, voice, 16000)
    np.testing.assert_allclose(waveform, expected, rtol=0, atol=1e-6)
    assert phones[-1].end == len(expected) / 16000


@needs_library
@pytest.mark.parametrize("name", ["female/01", "female/09", "male/04", "male/18"])
def test_the_sample_corpus_is_spoken_again(name):
    version = espeak_version()
    if version != "1.51":
        pytest.skip(f"the sample corpus is of espeak-ng 1.51, this is {version}")
    speaker, number = name.split("/")
    text = make_sample_corpus.SENTENCES[speaker][int(number) - 1]
    waveform, _ = speak_phonemes(text, make_sample_corpus.VOICES[speaker], 16000)
    recorded, _ = soundfile.read(CORPUS / f"{name}.flac")
    np.testing.assert_allclose(waveform, recorded, rtol=0, atol=2**-16 + 1e-6)


def check_timing(text="Stop! Put the kettle on."):
    """Phones fill the time; pauses are quiet; the sounds s and t are noise, vowels are not."""
    waveform, phones = speak_phonemes(text, "en-us", 16000)
    assert phones[0].start == 0.0
    assert phones[-1].end == len(waveform) / 16000
    assert all(a.end == b.start for a, b in zip(phones, phones[1:], strict=False))
    spoken = [phone.symbol for phone in phones if phone.symbol != PAUSE]
    assert spoken[:4] == ["s", "t", "ɑː", "p"]
    pieces = [waveform[round(p.start * 16000) : round(p.end * 16000)] for p in phones]
    changes = {}  # share of samples at which the sign changes
    for phone, piece in zip(phones, pieces, strict=True):
        changes.setdefault(phone.symbol, np.mean(np.diff(np.signbit(piece))))
    assert changes["s"] > 0.3 > 0.2 > changes["ɑː"]
    loudness = {p.symbol: np.sqrt(np.mean(piece**2)) for p, piece in zip(phones, pieces, strict=True)}
    assert loudness[PAUSE] < 0.1 * loudness["ɑː"]


@needs_library
def test_phones_fill_the_time_and_sound_as_they_should():
    check_timing()


@pytest.mark.skipif(not LOADER, reason="needs espeakng-loader")
def test_the_python_package_serves_where_the_system_has_no_library(monkeypatch):
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    library, data = find_espeak()
    assert "espeakng_loader" in library
    assert Path(data).is_dir()
    check_timing()


@needs_library
@pytest.mark.parametrize(
    ("text", "voice", "message"),
    [
        ("", "en-us", "Expected a text with something to say. Received: ''"),
        ("...", "en-us", "Expected a text with something to say. Received: '...'"),
        ("Hello.", "martian", "espeak-ng: expected a voice that `espeak-ng --voices` lists. Received: 'martian'."),
        ("Hello.", "", "espeak-ng: expected a voice that `espeak-ng --voices` lists. Received: ''."),
    ],
)
def test_what_cannot_be_spoken_is_one_line(text, voice, message):
    with pytest.raises(ValueError) as raised:
        speak_phonemes(text, voice, 16000)
    assert str(raised.value) == message


def test_espeak_ng_missing(monkeypatch):
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="^espeak-ng: expected its library to be installed") as raised:
        speak_phonemes("Hello.", "en-us", 16000)
    assert "\n" not in str(raised.value)


def test_a_library_that_does_not_load(monkeypatch, tmp_path):
    monkeypatch.setattr(phonemes, "find_espeak", lambda: (str(tmp_path / "none.so"), None))
    with pytest.raises(ValueError, match="^espeak-ng: .*none.so") as raised:
        speak_phonemes("Hello.", "en-us", 16000)
    assert "\n" not in str(raised.value)


def test_a_library_that_hangs(monkeypatch):
    monkeypatch.setattr(phonemes, "find_espeak", lambda: ("", None))
    monkeypatch.setattr(phonemes, "_TIMEOUT_SECONDS", 0.001)
    with pytest.raises(ValueError, match="^espeak-ng: expected an answer within 0.001 s. Received: none.$"):
        speak_phonemes("Hello.", "en-us", 16000)


@pytest.mark.parametrize(("start", "end"), [(-0.1, 0.1), (0.1, 0.1), (0.2, 0.1), (float("nan"), 1.0), (0.0, np.inf)])
def test_a_phone_has_a_length(start, end):
    with pytest.raises(ValueError, match="Expected a phone to begin at 0 s or later and to end after that. Received:"):
        Phone("a", start, end)


@needs_library
def test_texts_become_phonemes_with_stress_words_and_punctuation():
    texts = ["Press 1 to stop, then wait.", "", "Who's there? (No one!)", "…"]
    pressed, nothing, asked, dots = ("".join(symbols) for symbols in phonemes.phonemize(texts, "en-us"))
    assert pressed == "pɹˈɛs wˈʌn tə stˈɑːp,ðˈɛn wˈeɪt."
    assert nothing == dots == ""
    assert asked[-1] == "!" and asked.count("?") == 1


@needs_library
def test_phonemes_are_those_that_are_spoken():
    (symbols,) = phonemes.phonemize([TEXT], "en-us")
    _, phones = speak_phonemes(TEXT, "en-us", 16000)
    marks = {phonemes.WORD, *phonemes.STRESS, *phonemes.PUNCTUATION}
    assert [s for s in symbols if s not in marks] == [p.symbol for p in phones if p.symbol != PAUSE]


@needs_library
def test_phonemes_of_an_unknown_voice_are_refused():
    with pytest.raises(ValueError, match="^espeak-ng: expected a voice that `espeak-ng --voices` lists"):
        phonemes.phonemize(["a"], "nowhere")
