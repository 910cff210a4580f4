from pathlib import Path

import numpy as np
import pytest

from benchmarks.judging.words import bigram_model, make_recognizer, normalise, pronunciations, word_edits
from tf_wavenet.data import index_corpus

CORPUS = Path(__file__).parents[3] / "training/sample_corpus"
SENTENCES = [["press", "one"], ["press", "two", "now"], []]


@pytest.fixture(scope="module")
def sphinx():
    return pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed: pip install -e '.[quality]'")


@pytest.mark.parametrize(
    "text, words",
    [
        ("Please PRESS 1, or don't.", ["please", "press", "one", "or", "don't"]),
        ("Re-enter\u2014 extension 4 20!", ["re", "enter", "extension", "four", "two", "zero"]),
        ("waldo\u2019s 'quoted' [a beep] (note: 2) <tone>", ["waldo's", "quoted"]),
        ("[this is a simple beep tone]", []),
        ("\u00bfQui\u00e9n? 3d", ["qui\u00e9n", "3d"]),
    ],
)
def test_texts_become_comparable_words(text, words):
    assert normalise(text) == words


@pytest.mark.parametrize(
    "reference, heard, edits",
    [
        ("a b c", "a b c", 0),
        ("a b c", "a x c", 1),
        ("a b c", "a c", 1),
        ("a b c", "a b b c", 1),
        ("a b c", "", 3),
        ("", "a b", 2),
        ("a b c d", "b c d a", 2),
        ("to be or not", "two bee ore knot", 4),
    ],
)
def test_edits_are_those_counted_by_hand(reference, heard, edits):
    assert word_edits(reference.split(), heard.split()) == edits


def read_arpa(text):
    """Returns {word: (probability, backoff weight)} and {(first, second): probability}."""
    _, _, unigrams, bigrams, _ = (part.split("\n")[1:] for part in text.replace("\\data", "\n").split("\n\\"))
    unigrams = [line.split() for line in unigrams if line]
    bigrams = [line.split() for line in bigrams if line]
    return (
        {word: (10 ** float(probability), 10 ** float(backoff)) for probability, word, backoff in unigrams},
        {(first, second): 10 ** float(probability) for probability, first, second in bigrams},
    )


def test_every_context_of_the_language_model_is_a_distribution():
    unigrams, bigrams = read_arpa(bigram_model(SENTENCES))
    followers = unigrams.keys() - {"<s>"}
    assert followers == {"</s>", "press", "one", "two", "now"}
    assert sum(unigrams[word][0] for word in followers) == pytest.approx(1, abs=1e-4)
    for context in unigrams.keys() - {"</s>"}:
        backoff = unigrams[context][1]
        total = sum(bigrams.get((context, word), backoff * unigrams[word][0]) for word in followers)
        assert total == pytest.approx(1, abs=1e-4), context


def test_a_discounted_bigram_has_the_probability_of_the_formula():
    """After "press": "one" once of twice, two followers; 2 of 7 words are sentence ends, one is "one"."""
    _, bigrams = read_arpa(bigram_model(SENTENCES))
    assert bigrams["press", "one"] == pytest.approx((1 - 0.5) / 2 + 0.5 * 2 / 2 * 1 / 7, rel=1e-4)


@pytest.mark.large
def test_recognises_speech_and_loses_it_in_noise(sphinx):
    files = [file for file in index_corpus(CORPUS).files if file.speaker == "male"]
    recognizer = make_recognizer([file.text for file in files])
    errors = []
    for noise in (0.0, 0.1):
        edits = words = 0
        for file in files[:3]:
            said, waveform = normalise(file.text), file.load(16000)
            heard = recognizer.listen(waveform + noise * np.random.default_rng(0).standard_normal(len(waveform)))
            edits, words = edits + word_edits(said, heard), words + len(said)
        errors.append(edits / words)
    assert errors[0] < 0.2 and errors[1] > errors[0] + 0.3


def test_looks_words_up_with_all_their_pronunciations(sphinx):
    found = pronunciations({"read", "qwxz"})
    assert found == {"read": ["read R EH D", "read(2) R IY D"]}


@pytest.mark.large
def test_hearing_does_not_depend_on_what_was_heard_before(sphinx):
    file = index_corpus(CORPUS).files[0]
    recognizer = make_recognizer([file.text])
    waveform = file.load(16000)
    first = recognizer.listen(waveform)
    recognizer.listen(0.1 * np.random.default_rng(0).standard_normal(8000))
    assert recognizer.listen(waveform) == first


@pytest.mark.parametrize(
    "texts", [[None, "", "[a beep]"], ["Bienvenidos al sistema de mensajes", "espere un momento"], ["\u0434\u0430"]]
)
def test_no_recognizer_without_english_texts(texts, sphinx, capsys):
    assert make_recognizer(texts) is None
    assert "so no word errors" in capsys.readouterr().err
