"""Word errors: what a recogniser hears, compared with what was said."""

import collections
import math
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

import numpy as np

from benchmarks.judging.packages import SAMPLE_RATE, require

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_REMARK = re.compile(r"\[.*?\]|\(.*?\)|<.*?>")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_DISCOUNT = 0.5
_ROOM_NOISE = 1e-3  # RMS, -60 dB of full scale
_LEAST_KNOWN = 0.5  # share of the spoken words that the dictionary must have; below, it is another language


def normalise(text: str) -> list[str]:
    """Splits a text into the words that are compared.

    Args:
        text: As written. Remarks in brackets are left out.

    Returns:
        Lower-case words without punctuation, but for apostrophes inside. A number is read digit by digit.
    """
    words = _WORD.findall(_REMARK.sub(" ", text.lower().replace("\u2019", "'")))
    return [part for word in words for part in ([DIGITS[int(d)] for d in word] if word.isdecimal() else [word])]


def word_edits(reference: Sequence[str], words: Sequence[str]) -> int:
    """Counts the words to substitute, delete or insert to get from one text to the other.

    Args:
        reference: What was said.
        words: What was heard.

    Returns:
        The least number of edits; divided by `len(reference)`, the word error rate.

    References:
        Levenshtein, Binary codes capable of correcting deletions, insertions and reversals (1966).
    """
    row = list(range(len(words) + 1))
    for i, said in enumerate(reference, start=1):
        diagonal, row[0] = row[0], i
        for j, heard in enumerate(words, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (said != heard))
    return row[-1]


def bigram_model(texts: Iterable[Sequence[str]]) -> str:
    """Estimates which word follows which: bigrams, interpolated with unigrams by absolute discounting.

    Args:
        texts: Sentences as lists of words, at least one word in all.

    Returns:
        The model in ARPA's format, a text.

    References:
        Ney, Essen and Kneser, On structuring probabilistic dependences in stochastic language modelling (1994).
    """
    words, pairs = collections.Counter(), collections.Counter()
    for text in filter(None, texts):
        marked = ["<s>", *text, "</s>"]
        words.update(marked[1:])
        pairs.update(zip(marked[:-1], marked[1:], strict=True))
    before, followers = collections.Counter(), collections.Counter()
    for (first, _), count in pairs.items():
        before[first] += count
        followers[first] += 1
    total = sum(words.values())
    unigram = {word: count / total for word, count in words.items()}
    backoff = {first: _DISCOUNT * followers[first] / before[first] for first in before}
    lines = ["\\data\\", f"ngram 1={len(words) + 1}", f"ngram 2={len(pairs)}", "", "\\1-grams:"]
    lines.append(f"-99 <s> {math.log10(backoff['<s>']):.5f}")
    for word in sorted(words):
        lines.append(f"{math.log10(unigram[word]):.5f} {word} {math.log10(backoff.get(word, 1.0)):.5f}")
    lines += ["", "\\2-grams:"]
    for (first, second), count in sorted(pairs.items()):
        probability = (count - _DISCOUNT) / before[first] + backoff[first] * unigram[second]
        lines.append(f"{math.log10(probability):.5f} {first} {second}")
    return "\n".join([*lines, "", "\\end\\", ""])


def pronunciations(vocabulary: Set[str]) -> dict[str, list[str]]:
    """Looks words up in PocketSphinx's English dictionary.

    Args:
        vocabulary: Words in lower case.

    Returns:
        The lines of the dictionary, "word P R O N" and "word(2) P R O N", for each word that it has.
    """
    path = Path(require("pocketsphinx").get_model_path("en-us/cmudict-en-us.dict"))
    found = collections.defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        word = re.sub(r"\(\d+\)$", "", line.split()[0])
        if word in vocabulary:
            found[word].append(line)
    return dict(found)


class Recognizer:
    """PocketSphinx with its English acoustic model and dictionary, and a language model of the corpus's own texts.

    The language model knows which words follow which in these texts, so that what is measured is the sound and not how
    far telephone prompts are from newspaper English; it is the same for every system that is compared. Words of the
    texts that the dictionary lacks are never heard: they count as errors, for every system alike. The acoustic model
    learnt from rooms and mishears what begins and ends in digital silence, so the same noise at -60 dB is added to all.

    Args:
        texts: Sentences as lists of words, as `normalise` makes them, some of them English.

    Raises:
        ValueError: If the package is missing.

    References:
        Huggins-Daines et al., PocketSphinx (ICASSP 2006).
    """

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        pocketsphinx = require("pocketsphinx")
        texts = [list(text) for text in texts]
        known = pronunciations({word for text in texts for word in text})
        with tempfile.TemporaryDirectory() as folder:
            model, dictionary = Path(folder, "texts.arpa"), Path(folder, "words.dict")
            model.write_text(bigram_model(texts), encoding="utf-8")
            # With more words in the dictionary than in the model it would load slowly.
            dictionary.write_text(
                "\n".join(line for lines in known.values() for line in lines) + "\n", encoding="utf-8"
            )
            # Each file is normalised by its own mean (CMN), so that the order of files does not matter.
            settings = {"samprate": SAMPLE_RATE, "loglevel": "FATAL", "cmn": "batch"}
            self._decoder = pocketsphinx.Decoder(lm=str(model), dict=str(dictionary), **settings)

    def listen(self, audio: np.ndarray) -> list[str]:
        """Recognises one utterance.

        Args:
            audio: Float array `[time]`; what lies outside [-1, 1] is clipped.

        Returns:
            The words heard, maybe none.
        """
        noise = _ROOM_NOISE * np.random.default_rng(0).standard_normal(len(audio))
        pcm = np.clip(np.round((np.asarray(audio, np.float64) + noise) * 32768.0), -32768, 32767).astype("<i2")
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr.split() if hypothesis else []


def make_recognizer(texts: Iterable[str | None]) -> Recognizer | None:
    """Builds the recogniser of a corpus.

    Args:
        texts: As written; None or empty for a file without one.

    Returns:
        The recogniser; None, with a note on stderr, if there are no texts or fewer than half of the words are English.
    """
    words = [normalise(text or "") for text in texts]
    spoken = [word for text in words for word in text]
    if not spoken:
        print("note: no texts in the corpus, so no word errors", file=sys.stderr)
        return None
    english = pronunciations(set(spoken))
    share = sum(word in english for word in spoken) / len(spoken)
    if share < _LEAST_KNOWN:
        print(f"note: {share:.0%} of the words are in the English dictionary, so no word errors", file=sys.stderr)
        return None
    return Recognizer(words)
