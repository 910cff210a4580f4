"""Recordings of known texts, as an acoustic model learns from them."""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np

from tf_wavenet.models.acoustic_model import frames_of
from training.text.phonemes import PAUSE, PUNCTUATION, STRESS, WORD, Phone

# Rare phonemes of espeak-ng's US English, in others.
_NEAR = {
    **{"ʒ": ("ʃ",), "ʔ": ("t",), "x": ("k",), "ɬ": ("l",), "ɔ": ("ɔː",), "oː": ("oʊ",), "ɑ": ("ɑː",), "e": ("ɛ",)},
    **{"aɪɚ": ("aɪ", "ɚ"), "aɪə": ("aɪ", "ə"), "iə": ("i", "ə"), "ɪɹ": ("ɪ", "ɹ"), "ɛɹ": ("ɛ", "ɹ"), "ʊɹ": ("ʊ", "ɹ")},
    **{"ɑːɹ": ("ɑː", "ɹ"), "ɔːɹ": ("ɔː", "ɹ"), "oːɹ": ("ɔː", "ɹ"), "n̩": ("ə", "n"), "əl": ("ə", "l")},
    **{"ɔɪ": ("ɔː", "ɪ"), "ɪː": ("iː",), "aː": ("ɑː",), "ɐ": ("ə",), "ᵻ": ("ɪ",)},
}
_FRAMES_PER_SYMBOL = 2  # of a batch; speech has about 4 at 80 frames a second


@dataclasses.dataclass(frozen=True, eq=False)
class Utterance:
    """A recording of a known text.

    Attributes:
        numbers: int32 [symbols], as `AcousticModel.number` gives them.
        durations: int64 [symbols], frames of each.
        log_f0: float32 [symbols], mean of the logarithm of F0 in Hz over the voiced frames of each, NaN where there are
            none.
        mels: float32 [frames, num_mels].
    """

    numbers: np.ndarray
    durations: np.ndarray
    log_f0: np.ndarray
    mels: np.ndarray


def spoken(symbols: Sequence[str]) -> list[str]:
    """Returns symbols of `phonemize` with a place before the first for the silence there."""
    return [WORD, *symbols]


def known(symbols: Sequence[str], symbols_of_model: Sequence[str]) -> list[str]:
    """Replaces phonemes that a model has not learned by the nearest ones that it may have.

    Args:
        symbols: Of `phonemize`.
        symbols_of_model: What the model knows.

    Returns:
        The symbols; where there is nothing near, the phoneme as it was.
    """
    found = []
    for symbol in symbols:
        near = _NEAR.get(symbol, ()) if symbol not in symbols_of_model else ()
        found += near if near and set(near) <= set(symbols_of_model) else [symbol]
    return found


def durations_of(symbols: Sequence[str], phones: Sequence[Phone], num_frames: int, frame_seconds: float) -> np.ndarray:
    """Finds how long each symbol lasts in a recording.

    Pauses belong to the space or the punctuation in whose place they are; marks of stress last no time.

    Args:
        symbols: Of `spoken`.
        phones: What is spoken when, in order of time.
        num_frames: Frames of the recording.
        frame_seconds: Length of a frame.

    Returns:
        int64 array [symbols], frames of each; their sum is `num_frames`.

    Raises:
        ValueError: If the phones are not those of the symbols.
    """
    left, ends, time = list(reversed(phones)), [], 0.0
    for symbol in symbols:
        pause = symbol == WORD or symbol in PUNCTUATION
        if left and symbol not in STRESS and (left[-1].symbol == PAUSE if pause else left[-1].symbol == symbol):
            time = left.pop().end
        elif not pause and symbol not in STRESS:
            received = f"{left[-1].symbol!r} at {left[-1].start:.2f} s" if left else "the end"
            raise ValueError(f"Expected the phone {symbol!r} of the text. Received: {received}")
        ends.append(time)
    if left:
        raise ValueError(f"Expected no more phones than the text's. Received: {left[-1].symbol!r}")
    frames = np.minimum(np.rint(np.array(ends) / frame_seconds), num_frames)
    frames[-1] = num_frames
    return np.diff(frames, prepend=0).astype(np.int64)


