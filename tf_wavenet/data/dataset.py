"""Windows of recordings as a tf.data pipeline."""

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tf_wavenet.data._tensorflow import import_tensorflow
from tf_wavenet.data.manifest import Manifest
from tf_wavenet.data.window_source import WindowSource

if TYPE_CHECKING:
    import tensorflow as tf


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
    shard: tuple[int, int] = (0, 1),
) -> "tf.data.Dataset":
    """Makes the batches of a `WindowSource` in a tf.data pipeline: files are decoded in parallel, and ahead of time.

    Args:
        manifest: As for `WindowSource`.
        window_samples: As for `WindowSource`.
        context_samples: As for `WindowSource`.
        batch_size: As for `WindowSource`.
        shuffle: As for `WindowSource`.
        seed: As for `WindowSource`.
        repeat: Whether to go on for ever. If not, the dataset is one epoch long and, shuffled, each iteration over it
            is the next epoch.
        start_step: With `repeat`, the number of batches to leave out: those a resumed training has had. Costs nothing.
        speakers: As for `WindowSource`.
        features: As for `WindowSource`.
        context_frames: As for `WindowSource`.
        move_frames: As for `WindowSource`.
        augment: As for `WindowSource`.
        period: As for `WindowSource`.
        shard: As for `WindowSource`.

    Returns:
        Dataset of `(inputs, waveform, sample_weight)` as `WindowSource.batch` makes them, of fixed shapes. Its
        cardinality is `steps_per_epoch` of the same arguments, or infinite.

    Raises:
        ImportError: If TensorFlow is not installed.
        ValueError: If an argument is out of range; if a recording's speaker is not one of `speakers`; if stored
            features shall move or be varied; if features are of another sample rate than the manifest's.

    Example:
    >>> import tempfile, numpy as np, soundfile
    >>> from tf_wavenet.data import index_corpus
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/clip.wav", np.zeros(1000), 16000)
    ...     dataset = window_dataset(index_corpus(folder), window_samples=300, context_samples=100, batch_size=4)
    ...     waveform, target, weight = next(iter(dataset))
    >>> tuple(waveform.shape), int(weight.numpy().sum())  # 400 + 300 + 300 samples count
    ((4, 400), 1000)
    """
    tf = import_tensorflow("window_dataset")
    if seed < 0 or start_step < 0 or (start_step and not repeat):
        expected = "Expected seed and start_step to be at least 0, and start_step to be 0 unless repeat=True"
        raise ValueError(f"{expected}. Received: seed={seed}, start_step={start_step}, repeat={repeat}")
    source = WindowSource(
        manifest,
        window_samples,
        context_samples,
        batch_size,
        shuffle=shuffle,
        seed=seed,
        speakers=speakers,
        features=features,
        context_frames=context_frames,
        move_frames=move_frames,
        augment=augment,
        period=period,
        shard=shard,
    )
    spec = tf.nest.map_structure(lambda array: tf.TensorSpec(array.shape, array.dtype), source.empty_batch())
    flat_spec = tf.nest.flatten(spec)

    def make_batch(step):
        return tf.nest.flatten(source.batch(int(step)))

    def batch(step):
        arrays = tf.numpy_function(make_batch, [step], [part.dtype for part in flat_spec])
        arrays = [tf.ensure_shape(array, part.shape) for array, part in zip(arrays, flat_spec, strict=True)]
        return tf.nest.pack_sequence_as(spec, arrays)

    if repeat:
        steps = tf.data.Dataset.counter(start_step)
    else:
        epochs = itertools.count()

        def epoch():
            first = next(epochs) * len(source)
            yield from range(first, first + len(source))

        steps = tf.data.Dataset.from_generator(epoch, output_signature=tf.TensorSpec((), tf.int64))
        steps = steps.apply(tf.data.experimental.assert_cardinality(len(source)))
    return steps.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)
