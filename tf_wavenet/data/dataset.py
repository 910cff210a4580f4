"""Windows of recordings as a tf.data pipeline."""

import functools
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tf_wavenet.data.local_features import StoredFeatures
from tf_wavenet.data.manifest import Manifest
from tf_wavenet.data.waveform_cache import WaveformCache
from tf_wavenet.data.windows import count_windows, cut_windows

_CACHE_NUMBERS = 1 << 28  # 1 GiB of float32: 4.7 hours at 16 kHz without features


def window_dataset(
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
) -> tf.data.Dataset:
    """Makes batches for `model.fit` and `model.evaluate`: windows of recordings with their true past.

    Each window is `context_samples + window_samples` long. The first of a file begins at sample 0, where the model
    starts cold as it does when it generates, and all its samples count. Each later one begins with `context_samples` of
    true past that do not count (weight 0), then up to `window_samples` that do (weight 1). Past the end of a file
    there is silence of weight 0. So with a context of the model's receptive field, every sample of every file is
    trained on exactly once an epoch, given all the past that the model can see. A last batch that is not full has rows
    of weight 0: shapes never change.

    A batch depends on the arguments and its step alone, so the same seed gives the same batches. Files are decoded in
    parallel, each once an epoch at most; a corpus that with its features takes less than 1 GiB (4.7 hours at 16 kHz
    without features) is decoded once and held.

    Args:
        manifest: The corpus, from `index_corpus`.
        window_samples: Samples a window that count, at least 1.
        context_samples: Samples of past before them, at least 0; `model.context_samples` gives all that matters.
        batch_size: Windows a batch, at least 1.
        shuffle: Whether windows come in random order, files mixed, with borders that move from epoch to epoch (by a
            random part of what the last window of a file lacks).
        seed: Non-negative int, for `shuffle`.
        repeat: Whether to go on for ever. If not, the dataset is one epoch long and, shuffled, each iteration over it
            is the next epoch.
        start_step: With `repeat`, the number of batches to leave out: those a resumed training has had. Costs nothing.
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

    Returns:
        Dataset of `(inputs, waveform, sample_weight)`; waveform and weight are float32 [batch_size, context_samples +
        window_samples]. The inputs are the waveform or, with a condition, a dict as `WaveNet` takes it: "waveform",
        "global_condition" int32 [batch_size], "local_condition" or "local_window" float32 [batch_size, frames,
        channels] (beyond the ends of a file its first and its last frame). Its cardinality is `steps_per_epoch` of the
        same arguments, or infinite.

    Raises:
        ValueError: If an argument is out of range; if a recording's speaker is not one of `speakers`; if stored
            features shall move or be varied.

    Example:
    >>> import tempfile, soundfile
    >>> from tf_wavenet.data import index_corpus
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/clip.wav", np.zeros(1000), 16000)
    ...     dataset = window_dataset(index_corpus(folder), window_samples=300, context_samples=100, batch_size=4)
    ...     waveform, target, weight = next(iter(dataset))
    >>> tuple(waveform.shape), int(tf.reduce_sum(weight))  # 400 + 300 + 300 samples count
    ((4, 400), 1000)
    """
    hop_length = features.hop_length if features else 1
    sizes = {"features": features, "period": period}
    epoch_steps = steps_per_epoch(manifest, window_samples, context_samples, batch_size, **sizes)
    multiple, window_samples, context_samples = _whole_frames(window_samples, context_samples, **sizes)
    if augment is not None and (not shuffle or isinstance(features, StoredFeatures)):
        expected = "Expected shuffle=True and no stored features with augment"
        raise ValueError(f"{expected}. Received: {shuffle=}, {features=}")
    if move_frames and (not shuffle or features is None or isinstance(features, StoredFeatures)):
        expected = "Expected shuffle=True and features that are computed, such as MelFeatures, with move_frames=True"
        raise ValueError(f"{expected}. Received: {shuffle=}, {features=}")
    if seed < 0 or start_step < 0 or (start_step and not repeat):
        expected = "Expected seed and start_step to be at least 0, and start_step to be 0 unless repeat=True"
        raise ValueError(f"{expected}. Received: seed={seed}, start_step={start_step}, repeat={repeat}")
    lengths, ids = _lengths(manifest), None if speakers is None else _speaker_ids(manifest, speakers)
    # Features take their share of the memory.
    held = int(_CACHE_NUMBERS / (1 + features.channels / hop_length)) if features else _CACHE_NUMBERS
    total = int(lengths.sum())
    pool_samples = total if total <= held else held // 2

    def prepare(file, samples, variant):
        skip, seeds = variant
        if seeds is not None:
            varied = np.asarray(augment(np.random.default_rng(seeds), samples), np.float32)
            samples = varied[: len(samples)] if len(varied) else samples
        samples = samples[min(skip, len(samples) - 1) :]
        return features(file, samples) if features else (samples, None)

    if move_frames or augment is not None:
        held = min(held, 2 * total)  # past variants are of no use: room for the epoch that ends and the one that begins
    cache = WaveformCache(manifest, held, prepare)
    shape = (batch_size, context_samples + window_samples)
    num_frames = shape[1] // hop_length + 2 * context_frames
    local_name = "local_window" if context_frames else "local_condition"

    @functools.lru_cache(maxsize=2)
    def windows_of(epoch):
        random = np.random.default_rng((seed, epoch)) if shuffle else None
        windows = cut_windows(lengths, window_samples, context_samples, random, pool_samples, multiple)
        skips = random.integers(0, np.minimum(hop_length, lengths)) if move_frames else np.zeros_like(lengths)
        seeds = [(seed, epoch, file) if augment is not None else None for file in range(len(lengths))]
        return windows, list(zip(skips.tolist(), seeds, strict=True))

    def make_batch(step):
        epoch, number = divmod(int(step), epoch_steps)
        windows, variants = windows_of(epoch if shuffle else 0)
        waveform, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        local = np.zeros((batch_size, num_frames, features.channels if features else 0), np.float32)
        speaker = np.zeros(batch_size, np.int32)
        rows = slice(number * batch_size, (number + 1) * batch_size)
        fields = windows.file[rows], windows.begin[rows], windows.end[rows], windows.start[rows]
        for row, (file, begin, end, start) in enumerate(zip(*fields, strict=True)):
            samples, frames = cache.load(file, variants[file])
            end = min(end, len(samples))
            samples = samples[start : start + shape[1]]
            waveform[row, : len(samples)] = samples
            weight[row, begin - start : max(end - start, 0)] = 1.0
            if features:
                first = start // hop_length - context_frames
                local[row] = frames.take(first + np.arange(num_frames), axis=0, mode="clip")
            if ids is not None:
                speaker[row] = ids[file]
        return waveform, weight, local, speaker

    def batch(step):
        types = (tf.float32, tf.float32, tf.float32, tf.int32)
        waveform, weight, local, speaker = tf.numpy_function(make_batch, [step], types)
        waveform, weight = tf.ensure_shape(waveform, shape), tf.ensure_shape(weight, shape)
        inputs = {"waveform": waveform}
        if features:
            inputs[local_name] = tf.ensure_shape(local, (batch_size, num_frames, features.channels))
        if ids is not None:
            inputs["global_condition"] = tf.ensure_shape(speaker, (batch_size,))
        return inputs if len(inputs) > 1 else waveform, waveform, weight

    if repeat:
        steps = tf.data.Dataset.counter(start_step)
    else:
        epochs = itertools.count()

        def epoch():
            first = next(epochs) * epoch_steps
            yield from range(first, first + epoch_steps)

        steps = tf.data.Dataset.from_generator(epoch, output_signature=tf.TensorSpec((), tf.int64))
        steps = steps.apply(tf.data.experimental.assert_cardinality(epoch_steps))
    return steps.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def steps_per_epoch(
    manifest: Manifest,
    window_samples: int,
    context_samples: int,
    batch_size: int,
    *,
    features: Callable | None = None,
    period: int = 1,
) -> int:
    """Counts the batches in which `window_dataset` gives every sample once.

    Args:
        manifest: The corpus.
        window_samples: As for `window_dataset`.
        context_samples: As for `window_dataset`.
        batch_size: As for `window_dataset`.
        features: As for `window_dataset`.
        period: As for `window_dataset`.

    Returns:
        The number of batches, at least 1; it is the same for every epoch, shuffled or not.

    Raises:
        ValueError: If an argument is out of range, or the manifest has no files.

    Example:
    >>> from tf_wavenet.data import AudioFile
    >>> steps_per_epoch(Manifest(16000, (AudioFile("clip.wav", 1000),)), 300, 100, batch_size=2)
    2
    """
    if min(window_samples, batch_size, period) < 1 or context_samples < 0:
        expected = "Expected window_samples, batch_size and period to be at least 1, context_samples at least 0"
        raise ValueError(f"{expected}. Received: {window_samples=}, {context_samples=}, {batch_size=}, {period=}")
    if not manifest.files:
        raise ValueError("Expected a manifest of at least 1 file. Received: 0 files")
    _, window_samples, context_samples = _whole_frames(window_samples, context_samples, features, period)
    return -(-int(count_windows(_lengths(manifest), window_samples, context_samples).sum()) // batch_size)


def _whole_frames(window_samples, context_samples, features, period):
    """Returns what windows begin at multiples of, and the sizes rounded up to it."""
    multiple = math.lcm(features.hop_length if features else 1, period)
    return multiple, *(-(-size // multiple) * multiple for size in (window_samples, context_samples))


def _lengths(manifest):
    return np.array([file.num_samples for file in manifest.files], np.int64)


def _speaker_ids(manifest, speakers):
    numbers = {name: i for i, name in enumerate(speakers)}
    unknown = sorted({str(file.speaker) for file in manifest.files if file.speaker not in numbers})
    if unknown:
        raise ValueError(f"Expected recordings of the speakers {sorted(numbers)}. Received: {unknown}")
    return [numbers[file.speaker] for file in manifest.files]
