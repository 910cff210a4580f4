"""Batches by their number, and what `fit` sees of them on every Keras backend."""

import dataclasses
import sys

import keras
import numpy as np
import pytest
import soundfile

from tests.support.slow import some
from tf_wavenet import MelSpec
from tf_wavenet.data import (
    AudioError,
    MelFeatures,
    VoiceAugmentation,
    WindowSource,
    decode_audio,
    index_corpus,
    steps_per_epoch,
    window_dataset,
)

LENGTHS = (1, 9, 40, 41, 100, 77, 58)
SPEC = MelSpec.from_preset("speech_16k", num_mels=6, hop_length=8, win_length=32, fft_length=64)


@pytest.fixture(scope="module")
def ramps(tmp_path_factory):
    """A corpus whose samples are their own positions: file number * 1000 + position in the file + 1, in 16 bits."""
    folder = tmp_path_factory.mktemp("ramps")
    for number, length in enumerate(LENGTHS):
        soundfile.write(folder / f"{number}.wav", (number * 1000 + np.arange(length) + 1).astype(np.int16), 16000)
    manifest = index_corpus(folder)
    files = tuple(dataclasses.replace(file, speaker="ab"[i % 2]) for i, file in enumerate(manifest.files))
    return dataclasses.replace(manifest, files=files)


@pytest.fixture
def source(ramps):
    return WindowSource(ramps, 20, 10, 4, shuffle=True, seed=5)


def waveforms(source, steps):
    return [source.batch(step)[1] for step in steps]


def error(target, output):
    """Of every sample, as the weights are."""
    return keras.ops.square(target - output)


def seen_by_fit(source, **options):
    """The waveforms of the batches that `fit` trains on, in order."""
    seen = []

    class Spy(keras.Model):
        def call(self, x):
            return x

        def train_step(self, *arguments):  # on JAX, a state comes before the data and goes back
            seen.append(keras.ops.convert_to_numpy(arguments[-1][0]))
            return {"loss": 0.0} if len(arguments) == 1 else ({"loss": 0.0}, arguments[0])

    model = Spy()
    model.compile(loss=error, run_eagerly=True)
    model.fit(source, verbose=0, **{"shuffle": False, **options})
    return seen


def test_an_epoch_counts_every_sample_once(ramps, source):
    assert len(source) == source.num_batches == steps_per_epoch(ramps, 20, 10, 4)
    expected = [number * 1000 + i + 1 for number, length in enumerate(LENGTHS) for i in range(length)]
    for epoch in range(2):
        batches = [source.batch(epoch * len(source) + n) for n in range(len(source))]
        counted = np.concatenate([waveform[weight == 1] for _, waveform, weight in batches])
        np.testing.assert_array_equal(np.sort(np.rint(counted * 32768)), expected)


def test_a_batch_depends_on_its_number_alone(ramps):
    options = {"features": MelFeatures(SPEC), "context_frames": 1, "speakers": ("a", "b"), "move_frames": True}
    options |= {"shuffle": True, "augment": VoiceAugmentation(16000)}
    forwards, backwards = (WindowSource(ramps, 20, 10, 4, **options) for _ in range(2))
    steps = range(3 * len(forwards))
    there, back = [forwards.batch(step) for step in steps], [backwards.batch(step) for step in reversed(steps)]
    for one, other in zip(there, reversed(back), strict=True):
        keras.tree.map_structure(np.testing.assert_array_equal, one, other)
        shapes = [[(x.shape, x.dtype) for x in keras.tree.flatten(b)] for b in (one, forwards.empty_batch())]
        assert shapes[0] == shapes[1]
    assert set(there[0][0]) == {"waveform", "local_window", "global_condition"}


def test_files_are_those_whose_samples_a_batch_holds(ramps, source):
    for step in range(3 * len(source)):
        _, waveform, weight = source.batch(step)
        rows = [
            np.rint(row[kept == 1][0] * 32768 - 1) // 1000
            for row, kept in zip(waveform, weight, strict=True)
            if kept.any()
        ]
        numbers = dict.fromkeys(map(int, rows))
        assert source.files(step) == [ramps.files[number].path for number in numbers]


def test_items_are_those_of_the_epoch(source):
    steps = len(source)
    np.testing.assert_array_equal([batch[1] for batch in source], waveforms(source, range(steps)))
    source.on_epoch_end()  # Keras, before the first epoch
    np.testing.assert_array_equal(source[0][1], source.batch(0)[1])
    source.on_epoch_begin()
    list(source)
    source.on_epoch_end()
    np.testing.assert_array_equal(source[0][1], source.batch(steps)[1])
    for index in (-1, steps):
        with pytest.raises(IndexError, match="Expected a batch from 0 to"):
            source[index]


