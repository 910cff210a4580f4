"""Training: what the run folder holds, and that a stopped run goes on as if it had never stopped."""

import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tf_wavenet.data import AudioError, Manifest, VoiceAugmentation
from training import train as script
from training.recipes import recipe_of
from training.recipes.held_out import averaged_weights
from training.runs import callbacks
from training.runs.config import VocoderConfig, load_config
from training.runs.run_folder import RunFolder, load_model
from training.train import restore, train


def contents(path):
    """All arrays of a checkpoint."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def assert_same_checkpoint(ours, theirs):
    ours, theirs = contents(ours), contents(theirs)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=1e-6, err_msg=name)


def tree(folder):
    return {path.relative_to(folder): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_run_folder_is_complete(trained, tiny_config):
    assert load_config(trained.config) == tiny_config
    training, validation = Manifest.load(trained.train), Manifest.load(trained.validation)
    assert (len(training.files), len(validation.files)) == (5, 2)
    assert not {file.path for file in training.files} & {file.path for file in validation.files}
    assert [step for step, _ in trained.checkpoints()] == [8, 12]
    assert not list(trained.path.rglob("*partial*"))


def test_held_out_figure_belongs_to_the_saved_weights(trained):
    model = keras.models.load_model(trained.best)
    step, figure = trained.best_score()
    assert step == 12
    bits = [
        -np.asarray(model.log_prob(file.load(8000)[None]))[0] / np.log(2)
        for file in Manifest.load(trained.validation).files
    ]
    assert figure == pytest.approx(np.concatenate(bits).mean(), abs=1e-4)
    assert figure < 7.5


def test_saved_weights_are_the_averages(trained, tiny_config):
    model = recipe_of(tiny_config).build()
    assert restore(model, trained) == 12
    best, last = keras.models.load_model(trained.best), keras.models.load_model(trained.last)
    average = averaged_weights(model)
    weights = zip(best.weights, last.weights, average, model.trainable_variables, strict=True)
    for saved, newest, ours, current in weights:
        np.testing.assert_array_equal(saved.numpy(), ours.numpy())
        np.testing.assert_array_equal(newest.numpy(), ours.numpy())
        assert not np.array_equal(saved.numpy(), current.numpy())


@pytest.mark.large
def test_without_averages_the_weights_themselves_are_saved(new_config):
    config = dataclasses.replace(new_config, ema=0.0, sample_seconds=0.0, jit_compile=False, steps=4)
    run = train(config)
    model = recipe_of(config).build()
    restore(model, run)
    for saved, ours in zip(keras.models.load_model(run.best).weights, model.weights, strict=True):
        np.testing.assert_array_equal(saved.numpy(), ours.numpy())


@pytest.mark.large
def test_files_trained_on_are_augmented_and_no_others(new_config, monkeypatch):
    heard = []

    class Heard(VoiceAugmentation):
        def __call__(self, random, waveform):
            heard.append((self.sample_rate, len(waveform)))
            return super().__call__(random, waveform)

    monkeypatch.setattr("training.recipes.recipe.VoiceAugmentation", Heard)
    run = train(dataclasses.replace(new_config, augment=True, sample_seconds=0.0, jit_compile=False, steps=4))
    training, validation = Manifest.load(run.train), Manifest.load(run.validation)
    assert heard and set(heard) <= {(8000, file.num_samples) for file in training.files}
    assert not set(heard) & {(8000, file.num_samples) for file in validation.files}
    assert np.isfinite(run.best_score()[1])


def test_learning_rate_warms_up_and_falls(tiny_config):
    config = dataclasses.replace(tiny_config, steps=110, warmup_steps=10, learning_rate=0.5)

    def rates(config):
        schedule = recipe_of(config).build().optimizer._learning_rate
        return np.array([float(schedule(step)) for step in range(111)])

    expected = np.where(
        np.arange(111) < 10, 0.05 * np.arange(111), 0.25 * (1 + np.cos(np.pi * np.arange(-10, 101) / 100))
    )
    np.testing.assert_allclose(rates(config), expected, atol=1e-6)
    np.testing.assert_allclose(rates(dataclasses.replace(config, warmup_steps=0))[0], 0.5)
    np.testing.assert_allclose(rates(dataclasses.replace(config, schedule="constant"))[10:], 0.5)


def test_tensorboard_holds_scalars_audio_and_pictures(trained):
    events = EventAccumulator(str(trained.logs), {"tensors": 0})
    events.Reload()
    steps = {tag: [event.step for event in events.Tensors(tag)] for tag in events.Tags()["tensors"]}
    assert steps == {
        "train/loss": [2, 4, 6, 8, 10, 12],
        "train/bits_per_sample": [2, 4, 6, 8, 10, 12],
        "train/learning_rate": [2, 4, 6, 8, 10, 12],
        "train/gradient_norm": [2, 4, 6, 8, 10, 12],
        "held_out/bits_per_sample": [4, 8, 12],
        "generated/audio": [4, 8, 12],
        "generated/picture": [4, 8, 12],
    }
    held_out = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors("held_out/bits_per_sample")]
    assert min(held_out) == pytest.approx(trained.best_score()[1], abs=1e-6)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.large)])
@pytest.mark.large
def test_mixed_precision(new_config, precision):
    run = train(dataclasses.replace(new_config, precision=precision, steps=4, sample_seconds=0.0, jit_compile=False))
    best = keras.models.load_model(run.best)
    assert best.dtype_policy.name == "float32"
    assert run.best_score()[1] < 8


def interrupt_at(monkeypatch, step):
    original = callbacks.Progress.on_step

    def on_step(self, now, logs):
        original(self, now, logs)
        if now == step:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(callbacks.Progress, "on_step", on_step)


@pytest.mark.large
def test_interrupted_and_resumed_equals_uninterrupted(trained, new_config, monkeypatch, capsys):
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        run = train(new_config)
    assert signal.getsignal(signal.SIGINT) is handler
    assert [step for step, _ in run.checkpoints()] == [4, 6]
    output = capsys.readouterr()
    assert f"stopped at step 6; go on with --run {run.path} --resume" in output.out
    assert run.best_score()[0] in (4, 6)
    keras.models.load_model(run.best).generate(10)
    train(dataclasses.replace(new_config, resume=True))
    assert_same_checkpoint(run.checkpoint(12), trained.checkpoint(12))
    assert run.best_score() == pytest.approx(trained.best_score(), abs=1e-5)


@pytest.mark.large
def test_resuming_a_finished_run_changes_no_weights(new_config):
    config = dataclasses.replace(new_config, steps=4, sample_seconds=0.0, jit_compile=False)
    run = train(config)
    before = contents(run.checkpoint(4)), run.best.stat().st_mtime_ns
    litter = [run.path / "partial-best.keras", run.path / "checkpoints" / "partial-step-00000003.weights.h5"]
    for path in litter:
        path.write_bytes(b"half-written by a killed process")
    train(dataclasses.replace(config, resume=True))
    assert not any(path.exists() for path in litter)
    assert run.best.stat().st_mtime_ns == before[1]
    assert [step for step, _ in run.checkpoints()] == [4]


def test_a_run_folder_is_never_overwritten(trained, tiny_config):
    before = tree(trained.path)
    with pytest.raises(ValueError, match="--run to be a new folder, or --resume"):
        train(tiny_config)
    for change in ({"residual_channels": 5}, {"preset": "small"}, {"dilations": None}, {"linear_prediction": 0}):
        with pytest.raises(ValueError, match="Expected the architecture of"):
            train(dataclasses.replace(tiny_config, resume=True, **change))
    assert tree(trained.path) == before


def test_a_checkpoint_of_another_architecture_is_refused(trained, new_config):
    run = RunFolder(new_config.run)
    dataclasses.replace(new_config, skip_channels=9).save(run.config)
    run.checkpoint(8).parent.mkdir()
    run.checkpoint(8).write_bytes(trained.checkpoint(8).read_bytes())
    before = tree(run.path)
    with pytest.raises(ValueError, match="step-00000008.weights.h5 to be a checkpoint of this architecture"):
        train(dataclasses.replace(new_config, skip_channels=9, resume=True))
    run.checkpoint(9).write_text("no checkpoint")
    before = tree(run.path)
    with pytest.raises(ValueError, match="step-00000009.weights.h5 to be a checkpoint"):
        train(dataclasses.replace(new_config, skip_channels=9, resume=True))
    assert tree(run.path) == before


def test_wrong_data_leaves_no_run_folder(new_config, tmp_path):
    (tmp_path / "empty").mkdir()
    for data in ("nowhere", "empty"):
        with pytest.raises(AudioError):
            train(dataclasses.replace(new_config, data=tmp_path / data))
    with pytest.raises(ValueError, match="run to resume"):
        train(dataclasses.replace(new_config, resume=True))
    assert not new_config.run.exists()


def test_flags_change_the_configuration_that_is_resumed(tmp_path, monkeypatch):
    path, resumed = tmp_path / "moved", []
    path.mkdir()
    VocoderConfig(model="hifi_gan_v3", run=tmp_path / "before", discriminator_start=5).save(path / "config.json")
    monkeypatch.setattr(script, "train", lambda config: resumed.append(config) or RunFolder(config.run))
    for run in (["--run", str(path)], [f"--run={path}"]):
        monkeypatch.setattr(sys, "argv", ["train", *run, "--resume", "--discriminator-start", "7"])
        script.main()
    expected = VocoderConfig(model="hifi_gan_v3", run=path, discriminator_start=7, resume=True)
    assert resumed == [expected, expected]


@pytest.mark.large
def test_killed_and_resumed_equals_uninterrupted(trained, new_config):
    flags = [
        f"--data={new_config.data}", f"--run={new_config.run}", "--dilations", "1", "2", "4", "--residual-channels=4",
        "--skip-channels=8", "--sample-rate=8000", "--window-samples=400", "--batch-size=2",
        "--validation-fraction=0.3", "--steps=12", "--learning-rate=0.02", "--warmup-steps=2", "--ema=0.5",
        "--validate-every=4", "--checkpoint-every=4", "--log-every=2", "--sample-seconds=0.02", "--precision=float32",
    ]  # fmt: skip
    slowed = (
        "import sys, time\nfrom training import train\nfrom training.runs import callbacks\n"
        "callbacks.Progress.on_step = lambda self, step, logs: time.sleep(0.5)\n"
        "train.main()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", slowed, *flags])
    run = RunFolder(new_config.run)
    for _ in range(1200):
        if run.checkpoint(4).exists():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert run.checkpoints()[-1][0] < 12
    subprocess.run([sys.executable, "-m", "training.train", f"--run={new_config.run}", "--resume"], check=True)
    assert_same_checkpoint(run.checkpoint(12), trained.checkpoint(12))


@pytest.mark.large
def test_extra_data_leaves_the_held_out_files_as_they_are(trained, new_config, corpus, tmp_path):
    more = tmp_path / "more"
    shutil.copytree(corpus, more)
    run = train(dataclasses.replace(new_config, extra_data=more, steps=1, sample_seconds=0.0, jit_compile=False))
    before, after = (Manifest.load(each.validation).files for each in (trained, run))
    assert after == before
    files = Manifest.load(run.train).files
    assert len(files) == len(Manifest.load(trained.train).files) + len(Manifest.load(trained.train).files + before)
    assert load_config(run.config).extra_data == more


def test_extra_data_among_the_data_is_refused(new_config):
    with pytest.raises(ValueError, match="Expected --extra-data to hold no file of --data. Received in both: "):
        train(dataclasses.replace(new_config, extra_data=new_config.data))
    assert not new_config.run.exists()


@pytest.mark.large
def test_a_run_begins_with_the_weights_of_a_trained_model(trained, new_config):
    config = dataclasses.replace(
        new_config, initial_model=trained.path, steps=2, learning_rate=1e-6, ema=0.0, jit_compile=False
    )
    run = train(config)
    for ours, theirs in zip(load_model(run.last).weights, load_model(trained.best).weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert load_config(run.config).initial_model == trained.path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"residual_channels": 3}, "Expected --initial-model to have the shapes of weights of the model to train"),
        ({"initial_model": Path("nope.keras")}, "Expected a run folder or a .keras file. Not found: nope.keras"),
        ({"initial_model": Path("saved_models/istft_vocoder_16k.keras")}, "to have the class of the model to train"),
    ],
)
def test_weights_of_another_model_are_refused_and_nothing_is_written(trained, new_config, changes, message):
    with pytest.raises(ValueError, match=message):
        train(dataclasses.replace(new_config, **{"initial_model": trained.path, **changes}))
    assert not new_config.run.exists()


def test_a_run_that_was_killed_before_it_began_can_be_begun_again(new_config):
    new_config.run.mkdir()
    (new_config.run / "partial-config.json").touch()
    assert script.prepare_run(new_config).path == new_config.run
    (new_config.run / "other").touch()
    with pytest.raises(ValueError, match="--run to be a new folder"):
        script.prepare_run(new_config)


@pytest.mark.large
def test_what_is_measured_for_compilation_leaves_no_trace(new_config, capsys):
    settings = {"steps": 3, "validate_every": 3, "sample_seconds": 0.0}
    chosen = train(dataclasses.replace(new_config, jit_compile="auto", **settings))
    seconds = re.search(r"a training step takes (\S+) s with XLA and (\S+) s without", capsys.readouterr().out)
    xla = load_config(chosen.config).jit_compile
    assert xla == (float(seconds[1]) <= float(seconds[2]))
    folder = new_config.run.parent / "again"
    again = train(dataclasses.replace(new_config, jit_compile=xla, run=folder, **settings))
    assert_same_checkpoint(chosen.checkpoints()[-1][1], again.checkpoints()[-1][1])
