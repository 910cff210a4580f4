"""Utterances of known texts: how long each symbol lasts, and batches that hold all of them once an epoch."""

import numpy as np
import pytest

from training.text.phonemes import PAUSE, Phone
from training.text.utterances import Utterance, UtteranceSource, durations_of, known, mean_log_f0, spoken

PHONES = [
    Phone(PAUSE, 0.0, 0.1),
    Phone("a", 0.1, 0.2),
    Phone("b", 0.2, 0.31),
    Phone(PAUSE, 0.31, 0.4),
    Phone("c", 0.4, 0.5),
]


def test_pauses_belong_to_spaces_and_punctuation():
    symbols = spoken(["ˈ", "a", " ", "b", ",", "c", "."])
    durations = durations_of(symbols, PHONES, 52, 0.01)
    assert list(zip(symbols, durations, strict=True)) == [
        (" ", 10),
        ("ˈ", 0),
        ("a", 10),
        (" ", 0),
        ("b", 11),
        (",", 9),
        ("c", 10),
        (".", 2),
    ]


def test_phones_of_another_text_are_refused():
    with pytest.raises(ValueError, match="^Expected the phone 'c' of the text. Received: 'b' at 0.20 s$"):
        durations_of(spoken(["a", "c", "."]), PHONES, 50, 0.01)
    with pytest.raises(ValueError, match="^Expected the phone 'd' of the text. Received: the end$"):
        durations_of(spoken(["a", "b", ",", "c", "d", "."]), PHONES, 50, 0.01)
    with pytest.raises(ValueError, match="^Expected no more phones than the text's. Received: 'c'$"):
        durations_of(spoken(["a", "b", "."]), PHONES, 50, 0.01)


def test_pitch_is_that_of_the_voiced_frames():
    f0 = np.array([0.0, 100.0, 400.0, 0.0, 0.0])
    means = mean_log_f0(f0, np.array([0, 3, 2]))
    np.testing.assert_allclose(means, [np.nan, np.log(200.0), np.nan], rtol=1e-6)


def test_rare_phonemes_are_replaced_by_near_ones():
    assert known(["ʒ", "aɪɚ", "a"], ["ʃ", "aɪ", "ɚ", "a"]) == ["ʃ", "aɪ", "ɚ", "a"]
    assert known(["ʒ", "aɪɚ"], ["ʒ", "aɪ"]) == ["ʒ", "aɪɚ"]  # what is known stays; nothing near, and it stays too


def make(rng, count=9):
    utterances = []
    for number in range(1, count + 1):
        durations = rng.integers(0, 6, size=rng.integers(3, 8))
        durations[0] = 2
        log_f0 = np.where(rng.random(len(durations)) < 0.5, np.nan, rng.normal(5, 0.2, len(durations)))
        mels = np.full((durations.sum(), 4), number, np.float32)  # tells which utterance it is
        utterances.append(Utterance(np.full(len(durations), number), durations, log_f0.astype(np.float32), mels))
    return utterances


def heard(batch):
    """The utterances of a batch, by the number that all their mels are."""
    _, targets, _ = batch
    return sorted({int(value) for value in targets["mels"].ravel()} - {0})


def test_every_utterance_is_heard_once_an_epoch(rng):
    utterances = make(rng)
    source = UtteranceSource(utterances, 40, 2, (5.0, 0.2))
    assert sorted(number for batch in source for number in heard(batch)) == list(range(1, 10))
    endless = UtteranceSource(utterances, 40, 2, (5.0, 0.2), shuffle=True, repeat=True, seed=3)
    assert endless.num_batches is None and source.num_batches == len(source)
    numbers = [number for step in range(4 * len(endless) + 4) for number in heard(endless[step])]
    epochs = [numbers[first : first + 9] for first in (0, 9, 18)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(1, 10))] * 3
    for step in range(12):
        assert sorted(place + 1 for place in endless.places(step)) == heard(endless[step])


def test_a_batch_depends_on_its_number_alone(rng):
    utterances = make(rng)
    options = {"shuffle": True, "repeat": True, "seed": 1}
    whole = UtteranceSource(utterances, 30, 1, (5.0, 0.2), **options)
    later = UtteranceSource(utterances, 30, 1, (5.0, 0.2), start_step=7, **options)
    for a, b in ((whole[9], later[2]), (whole[9], whole[9])):
        for ours, theirs in zip(a, b, strict=True):
            for name in ours:
                np.testing.assert_array_equal(ours[name], theirs[name])
    assert [heard(whole[step]) for step in range(3)] != [heard(whole[step]) for step in range(3, 6)]


def test_a_row_holds_utterances_with_a_gap_between(rng):
    first, second = make(rng, 2)
    (batch,) = UtteranceSource([first, second], 40, 3, (5.0, 0.5))
    inputs, targets, weights = batch
    n, m = len(first.numbers), len(first.mels)
    np.testing.assert_array_equal(inputs["symbols"][0, : n + 4], [*first.numbers, 0, 0, 0, 2])
    place = inputs["symbol_of_frame"][0]
    np.testing.assert_array_equal(place[:m], np.repeat(np.arange(n), first.durations))
    assert (place[m : m + 3] == -1).all() and place[m + 3] == n + 3
    end = m + 3 + len(second.mels)
    np.testing.assert_array_equal(
        weights["mels"][0], [1.0] * m + [0.0] * 3 + [1.0] * (end - m - 3) + [0.0] * (40 - end)
    )
    np.testing.assert_allclose(np.expm1(targets["log_duration"][0, :n, 0]), first.durations, atol=1e-5)
    expected = np.nan_to_num((first.log_f0 - 5.0) / 0.5)
    np.testing.assert_allclose(targets["pitch"][0, :n, 0], expected, atol=1e-6)
    np.testing.assert_array_equal(inputs["pitch"], targets["pitch"])
    assert weights["pitch"][0, : n + 1].tolist() == [1.0] * n + [0.0]


def test_a_long_utterance_makes_the_rows_longer(rng):
    utterances = make(rng, 3)
    source = UtteranceSource(utterances, 1, 0, (5.0, 0.2))
    assert source[0][1]["mels"].shape[1] == max(len(each.mels) for each in utterances)
    assert sorted(number for batch in source for number in heard(batch)) == [1, 2, 3]
