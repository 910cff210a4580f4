"""Batches: every sample of every file counted once an epoch, its true past before it, the same for the same seed."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
import soundfile

from tests.support.flat import wavenet
from tests.support.streaming_contract import randomise
from tf_wavenet import Gaussian
from tf_wavenet.data import AudioFile, StoredFeatures, index_corpus, steps_per_epoch, window_dataset
from tf_wavenet.data.waveform_cache import WaveformCache
from tf_wavenet.layers.feature_upsampler import METHODS

tf = pytest.importorskip("tensorflow")

LENGTHS = (1, 9, 40, 41, 100, 333, 77, 58)


@pytest.fixture(scope="module")
def ramps(tmp_path_factory):
    """A corpus whose samples are their own positions: file number * 1000 + position in the file + 1, in 16 bits."""
    folder = tmp_path_factory.mktemp("ramps")
    for number, length in enumerate(LENGTHS):
        soundfile.write(folder / f"{number}.wav", (number * 1000 + np.arange(length) + 1).astype(np.int16), 16000)
    return index_corpus(folder)


def read(dataset, steps=None):
    """Returns (levels, weights) [steps, batch, time] of one iteration."""
    batches = [(x.numpy(), y.numpy(), weight.numpy()) for x, y, weight in dataset.take(steps or -1)]
    for x, y, _ in batches:
        np.testing.assert_array_equal(x, y)
    waveform, _, weight = (np.stack(part) for part in zip(*batches, strict=True))
    return np.rint(waveform * 32768).astype(int), weight


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("window", "context", "batch"), [(20, 10, 4), (7, 30, 5), (500, 0, 3), (1, 1, 64), (16, 16, 1)]
)
def test_every_sample_counts_once_with_its_true_past(ramps, shuffle, window, context, batch):
    dataset = window_dataset(ramps, window, context, batch, shuffle=shuffle, seed=5)
    for _ in range(2):
        levels, weight = read(dataset)
        assert levels.shape == weight.shape == (steps_per_epoch(ramps, window, context, batch), batch, context + window)
        assert set(np.unique(weight)) <= {0.0, 1.0}
        counted = np.sort(levels[weight == 1])
        expected = [number * 1000 + i + 1 for number, length in enumerate(LENGTHS) for i in range(length)]
        np.testing.assert_array_equal(counted, expected)
        for row, weights in zip(
            levels.reshape(-1, context + window), weight.reshape(-1, context + window), strict=True
        ):
            if not weights.any():
                continue
            first, last = np.flatnonzero(weights)[[0, -1]]
            assert weights[first : last + 1].all()  # one run of targets ...
            assert (np.diff(row[: last + 1]) == 1).all()  # ... of one file, after its own past
            assert first == (0 if row[first] % 1000 == 1 else context)  # none of it missing


def test_elements(ramps):
    dataset = window_dataset(ramps, 20, 10, 4)
    spec = tf.TensorSpec((4, 30), tf.float32)
    assert dataset.element_spec == (spec, spec, spec)
    assert int(dataset.cardinality()) == steps_per_epoch(ramps, 20, 10, 4)
    assert int(window_dataset(ramps, 20, 10, 4, repeat=True).cardinality()) == tf.data.INFINITE_CARDINALITY


def test_same_seed_same_batches_and_epochs_differ(ramps):
    def epochs(seed):
        dataset = window_dataset(ramps, 20, 10, 4, shuffle=True, seed=seed)
        return [read(dataset)[0] for _ in range(3)]

    first, again, other = epochs(1), epochs(1), epochs(2)
    np.testing.assert_array_equal(first, again)
    for a, b in [(first[0], first[1]), (first[1], first[2]), (first[0], other[0])]:
        assert not np.array_equal(a, b)
        starts = [set(epoch[..., 10].ravel()) for epoch in (a, b)]
        assert starts[0] != starts[1]  # not only the order: the borders moved


def test_order_without_shuffle(ramps):
    dataset = window_dataset(ramps, 20, 10, 4)
    first, second = read(dataset), read(dataset)
    np.testing.assert_array_equal(first[0], second[0])
    heads = first[0][first[1].any(axis=-1)][:, 0]
    assert (np.diff(heads) > 0).all()


def test_repeat_goes_on_with_the_next_epoch(ramps):
    steps = steps_per_epoch(ramps, 20, 10, 4)
    once = window_dataset(ramps, 20, 10, 4, shuffle=True, seed=3)
    forever = window_dataset(ramps, 20, 10, 4, shuffle=True, seed=3, repeat=True)
    epochs = np.concatenate([read(once)[0] for _ in range(3)])
    np.testing.assert_array_equal(read(forever, 3 * steps)[0], epochs)


@pytest.mark.parametrize("start", [1, 7, 20, 45])
def test_resume_goes_on_with_the_batches_that_would_have_come(ramps, start):
    options = {"shuffle": True, "seed": 3, "repeat": True}
    whole = read(window_dataset(ramps, 20, 10, 4, **options), 50)[0]
    resumed = read(window_dataset(ramps, 20, 10, 4, start_step=start, **options), 50 - start)[0]
    np.testing.assert_array_equal(resumed, whole[start:])


def test_batches_mix_files(ramps):
    levels, weight = read(window_dataset(ramps, 10, 5, 8, shuffle=True))
    files = [
        len({level // 1000 for level in batch[:, 0][w.any(axis=-1)]}) for batch, w in zip(levels, weight, strict=True)
    ]
    assert np.mean(files) > 3


@pytest.mark.parametrize(("limit", "most"), [(600, 1), (300, 3)])
def test_files_are_decoded_once_an_epoch_at_most(tmp_path, monkeypatch, limit, most):
    for number in range(12):
        soundfile.write(tmp_path / f"{number}.wav", np.full(50, number + 1, np.int16), 16000)
    manifest = index_corpus(tmp_path)
    monkeypatch.setattr("tf_wavenet.data.window_source._CACHE_NUMBERS", limit)
    counts, load = Counter(), AudioFile.load
    monkeypatch.setattr(AudioFile, "load", lambda file, rate: counts.update([file.name]) or load(file, rate))
    dataset = window_dataset(manifest, 10, 5, 4, shuffle=True)
    for _ in range(3):
        assert read(dataset)[1].sum() == 600
    assert len(counts) == 12
    assert max(counts.values()) <= most


def test_trimmed_files_are_read_from_their_start(tmp_path):
    waveform = np.zeros(3000, np.int16)
    waveform[1500:1600] = 5000
    soundfile.write(tmp_path / "clip.wav", waveform, 16000)
    manifest = index_corpus(tmp_path, trim_silence_db=-50.0)
    levels, weight = read(window_dataset(manifest, 500, 100, 2))
    counted = levels[weight == 1]
    np.testing.assert_array_equal(counted, waveform[1500 - 800 : 1600 + 800])


def test_keras_fits_with_a_full_progress_bar_and_new_epochs(ramps):
    seen = []

    class Spy(tf.keras.Model):
        def call(self, x):
            return x

        def train_step(self, data):
            seen.append(data[0].numpy())
            return {"loss": 0.0}

    model = Spy()
    model.compile(loss="mse", run_eagerly=True)
    history = model.fit(window_dataset(ramps, 20, 10, 4, shuffle=True), epochs=2, verbose=0, shuffle=False)
    steps = steps_per_epoch(ramps, 20, 10, 4)
    assert history.params["steps"] == steps
    assert len(seen) == 2 * steps
    assert not np.array_equal(seen[:steps], seen[steps:])


@pytest.mark.parametrize("size", [{"window": 0}, {"context": -1}, {"batch": 0}, {"period": 0}], ids=str)
def test_sizes_out_of_range(ramps, size):
    window, context, batch, period = ({"window": 20, "context": 10, "batch": 4, "period": 1} | size).values()
    with pytest.raises(ValueError, match="Expected window_samples, batch_size and period to be at least 1, context_s"):
        window_dataset(ramps, window, context, batch, period=period)


@pytest.mark.parametrize("options", [{"seed": -1}, {"start_step": 3}, {"start_step": -3, "repeat": True}])
def test_options_out_of_range(ramps, options):
    with pytest.raises(ValueError, match="Expected seed and start_step to be at least 0"):
        window_dataset(ramps, 20, 10, 4, **options)


def test_no_files(ramps):
    with pytest.raises(ValueError, match="Expected a manifest of at least 1 file"):
        window_dataset(type(ramps)(16000, ()), 20, 10, 4)


class Numbers:
    """Features that tell file and frame: number of the file, number of the frame."""

    hop_length, channels = 7, 2

    def __call__(self, file, waveform):
        frames = -(-len(waveform) // self.hop_length)
        return waveform, np.stack([np.full(frames, int(file.name)), np.arange(frames)], axis=1).astype("float32")


@pytest.mark.parametrize("shuffle", [False, True])
def test_features_belong_to_their_samples(ramps, shuffle):
    dataset = window_dataset(ramps, 20, 10, 4, shuffle=shuffle, seed=3, features=Numbers(), context_frames=2)
    counted = 0
    for inputs, target, weight in dataset:
        assert inputs["waveform"].shape == (4, 35) and inputs["local_window"].shape == (4, 9, 2)
        np.testing.assert_array_equal(inputs["waveform"], target)
        levels = np.rint(target.numpy() * 32768).astype(int)
        for row, weights, local in zip(levels, weight.numpy(), inputs["local_window"].numpy(), strict=True):
            counted += int(weights.sum())
            for at in np.flatnonzero(weights):
                file, position = divmod(row[at] - 1, 1000)
                assert tuple(local[2 + at // 7]) == (file, position // 7)
            if weights.any():
                last = -(-LENGTHS[file] // 7) - 1  # beyond it the last frame is repeated
                first = (row[at] - 1) % 1000 // 7 - at // 7 - 2  # before frame 0 it is repeated
                np.testing.assert_array_equal(local[:, 1], np.clip(first + np.arange(9), 0, last))
    assert counted == sum(LENGTHS)


class Starts(Numbers):
    """Features that tell file and sample: number of the file, the sample that the frame begins with."""

    def __call__(self, file, waveform):
        waveform, frames = super().__call__(file, waveform)
        levels = np.rint(waveform[:: self.hop_length] * 32768)
        return waveform, np.stack([frames[:, 0], (levels - 1) % 1000], axis=1).astype("float32")


def test_moved_frames_begin_elsewhere_every_epoch(ramps):
    order = {"shuffle": True, "seed": 3, "repeat": True, "features": Starts(), "move_frames": True}
    steps = steps_per_epoch(ramps, 20, 10, 4, features=Starts())
    dataset, moved = list(window_dataset(ramps, 20, 10, 4, **order).take(6 * steps)), set()
    for epoch in range(6):
        counted, starts = [], {}
        for inputs, target, weight in dataset[epoch * steps : (epoch + 1) * steps]:
            levels = np.rint(target.numpy() * 32768).astype(int)
            for row, weights, local in zip(levels, weight.numpy(), inputs["local_condition"].numpy(), strict=True):
                for at in np.flatnonzero(weights):
                    file, position = divmod(row[at] - 1, 1000)
                    assert tuple(local[at // 7]) == (file, position - at % 7)
                    starts.setdefault(file, set()).add((position - at) % 7)
                    counted.append(row[at])
        assert all(len(start) == 1 for start in starts.values())
        moved |= {(file, start) for file, (start,) in starts.items()}
        # All but the start of each file, once.
        expected = [f * 1000 + i + 1 for f, n in enumerate(LENGTHS) for i in range(min(starts[f]), n)]
        assert sorted(counted) == expected
    assert max(sum(f == file for f, _ in moved) for file in range(1, len(LENGTHS))) >= 4
    resumed = next(iter(window_dataset(ramps, 20, 10, 4, start_step=2 * steps + 1, **order)))
    for ours, theirs in zip(*map(tf.nest.flatten, (resumed, dataset[2 * steps + 1])), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_frames_move_only_where_they_can(ramps, tmp_path):
    (tmp_path / "spec.json").write_text('{"hop_length": 7}')
    np.savez(tmp_path / "0.npz", features=np.zeros((1, 2)))
    stored = StoredFeatures(tmp_path)
    for options in ({"shuffle": True}, {"features": Numbers()}, {"shuffle": True, "features": stored}):
        with pytest.raises(ValueError, match="Expected shuffle=True and features that are computed"):
            window_dataset(ramps, 20, 10, 4, move_frames=True, **options)
    for options in ({}, {"shuffle": True, "features": stored}):
        with pytest.raises(ValueError, match="Expected shuffle=True and no stored features with augment"):
            window_dataset(ramps, 20, 10, 4, augment=louder, **options)


def louder(random, waveform):
    """Up to twice as loud, and without the last sample."""
    return (waveform * random.uniform(1, 2))[:-1]


def test_files_are_varied_anew_every_epoch(ramps):
    order = {"shuffle": True, "seed": 3, "repeat": True, "augment": louder, "features": Numbers()}
    steps = steps_per_epoch(ramps, 20, 10, 4, features=Numbers())
    dataset, gains = list(window_dataset(ramps, 20, 10, 4, **order).take(4 * steps)), []
    for epoch in range(4):
        counted, of_file = 0, {}
        for inputs, target, weight in dataset[epoch * steps : (epoch + 1) * steps]:
            np.testing.assert_array_equal(inputs["waveform"], target)
            for row, weights, local in zip(target.numpy(), weight.numpy(), inputs["local_condition"], strict=True):
                counted += int(weights.sum())
                file = int(local[0, 0])
                steps_between = np.diff(row[weights == 1]) * 32768  # 1 in a ramp as it was
                of_file.setdefault(file, []).extend(steps_between.tolist())
        assert counted == sum(max(n - 1, 1) for n in LENGTHS)
        for file, slopes in of_file.items():
            if slopes:
                np.testing.assert_allclose(slopes, slopes[0], atol=0.02)
                gains.append((file, round(slopes[0], 2)))
    assert len(set(gains)) == len(gains)
    assert 1 <= min(gain for _, gain in gains) < 1.3 < 1.7 < max(gain for _, gain in gains) <= 2
    resumed = next(iter(window_dataset(ramps, 20, 10, 4, start_step=2 * steps + 1, **order)))
    for ours, theirs in zip(*map(tf.nest.flatten, (resumed, dataset[2 * steps + 1])), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_speakers_are_numbered_by_name(ramps):
    files = tuple(dataclasses.replace(file, speaker="ann" if i % 2 else "bob") for i, file in enumerate(ramps.files))
    manifest = dataclasses.replace(ramps, files=files)
    assert manifest.speakers == ("ann", "bob")
    for inputs, _, weight in window_dataset(manifest, 20, 10, 4, speakers=manifest.speakers):
        for row, weights, speaker in zip(
            inputs["waveform"].numpy(), weight.numpy(), inputs["global_condition"].numpy(), strict=True
        ):
            if weights.any():
                assert speaker == (1 - int(np.rint(row.max() * 32768)) // 1000 % 2)
    with pytest.raises(ValueError, match=r"Expected recordings of the speakers \['bob'\]. Received: \['ann'\]"):
        window_dataset(manifest, 20, 10, 4, speakers=("bob",))


@pytest.mark.parametrize(("features", "period"), [(Numbers(), 1), (None, 12), (Numbers(), 5)])
def test_steps_per_epoch_counts_the_batches_with_features_too(ramps, features, period):
    sizes = {"features": features, "period": period}
    dataset, steps = window_dataset(ramps, 20, 10, 3, **sizes), steps_per_epoch(ramps, 20, 10, 3, **sizes)
    assert steps == int(dataset.cardinality()) == len(list(dataset)) != steps_per_epoch(ramps, 20, 10, 3)


@pytest.mark.parametrize("shuffle", [False, True])
def test_windows_begin_at_multiples_of_frame_and_period(ramps, shuffle):
    begins = set()
    for inputs, _, weight in window_dataset(ramps, 20, 10, 4, shuffle=shuffle, features=Numbers(), period=2):
        for row, weights in zip(inputs["waveform"].numpy(), weight.numpy(), strict=True):
            if weights.any():
                begins.add((int(np.rint(row[0] * 32768)) - 1) % 1000)
    assert len(begins) > 5 and all(begin % 14 == 0 for begin in begins)


class Noise:
    """Random features and a random waveform, the same for the same file; a ramp would hide a shift."""

    channels = 2

    def __init__(self, hop_length):
        self.hop_length = hop_length

    def __call__(self, file, waveform):
        rng, frames = np.random.default_rng(int(file.name)), -(-len(waveform) // self.hop_length)
        waveform = rng.uniform(-1, 1, len(waveform)).astype("float32")
        return waveform, rng.normal(size=(frames, 2)).astype("float32")


LOCAL = [{"upsampling": upsampling, "local_hop": hop} for upsampling in METHODS for hop in (1, 6)]
LOCAL += [{"frame_network": {"channels": 3, "num_blocks": 1, "kernel_size": 3}, "local_hop": 6}]
LOCAL += [{"frame_network": {"channels": 3, "num_blocks": 1, "kernel_size": 3}, "local_hop": 12}]
CONTEXT = {"context_dilations": (1, 2), "context_hop": 4}
LOCAL += [{"upsampling": upsampling, "local_hop": 12} for upsampling in METHODS] + [{**CONTEXT, "local_hop": 1}]
QUICK = [{"upsampling": "repeat", "local_hop": 12, "local_context": 1}, {**CONTEXT, "local_hop": 6}]
LOCAL += [{"upsampling": upsampling, "local_hop": 12, "local_context": 1} for upsampling in ("linear", "transposed")]


@pytest.mark.parametrize(
    "options", [*QUICK, *(pytest.param(options, marks=pytest.mark.large) for options in LOCAL)], ids=str
)
@pytest.mark.parametrize("shuffle", [pytest.param(False, marks=pytest.mark.large), True])
def test_windows_say_of_every_sample_what_the_whole_file_says(ramps, shuffle, options):
    # A receptive field of whole frames: what the windows lack of their past shows, no rounding hides it.
    model = wavenet(
        (1, 2, 3, 5),
        causal_kernel_size=1,
        residual_channels=4,
        skip_channels=6,
        distribution=Gaussian(),
        local_channels=2,
        **options,
    )
    assert model.receptive_field == 12 or model.context_stack
    randomise(model)
    features = Noise(model.local_hop)
    dataset = window_dataset(
        ramps,
        21,
        model.context_samples,
        4,
        shuffle=shuffle,
        features=features,
        context_frames=model.context_frames,
        period=model.period,
    )
    expected, actual = {}, {}
    for file in ramps.files:
        waveform, frames = features(file, file.load(16000))
        inputs = {"waveform": waveform[None], "local_condition": frames[None]}
        expected.update(zip(waveform, np.asarray(model.log_prob(inputs))[0], strict=True))
    for inputs, waveform, weight in dataset:
        counts = weight.numpy() == 1
        actual.update(zip(waveform.numpy()[counts], np.asarray(model.log_prob(inputs))[counts], strict=True))
    assert len(actual) == sum(LENGTHS)
    np.testing.assert_allclose([actual[x] for x in expected], list(expected.values()), rtol=1e-4, atol=1e-4)


@pytest.fixture
def caches(monkeypatch):
    """The caches of the datasets that the test makes."""
    made = []

    class Spy(WaveformCache):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr("tf_wavenet.data.window_source.WaveformCache", Spy)
    return made


def test_memory_is_counted_with_the_features(ramps, caches, monkeypatch):
    limit = 400
    monkeypatch.setattr("tf_wavenet.data.window_source._CACHE_NUMBERS", limit)
    for features in (None, Noise(1)):  # two numbers a sample
        for _ in window_dataset(ramps, 20, 10, 4, features=features):
            with caches[-1]._lock:
                futures = list(caches[-1]._held.values())
            held = [future.result() for future in futures]
            numbers = sum(len(waveform) + (0 if frames is None else frames.size) for waveform, frames in held)
            assert numbers <= limit or len(held) == 1


def test_frames_that_moved_on_are_not_held(ramps, caches):
    order = {"shuffle": True, "repeat": True, "features": Numbers(), "move_frames": True}
    for _ in window_dataset(ramps, 20, 10, 4, **order).take(500):
        with caches[0]._lock:
            held = [future.result() for future in list(caches[0]._held.values()) if future.done()]
        assert sum(len(waveform) for waveform, _ in held) <= 2 * sum(LENGTHS)
    assert len(held) >= len(LENGTHS)