def test_fit_sees_the_batches_in_order_and_goes_on(source):
    steps = len(source)
    np.testing.assert_array_equal(seen_by_fit(source, epochs=3), waveforms(source, range(3 * steps)))
    np.testing.assert_array_equal(seen_by_fit(source), waveforms(source, range(3 * steps, 4 * steps)))


@pytest.mark.parametrize("start", some([1, 7, 20], 7))
def test_fit_from_a_step_sees_what_an_unbroken_one_would_have(ramps, source, start):
    unbroken = seen_by_fit(source, epochs=10)
    assert len(unbroken) == 10 * len(source) > start + 21
    order = {"shuffle": True, "seed": 5, "start_step": start}
    resumed = seen_by_fit(WindowSource(ramps, 20, 10, 4, **order), epochs=2)
    np.testing.assert_array_equal(resumed, unbroken[start : start + 2 * len(source)])
    endless = WindowSource(ramps, 20, 10, 4, repeat=True, **order)
    resumed = seen_by_fit(endless, epochs=3, steps_per_epoch=7)
    np.testing.assert_array_equal(resumed, unbroken[start : start + 21])


def test_epochs_of_one_batch_repeat(ramps):
    source = WindowSource(ramps, 500, 0, 7, shuffle=True, repeat=True)
    assert len(source) == 1 and source.num_batches is None
    np.testing.assert_array_equal(seen_by_fit(source, epochs=3, steps_per_epoch=1), waveforms(source, range(3)))


def test_the_order_of_keras_is_warned_of_and_changes_no_batch(source):
    with pytest.warns(UserWarning, match="Keras shuffles the batches of this source: call fit with shuffle=False"):
        seen = seen_by_fit(source, epochs=2, shuffle=True)
    for epoch in range(2):
        steps = range(epoch * len(source), (epoch + 1) * len(source))
        ours, theirs = waveforms(source, steps), seen[epoch * len(source) : (epoch + 1) * len(source)]
        assert not np.array_equal(ours, theirs)
        assert sorted(x.tobytes() for x in ours) == sorted(x.tobytes() for x in theirs)


def test_validation_is_the_same_every_time(ramps):
    source = WindowSource(ramps, 20, 10, 4)
    model = keras.Sequential([keras.layers.Rescaling(0.5)])
    model.compile(loss=error, jit_compile=keras.backend.backend() == "jax")
    losses = [model.evaluate(source, verbose=0) for _ in range(2)]
    expected = np.mean([weight * (0.5 * waveform) ** 2 for _, waveform, weight in source])
    assert losses[0] == losses[1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("options", [{"seed": -1}, {"start_step": -3}])
def test_options_out_of_range(ramps, options):
    with pytest.raises(ValueError, match="Expected seed and start_step to be at least 0"):
        WindowSource(ramps, 20, 10, 4, **options)


def test_what_needs_tensorflow_says_so(ramps, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match="^window_dataset needs TensorFlow: pip install tensorflow$"):
        window_dataset(ramps, 20, 10, 4)
    with pytest.raises(ImportError, match="^decode_audio needs TensorFlow: pip install tensorflow$"):
        decode_audio("clip.wav", 16000)


@pytest.mark.parametrize("make", [WindowSource, window_dataset])
def test_features_of_another_sample_rate_are_refused(ramps, make):
    if make is window_dataset:
        pytest.importorskip("tensorflow", reason="window_dataset needs TensorFlow")
    features = MelFeatures(MelSpec.from_config(SPEC.get_config() | {"sample_rate": 22050}))
    with pytest.raises(ValueError, match="Expected features of sample_rate=16000, .* Received: sample_rate=22050"):
        make(ramps, 16, 8, 2, features=features)


@pytest.mark.parametrize(("frames", "accepted"), [(4, False), (5, True), (7, True), (8, False)])
def test_features_have_the_frames_that_the_recording_needs(ramps, frames, accepted):
    class Features:
        hop_length, channels = 8, 3

        def __call__(self, file, waveform):
            return waveform, np.zeros((frames, 3), "float32")

    file = ramps.files[2]
    source = WindowSource(dataclasses.replace(ramps, files=(file,)), 40, 0, 1, features=Features())
    if accepted:
        assert source.batch(0)[0]["local_condition"].shape == (1, 5, 3)
        return
    with pytest.raises(AudioError, match=f"2.wav: expected 5 to 7 frames of 3 channels for 40 samples. .*{frames}, 3"):
        source.batch(0)
