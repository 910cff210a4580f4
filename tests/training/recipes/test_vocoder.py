"""Training of GAN vocoders from the command line's configuration to a model that speaks."""

import dataclasses
import json
import os
import pickle
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import soundfile

from tests.training.test_train import contents
from tf_wavenet import ConvMuon, HiFiGAN, ISTFTVocoder, MelSpec
from training.generate import GenerateConfig, generate
from training.recipes import recipe_of
from training.recipes.held_out import averaged_weights
from training.recipes.vocoder import make_gan, make_mel_spec
from training.runs.config import VocoderConfig, WaveNetConfig
from training.runs.run_folder import SPEAKERS, RunFolder, load_model
from training.train import train

SETTINGS = {
    "generator_channels": 16,
    "discriminator_channels": 16,
    "sample_rate": 8000,
    "window_samples": 2048,
    "batch_size": 2,
    "validation_fraction": 0.3,
    "steps": 6,
    "warmup_steps": 2,
    "ema": 0.5,
    "validate_every": 3,
    "checkpoint_every": 3,
    "log_every": 3,
    "sample_seconds": 0.1,
    "precision": "float32",
    "jit_compile": False,
}
models = pytest.mark.parametrize("model", ["hifi_gan_v3", "istft_vocoder"])
CLASSES = {"hifi_gan_v3": HiFiGAN, "istft_vocoder": ISTFTVocoder}


@pytest.fixture(scope="module")
def finished(corpus, tmp_path_factory):
    """Function of a model's name that trains it once."""
    runs = {}

    def get(model):
        if model not in runs:
            folder = tmp_path_factory.mktemp("vocoders") / model
            start = 0 if model == "hifi_gan_v3" else None  # one trace each: with discriminators, or without
            config = VocoderConfig(model=model, data=corpus, run=folder, discriminator_start=start, **SETTINGS)
            runs[model] = train(config), config
        return runs[model]

    return get


@models
@pytest.mark.large
def test_best_model_is_the_generator_with_the_averages(finished, model):
    run, config = finished(model)
    best = load_model(run.best, SPEAKERS)
    assert isinstance(best, CLASSES[model])
    assert best.mel_spec.sample_rate == 8000 and best.dtype_policy.name == "float32"
    assert json.loads((run.path / "best.json").read_text()).keys() == {"step", "stft_loss"}
    step, _ = run.best_score()
    trained = recipe_of(config).build()
    trained.load_weights(run.checkpoint(step))
    for ours, average in zip(best.weights, averaged_weights(trained), strict=True):
        np.testing.assert_array_equal(ours, average)


@pytest.mark.large
def test_resumed_equals_uninterrupted_to_the_bit(corpus, tmp_path):
    # One thread: more add some gradients up in an order of their own. (So does XLA not, but it compiles for minutes.)
    # With discriminators: test_both_optimizers_of_a_vocoder_go_on, on small ones.
    settings = {
        **SETTINGS,
        "steps": 4,
        "validate_every": 4,
        "checkpoint_every": 1,
        "optimizer": "muon",
        "augment": True,
    }
    config = VocoderConfig(model="istft_vocoder", data=corpus, run=tmp_path / "whole", **settings)
    trains_alone(config)
    shutil.copytree(config.run, tmp_path / "killed")
    for step in (2, 3, 4):  # goes on in the middle of a turn of the resolutions
        RunFolder(tmp_path / "killed").checkpoint(step).unlink(missing_ok=True)
    trains_alone(dataclasses.replace(config, run=tmp_path / "killed", resume=True))
    ours, theirs = (contents(RunFolder(tmp_path / name).checkpoint(4)) for name in ("killed", "whole"))
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    early = contents(RunFolder(tmp_path / "whole").checkpoint(3))
    assert not np.array_equal(early["optimizer/vars/2"], theirs["optimizer/vars/2"])


def trains_alone(config):
    """Trains in a process of one thread."""
    code = "import pickle, sys; from training.train import train; train(pickle.load(sys.stdin.buffer))"
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=pickle.dumps(config), env={**os.environ, **threads}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-2000:]


@models
@pytest.mark.large
def test_copy_synthesis(finished, corpus, model, tmp_path):
    run, _ = finished(model)
    config = GenerateConfig(model=run.path, copy_synthesis=corpus / "0.wav", out=tmp_path / "out.wav")
    wav, _ = generate(config)
    samples, rate = soundfile.read(wav)
    assert rate == 8000 and 1500 <= len(samples) <= 1500 + 2 * 256 and np.isfinite(samples).all()
    with pytest.raises(ValueError, match="Expected no --prompt"):
        generate(dataclasses.replace(config, temperature=0.5))
    with pytest.raises(ValueError, match="Expected what to speak"):
        generate(dataclasses.replace(config, copy_synthesis=None))


@pytest.mark.large
def test_the_weight_of_the_stft_loss_is_the_models():
    for options, weight in (
        ({"model": "hifi_gan_v3"}, 0.0),
        ({"model": "parallel_wavegan"}, 1.0),
        ({"model": "hifi_gan_v3", "stft_weight": 45.0}, 45.0),
        ({"model": "istft_vocoder"}, 1.0),
    ):
        model = make_gan(VocoderConfig(**options, generator_channels=16, discriminator_channels=16))
        assert model.stft_weight == weight


