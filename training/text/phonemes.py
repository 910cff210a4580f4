"""Timed phonemes of a text, from espeak-ng: what it speaks, and which phoneme it speaks when."""

import ctypes.util
import dataclasses
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr

from training.text import espeak_process
from training.text.espeak_voice import PEAK, WORDS_PER_MINUTE

PAUSE = "_"
STRESS = "ˈˌ"  # primary and secondary; espeak-ng 1.52 puts it before an event's name, 1.51 does not
WORD = " "
PUNCTUATION = ".,?!;:"
_AUDIBLE = 1e-3
_MARGIN_SECONDS = 0.05
_TIMEOUT_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Phone:
    """A speech sound and when it is spoken.

    Args:
        symbol: Its name, in whatever alphabet the labels use; `PAUSE` for silence.
        start: Where it begins, in seconds from the start of the recording.
        end: Where it ends, in seconds; above `start`.

    Raises:
        ValueError: If it is empty, or begins before 0.
    """

    symbol: str
    start: float
    end: float

    def __post_init__(self) -> None:
        """Checks the times."""
        if not 0.0 <= self.start < self.end < float("inf"):
            received = f"{self.start} s to {self.end} s for {self.symbol!r}"
            raise ValueError(f"Expected a phone to begin at 0 s or later and to end after that. Received: {received}")


def find_espeak() -> tuple[str, str | None]:
    """Finds the shared library of espeak-ng: the system's, else that of the Python package espeakng-loader.

    Returns:
        (library, folder of its data, None for the system's).

    Raises:
        ValueError: If neither is installed.
    """
    library = ctypes.util.find_library("espeak-ng")
    if library:
        return library, None
    if importlib.util.find_spec("espeakng_loader"):
        import espeakng_loader

        return str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path())
    raise ValueError(
        "espeak-ng: expected its library to be installed (Debian: apt-get install libespeak-ng1; any system: "
        "pip install espeakng-loader)."
    )


def speak_phonemes(text: str, voice: str, sample_rate: int) -> tuple[np.ndarray, list[Phone]]:
    """Speaks a text as `training.make_sample_corpus` does, and tells which phoneme is spoken when.

    With the system's espeak-ng 1.51 the waveform is that of the sample corpus, to the rounding of 16 bits.

    Args:
        text: What to say, in the voice's language.
        voice: Name of an espeak-ng voice, such as "en-us+f2" (`espeak-ng --voices` lists them, `--voices=variant` what
            may follow the plus).
        sample_rate: Rate of the waveform in Hz.

    Returns:
        (waveform, phones): float32 array [time], peak at -3 dBFS, silence at both ends at most 50 ms; phones in IPA
        without stress, pauses as `PAUSE`, from 0 to the waveform's end without gaps.

    Raises:
        ValueError: If espeak-ng is not installed, the voice is unknown, or there is nothing to say.
    """
    levels, rate, events, _ = _synthesise(text, voice)
    waveform = soxr.resample(levels.astype(np.float32) / 32768.0, rate, sample_rate)
    audible = np.flatnonzero(np.abs(waveform) > _AUDIBLE)
    if not len(audible) or all(_symbol(name) == PAUSE for name, _ in events):
        raise ValueError(f"Expected a text with something to say. Received: {text!r}")
    margin = int(sample_rate * _MARGIN_SECONDS)
    start = max(0, audible[0] - margin)
    waveform = waveform[start : audible[-1] + margin]
    bounds = [(_symbol(name), sample / rate - start / sample_rate) for name, sample in events]
    phones = _to_phones(bounds, len(waveform) / sample_rate)
    return waveform * (PEAK / np.abs(waveform).max()), phones


def espeak_version() -> str:
    """Returns the version of the espeak-ng in use, such as "1.51".

    Raises:
        ValueError: If it is not installed.
    """
    return _synthesise("a", "en-us")[3]


def phonemize(texts: Sequence[str], voice: str) -> list[list[str]]:
    """Translates texts into phonemes with stress, as espeak-ng pronounces them.

    Args:
        texts: Texts in the voice's language.
        voice: Name of an espeak-ng voice.

    Returns:
        For each text its symbols: phonemes in IPA, `STRESS` marks before the vowels that bear them, `WORD` between
        words, and at the end of each clause its punctuation, one of `PUNCTUATION`. Empty for a text with nothing to
        say.

    Raises:
        ValueError: If espeak-ng is not installed, or the voice is unknown.
    """
    header, _ = _ask({"texts": list(texts), "voice": voice})
    return [_symbols(clauses) for clauses in header["clauses"]]


def _symbols(clauses):
    symbols = []
    for text, phonemes in clauses:
        words = [_phonemes(word) for word in re.sub(r"\([a-z-]+\)", "", phonemes).split()]  # "(en)": another language
        words = [word for word in words if word]
        if not words:
            continue
        marks = [mark for mark in text[-3:] if mark in PUNCTUATION]  # espeak-ng has read on by up to two characters
        clause = list(words[0])
        for word in words[1:]:
            clause += [WORD, *word]
        symbols += [*clause, marks[-1] if marks else PUNCTUATION[0]]
    return symbols


def _phonemes(word):
    """Returns the symbols of a word, "ˌ_ə" and "_ˈoʊ" alike."""
    found = []
    for name in word.split("_"):
        found += [mark for mark in STRESS if mark in name]
        found += [name.strip(STRESS)] if name.strip(STRESS) else []
    return found


def _synthesise(text, voice):
    """Returns int16 samples, their rate, (name, sample) of each phoneme event, and espeak-ng's version."""
    header, samples = _ask({"text": text, "voice": voice, "words_per_minute": WORDS_PER_MINUTE})
    # "(en)" tells that the language changes, in the middle of a word's phonemes.
    events = [(name, sample) for name, sample in header["events"] if not name.startswith("(")]
    return np.frombuffer(samples, "=i2"), header["rate"], events, header["version"]


def _ask(request):
    """Asks espeak-ng in a process of its own; returns the line of its answer, read, and the bytes after it."""
    library, data = find_espeak()
    command = [sys.executable, "-I", str(Path(espeak_process.__file__).resolve())]
    request = json.dumps({"library": library, "data": data, **request}).encode()
    try:
        result = subprocess.run(command, input=request, capture_output=True, timeout=_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise ValueError(f"espeak-ng: expected an answer within {_TIMEOUT_SECONDS} s. Received: none.") from None
    if result.returncode != 0:
        lines = result.stderr.decode(errors="replace").split("\n")
        reason = next((line for line in reversed(lines) if line.strip()), f"ended by signal {-result.returncode}")
        raise ValueError(f"espeak-ng: {reason.strip()}")
    header, _, samples = result.stdout.partition(b"\n")
    return json.loads(header), samples


def _symbol(name):
    return name.strip(STRESS) or PAUSE


def _to_phones(bounds, end):
    """Makes phones of (symbol, start) pairs in order: each lasts until the next; pauses in a row become one."""
    bounds = [(symbol, min(max(start, 0.0), end)) for symbol, start in bounds]
    if bounds[0][1] > 0.0:
        bounds.insert(0, (PAUSE, 0.0))
    phones = []
    for (symbol, start), (_, stop) in zip(bounds, [*bounds[1:], (None, end)], strict=True):
        if stop <= start:
            continue
        if phones and symbol == phones[-1].symbol == PAUSE:
            phones[-1] = dataclasses.replace(phones[-1], end=stop)
        else:
            phones.append(Phone(symbol, start, stop))
    return phones
