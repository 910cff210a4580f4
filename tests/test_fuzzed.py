"""Damaged files that `benchmarks.fuzz` found: each is refused in one line."""

import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest
import soundfile

from benchmarks.fuzzing.mutate import mutate, mutate_text, mutate_zip
from tf_wavenet.data import AudioError, AudioFile, Manifest, StoredFeatures, read_audio


def with_member(path, name, content):
    """Puts bytes in the place of a member of a ZIP file."""
    with zipfile.ZipFile(path) as given:
        members = {each: given.read(each) for each in given.namelist()}
    with zipfile.ZipFile(path, "w") as changed:
        for each, old in (members | {name: content(members[name]) if callable(content) else content}).items():
            changed.writestr(each, old)


def test_many_channels_take_no_more_memory_than_few(tmp_path):
    soundfile.write(tmp_path / "wide.wav", np.zeros((3, 1000)), 8000)
    tracemalloc.start()
    try:
        channels, _ = read_audio(tmp_path / "wide.wav")
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert channels.shape == (3, 1000)


def test_a_member_that_is_no_array_is_refused(tmp_path):
    np.savez(tmp_path / "clip.npz", features=np.zeros((4, 2), "float32"))
    (tmp_path / "spec.json").write_text('{"hop_length": 80}')
    with_member(tmp_path / "clip.npz", "features.npy", b"hello")
    with pytest.raises(AudioError, match="features to be an array. Received: bytes"):
        StoredFeatures(tmp_path)


@pytest.mark.parametrize("hop_length", [0, -1, 10**20, 1.5, True, "80", None])
def test_a_recipe_of_an_odd_hop_is_refused(tmp_path, hop_length):
    np.savez(tmp_path / "clip.npz", features=np.zeros((4, 2), "float32"))
    (tmp_path / "spec.json").write_text(json.dumps({"hop_length": hop_length}))
    with pytest.raises(AudioError, match="Received: hop_length="):
        StoredFeatures(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("path", None),
        ("num_samples", "many"),
        ("num_samples", 0),
        ("num_samples", True),
        ("start", -1),
        ("name", 7),
        ("speaker", []),
        ("record", 1.5),
    ],
)
def test_a_manifest_of_other_types_is_refused(tmp_path, name, value):
    path = tmp_path / "manifest.json"
    Manifest(8000, (AudioFile(tmp_path / "a.wav", 100, name="a"),)).save(path)
    content = json.loads(path.read_text())
    content["files"][0][name] = value
    path.write_text(json.dumps(content))
    with pytest.raises(AudioError, match="expected a manifest as index_corpus makes"):
        Manifest.load(path)


def test_a_manifest_of_a_wrong_rate_is_refused(tmp_path):
    path = tmp_path / "manifest.json"
    Manifest(8000, (AudioFile(tmp_path / "a.wav", 100, name="a"),)).save(path)
    path.write_text(path.read_text().replace("8000", "1e999"))
    with pytest.raises(AudioError, match="sample rate from 1000"):
        Manifest.load(path)


def test_weights_that_are_damaged_inside_a_whole_file_are_refused(tmp_path):
    from tf_wavenet import WaveNet
    from training.runs.run_folder import load_model

    model = WaveNet((1, 2), residual_channels=2, skip_channels=2)
    model(np.zeros((1, 8), "float32"))
    path = tmp_path / "model.keras"
    model.save(path)
    with_member(path, "model.weights.h5", lambda weights: weights.replace(b"SNOD", b"SNOX").replace(b"HEAP", b"HEAX"))
    with pytest.raises(ValueError, match="to be a model saved by Keras"):
        load_model(path)


def test_a_state_of_a_generation_without_arrays_is_refused(tmp_path):
    from training.generation.checkpoint import Checkpoint

    about = json.dumps({"samples": 1, "settings": {}})
    np.savez(tmp_path / "state.npz", about=np.array(about), state_0=np.zeros(2))
    with_member(tmp_path / "state.npz", "state_0.npy", b"(")
    with pytest.raises(ValueError, match="to be the state of a generation"):
        Checkpoint(tmp_path / "state.npz", {}).restore(None)


def test_damages_come_again_and_change_something():
    content, text = bytes(range(200)), b'{"a": 1, "b": [2, 3.5], "c": "d"}'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.json", text)
    made = {}
    for damage, given in (
        (mutate, content),
        (mutate_text, text),
        (lambda data, rng: mutate_zip(data, rng, lambda name: True), packed.getvalue()),
    ):
        for number in range(50):
            first, again = (damage(given, np.random.default_rng(number)) for _ in range(2))
            assert first == again or given is not content  # a ZIP file holds the time
            made.setdefault(given, set()).add(first != given)
    assert all(True in outcomes for outcomes in made.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in ("positions", "levels", "previous", "output") for value in (-(2**40), 2**40)]
    + [("index", -1), ("previous", np.nan), ("previous", 1.5)],
)
def test_a_state_that_leads_out_of_its_arrays_is_refused(name, value):
    """It read beyond them: a crash, or worse."""
    pytest.importorskip("numba")
    from tf_wavenet import WaveNet
    from tf_wavenet.decoding.native.native_decoder import NativeDecoder
    from training.generation.resumable_stream import ResumableStream

    model = WaveNet((1, 2), residual_channels=2, skip_channels=2)
    stream = ResumableStream(model, 10, seed=0)
    state = stream.state
    decoder = NativeDecoder(model)
    [group] = decoder.start(stream._decoder.initial_state(1))
    decoder.check([group])
    getattr(group, name)[...] = value
    with pytest.raises(ValueError, match=f"a decoder has made. Received: {name} of"):
        decoder.check([group])
    if stream.engine == "native":
        place = group._fields.index(name)
        state[place] = np.asarray(getattr(group, name), state[place].dtype)
        with pytest.raises(ValueError, match=f"Received: {name} of"):
            ResumableStream(model, 10, seed=0).restore(1, state)


@pytest.mark.parametrize("line", ["[]", '{"step": null}', '{"step": [1]}', "{", '{"step": 1.5}', "\xff"])
def test_a_history_without_steps_is_refused(tmp_path, line):
    from training.runs import history

    path = tmp_path / "progress.jsonl"
    path.write_bytes(b'{"step": 1}\n' + line.encode("latin-1") + b"\n")
    with pytest.raises(ValueError, match="progress.jsonl to hold JSON with a step on each line. Received: line 2"):
        history.forget(path, 3)
    assert path.read_bytes().startswith(b'{"step": 1}')


@pytest.mark.parametrize("content", ["[]", '{"step": 1}', '{"step": 1, "a": 1, "b": 2}', '{"step": 1, "a": "x"}', "{"])
def test_a_score_without_a_figure_is_refused(tmp_path, content):
    from training.runs.run_folder import RunFolder

    run = RunFolder(tmp_path)
    run.best.write_bytes(b"")
    (tmp_path / "best.json").write_text(content)
    with pytest.raises(ValueError, match="best.json to hold a step and a figure"):
        run.best_score()
