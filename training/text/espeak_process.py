"""Speaks one text with the library of espeak-ng, in a process of its own: `training.text.phonemes` runs this file.

The library keeps state from text to text (the second text's phonemes and noise are not quite those of the first), and
cannot be started twice in one process, so each text gets a fresh one, as it does from the program espeak-ng. Only the
standard library is imported, so that the process starts fast.

Reads JSON from stdin, {"library", "data", "text", "voice", "words_per_minute"}. Writes to stdout one line of JSON,
{"rate", "version", "events": [[symbol, sample], ...]}, then the 16-bit samples; ends with code 1 and a line on stderr
where the text cannot be spoken. With "texts" instead of "text" and "words_per_minute" nothing is spoken; the line is
{"clauses": [[[text, phonemes], ...], ...]}, of each text its clauses, phonemes in IPA with "_" between them.

References:
    speak_lib.h of espeak-ng 1.51, its C interface; the numbers below are those of its enumerations.
"""

import ctypes
import json
import os
import sys

SYNCHRONOUS = 2
PHONEME_EVENTS, IPA, DONT_EXIT = 0x1, 0x2, 0x8000
EVENT_END, EVENT_PHONEME = 0, 7
RATE = 1
UTF8, PHONEMES, ENDPAUSE = 0x1, 0x100, 0x1000  # the last two as the program espeak-ng has them
SYMBOL_BYTES = 8
SEPARATOR = ord("_") << 8


class Event(ctypes.Structure):
    """The C structure espeak_EVENT."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("symbol", ctypes.c_uint64),  # a union; of a phoneme its name, ended by a zero byte if shorter than 8
    ]

    @property
    def name(self) -> str:
        """A phoneme's name."""
        address = ctypes.addressof(self) + Event.symbol.offset
        return ctypes.string_at(address, SYMBOL_BYTES).split(b"\0")[0].decode("utf-8", "ignore")


class Voice(ctypes.Structure):
    """The C structure espeak_VOICE."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("properties", ctypes.c_ubyte * 4),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


def speak(library: str, data: str | None, text: str, voice: str, words_per_minute: int) -> tuple[dict, bytes]:
    """Speaks one text; to be called once in a process.

    Args:
        library: The shared library.
        data: Folder of its data, if not the one it was built with.
        text: What to say.
        voice: Name of a voice.
        words_per_minute: Speed.

    Returns:
        The header and the samples that the module's docstring describes.
    """
    espeak, rate = _start(library, data, voice, PHONEME_EVENTS | IPA | DONT_EXIT)
    espeak.espeak_SetParameter(RATE, words_per_minute, 0)
    blocks, events = [], []

    @Callback
    def collect(samples, count, event):
        if samples and count > 0:
            blocks.append(ctypes.string_at(samples, 2 * count))
        while event and event[0].type != EVENT_END:
            if event[0].type == EVENT_PHONEME:
                events.append((event[0].name, event[0].sample))
            event = ctypes.pointer(event[1])
        return 0

    espeak.espeak_SetSynthCallback(collect)
    encoded = text.encode()
    if espeak.espeak_Synth(encoded, ctypes.c_size_t(len(encoded) + 1), 0, 1, 0, UTF8 | PHONEMES | ENDPAUSE, None, None):
        raise SystemExit("expected speech. Received: an error of espeak-ng.")
    espeak.espeak_Info.restype = ctypes.c_char_p
    version = espeak.espeak_Info(None).decode().split()[0]
    return {"rate": rate, "version": version, "events": events}, b"".join(blocks)


def phonemize(library: str, data: str | None, texts: list[str], voice: str) -> dict[str, list]:
    """Translates texts; to be called once in a process.

    Args:
        library: The shared library.
        data: Folder of its data, if not the one it was built with.
        texts: What to translate.
        voice: Name of a voice.

    Returns:
        What the module's docstring describes.
    """
    espeak, _ = _start(library, data, voice, DONT_EXIT)
    translate = espeak.espeak_TextToPhonemes
    translate.restype, translate.argtypes = (
        ctypes.c_char_p,
        [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int],
    )
    clauses = []
    for text in texts:
        encoded, found = ctypes.create_string_buffer(text.encode()), []
        start = ctypes.addressof(encoded)
        place = ctypes.c_void_p(start)
        while place.value:
            begin = place.value - start
            phonemes = translate(ctypes.byref(place), UTF8, IPA | SEPARATOR).decode()
            end = place.value - start if place.value else len(encoded.value)
            found.append((encoded.value[begin:end].decode("utf-8", "ignore"), phonemes))
        clauses.append(found)
    return {"clauses": clauses}


def _start(library, data, voice, options):
    """Returns the library, set to a voice, and its sample rate."""
    espeak = ctypes.CDLL(library)
    folder = None if data is None else os.fsencode(data)
    rate = espeak.espeak_Initialize(SYNCHRONOUS, 0, folder, options)
    if rate <= 0:
        raise SystemExit("expected espeak-ng's data to be installed with its library.")
    by_language = Voice(languages=voice.encode())  # as the program does: "en-gb" is a language, not a voice's name
    by_name = espeak.espeak_SetVoiceByName(voice.encode())
    if not voice or by_name and espeak.espeak_SetVoiceByProperties(ctypes.byref(by_language)):
        raise SystemExit(f"expected a voice that `espeak-ng --voices` lists. Received: {voice!r}.")
    return espeak, rate


if __name__ == "__main__":
    request, samples = json.load(sys.stdin), b""
    if "texts" in request:
        header = phonemize(**request)
    else:
        header, samples = speak(**request)
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + samples)
