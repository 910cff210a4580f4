import dataclasses
import json

import numpy as np
import pytest
import soundfile

from training.corpora.read_corpus import read_corpus
from training.runs.config import WaveNetConfig
from training.text.phonemes import find_espeak
from training.train import train


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Seven short recordings of noisy tones, 8 kHz."""
    folder = tmp_path_factory.mktemp("corpus")
    random = np.random.default_rng(0)
    for number in range(7):
        samples = 1500 + 400 * number
        tone = 0.5 * np.sin(2 * np.pi * (200 + 50 * number) * np.arange(samples) / 8000)
        soundfile.write(folder / f"{number}.wav", tone + random.normal(0, 0.02, samples), 8000)
    return folder


@pytest.fixture(scope="session")
def tiny_config(corpus, tmp_path_factory):
    """A training run of seconds."""
    return WaveNetConfig(
        data=corpus,
        run=tmp_path_factory.mktemp("runs") / "run",
        dilations=(1, 2, 4),
        residual_channels=4,
        skip_channels=8,
        sample_rate=8000,
        window_samples=400,
        batch_size=2,
        validation_fraction=0.3,
        steps=12,
        learning_rate=0.02,
        precision="float32",
        warmup_steps=2,
        ema=0.5,
        validate_every=4,
        checkpoint_every=4,
        log_every=2,
        sample_seconds=0.02,
        jit_compile=False,
    )


@pytest.fixture(scope="session")
def trained(tiny_config):
    """The run folder of a finished training; tests only read it."""
    return train(tiny_config)


@pytest.fixture
def new_config(tiny_config, tmp_path):
    """The same training, into a folder of the test's own."""
    return dataclasses.replace(tiny_config, run=tmp_path / "run")


@pytest.fixture(scope="session")
def voices(tmp_path_factory):
    """Two speakers, three short recordings each, 16 kHz."""
    folder, rng = tmp_path_factory.mktemp("voices"), np.random.default_rng(0)
    for speaker, pitch in (("ann", 220), ("bob", 110)):
        (folder / speaker).mkdir()
        for number in range(3):
            tone = 0.4 * np.sin(2 * np.pi * pitch * np.arange(4000 + 500 * number) / 16000)
            soundfile.write(folder / speaker / f"{number}.wav", tone + rng.normal(0, 0.01, len(tone)), 16000)
    return folder


@pytest.fixture(scope="session")
def make_features(voices):
    """Function of a folder, a spec and a number of channels that stores features for every one of the voices."""

    def make(folder, spec, channels):
        folder.mkdir(exist_ok=True)
        (folder / "spec.json").write_text(json.dumps(spec))
        for file in read_corpus(voices, 16000).files:
            path = folder / f"{file.name}.npz"
            path.parent.mkdir(exist_ok=True)
            np.savez(path, features=np.ones((-(-file.num_samples // 80), channels), "float32"))
        return folder

    return make


@pytest.fixture(scope="session")
def features(make_features, tmp_path_factory):
    """Stored features for every one of the voices; tests only read them."""
    spec = {"phones": ["a", "b"], "sample_rate": 16000, "hop_length": 80}
    return make_features(tmp_path_factory.mktemp("features"), spec, 5)


@pytest.fixture(scope="session")
def tiny(voices):
    """Function of a run folder and changes that configures a training on the voices, of seconds."""

    def config(run, **changes):
        return WaveNetConfig(
            **{
                "data": voices,
                "run": run,
                "preset": "tiny",
                "dilations": (1, 2, 4),
                "residual_channels": 4,
                "skip_channels": 8,
                "window_samples": 600,
                "batch_size": 2,
                "validation_fraction": 0.3,
                "steps": 3,
                "warmup_steps": 1,
                "validate_every": 3,
                "sample_seconds": 0.01,
                "precision": "float32",
                "jit_compile": False,
                **changes,
            }
        )

    return config


@pytest.fixture(scope="session")
def vocoder(tiny, tmp_path_factory):
    """Run folder of a vocoder; tests only read it."""
    return train(tiny(tmp_path_factory.mktemp("run") / "vocoder", preset="vocoder", loudness=-20.0)).path


@pytest.fixture(scope="session")
def espeak():
    """Skips a test where no features can be made of a text."""
    pytest.importorskip("pyworld", reason="needs pyworld", exc_type=ImportError)
    try:
        find_espeak()
    except ValueError as error:
        pytest.skip(str(error))
