import dataclasses

import numpy as np
import pytest
import soundfile

from training.config import TrainConfig
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
    return TrainConfig(
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
        warmup_steps=2,
        ema=0.5,
        validate_every=4,
        checkpoint_every=4,
        log_every=2,
        sample_seconds=0.02,
    )


@pytest.fixture(scope="session")
def trained(tiny_config):
    """The run folder of a finished training; tests only read it."""
    return train(tiny_config)


@pytest.fixture
def new_config(tiny_config, tmp_path):
    """The same training, into a folder of the test's own."""
    return dataclasses.replace(tiny_config, run=tmp_path / "run")