def mean_log_f0(f0: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """Returns float32 [symbols], as `Utterance.log_f0`, of F0 in Hz of each frame, 0 where there is none."""
    ends = np.cumsum(durations)
    means = np.full(len(durations), np.nan, np.float32)
    for symbol, (start, end) in enumerate(zip(ends - durations, ends, strict=True)):
        voiced = f0[start:end][f0[start:end] > 0]
        if len(voiced):
            means[symbol] = np.log(voiced).mean()
    return means


class UtteranceSource(keras.utils.PyDataset):
    """Batches for `AcousticModel.fit`: one row of utterances, one after the other, with a gap between.

    The gap is as long as the model's convolutions reach, and the model sets it to zero before each of them, so no
    utterance is seen by another; all batches have one shape. A batch depends on the arguments and its number alone.

    Args:
        utterances: At least one.
        frames: Int >= 1, frames of the row; more if an utterance is longer.
        gap: Int >= 0, frames and symbols between utterances, `model.kernel_size // 2`.
        pitch: (mean, standard deviation) of `log_f0`, which standardise it.
        shuffle: Whether utterances come in random order, another one each epoch.
        seed: Non-negative int, for `shuffle`.
        repeat: Whether to go on for ever.
        start_step: Number of batches to leave out, with `repeat`.
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        frames: int,
        gap: int,
        pitch: tuple[float, float],
        *,
        shuffle: bool = False,
        seed: int = 0,
        repeat: bool = False,
        start_step: int = 0,
    ) -> None:
        super().__init__()
        self._utterances, self._gap, self._pitch = list(utterances), gap, pitch
        self._shuffle, self._seed, self._repeat, self._start_step = shuffle, seed, repeat, start_step
        self._frames = max(frames, *(len(each.mels) for each in utterances))
        self._symbols = max(self._frames // _FRAMES_PER_SYMBOL, *(len(each.numbers) for each in utterances))
        self._batches = []  # of the epochs so far, places of utterances
        self._epochs = 0
        self._fill()
        self._steps = len(self._batches)

    def __len__(self) -> int:
        return self._steps

    @property
    def num_batches(self) -> int | None:
        """Batches that Keras may ask for; None for an endless source."""
        return None if self._repeat else self._steps

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
        step = index + self._start_step if self._repeat else index
        return self._batch([self._utterances[place] for place in self.places(step)])

    def places(self, step: int) -> list[int]:
        """Tells which utterances are in a batch: their places in the list, by the number of the batch, from 0 on."""
        while step >= len(self._batches):
            self._fill()
        return self._batches[step]

    def _fill(self):
        """Plans the next epoch: each utterance goes to the first batch that has room."""
        places = np.arange(len(self._utterances))
        if self._shuffle:
            places = np.random.default_rng((self._seed, self._epochs)).permutation(places)
        batches, rooms = [], np.zeros((0, 2), np.int64)
        for place in places:
            needed = np.array([len(self._utterances[place].mels), len(self._utterances[place].numbers)])
            fits = np.flatnonzero(np.all(rooms >= needed, axis=1))
            if not len(fits):
                batches.append([])
                rooms = np.append(rooms, [[self._frames, self._symbols]], axis=0)
                fits = [len(batches) - 1]
            batches[fits[0]].append(place)
            rooms[fits[0]] -= needed + self._gap
        self._batches += batches
        self._epochs += 1

    def _batch(self, utterances):
        symbols, frames = (1, self._symbols), (1, self._frames)
        numbers, place = np.zeros(symbols, np.int32), np.full(frames, -1, np.int32)
        log_duration, pitch, said = (np.zeros(symbols, np.float32) for _ in range(3))
        position, heard = np.zeros((*frames, 3), np.float32), np.zeros(frames, np.float32)
        mels = np.zeros((*frames, utterances[0].mels.shape[1]), np.float32)
        mean, deviation = self._pitch
        symbol = frame = 0
        for each in utterances:
            there = 0, slice(symbol, symbol + len(each.numbers))
            numbers[there], said[there], log_duration[there] = each.numbers, 1.0, np.log1p(each.durations)
            pitch[there] = np.nan_to_num((each.log_f0 - mean) / deviation)
            then = 0, slice(frame, frame + len(each.mels))
            mels[then], heard[then] = each.mels, 1.0
            place[then], position[then] = frames_of(each.durations)
            place[then] += symbol
            symbol, frame = symbol + len(each.numbers) + self._gap, frame + len(each.mels) + self._gap
        log_duration, pitch = log_duration[..., None], pitch[..., None]
        inputs = {"symbols": numbers, "pitch": pitch, "symbol_of_frame": place, "position": position}
        targets = {"mels": mels, "log_duration": log_duration, "pitch": pitch}
        return inputs, targets, {"mels": heard, "log_duration": said, "pitch": said}