@pytest.mark.large
def test_an_istft_vocoder_has_discriminators_only_if_asked_for(corpus, tmp_path):
    config = VocoderConfig(model="istft_vocoder", **SETTINGS)
    model = recipe_of(config).build()
    assert model.discriminators == [] and model.discriminator_optimizer is None
    assert (model.resolutions_per_step, len(model.stft_resolutions), model.mel_weight) == (2, 4, 0.5)
    model = recipe_of(dataclasses.replace(config, discriminator_start=4)).build()
    assert len(model.discriminators) == 2 and model.discriminator_start == 4


@pytest.mark.parametrize(("rate", "hop", "fft_length"), [(8000, 100, 512), (16000, 200, 1024), (22050, 276, 2048)])
def test_mels_of_an_istft_vocoder_keep_their_length_in_time(rate, hop, fft_length):
    spec = make_mel_spec(VocoderConfig(model="istft_vocoder", sample_rate=rate))
    assert (spec.sample_rate, spec.hop_length, spec.win_length, spec.fft_length) == (rate, hop, 4 * hop, fft_length)
    assert spec.fmax == 7600 * rate / 16000 and spec.normalization is not None
    if rate == 16000:
        assert spec == MelSpec.from_preset("speech_16k").standardized()


@pytest.mark.large
@pytest.mark.parametrize("model", ["hifi_gan_v3", "parallel_wavegan", "istft_vocoder", "wavenet"])
def test_muon_trains_the_generator_and_adam_the_discriminators(model):
    config = WaveNetConfig() if model == "wavenet" else VocoderConfig(model=model, generator_channels=16)
    made = recipe_of(dataclasses.replace(config, optimizer="muon", clipnorm=3.0, ema=0.5)).build()
    assert isinstance(made.optimizer, ConvMuon)
    assert (made.optimizer.global_clipnorm, made.optimizer.ema_momentum) == (3.0, 0.5)
    if model in ("hifi_gan_v3", "parallel_wavegan"):
        assert isinstance(made.discriminator_optimizer, keras.optimizers.Adam)


def test_published_settings_are_the_defaults():
    hifi_gan = VocoderConfig(model="hifi_gan_v1")
    parallel_wavegan = VocoderConfig(model="parallel_wavegan", steps=400_000)
    assert (hifi_gan.batch_size, hifi_gan.window_samples, hifi_gan.learning_rate) == (16, 8192, 2e-4)
    assert (parallel_wavegan.batch_size, parallel_wavegan.window_samples) == (6, 25600)
    assert (parallel_wavegan.learning_rate, parallel_wavegan.discriminator_start) == (1e-4, 100_000)
    istft = VocoderConfig(model="istft_vocoder")
    assert (istft.batch_size, istft.window_samples, istft.learning_rate, istft.clipnorm) == (16, 16000, 1e-3, 1.0)
    assert (istft.ema, istft.discriminator_start) == (0.999, None)
    wavenet = WaveNetConfig()
    assert (wavenet.batch_size, wavenet.window_samples, wavenet.learning_rate, wavenet.ema) == (4, 8000, 2e-3, 0.999)


@pytest.mark.large
def test_discriminators_of_parallel_wavegan_learn_at_half_the_rate():
    config = VocoderConfig(model="parallel_wavegan", **{**SETTINGS, "steps": 20, "schedule": "constant"})
    model = recipe_of(config).build()
    rates = [float(o._learning_rate(10)) for o in (model.optimizer, model.discriminator_optimizer)]
    np.testing.assert_allclose(rates, [1e-4, 5e-5], rtol=1e-6)


@pytest.mark.large
def test_both_learning_rates_fall_to_zero_at_the_last_step():
    config = VocoderConfig(model="parallel_wavegan", **{**SETTINGS, "steps": 20}, discriminator_start=12)
    model = recipe_of(config).build()
    for optimizer, steps in ((model.optimizer, 20), (model.discriminator_optimizer, 8)):
        assert float(optimizer._learning_rate(steps - 1)) > float(optimizer._learning_rate(steps)) == 0.0


@pytest.mark.parametrize(
    ("model", "mel"), [("hifi_gan_v1", None), ("istft_vocoder", "kan_bayashi"), ("parallel_wavegan", None)]
)
def test_mels_are_standardised(model, mel):
    rate = {"sample_rate": 22050} if mel else {}
    spec = make_mel_spec(VocoderConfig(model=model, mel=mel, **rate))
    name = mel or ("jik876" if model == "hifi_gan_v1" else "kan_bayashi")
    assert spec.normalization == MelSpec.from_preset(name).standardized().normalization


def test_refuses_windows_that_are_too_short_for_the_loss():
    with pytest.raises(ValueError, match="Expected window_samples above 1024.*Received: window_samples=1024"):
        VocoderConfig(model="hifi_gan_v1", window_samples=1024)


@pytest.mark.large
def test_a_wavenet_is_asked_for_where_only_it_will_do(finished):
    run, _ = finished("hifi_gan_v3")
    with pytest.raises(ValueError, match="to be of the class WaveNet. Received: HiFiGAN"):
        load_model(run.path)
    assert keras.models.load_model(run.best).local_hop == 256
