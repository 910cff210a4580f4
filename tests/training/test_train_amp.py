import dataclasses
import json

import keras
import numpy as np
import pytest
import soundfile

from tests.support import nam_reference
from tests.training.amp.test_pair import RATE, amplified, playing
from tf_wavenet import NamWaveNet
from tf_wavenet.importers import nam_loudness, read_nam
from tf_wavenet.models.nam.presets import NAM_PRESETS
from training.amp.config import AmpConfig
from training.amp.keep_best import KeepBest
from training.amp.pair import AmpPair
from training.amp.windows import windows
from training.train_amp import parse_config, train

LATENCY = 37


@pytest.fixture
def config(rng, tmp_path):
    x = playing(rng, 3.0)
    y = np.r_[np.zeros(LATENCY, "float32"), amplified(x)][: len(x)]
    for name, waveform in (("in.wav", x), ("out.wav", y)):
        soundfile.write(tmp_path / name, waveform, RATE, subtype="FLOAT")
    return AmpConfig(
        input=tmp_path / "in.wav",
        output=tmp_path / "out.wav",
        run=tmp_path / "run",
        model="nam_nano",
        name="Tanh 100",
        gear_type="amp",
        input_level_dbu=12.5,
        validation_seconds=0.5,
        epochs=3,
        batch_size=2,
        window_samples=2000,
        learning_rate=0.01,
        jit_compile=False,
    )


@pytest.fixture
def small(monkeypatch):
    """A network of four layers in place of nano's twenty, which take a minute to trace."""
    arrays = [{"channels": 4, "dilations": (1, 2, 4, 8)}]
    monkeypatch.setitem(NAM_PRESETS, "nano", {"arrays": arrays, "head_scale": 0.5})


