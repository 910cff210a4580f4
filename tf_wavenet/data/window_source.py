"""Windows of recordings as batches. NumPy alone makes them, so they train on every Keras backend."""

import functools
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from tf_wavenet.data.local_features import StoredFeatures, check_frames
from tf_wavenet.data.manifest import Manifest
from tf_wavenet.data.waveform_cache import WaveformCache
from tf_wavenet.data.windows import cut_windows, file_lengths, steps_per_epoch, whole_frames

_CACHE_NUMBERS = 1 << 28  # 1 GiB of float32: 4.7 hours at 16 kHz without features

Batch = tuple[np.ndarray | dict[str, np.ndarray], np.ndarray, np.ndarray]


class WindowSource(keras.utils.PyDataset):
    """Batches for `model.fit` and `model.evaluate` on any Keras backend: windows of recordings with their true past.

    Each window is `context_samples + window_samples` long. The first of a file begins at sample 0, where the model
    starts cold as it does when it generates, and all its samples count. Each later one begins with `context_samples` of
    true past that do not count (weight 0), then up to `window_samples` that do (weight 1). Past the end of a file
    there is silence of weight 0. So with a context of the model's receptive field, every sample of every file is
    trained on exactly once an epoch, given all the past that the model can see. A last batch that is not full has rows
    of weight 0: shapes never change.

    A batch depends on the arguments and its step alone, so the same seed gives the same batches: `batch(step)` makes
    number `step` of the whole training, `source[n]` number n of the current epoch, and `len(source)` is the number of
    batches an epoch. A corpus that with its features takes less than 1 GiB (4.7 hours at 16 kHz without features) is
    decoded once and held; of a larger one each file is decoded once an epoch at most.

    Call `model.fit(source, shuffle=False)`: the source shuffles windows itself. Keras's default, `shuffle=True`, takes
    the batches of an epoch in an order of its own; the source warns, since a training that is resumed would see other
    batches. Epochs of a single batch need `repeat=True`, since building a model takes a batch too.

    Args:
        manifest: The corpus, from `index_corpus`.
        window_samples: Samples a window that count, at least 1.
        context_samples: Samples of past before them, at least 0; `model.context_samples` gives all that matters.
        batch_size: Windows a batch, at least 1.
        shuffle: Whether windows come in random order, files mixed, with borders that move from epoch to epoch (by a
            random part of what the last window of a file lacks).
        seed: Non-negative int, for `shuffle`.
        repeat: Whether to go on for ever: `source[n]` is then `batch(start_step + n)` and
            `fit(source, steps_per_epoch=..., shuffle=False)` counts epochs of its own. Needed wherever `fit` is given
            `steps_per_epoch`.
        start_step: Non-negative int, the number of batches to leave out: those a resumed training has had. Costs
            nothing. Epochs count from there.
        speakers: Names of speakers: the position of each recording's speaker becomes its "global_condition".
        features: `MelFeatures`, `StoredFeatures` or any function like them: its features become "local_condition".
            Window and context are then rounded up to whole frames.
        context_frames: With `features`, frames that are given on either side of the window's, as "local_window" instead
            of "local_condition": `model.context_frames`.
        move_frames: With `shuffle` and features that are computed, whether frames begin elsewhere in a file every
            epoch: a random part of a frame at its start is left out, so that a small corpus shows more of what features
            can be. The files are decoded and their features computed every epoch.
        augment: With `shuffle` and no stored features, a function of a `numpy.random.Generator` and a waveform to
            another waveform that is learned from instead, such as `VoiceAugmentation`; each file is varied anew every
            epoch. What is then beyond the file's length is left out.
        period: Windows begin at multiples of so many samples, and window and context are rounded up to whole ones:
            `model.period`, which is more than 1 for a model with a context stack.
        shard: Pair (number, count): of each batch only part `number` of `count` equal ones is made, for one of `count`
            processes that train together.

    Raises:
        ValueError: If an argument is out of range; if a recording's speaker is not one of `speakers`; if stored
            features shall move or be varied; if features are of another sample rate than the manifest's.

    Example:
    >>> import tempfile, soundfile
    >>> from tf_wavenet.data import index_corpus
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/clip.wav", np.zeros(1000), 16000)
    ...     source = WindowSource(index_corpus(folder), window_samples=300, context_samples=100, batch_size=2)
    ...     batches = list(source)
    >>> [int(weight.sum()) for _, _, weight in batches]  # 400 + 300 and 300 samples count
    [700, 300]
    >>> batches[0][0].shape
    (2, 400)
    """

    def __init__(
        self,
        manifest: Manifest,
        window_samples: int,
        context_samples: int,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        repeat: bool = False,
        start_step: int = 0,
        speakers: Sequence[str] | None = None,
        features: Callable | None = None,
        context_frames: int = 0,
        move_frames: bool = False,
        augment: Callable | None = None,
        period: int = 1,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        super().__init__()
        part, parts = shard
        if not 0 <= part < parts or batch_size % parts:
            expected = "Expected shard=(number, count) with a number below the count, which divides batch_size"
            raise ValueError(f"{expected}. Received: {shard=}, {batch_size=}")
        self.shard, self._rows = shard, batch_size // parts
        sizes = {"features": features, "period": period}
        self._steps = steps_per_epoch(manifest, window_samples, context_samples, batch_size, **sizes)
        computed = shuffle and not isinstance(features, StoredFeatures)
        if augment is not None and not computed:
            expected = "Expected shuffle=True and no stored features with augment"
            raise ValueError(f"{expected}. Received: {shuffle=}, {features=}")
        if move_frames and (features is None or not computed):
            expected = "Expected shuffle=True and features that are computed, such as MelFeatures, with move_frames"
            raise ValueError(f"{expected}=True. Received: {shuffle=}, {features=}")
        rate = _sample_rate(features)
        if rate not in (None, manifest.sample_rate):
            expected = f"Expected features of sample_rate={manifest.sample_rate}, the corpus's"
            raise ValueError(f"{expected}. Received: sample_rate={rate}")
        if seed < 0 or start_step < 0:
            raise ValueError(f"Expected seed and start_step to be at least 0. Received: {seed=}, {start_step=}")
        self.manifest, self.batch_size, self.shuffle, self.seed = manifest, batch_size, shuffle, seed
        self.repeat, self.start_step, self.speakers, self.features = repeat, start_step, speakers, features
        self.context_frames, self.move_frames, self.augment, self.period = context_frames, move_frames, augment, period
        self._multiple, self.window_samples, self.context_samples = whole_frames(
            window_samples, context_samples, **sizes
        )
        self._ids = None if speakers is None else _speaker_ids(manifest, speakers)
        self._hop_length = features.hop_length if features else 1
        self._lengths = file_lengths(manifest)
        # Features take their share of the memory.
        held = int(_CACHE_NUMBERS / (1 + features.channels / self._hop_length)) if features else _CACHE_NUMBERS
        total = int(self._lengths.sum())
        self._pool_samples = total if total <= held else held // 2
        if move_frames or augment is not None:
            held = min(held, 2 * total)  # past variants are of no use: room for the ending epoch and the next
        self._cache = WaveformCache(manifest, held, self._prepare)
        self._epoch = functools.lru_cache(maxsize=2)(self._cut)
        self._first_step = start_step  # of the current epoch
        self._asked = None  # in an epoch of Keras: the numbers of the batches that it has asked for

    def __len__(self) -> int:
        return self._steps

    @property
    def num_batches(self) -> int | None:
        """Batches that Keras may ask for: those of an epoch, or None for an endless source."""
        return None if self.repeat else self._steps

    def __getitem__(self, index: int) -> Batch:
        if index < 0 or (index >= self._steps and not self.repeat):
            raise IndexError(f"Expected a batch from 0 to {self._steps - 1}. Received: {index}")
        if self._asked is not None and not self.repeat:
            if index >= len(self._asked) + self.workers:
                warnings.warn("Keras shuffles the batches of this source: call fit with shuffle=False.", stacklevel=2)
            self._asked.add(index)
        return self.batch(self._first_step + index)

    def batch(self, step: int) -> Batch:
        """Makes one batch of the training; safe to call from several threads.

        Args:
            step: Int, at least 0: the number of the batch, counted from the first of the first epoch.

        Returns:
            `(inputs, waveform, sample_weight)`; waveform and weight are float32 [batch_size, context_samples +
            window_samples], of a shard batch_size / count rows. The inputs are the waveform or, with a condition, a
            dict as `WaveNet` takes it: "waveform", "global_condition" int32 [batch_size], "local_condition" or
            "local_window" float32 [batch_size, frames, channels] (beyond the ends of a file its first and its last
            frame).

        Raises:
            AudioError: If a recording, or its features, cannot be read, or the features are not as many frames as the
                recording needs.
        """
        epoch, number = divmod(step, self._steps)
        windows, variants = self._epoch(epoch if self.shuffle else 0)
        inputs, waveform, weight = batch = self.empty_batch()
        first = number * self.batch_size + self.shard[0] * self._rows
        rows = slice(first, first + self._rows)
        fields = windows.file[rows], windows.begin[rows], windows.end[rows], windows.start[rows]
        for row, (file, begin, end, start) in enumerate(zip(*fields, strict=True)):
            samples, frames = self._cache.load(file, variants[file])
            end = min(end, len(samples))
            samples = samples[start : start + waveform.shape[1]]
            waveform[row, : len(samples)] = samples
            weight[row, begin - start : max(end - start, 0)] = 1.0
            if self.features:
                local = inputs[self._local_name]
                begin_frame = start // self._hop_length - self.context_frames
                local[row] = frames.take(begin_frame + np.arange(local.shape[1]), axis=0, mode="clip")
            if self._ids is not None:
                inputs["global_condition"][row] = self._ids[file]
        return batch

    def files(self, step: int) -> list[Path]:
        """Tells which recordings a batch holds windows of, without reading them.

        Args:
            step: As in `batch`.

        Returns:
            Their paths, each once, in the order of the rows.
        """
        epoch, number = divmod(step, self._steps)
        windows, _ = self._epoch(epoch if self.shuffle else 0)
        numbers = windows.file[number * self.batch_size : (number + 1) * self.batch_size].tolist()
        return [self.manifest.files[file].path for file in dict.fromkeys(numbers)]

    def empty_batch(self) -> Batch:
        """Returns a batch as `batch` does, of zeros: structure, shapes and types without reading a file."""
        shape = (self._rows, self.context_samples + self.window_samples)
        waveform, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        inputs = {"waveform": waveform}
        if self.features:
            frames = shape[1] // self._hop_length + 2 * self.context_frames
            inputs[self._local_name] = np.zeros((self._rows, frames, self.features.channels), np.float32)
        if self._ids is not None:
            inputs["global_condition"] = np.zeros(self._rows, np.int32)
        return inputs if len(inputs) > 1 else waveform, waveform, weight

    def on_epoch_begin(self) -> None:
        """Begins an epoch; Keras calls it."""
        self._asked = set()

    def on_epoch_end(self) -> None:
        """Moves on to the next epoch, if since `on_epoch_begin` every batch of this one has been asked for.

        Keras calls it at the end of every epoch, but also before the first, when the model was built from one batch.
        """
        if self._asked is not None and len(self._asked) == self._steps:
            self._first_step += self._steps
        self._asked = None

    @property
    def _local_name(self):
        return "local_window" if self.context_frames else "local_condition"

    def _cut(self, epoch):
        """Returns the windows of an epoch, and which variant of each file they are cut from."""
        random = np.random.default_rng((self.seed, epoch)) if self.shuffle else None
        sizes = self.window_samples, self.context_samples
        windows = cut_windows(self._lengths, *sizes, random, self._pool_samples, self._multiple)
        skips = np.zeros_like(self._lengths)
        if self.move_frames:
            skips = random.integers(0, np.minimum(self._hop_length, self._lengths))
        varied = self.augment is not None
        seeds = [(self.seed, epoch, file) if varied else None for file in range(len(self._lengths))]
        return windows, list(zip(skips.tolist(), seeds, strict=True))

    def _prepare(self, file, samples, variant):
        """Returns the waveform and the features of a variant of a file."""
        skip, seeds = variant
        if seeds is not None:
            varied = np.asarray(self.augment(np.random.default_rng(seeds), samples), np.float32)
            samples = varied[: len(samples)] if len(varied) else samples
        samples = samples[min(skip, len(samples) - 1) :]
        if not self.features:
            return samples, None
        samples, frames = self.features(file, samples)
        check_frames(frames, len(samples), self._hop_length, self.features.channels, file.path)
        return samples, frames


def _sample_rate(features):
    """Returns the rate in Hz that features are made for, or None if they do not tell."""
    spec = getattr(features, "spec", None)
    return spec.get("sample_rate") if isinstance(spec, dict) else getattr(spec, "sample_rate", None)


def _speaker_ids(manifest, speakers):
    numbers = {name: i for i, name in enumerate(speakers)}
    unknown = sorted({str(file.speaker) for file in manifest.files if file.speaker not in numbers})
    if unknown:
        raise ValueError(f"Expected recordings of the speakers {sorted(numbers)}. Received: {unknown}")
    return [numbers[file.speaker] for file in manifest.files]
