"""Training that ends with the time, on clocks that read what the test says."""

import dataclasses
import math
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from tests.training.test_train import contents, interrupt_at
from tf_wavenet import GANVocoder, HiFiGAN
from tf_wavenet.models import MultiPeriodDiscriminator
from tf_wavenet.models.presets import PRESETS
from training.recipes import recipe_of
from training.recipes.vocoder import make_mel_spec
from training.runs.clock import Budget, Clock, factor
from training.runs.config import VocoderConfig
from training.runs.history import read
from training.runs.run_folder import RunFolder
from training.train import train

SECONDS = 7.3  # a step, on the clock of `timed`
STEPS = 9  # the first that ends after a minute


@pytest.fixture
def timed(monkeypatch):
    """Clocks on which the time follows from the number of the step."""
    monkeypatch.setattr(Clock, "step", 0, raising=False)
    monkeypatch.setattr(Clock, "read", lambda self: 1000 + SECONDS * self.step)
    monkeypatch.setattr(Clock, "read_cpu", lambda self: 3 + 2 * SECONDS * self.step)


def assert_equal_to_the_bit(ours, theirs):
    ours, theirs = contents(ours), contents(theirs)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.parametrize("gaps", [[1.5, 60.0], [0.25, 61.0, 3600.0, 0.5]])
def test_a_gap_counts_as_a_minute_at_most(gaps):
    moments, used = iter(np.cumsum([100.0, *gaps])), iter([5.0, 8.0, 8.0])
    clock = type("Scripted", (Clock,), {"read": lambda self: next(moments), "read_cpu": lambda self: next(used)})(
        7, seconds=20.0, cpu_seconds=30.0
    )
    clock.on_train_begin()
    for batch in range(len(gaps)):
        clock.on_train_batch_end(batch)
    assert clock.seconds == pytest.approx(20.0 + sum(min(gap, 60.0) for gap in gaps))
    assert clock.cpu_seconds == pytest.approx(30.0 + 8.0 - 5.0)
    assert clock.step == 7 + len(gaps)


def test_the_time_is_restored_exactly(tmp_path):
    clock = Clock(3, seconds=0.1 + 0.2, cpu_seconds=1 / 3)
    clock.save(tmp_path / "time.json")
    assert Clock.load(tmp_path / "time.json", 3).seconds == clock.seconds
    assert Clock.load(tmp_path / "nothing.json", 3).seconds == 0.0


@pytest.mark.parametrize(
    ("step", "warmup", "used", "schedule", "expected"),
    [
        (0, 10, 0.0, "cosine", 0.0),
        (5, 10, 0.1, "cosine", 0.5 * 0.5 * (1 + math.cos(math.pi * 0.1))),
        (5, 10, 0.1, "constant", 0.5),
        (99, 10, 0.5, "cosine", 0.5),
        (99, 0, 1.0, "cosine", 0.0),
        (0, 0, 0.0, "cosine", 1.0),
        (99, 10, 1.0, "constant", 1.0),
    ],
)
def test_the_learning_rate_follows_the_time(step, warmup, used, schedule, expected):
    assert factor(step, warmup, used, schedule) == pytest.approx(expected)


def test_each_optimizer_warms_up_from_its_own_first_step():
    optimizers = [SimpleNamespace(learning_rate=None) for _ in range(2)]
    clock = Clock(0, seconds=0.0)
    budget = Budget(1.0, clock, [(optimizers[0], 2.0, 0), (optimizers[1], 1.0, 4)], 10, "cosine")
    budget.set_model(SimpleNamespace(stop_training=False))
    budget.on_train_begin()
    assert [optimizer.learning_rate for optimizer in optimizers] == [0.0, 0.0]
    clock.step, clock.seconds = 6, 30.0
    budget.on_train_batch_end(5)
    assert [optimizer.learning_rate for optimizer in optimizers] == pytest.approx([2.0 * 0.6 / 2, 1.0 * 0.2 / 2])
    assert not budget.model.stop_training
    clock.seconds = 60.0
    budget.on_train_batch_end(6)
    assert budget.model.stop_training and optimizers[0].learning_rate == pytest.approx(0.0)


@pytest.mark.large
@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_run_that_was_stopped_goes_on_with_the_time_that_is_left(new_config, timed, monkeypatch, tmp_path, precision):
    config = dataclasses.replace(
        new_config, steps=None, minutes=1.0, precision=precision, sample_seconds=0.0, checkpoint_every=5
    )
    whole = train(dataclasses.replace(config, run=tmp_path / "whole"))
    assert [step for step, _ in whole.checkpoints()] == [5, STEPS]
    assert whole.best.exists() and whole.last.exists()
    assert Clock.load(whole.time(STEPS), STEPS).seconds == pytest.approx(STEPS * SECONDS)
    if precision == "float32":
        with monkeypatch.context() as patch:
            interrupt_at(patch, 5)
            run = train(config)
        assert run.checkpoints()[-1][0] == 6
    else:  # killed: what it did after its checkpoint is lost
        run = train(config)
        run.checkpoint(STEPS).unlink()
    train(dataclasses.replace(config, resume=True))
    assert_equal_to_the_bit(run.checkpoint(STEPS), whole.checkpoint(STEPS))
    assert run.time(STEPS).read_text() == whole.time(STEPS).read_text()
    rows = [{row["step"]: row for row in read(folder.progress)} for folder in (run, whole)]
    assert [row["step"] for row in read(run.progress)] == sorted(rows[0])
    assert {step: row for step, row in rows[0].items() if step != 6} == rows[1]
    minutes = STEPS * SECONDS / 60
    expected = {"step": STEPS, "minutes": minutes, "cpu_minutes": 2 * minutes, "samples": STEPS * 2 * 400}
    assert {name: rows[1][STEPS][name] for name in expected} == pytest.approx(expected, abs=1e-4)
    if precision == "float32":
        model = recipe_of(config).build()
        model.load_weights(run.checkpoint(6))
        expected = 0.02 * (1 + math.cos(math.pi * 6 * SECONDS / 60)) / 2
        assert float(model.optimizer.learning_rate) == pytest.approx(expected, rel=1e-6)