@pytest.mark.large
def test_learns_an_amplifier_and_writes_its_file(config, capsys, small):
    path, ratio = train(config)
    assert path == config.run / "model.nam"
    assert "output is 37 samples (4.6 ms) late; shifted by 29" in capsys.readouterr().out
    assert ratio < 0.5  # silence gets 1
    nam = json.loads(path.read_text())
    assert (nam["metadata"]["name"], nam["sample_rate"], nam["version"]) == ("Tanh 100", RATE, "0.5.4")
    calibration = {"delays": [37] * 5, "safety_factor": 8, "recommended": 29}
    assert nam["metadata"]["training"] == {
        "latency_samples": 29,
        "data": {"latency": {"manual": None, "calibration": calibration}},
        "validation_esr": ratio,
    }
    assert nam["metadata"]["gear_type"] == "amp" and nam["metadata"]["input_level_dbu"] == 12.5
    measured = nam_loudness(read_nam(path))
    assert {name: nam["metadata"][name] for name in measured} == pytest.approx(measured, rel=1e-4)
    # The figure belongs to the file: NumPy gets it from the file and the end of the recordings.
    x, _ = soundfile.read(config.input, dtype="float32")
    y, _ = soundfile.read(config.output, dtype="float32")
    x, y = x[:-29], y[29:]
    ours = nam_reference.process(nam, x)[-RATE // 2 :]
    np.testing.assert_allclose(((ours - y[-RATE // 2 :]) ** 2).sum() / (y[-RATE // 2 :] ** 2).sum(), ratio, rtol=1e-3)
    loaded = keras.models.load_model(config.run / "model.keras")
    for a, b in zip(loaded.get_weights(), read_nam(path).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_refuses_a_run_folder_that_is_not_new_and_recordings_that_are_too_short(config, tmp_path):
    with pytest.raises(ValueError, match="Expected --run to be a new folder. Already there"):
        train(dataclasses.replace(config, run=tmp_path))
    with pytest.raises(ValueError, match="Expected more than 3.4 s. Received: 3.0 s"):
        train(dataclasses.replace(config, validation_seconds=2.9))
    with pytest.raises(ValueError, match="Expected 4.5 s to train on, or smaller batches. Received: 2.5 s"):
        train(dataclasses.replace(config, batch_size=16))
    assert not config.run.exists()


@pytest.mark.large
def test_says_that_it_did_not_converge(config, small):
    message = "converge; try a learning rate below 1e[+]20, or give --latency. Received: (a held-out error-to-|loss=)"
    with pytest.raises(ValueError, match=message):
        train(dataclasses.replace(config, learning_rate=1e20, epochs=1))
    assert not config.run.exists()


@pytest.mark.large
def test_holds_out_sound_where_the_recordings_end_in_silence(config, capsys, small):
    for path in (config.input, config.output):
        waveform, _ = soundfile.read(path)
        soundfile.write(path, np.r_[waveform, np.zeros(RATE)], RATE, subtype="FLOAT")
    _, ratio = train(dataclasses.replace(config, epochs=1))
    assert "note: the last 0.7 s are quiet; they are left out" in capsys.readouterr().out
    assert 0.1 < ratio < 1.0  # silence would get 0


def test_does_not_train_on_two_performances(config, rng):
    soundfile.write(config.output, amplified(playing(rng, 3.0)[::-1]), RATE, subtype="FLOAT")
    with pytest.raises(ValueError, match="Expected --output to follow --input at one latency"):
        train(config)
    assert not config.run.exists()


def test_keeps_the_best_epoch_not_the_last(tmp_path):
    model = NamWaveNet([{"channels": 2, "dilations": (1,)}], head_scale=0.5, sample_rate=RATE)
    model.build()
    best, weight = KeepBest(tmp_path, {"training": {"latency_samples": 3}}), model.weights[0]
    best.set_model(model)
    for epoch, ratio in enumerate((0.5, 0.3, 0.4, float("nan"), 0.31)):
        weight.assign(np.full(weight.shape, epoch))
        best.on_epoch_end(epoch, {"val_esr": ratio})
    kept = read_nam(tmp_path / "model.nam")
    assert best.best == 0.3 and kept.metadata["training"] == {"latency_samples": 3, "validation_esr": 0.3}
    for each in (kept, keras.models.load_model(tmp_path / "model.keras")):
        np.testing.assert_array_equal(each.weights[0], np.ones(weight.shape))


def test_keeps_no_model_that_is_worse_than_silence(tmp_path):
    best = KeepBest(tmp_path, {"training": {}})
    for ratio in (float("nan"), 1.0, 3.0):
        best.on_epoch_end(0, {"val_esr": ratio})
        assert best.best is None and np.isclose(best.last, ratio, equal_nan=True)
    assert list(tmp_path.iterdir()) == []


def test_windows_meet_every_sample_once_an_epoch(config):
    context = 10
    samples = np.arange(context + 3 * config.window_samples + 5, dtype="float32")
    config = dataclasses.replace(config, batch_size=3)
    ((x, y, weight),) = list(windows(AmpPair(samples, -samples, RATE), context, config, range(1)))
    np.testing.assert_array_equal(x, -y)
    np.testing.assert_array_equal(weight[:, :context], 0.0)
    targets = np.sort(x.numpy()[weight.numpy() == 1])
    np.testing.assert_array_equal(targets, samples[context:-5])
    np.testing.assert_array_equal(np.diff(x, axis=1), 1.0)


def test_epochs_differ_and_depend_on_their_number_alone(config):
    samples = np.arange(10 + 8 * config.window_samples, dtype="float32")
    pair = AmpPair(samples, -samples, RATE)
    batches = [x.numpy() for x, _, _ in windows(pair, 10, config, range(3))]
    assert len(batches) == 3 * 4
    assert not np.array_equal(batches[:4], batches[4:8])
    for ours, theirs in zip(windows(pair, 10, config, range(1, 3)), batches[4:], strict=True):
        np.testing.assert_array_equal(ours[0], theirs)


@pytest.mark.large
def test_killed_and_resumed_is_unbroken(config, small, monkeypatch):
    path, ratio = train(config)
    whole = json.loads(path.read_text())
    killed = dataclasses.replace(config, run=config.run.with_name("killed"))
    on_epoch_end = KeepBest.on_epoch_end

    class Killed(BaseException):
        pass

    def kill(self, epoch, logs=None):
        on_epoch_end(self, epoch, logs)
        if epoch == 1:  # the best model is that of the second epoch, the checkpoint that of the first
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(KeepBest, "on_epoch_end", kill)
        train(killed)
    for change, message in (({"seed": 9}, "to go on with seed=0"), ({"batch_size": 3}, "batch_size=2, as it began")):
        with pytest.raises(ValueError, match=message):
            train(dataclasses.replace(killed, resume=True, **change))
    resumed, again = train(parse_config(["--resume", f"--run={killed.run}"]))
    ours = json.loads(resumed.read_text())
    del whole["metadata"]["date"], ours["metadata"]["date"]
    # Threads add up some gradients in an order of their own; benchmarks.kills compares to the bit.
    np.testing.assert_allclose(ours.pop("weights"), whole.pop("weights"), rtol=1e-3, atol=1e-5)
    assert again == pytest.approx(ratio, rel=1e-3) and ours.keys() == whole.keys()
    more = train(parse_config(["--resume", f"--run={killed.run}", "--epochs=4"]))[1]
    assert more <= again and not list(killed.run.rglob("partial-*"))
    assert sorted(p.name for p in (killed.run / "checkpoints").glob("*.h5")) == [
        "epoch-000003.weights.h5",
        "epoch-000004.weights.h5",
    ]


@pytest.mark.large
def test_a_bad_loss_names_the_checkpoint(config, small, monkeypatch):
    on_epoch_end = KeepBest.on_epoch_end

    def poison(self, epoch, logs=None):
        on_epoch_end(self, epoch, logs)
        if epoch == 1:
            self.model.weights[0].assign(np.full(self.model.weights[0].shape, np.nan))

    monkeypatch.setattr(KeepBest, "on_epoch_end", poison)
    message = "Received: NaN or infinity in .* which learned from .*in.wav, .*out.wav; the last .* is .*epoch-000001"
    with pytest.raises(FloatingPointError, match=message):
        train(config)
    assert (config.run / "model.nam").exists()


def test_there_must_be_a_run_to_resume(config):
    with pytest.raises(ValueError, match="Expected --run to be the folder of a run to resume"):
        train(dataclasses.replace(config, resume=True))
