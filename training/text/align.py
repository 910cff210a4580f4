"""Forced alignment: when each phoneme of a known text is spoken, from pocketsphinx."""

from collections.abc import Sequence

import numpy as np

from training.text.phonemes import PAUSE, PUNCTUATION, STRESS, WORD, Phone

SAMPLE_RATE = 16000  # of pocketsphinx's acoustic model
_FRAME_SECONDS = 0.01
_VOWELS = {
    **{"iː": "IY", "i": "IY", "ɪ": "IH", "ᵻ": "IH", "ɛ": "EH", "e": "EH", "æ": "AE", "a": "AE", "ʌ": "AH", "ə": "AH"},
    **{"ɐ": "AH", "ɑː": "AA", "ɑ": "AA", "ɒ": "AA", "aː": "AA", "ɔː": "AO", "ɔ": "AO", "oː": "AO", "ʊ": "UH"},
    **{"uː": "UW", "u": "UW", "ɜː": "ER", "ɚ": "ER", "oʊ": "OW", "əʊ": "OW", "o": "OW", "eɪ": "EY", "aɪ": "AY"},
    **{"aʊ": "AW", "ɔɪ": "OY", "iə": "IY AH", "ɪə": "IH AH", "aɪə": "AY AH", "aɪɚ": "AY ER", "eə": "EH AH"},
    **{"ʊə": "UH AH", "ɪɹ": "IH R", "ɛɹ": "EH R", "ʊɹ": "UH R", "ɑːɹ": "AA R", "ɔːɹ": "AO R", "oːɹ": "AO R"},
}
_CONSONANTS = {
    **{"p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "ɡ": "G", "g": "G", "f": "F", "v": "V", "θ": "TH", "ð": "DH"},
    **{"s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH", "h": "HH", "tʃ": "CH", "dʒ": "JH", "m": "M", "n": "N", "ŋ": "NG"},
    **{"l": "L", "ɫ": "L", "ɹ": "R", "r": "R", "w": "W", "j": "Y", "ɾ": "D", "ʔ": "T", "x": "K", "ɬ": "L"},
    **{"əl": "AH L", "n̩": "AH N", "m̩": "AH M", "l̩": "AH L"},
}
ARPABET = {ipa: tuple(names.split()) for ipa, names in (_VOWELS | _CONSONANTS).items()}
"""Of a phoneme of espeak-ng's English in IPA, those of pocketsphinx's model (CMUdict's)."""


class Aligner:
    """Finds phonemes in recordings of US English, to 10 ms.

    Raises:
        ValueError: If the package pocketsphinx is not installed.

    References:
        Huggins-Daines et al., PocketSphinx (2006).
    """

    def __init__(self) -> None:
        try:
            from pocketsphinx import Decoder
        except ModuleNotFoundError:
            raise ValueError("Expected the package pocketsphinx to be installed: pip install pocketsphinx.") from None
        # Beams far wider than for recognition: there is one text, and it costs milliseconds.
        beams = {"beam": 1e-120, "pbeam": 1e-120, "wbeam": 1e-90}
        self._decoder = Decoder(samprate=float(SAMPLE_RATE), lm=None, bestpath=False, loglevel="FATAL", **beams)
        self._words = set()

    def align(self, waveform: np.ndarray, symbols: Sequence[str]) -> list[Phone]:
        """Finds the phonemes of one recording.

        Args:
            waveform: Float array [time] in [-1, 1] at 16 kHz.
            symbols: What is said, as `training.text.phonemes.phonemize` returns it.

        Returns:
            The phonemes in order, without stress; where there is silence between words, and at both ends, `PAUSE`. From
            0 to the end of the recording without gaps.

        Raises:
            ValueError: If nothing is said, a phoneme is none of English, or the recording is not of that text.
        """
        words = _words(symbols)
        if not words:
            raise ValueError("Expected a text with something to say. Received: none")
        unknown = sorted({name for word in words for name in word} - ARPABET.keys())
        if unknown:
            raise ValueError(f"Expected phonemes of espeak-ng's English. Received: {' '.join(unknown)}")
        decoder, names = self._decoder, [self._name(word) for word in words]
        levels = np.rint(np.clip(waveform, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
        decoder.set_align_text(" ".join(names))
        decoder.start_utt()
        decoder.process_raw(levels, full_utt=True)
        decoder.end_utt()
        if decoder.hyp() is None:
            raise ValueError("Expected a recording of its text. Received: another one")
        decoder.set_alignment()
        decoder.start_utt()
        decoder.process_raw(levels, full_utt=True)
        decoder.end_utt()
        alignment = decoder.get_alignment()
        if alignment is None:
            raise ValueError("Expected a recording of its text. Received: another one")
        left, bounds = iter(words), []
        for found in alignment:
            if found.name in self._words:
                bounds += _bounds(next(left), list(found))
            else:  # <s>, <sil> and what the model calls noise
                bounds.append((PAUSE, found.start))
        return _phones(bounds, len(waveform) / SAMPLE_RATE)

    def _name(self, word):
        """Returns the name of a word of the dictionary that is pronounced so."""
        name = "_".join(word)
        if name not in self._words:
            self._decoder.add_word(name, " ".join(each for ipa in word for each in ARPABET[ipa]), True)
            self._words.add(name)
        return name


def _words(symbols):
    words = [[]]
    for symbol in symbols:
        if symbol == WORD or symbol in PUNCTUATION:
            words.append([])
        elif symbol not in STRESS:
            words[-1].append(symbol)
    return [word for word in words if word]


def _bounds(word, found):
    """Returns (phoneme, first frame) of a word, of whose phonemes some are two of the model's."""
    bounds = []
    for ipa in word:
        bounds.append((ipa, found[0].start))
        found = found[len(ARPABET[ipa]) :]
    return bounds


def _phones(bounds, end):
    """Makes phones of (symbol, first frame): each lasts until the next; pauses in a row become one."""
    bounds = [each for i, each in enumerate(bounds) if not (i and each[0] == bounds[i - 1][0] == PAUSE)]
    starts = [0.0, *(frame * _FRAME_SECONDS for _, frame in bounds[1:])]
    ends = [*starts[1:], max(end, starts[-1] + _FRAME_SECONDS)]
    return [Phone(symbol, start, stop) for (symbol, _), start, stop in zip(bounds, starts, ends, strict=True)]
