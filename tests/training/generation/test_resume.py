"""A generation that was killed goes on, and its files become the same to the bit."""

import dataclasses

import numpy as np
import pytest
import soundfile

import training.generate as script
from tests.support.slow import some
from tf_wavenet.decoding import generation_request
from training.generate import GenerateConfig, generate
from training.generation import resumable_stream
from training.generation.checkpoint import Checkpoint

pytestmark = pytest.mark.large  # `trained` learns for it


class Killed(BaseException):
    """What nothing catches."""


@pytest.fixture
def config(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(resumable_stream, "CHUNK_SAMPLES", 100)
    monkeypatch.setattr(generation_request, "is_native", lambda model, engine=None: True)  # XLA compiles every time
    return GenerateConfig(
        model=trained.path, out=tmp_path / "a.wav", seconds=0.08, seed=3, batch_size=2, checkpoint_seconds=0.0
    )


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def expected(config, tmp_path_factory):
    """What an unbroken run leaves."""
    out = tmp_path_factory.mktemp("whole") / config.out.name
    generate(dataclasses.replace(config, out=out))
    return contents(out.parent)


def kill_after(monkeypatch, samples, before=True):
    """Ends the process, as a kill would, once so many samples were made, before their state is kept or after it."""
    keep = Checkpoint.keep

    def killed(self, stream, now=False):
        if stream.made == samples and before:
            raise Killed
        keep(self, stream, now)
        if stream.made == samples:
            raise Killed

    monkeypatch.setattr(Checkpoint, "keep", killed)


KILLS = [(100, True), (300, True), (300, False), (640, False)]


@pytest.mark.parametrize("kill", some(KILLS, (300, False)))
def test_resumed_is_unbroken(config, expected, tmp_path, monkeypatch, kill):
    samples, before = kill
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(patch, samples, before)
        generate(config)
    left = contents(tmp_path).keys()
    if samples > 100:  # a state was kept
        assert left == {"partial-a-1.wav", "partial-a-2.wav", "resume-a.npz"}
        assert soundfile.info(tmp_path / "partial-a-1.wav").frames == samples
    else:
        assert not left
    generate(dataclasses.replace(config, resume=True))
    assert contents(tmp_path) == expected


@pytest.mark.large
def test_goes_on_between_the_names_of_two_files(config, expected, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(patch, 640, before=False)
        generate(config)
    (tmp_path / "partial-a-2.wav").rename(tmp_path / "a-2.wav")
    generate(dataclasses.replace(config, resume=True))
    assert contents(tmp_path) == expected


def test_another_generation_is_refused(config, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(patch, 300)
        generate(config)
    left, resumed = contents(tmp_path), dataclasses.replace(config, resume=True)
    for change, message in (
        ({"seed": 4}, "begun: seed=3 in .*resume-a.npz. Received: seed=4"),
        ({"seconds": 0.1}, "seconds=0.08 in .*. Received: seconds=0.1"),
        ({"temperature": 0.5}, "temperature=1.0 in .*. Received: temperature=0.5"),
    ):
        with pytest.raises(ValueError, match=message):
            generate(dataclasses.replace(resumed, **change))
    load = script.load_model

    def other(*arguments):
        model = load(*arguments)
        model.weights[0].assign(model.weights[0] + 1)
        return model

    monkeypatch.setattr(script, "load_model", other)
    with pytest.raises(ValueError, match="begun: model='[0-9a-f]{16}' in .* Received: model='[0-9a-f]{16}'"):
        generate(resumed)
    assert contents(tmp_path) == left


def test_damaged_and_missing_files_are_told(config, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(patch, 300)
        generate(config)
    resumed = dataclasses.replace(config, resume=True)
    state = tmp_path / "resume-a.npz"
    whole_state = state.read_bytes()
    state.write_bytes(whole_state[:100])
    with pytest.raises(ValueError, match="Expected .*resume-a.npz to be the state of a generation"):
        generate(resumed)
    state.write_bytes(whole_state)
    (tmp_path / "partial-a-2.wav").unlink()
    with pytest.raises(ValueError, match="goes on from. Not found: .*partial-a-2.wav"):
        generate(resumed)


def test_without_resume_it_begins_anew(config, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(patch, 300)
        generate(config)
    generate(dataclasses.replace(config, seed=4))
    assert not list(tmp_path.glob("*a.npz")) and len(soundfile.read(tmp_path / "a-1.wav")[0]) == 640


def test_a_full_disk_keeps_what_can_be_resumed(config, expected, tmp_path, monkeypatch):
    keep = Checkpoint.keep

    def full(self, stream, now=False):
        if stream.made == 300:
            raise OSError(28, "No space left on device")
        keep(self, stream, now)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(Checkpoint, "keep", full)
        generate(config)
    generate(dataclasses.replace(config, resume=True))
    assert contents(tmp_path) == expected


def test_states_are_kept_as_often_as_asked(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("training.generation.checkpoint.time.monotonic", lambda: now[0])

    class Stream:
        made = 0
        state = (np.zeros(2), np.arange(3))

        def restore(self, made, state):
            self.restored = made, [array.tolist() for array in state]

    stream, checkpoint = Stream(), Checkpoint(tmp_path / "a.npz", {"seed": 1}, seconds=10.0)
    assert checkpoint.restore(stream) == 0
    kept = []
    for now[0], stream.made in ((109.0, 1), (110.0, 2), (119.0, 3), (121.0, 4)):
        checkpoint.keep(stream)
        kept.append(Checkpoint(checkpoint.path, {"seed": 1}).restore(stream))
    assert kept == [0, 2, 2, 4] and stream.restored == (4, [[0.0, 0.0], [0, 1, 2]])
    stream.made = 5
    checkpoint.keep(stream, now=True)
    assert checkpoint.restore(stream) == 5