@pytest.mark.large
def test_more_minutes_prolong_a_run(new_config, timed):
    config = dataclasses.replace(new_config, steps=None, minutes=0.5, sample_seconds=0.0, jit_compile=False)
    run = train(config)
    assert run.checkpoints()[-1][0] == 5
    before = run.last.stat().st_mtime_ns
    train(dataclasses.replace(config, resume=True))
    assert run.last.stat().st_mtime_ns == before
    train(dataclasses.replace(config, minutes=0.75, resume=True))
    assert run.checkpoints()[-1][0] == 7


@pytest.mark.large
def test_both_optimizers_of_a_vocoder_go_on(corpus, tmp_path, timed, monkeypatch):
    def make_gan(config):
        # Next to nothing, because XLA takes minutes for the real ones.
        options = {"upsample_rates": (16, 16), "upsample_kernel_sizes": (32, 32), "upsample_initial_channel": 8}
        options |= {
            "resblock_kernel_sizes": (3,),
            "resblock_dilation_sizes": ((1,),),
            "mel_spec": make_mel_spec(config),
        }
        discriminators = [MultiPeriodDiscriminator(periods=(2,), channels=(4, 8))]
        return GANVocoder(HiFiGAN(**options), discriminators, stft_weight=1.0)

    monkeypatch.setattr("training.recipes.vocoder.make_gan", make_gan)
    settings = {"generator_channels": 16, "discriminator_channels": 16, "sample_rate": 8000, "window_samples": 2048}
    settings |= {"batch_size": 2, "validation_fraction": 0.3, "warmup_steps": 2, "ema": 0.5, "sample_seconds": 0.0}
    settings |= {"minutes": 4 * SECONDS / 60, "checkpoint_every": 2, "precision": "float32"}
    config = VocoderConfig(model="hifi_gan_v3", data=corpus, run=tmp_path / "whole", **settings)
    whole = train(config)
    shutil.copytree(whole.path, tmp_path / "killed")
    RunFolder(tmp_path / "killed").checkpoint(4).unlink()
    resumed = train(dataclasses.replace(config, run=tmp_path / "killed", resume=True))
    assert_equal_to_the_bit(resumed.checkpoint(4), whole.checkpoint(4))
    model = recipe_of(config).build()
    model.load_weights(whole.checkpoint(2))
    rates = [float(optimizer.learning_rate) for optimizer in (model.optimizer, model.discriminator_optimizer)]
    assert rates == pytest.approx([1e-4, 1e-4], rel=1e-6)  # half of the time is used


@pytest.mark.large
def test_noise_on_the_past_goes_on_too(new_config, timed, monkeypatch, tmp_path):
    preset = PRESETS["lpc_vocoder"]
    small = {"frame_network": {"channels": 4, "num_blocks": 1, "kernel_size": 3}}
    monkeypatch.setitem(PRESETS, "lpc_vocoder", preset | {"conditioning": preset["conditioning"] | small})
    config = dataclasses.replace(new_config, preset="lpc_vocoder", steps=4, checkpoint_every=2, sample_rate=16000)
    config = dataclasses.replace(config, sample_seconds=0.0)
    whole = train(dataclasses.replace(config, run=tmp_path / "whole"))
    run = RunFolder(config.run)
    shutil.copytree(whole.path, run.path)
    run.checkpoint(4).unlink()  # killed: what it did after its checkpoint is lost
    train(dataclasses.replace(config, resume=True))
    assert_equal_to_the_bit(run.checkpoint(4), whole.checkpoint(4))
    other = train(dataclasses.replace(config, run=tmp_path / "quiet", seed=1))
    assert any(
        (a != b).any() for a, b in zip(*(contents(r.checkpoint(4)).values() for r in (other, whole)), strict=True)
    )


@pytest.mark.large
def test_a_run_keeps_what_it_ends_by(new_config, timed):
    run = train(dataclasses.replace(new_config, steps=2, sample_seconds=0.0, jit_compile=False))
    with pytest.raises(
        ValueError, match=f"Expected {run.path} to go on by --steps, as it began. Received: minutes=1.0"
    ):
        train(dataclasses.replace(new_config, steps=None, minutes=1.0, resume=True))
